"""Fewer nodes with the same answers: dead ones away, parallel ones merged, V refitted."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups import Irreps, check_irreps
from groupfeat.training.match._match import checked_layers

__all__ = ["NodePairs", "PrunedNetwork", "merge_parallel", "pair_nodes", "prune_network"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NodePairs:
    """Which nodes are [u; v] and [u; −v] of each other (up to sign, which x² does not see).

    Parameters
    ----------
    partners
        For each node the best partner, or −1, shape (K,).
    scores
        −cos(a, a')·cos(b, b') with the best other node, shape (K,); 1 for exact partners.
    """

    partners: NDArray[np.intp]
    scores: Floats = field(repr=False)

    @property
    def paired(self) -> int:
        """Number of nodes with a partner."""
        return int(np.sum(self.partners >= 0))


def pair_nodes(first_layer: ArrayLike, *, least: float = 0.95) -> NodePairs:
    """Find for each column [u; v] of W (2M, K) the column nearest to [u; −v].

    Constant parts are removed first. Partners need not be mutual: three nodes may share one.
    """
    w = np.asarray(first_layer, dtype=np.float64)
    if w.ndim != 2 or w.shape[0] % 2:
        raise ValueError(f"W must have shape (2M, K), got {w.shape}")
    cosines = []
    for block in (w[: len(w) // 2], w[len(w) // 2 :]):
        centred = block - block.mean(0)
        norms = np.linalg.norm(centred, axis=0)
        unit = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 0)
        cosines.append(unit.T @ unit)
    scores = -cosines[0] * cosines[1]
    if not scores.size:
        return NodePairs(np.zeros(0, np.intp), np.zeros(0))
    best = scores.argmax(1)
    top = scores.max(1)
    return NodePairs(np.where(top >= least, best, -1), top)


def merge_parallel(
    first_layer: ArrayLike, second_layer: ArrayLike, *, least_cosine: float = 1 - 1e-6
) -> tuple[Floats, Floats]:
    """Replace nodes of parallel w by one: (cw·x)² v = c²(w·x)² v, for σ = x².

    Returns unit columns W (2M, K') and V (K', M); zero columns are dropped.
    """
    w, v = np.asarray(first_layer, np.float64), np.asarray(second_layer, np.float64)
    norms = np.linalg.norm(w, axis=0)
    kept = np.flatnonzero(norms > 0)
    unit, rows = w[:, kept] / norms[kept], v[kept] * norms[kept, None] ** 2
    close = np.abs(unit.T @ unit) >= least_cosine
    leader = close.argmax(1)  # the first node that is parallel to it
    leaders = np.unique(leader)
    merged = np.zeros((len(kept), v.shape[1]))
    np.add.at(merged, leader, rows)
    return unit[:, leaders], merged[leaders]


@dataclass(frozen=True, eq=False)
class PrunedNetwork:
    """A network cut down while its answers stay right.

    Parameters
    ----------
    first_layer, second_layer
        W (2M, K') and V (K', M).
    hidden_before, hidden
        K and K'.
    accuracy_before, accuracy
        On all products.
    relative_loss
        ‖P⊥(Y − FV)‖²/‖P⊥Y‖² on all products.
    """

    first_layer: Floats = field(repr=False)
    second_layer: Floats = field(repr=False)
    hidden_before: int
    hidden: int
    accuracy_before: float
    accuracy: float
    relative_loss: float


def prune_network(
    first_layer: ArrayLike,
    second_layer: ArrayLike,
    irreps: Irreps,
    *,
    tolerance: float = 0.01,
    ridge: float = 1e-8,
) -> PrunedNetwork:
    """Drop nodes of a network with σ = x² as long as accuracy and loss on all products stay.

    Parallel nodes are merged. Then V is the ridge solution on all products (with a bias), the
    node is dropped whose loss makes ½‖P⊥(Y − FV)‖² + ½η‖V‖² grow least, ½‖v_j‖²/B_jj with
    B = (F̃ᵀF̃ + ηI)⁻¹, and so on; the smallest network of this sequence that answers as many
    products as before within the tolerance is returned. The bias becomes one constant node.

    Parameters
    ----------
    first_layer, second_layer
        W of shape (2M, K) and V of shape (K, M).
    irreps
        Irreps of the group.
    tolerance
        By how much ‖P⊥(Y − FV)‖²/‖P⊥Y‖² may exceed what all nodes reach. With 1 only the
        accuracy counts: argmax is right with far fewer irreps than Y needs.
    ridge
        η, relative to the mean of the diagonal of F̃ᵀF̃.

    Raises
    ------
    ValueError
        If the shapes do not fit the group.
    """
    check_irreps(irreps)
    w, v = checked_layers(first_layer, second_layer, irreps)
    group, order = irreps.group, irreps.group.order
    target = group.cayley_table.ravel().astype(np.intp)
    before = _accuracy(_features(w, order) @ v, target)
    unit, _ = merge_parallel(w, v)
    features = _features(unit, order)
    mean = features.mean(0)
    centred = features - mean
    gram = centred.T @ centred
    wanted = np.zeros((len(gram), order))
    for t in range(order):  # F̃ᵀỸ: sums over the pairs of each target
        wanted[:, t] = centred[target == t].sum(0)
    eta = ridge * max(float(np.trace(gram)) / max(len(gram), 1), 1e-300)
    sequence = _removal_order(gram, wanted, eta)

    def refit(count: int) -> tuple[Floats, NDArray[np.intp], float, float]:
        kept = np.sort(sequence[len(sequence) - count :])
        own = gram[np.ix_(kept, kept)]
        solved = np.linalg.solve(own + eta * np.eye(count), wanted[kept])
        loss = order**2 - order - np.vdot(solved, 2 * wanted[kept] - own @ solved)
        accuracy = _accuracy(centred[:, kept] @ solved, target)
        return solved, kept, accuracy, float(loss) / (order**2 - order)

    most = refit(len(sequence))[3] + tolerance
    count = _smallest(
        lambda size: refit(size)[3] <= most and refit(size)[2] >= before, len(sequence)
    )
    solved, kept, accuracy, loss = refit(count)
    constant = np.full((2 * order, 1), 1 / np.sqrt(2 * order))
    bias = -(mean[kept] @ solved) * order / 2
    return PrunedNetwork(
        np.concatenate([unit[:, kept], constant], axis=1),
        np.concatenate([solved, bias[None]]),
        w.shape[1],
        count + 1,
        before,
        accuracy,
        loss,
    )


def _features(w: Floats, order: int) -> Floats:
    inputs = w[:order, None] + w[None, order:]
    return np.square(inputs).reshape(order**2, w.shape[1])


def _accuracy(answers: Floats, target: NDArray[np.intp]) -> float:
    return float(np.mean(answers.argmax(1) == target))


def _removal_order(gram: Floats, wanted: Floats, eta: float) -> NDArray[np.intp]:
    """Return nodes in the order in which they are dropped; each step is one downdate of B."""
    count = len(gram)
    inverse = np.linalg.inv(gram + eta * np.eye(count))
    solved = inverse @ wanted
    left, dropped = np.arange(count), []
    while len(left):
        cost = np.sum(solved**2, axis=1) / np.diagonal(inverse)
        j = int(np.argmin(cost))
        dropped.append(int(left[j]))
        column = inverse[:, j] / inverse[j, j]
        solved = np.delete(solved - np.outer(column, solved[j]), j, axis=0)
        inverse = inverse - np.outer(column, inverse[j])
        inverse = np.delete(np.delete(inverse, j, axis=0), j, axis=1)
        left = np.delete(left, j)
    return np.array(dropped, dtype=np.intp)


def _smallest(holds: Callable[[int], bool], most: int) -> int:
    """Return a size that holds while the next smaller one does not, by bisection."""
    low, high = 0, most  # high is taken to hold
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high
