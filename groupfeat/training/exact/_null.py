"""What random weights reach: the null model of node matching."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from groupfeat.energy import wilson_interval
from groupfeat.groups import Irreps, check_irreps
from groupfeat.training.match._match import MatchThresholds, NodeMatch, match_nodes

__all__ = ["NullModel", "null_model"]


@dataclass(frozen=True)
class NullModel:
    """Gaussian random nodes of a group, matched as a network's would be.

    Parameters
    ----------
    isotypic_shares, rank_one_shares, energy_ratios
        Of every random node, sorted.
    match_probability
        Share of live random nodes that match at the thresholds.
    match_interval
        Its 95 % Wilson interval.
    """

    isotypic_shares: NDArray[np.float64] = field(repr=False)
    rank_one_shares: NDArray[np.float64] = field(repr=False)
    energy_ratios: NDArray[np.float64] = field(repr=False)
    match_probability: float
    match_interval: tuple[float, float]

    def p_value(self, isotypic_share: float) -> float:
        """Return the chance that a random node has this isotypic share, at least 1/(n + 1)."""
        above = len(self.isotypic_shares) - np.searchsorted(self.isotypic_shares, isotypic_share)
        return float((above + 1) / (len(self.isotypic_shares) + 1))

    def network_p_value(self, match: NodeMatch) -> float:
        """Return the chance that so many of the live nodes match at random.

        Nodes are taken as independent, each matching with the upper end of ``match_interval``.
        """
        chance = bdtrc(match.matched - 1, match.alive, self.match_interval[1])
        return float(chance)


def null_model(
    irreps: Irreps,
    *,
    samples: int = 2000,
    thresholds: MatchThresholds | None = None,
    rng: int | np.random.Generator = 0,
) -> NullModel:
    """Match ``samples`` nodes of independent Gaussian weights.

    Raises
    ------
    ValueError
        If samples < 1.

    Examples
    --------
    >>> from groupfeat.groups import cyclic, irreps
    >>> from groupfeat.training import null_model
    >>> model = null_model(irreps(cyclic(3)), samples=500)
    >>> model.match_probability > 0.2  # one family holds most of R³: a match proves nothing
    True
    >>> null_model(irreps(cyclic(11)), samples=500).match_probability
    0.0
    """
    check_irreps(irreps)
    if samples < 1:
        raise ValueError(f"samples must be at least 1, got {samples}")
    generator, order = np.random.default_rng(rng), irreps.group.order
    first = generator.standard_normal((2 * order, samples))
    second = generator.standard_normal((samples, order))
    asked = thresholds or MatchThresholds()
    match = match_nodes(first, second, irreps, thresholds=asked)
    nodes = match.nodes
    # A network's chance is asked of its live nodes; on C2 a seventh of random nodes is dead.
    low, high = wilson_interval(match.matched, max(match.alive, 1))
    return NullModel(
        np.sort([node.isotypic_share for node in nodes]),
        np.sort([node.rank_one_share for node in nodes]),
        np.sort([node.energy_ratio for node in nodes]),
        match.share,
        (low, high),
    )
