"""Hidden nodes over time: energy, isotypic shares, assigned irrep."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy import Activation, PairSet, energy, family_shares
from groupfeat.groups import Irreps, check_irreps
from groupfeat.training.telemetry._features import as_float64

__all__ = ["NodeFeatures", "measure_nodes"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NodeFeatures:
    """What every hidden node has learned.

    Parameters
    ----------
    strength
        ‖w‖·‖v‖, shape (K,).
    energy
        E(w/‖w‖) on the given pairs, shape (K,); 0 for w = 0.
    shares
        Share of ‖w‖² in each real family, the trivial one first, shape (K, families).
    alive
        Least strength, relative to the largest, of a live node.
    """

    strength: Floats = field(repr=False)
    energy: Floats = field(repr=False)
    shares: Floats = field(repr=False)
    alive: float = 0.05

    def __post_init__(self) -> None:
        for array in (self.strength, self.energy, self.shares):
            array.setflags(write=False)

    @property
    def is_alive(self) -> NDArray[np.bool_]:
        """Whether each node is strong enough to matter, shape (K,)."""
        return self.strength > max(self.alive * float(self.strength.max(initial=0)), 1e-300)

    @property
    def family(self) -> NDArray[np.intp]:
        """Position in `real_families` of the nontrivial family with the largest share, (K,).

        −1 for a node with no nontrivial part.
        """
        if self.shares.shape[1] < 2:
            return np.full(len(self.shares), -1)
        best = 1 + np.argmax(self.shares[:, 1:], axis=1)
        return np.where(self.shares[:, 1:].max(axis=1) > 0, best, -1)

    @property
    def top_share(self) -> Floats:
        """Share of the assigned family once the trivial part is set aside, shape (K,)."""
        rest = self.shares[:, 1:].sum(axis=1)
        top = self.shares[:, 1:].max(axis=1, initial=0)
        return np.divide(top, rest, out=np.zeros_like(top), where=rest > 0)

    def summary(self, settled: float = 0.9) -> dict[str, float]:
        """Return numbers over live nodes, for a stream of metrics.

        ``nodes_alive``; ``node_share`` and ``node_energy``, means of `top_share` and `energy`;
        ``nodes_settled``, the share of live nodes with `top_share` of at least ``settled``;
        ``families_held``, how many nontrivial families such a node is assigned to.
        """
        live = self.is_alive
        if not live.any():
            return {"nodes_alive": 0, "families_held": 0}
        good = live & (self.top_share >= settled)
        return {
            "nodes_alive": int(live.sum()),
            "node_share": float(self.top_share[live].mean()),
            "node_energy": float(self.energy[live].mean()),
            "nodes_settled": float(good.sum() / live.sum()),
            "families_held": len(np.unique(self.family[good])),
        }


def measure_nodes(
    first_layer: Any,
    second_layer: Any,
    irreps: Irreps,
    pairs: PairSet,
    *,
    activation: str | Activation = "square",
) -> NodeFeatures:
    """Return energy, isotypic shares and strength of every node; all nodes in one pass.

    Parameters
    ----------
    first_layer, second_layer
        W of shape (2M, K) and V of shape (K, M).
    irreps
        All irreps of the group.
    pairs
        The pairs of the energy.
    activation
        σ of the energy.

    Raises
    ------
    ValueError
        If shapes do not fit, or a weight is not finite.

    Examples
    --------
    >>> from groupfeat.energy import full_pairs, predicted_families, sample_family
    >>> from groupfeat.groups import irreps, symmetric
    >>> import numpy as np
    >>> reps = irreps(symmetric(3))
    >>> family = predicted_families(reps)[1]
    >>> w = sample_family(family, reps, count=2, rng=0).T
    >>> nodes = measure_nodes(w, np.ones((2, 6)), reps, full_pairs(reps.group))
    >>> nodes.family.tolist(), nodes.top_share.round(9).tolist(), nodes.energy.round(9).tolist()
    ([2, 2], [1.0, 1.0], [1.5, 1.5])
    """
    check_irreps(irreps)
    order = irreps.group.order
    w, v = as_float64(first_layer, "W"), as_float64(second_layer, "V")
    if w.ndim != 2 or len(w) != 2 * order or v.shape[:1] != w.shape[1:]:
        raise ValueError(
            f"W must have shape ({2 * order}, K) and V K rows, got {w.shape} and {v.shape}"
        )
    norms = np.linalg.norm(w, axis=0)
    unit = np.divide(w, norms, out=np.zeros_like(w), where=norms > 0).T
    return NodeFeatures(
        norms * np.linalg.norm(v, axis=1),
        np.asarray(energy(unit, pairs, activation)),
        family_shares(unit, irreps),
    )
