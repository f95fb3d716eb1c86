"""Match hidden nodes to irreps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups import Irreps, check_irreps
from groupfeat.training.match._node_fourier import NodeFourier

__all__ = ["MatchThresholds", "NodeMatch", "NodeReport", "checked_layers", "match_nodes"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MatchThresholds:
    """When a node is alive, and when it matches a family.

    The defaults accept at most 1 % of Gaussian random nodes from order 6 on (`null_model` tells
    the chance for a given group); the isotypic share alone would accept 35 % on S3
    (docs/decisions/0005). Below that a match means little, as most of R^M is one family.

    Parameters
    ----------
    alive
        Least ‖w‖·‖v‖, constant part of w removed, relative to the largest node's.
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
        The nontrivial family that holds the largest share of the node.
    isotypic_share
        Share of ‖w‖² in that family, constant parts of a and b removed.
    rank_one_share
        Lesser share of the leading singular value in ‖â_k‖²_F and ‖b̂_k‖²_F; 1 at a maximum.
    energy_ratio
        E(w/‖w‖)/E*, on full data with σ = x²; 1 at a maximum.
    matched
        Whether share, rank-one share and energy ratio reach their thresholds and all blocks
        agree on the family.
    block_irreps
        The family of the largest share of a, of b and of the row of V, each on its own; the
        last is empty where the row of V is constant.
    output_share
        Share of the row of V in the node's family.
    output_cosine
        Cosine of the row of V with that family's part of a*b.
    faults
        Which of share, rank_one, energy, blocks kept an impure node from matching.
    """

    index: int
    irreps: tuple[int, ...]
    isotypic_share: float
    rank_one_share: float
    energy_ratio: float
    matched: bool
    block_irreps: tuple[tuple[int, ...], ...] = ()
    output_share: float = 0.0
    output_cosine: float = 0.0
    faults: tuple[str, ...] = ()


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
    dead, constant
        Columns of W of nodes that are too weak to count, and of those whose a and b are
        constant (a bias of the answer).
    """

    nodes: tuple[NodeReport, ...]
    by_irrep: dict[tuple[int, ...], int]
    missing: tuple[tuple[int, ...], ...]
    thresholds: MatchThresholds
    dead: tuple[int, ...] = ()
    constant: tuple[int, ...] = ()

    @property
    def alive(self) -> int:
        """Number of live nodes."""
        return len(self.nodes)

    @property
    def matched(self) -> int:
        """Number of matched nodes."""
        return sum(node.matched for node in self.nodes)

    @property
    def impure(self) -> tuple[int, ...]:
        """Columns of W of live nodes that match no family."""
        return tuple(node.index for node in self.nodes if not node.matched)

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

    Constant parts of a and b are removed first: they lie on the trivial irrep, which carries no
    energy. A node is alive when what is left of its column of W, times its row of V, is large
    enough beside the largest node's.

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

    Examples
    --------
    >>> from groupfeat.groups import irreps, symmetric
    >>> from groupfeat.training import exact_network, match_nodes
    >>> reps = irreps(symmetric(3))
    >>> match = match_nodes(*exact_network(reps), reps)
    >>> match.by_irrep, match.constant
    ({(1,): 1, (2,): 8}, (9,))
    """
    check_irreps(irreps)
    w, v = checked_layers(first_layer, second_layer, irreps)
    asked = thresholds or MatchThresholds()
    alive, dead, constant = _sorted_nodes(w, v, asked.alive)
    fourier = NodeFourier.of(w[:, alive], v[alive], irreps)
    reports = _reports(alive, fourier, asked)
    counts = {f: sum(n.matched and n.irreps == f for n in reports) for f in fourier.families}
    missing = tuple(f for f in fourier.families if not counts[f])
    return NodeMatch(reports, counts, missing, asked, dead, constant)


def _sorted_nodes(
    w: Floats, v: Floats, least: float
) -> tuple[NDArray[np.intp], tuple[int, ...], tuple[int, ...]]:
    blocks = w.reshape(2, len(w) // 2, w.shape[1])
    varying = np.linalg.norm(blocks - blocks.mean(1, keepdims=True), axis=(0, 1))
    whole, rows = np.linalg.norm(w, axis=0), np.linalg.norm(v, axis=1)
    flat = varying <= 1e-9 * whole
    strength = np.where(flat, 0, varying * rows)
    bar = max(least * float(strength.max(initial=0)), 1e-300)
    is_alive = strength > bar
    is_constant = flat & (whole * rows > bar)
    dead = np.flatnonzero(~is_alive & ~is_constant)
    return (
        np.flatnonzero(is_alive),
        tuple(dead.tolist()),
        tuple(np.flatnonzero(is_constant).tolist()),
    )


def _reports(
    alive: NDArray[np.intp], fourier: NodeFourier, asked: MatchThresholds
) -> tuple[NodeReport, ...]:
    families = fourier.families
    if not families or not len(alive):
        return ()
    rows, best = np.arange(len(alive)), fourier.best
    share = fourier.shares[rows, best]
    rank_one = fourier.rank_one_shares[:, :2].min(1)
    ratio = fourier.energy_ratios
    preferred = np.argmax(fourier.block_shares, axis=-1)
    answers = fourier.norms[:, 2].sum(-1) > 0
    agree = (preferred[:, :2] == best[:, None]).all(1) & ((preferred[:, 2] == best) | ~answers)
    passed = {
        "share": share >= asked.share,
        "rank_one": rank_one >= asked.rank_one,
        "energy": ratio >= asked.energy,
        "blocks": agree,
    }
    output = fourier.block_shares[rows, 2, best]
    return tuple(
        NodeReport(
            int(index),
            families[best[i]],
            float(share[i]),
            float(rank_one[i]),
            float(ratio[i]),
            all(bool(good[i]) for good in passed.values()),
            (*(families[k] for k in preferred[i, :2]), families[preferred[i, 2]])
            if answers[i]
            else (*(families[k] for k in preferred[i, :2]), ()),
            float(output[i]),
            float(fourier.output_cosines[i]),
            tuple(name for name, good in passed.items() if not good[i]),
        )
        for i, index in enumerate(alive)
    )


def checked_layers(
    first_layer: ArrayLike, second_layer: ArrayLike, irreps: Irreps
) -> tuple[Floats, Floats]:
    """Return W (2M, K) and V (K, M) as float64, or say what is wrong with them."""
    order, name = irreps.group.order, irreps.group.name
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
