"""Match hidden nodes to irreps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy import (
    energy_in_irreps,
    family_shares,
    predicted_families,
    rank_one_shares,
)
from groupfeat.groups import Irreps, real_families

__all__ = ["MatchThresholds", "NodeMatch", "NodeReport", "match_nodes"]


@dataclass(frozen=True)
class MatchThresholds:
    """When a node is alive, and when it matches a family.

    The defaults accept at most 1 % of Gaussian random nodes from order 6 on (S3 and Q8 0.6 %, the
    worst of those tried); the isotypic share alone would accept 35 % on S3 (docs/decisions/0005).
    Below that a match means little, as most of R^M is one family: C2 0.30, C3 0.46, C4 0.06,
    C5 0.02 of random nodes match, C2×C2 0.005.

    Parameters
    ----------
    alive
        Least ‖w‖·‖v‖ relative to the largest node's.
    share
        Least isotypic share.
    rank_one
        Least rank-one share of both blocks.
    energy
        Least energy ratio E/E*.
    """

    alive: float = 0.05
    share: float = 0.9
    rank_one: float = 0.9
    energy: float = 0.8

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value <= 1:
                raise ValueError(f"threshold {name} must be in [0, 1], got {value}")


@dataclass(frozen=True)
class NodeReport:
    """One live hidden node.

    Parameters
    ----------
    index
        Column of W.
    irreps
        The nontrivial family that holds the largest share of the node, in both blocks.
    isotypic_share
        Share of ‖w‖² in that family, constant parts of a and b removed.
    rank_one_share
        Lesser share of the leading singular value in ‖â_k‖² and ‖b̂_k‖²; 1 at a maximum.
    energy_ratio
        E(w/‖w‖)/E*, on full data with σ = x²; 1 at a maximum.
    matched
        Whether share, rank-one share and energy ratio reach their thresholds and both blocks
        agree on the family.
    """

    index: int
    irreps: tuple[int, ...]
    isotypic_share: float
    rank_one_share: float
    energy_ratio: float
    matched: bool


@dataclass(frozen=True)
class NodeMatch:
    """All live nodes of a network, and what is missing.

    Parameters
    ----------
    nodes
        One report a live node.
    by_irrep
        Matched nodes of every nontrivial family.
    missing
        Nontrivial families without a matched node.
    thresholds
        What was asked of a live and of a matched node.
    """

    nodes: tuple[NodeReport, ...]
    by_irrep: dict[tuple[int, ...], int]
    missing: tuple[tuple[int, ...], ...]
    thresholds: MatchThresholds

    @property
    def alive(self) -> int:
        """Number of live nodes."""
        return len(self.nodes)

    @property
    def matched(self) -> int:
        """Number of matched nodes."""
        return sum(node.matched for node in self.nodes)

    @property
    def share(self) -> float:
        """Matched nodes over live nodes; 0 without a live node."""
        return self.matched / self.alive if self.nodes else 0.0


def match_nodes(
    first_layer: ArrayLike,
    second_layer: ArrayLike,
    irreps: Irreps,
    *,
    thresholds: MatchThresholds | None = None,
) -> NodeMatch:
    """Assign every live hidden node to a nontrivial irrep or conjugate pair.

    A node is alive when ‖w‖·‖v‖ (its column of W, its row of V) is large enough
    beside the largest node's. Constant parts of a and b are removed
    first: they lie on the trivial irrep, which carries no energy.

    Parameters
    ----------
    first_layer, second_layer
        W of shape (2M, K) and V of shape (K, M).
    irreps
        All irreps of the group.
    thresholds
        By default `MatchThresholds`'s own.

    Raises
    ------
    ValueError
        If the shapes do not fit the group, or a weight is not finite.
    """
    w, v = _checked(first_layer, second_layer, irreps.group.order, irreps.group.name)
    asked = thresholds or MatchThresholds()
    strength = np.linalg.norm(w, axis=0) * np.linalg.norm(v, axis=1)
    alive = np.flatnonzero(strength > max(asked.alive * float(strength.max(initial=0)), 1e-300))
    blocks = w.T[alive].reshape(len(alive), 2, irreps.group.order)
    centred = blocks - blocks.mean(axis=-1, keepdims=True)
    nodes = centred.reshape(len(alive), 2 * irreps.group.order)
    norms = np.linalg.norm(nodes, axis=1, keepdims=True)
    unit = np.divide(nodes, norms, out=np.zeros_like(nodes), where=norms > 0)
    reports = _report(alive, unit, irreps, asked)
    families = real_families(irreps)[1:]
    counts = {f: sum(n.matched and n.irreps == f for n in reports) for f in families}
    missing = tuple(f for f in families if not counts[f])
    return NodeMatch(reports, counts, missing, asked)


def _report(
    alive: NDArray[np.intp], unit: NDArray[np.float64], irreps: Irreps, asked: MatchThresholds
) -> tuple[NodeReport, ...]:
    families = real_families(irreps)[1:]
    if not families or not len(alive):
        return ()
    shares = family_shares(unit, irreps)[:, 1:]
    best = np.argmax(shares, axis=1)
    share = shares[np.arange(len(best)), best]
    agree = np.argmax(_block_shares(unit, irreps), axis=-1) == best[:, None]
    ratio = np.zeros(len(best))
    rank_one = np.zeros(len(best))
    energies = energy_in_irreps(unit, irreps)
    for position, family in enumerate(predicted_families(irreps)):
        rows = best == position
        ratio[rows] = energies[rows] / family.energy
        if rows.any():
            rank_one[rows] = rank_one_shares(unit[rows], irreps[family.irreps[0]])
    matched = (share >= asked.share) & (rank_one >= asked.rank_one) & (ratio >= asked.energy)
    matched &= agree.all(1)
    return tuple(
        NodeReport(
            int(index),
            families[best[i]],
            float(share[i]),
            float(rank_one[i]),
            float(ratio[i]),
            bool(matched[i]),
        )
        for i, index in enumerate(alive)
    )


def _block_shares(unit: NDArray[np.float64], irreps: Irreps) -> NDArray[np.float64]:
    """Return the nontrivial shares of a and of b, shape (nodes, 2, families)."""
    empty = np.zeros((len(unit), irreps.group.order))
    a, b = np.split(unit, 2, axis=1)
    alone = [np.concatenate(pair, axis=1) for pair in ((a, empty), (empty, b))]
    return np.stack([family_shares(block, irreps)[:, 1:] for block in alone], axis=1)


def _checked(
    first_layer: ArrayLike, second_layer: ArrayLike, order: int, name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    w = np.asarray(first_layer, dtype=np.float64)
    v = np.asarray(second_layer, dtype=np.float64)
    if w.ndim != 2 or w.shape[0] != 2 * order:
        raise ValueError(
            f"W must have shape ({2 * order}, K) for {name} of order {order}, got {w.shape}"
        )
    if v.shape != (w.shape[1], order):
        raise ValueError(f"V must have shape ({w.shape[1]}, {order}), got {v.shape}")
    if not (np.isfinite(w).all() and np.isfinite(v).all()):
        raise ValueError("weights must be finite, got NaN or infinity")
    return w, v
