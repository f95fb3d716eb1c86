"""The network's answers as a whole: characters they look like, irreps they hang on."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy import get_activation
from groupfeat.groups import (
    FiniteGroup,
    Irreps,
    check_irreps,
    isotypic_projector,
    isotypic_shares,
    real_families,
)

__all__ = [
    "Ablation",
    "LogitSimilarity",
    "ablate_irreps",
    "logit_blocks",
    "logit_similarity",
    "network_logits",
]

Floats = NDArray[np.float64]
_BLOCK_ENTRIES = 1 << 20


def logit_blocks(
    first_layer: ArrayLike, second_layer: ArrayLike, activation: str = "square"
) -> Iterator[Floats]:
    """Yield σ(XW)V for a few g and all h at a time, shape (rows, M)."""
    w, v = np.asarray(first_layer, np.float64), np.asarray(second_layer, np.float64)
    order = len(w) // 2
    sigma, step = get_activation(activation), max(1, _BLOCK_ENTRIES // (order * max(1, w.shape[1])))
    for start in range(0, order, step):
        inputs = w[start : min(start + step, order), None] + w[order:]
        yield sigma.value(inputs.reshape(len(inputs) * order, w.shape[1])) @ v


def network_logits(
    first_layer: ArrayLike, second_layer: ArrayLike, activation: str = "square"
) -> Floats:
    """Return σ(XW)V on all pairs, shape (M, M, M): g, h, t."""
    blocks = list(logit_blocks(first_layer, second_layer, activation))
    order = blocks[0].shape[1]
    return np.concatenate(blocks).reshape(order, order, order)


@dataclass(frozen=True)
class LogitSimilarity:
    """What the logits L(g, h, t), centred over t, share with each nontrivial family.

    Parameters
    ----------
    families
        Irreps of each entry.
    cosines
        Cosine of L with χ_k(g h t⁻¹) (of a complex pair: twice the real part).
    explained
        R²: share of ‖L‖² explained by all functions of x = g h t⁻¹ in the span of the
        matrix entries of the family.
    product_share
        Share of ‖L‖² that is any function of g h t⁻¹; what a network that knows only the
        product can have.
    """

    families: tuple[tuple[int, ...], ...]
    cosines: Floats = field(repr=False)
    explained: Floats = field(repr=False)
    product_share: float


def logit_similarity(logits: ArrayLike, irreps: Irreps) -> LogitSimilarity:
    """Compare logits (M, M, M) with every irrep in one pass over them.

    ⟨L, χ(g h t⁻¹)⟩ = Σ_x χ(x) s(x), s(x) = Σ_{g h t⁻¹ = x} L(g, h, t): one sum of M³ terms
    serves all irreps, and the norms of the characters are known (M³ each).

    Examples
    --------
    >>> from groupfeat.groups import irreps, symmetric
    >>> from groupfeat.training import exact_network, logit_similarity, network_logits
    >>> reps = irreps(symmetric(3))
    >>> found = logit_similarity(network_logits(*exact_network(reps)), reps)
    >>> (found.cosines**2).round(9).tolist(), round(found.product_share, 9)
    ([0.2, 0.8], 1.0)
    """
    check_irreps(irreps)
    group, order = irreps.group, irreps.group.order
    values = _checked(logits, order)
    families = real_families(irreps)[1:]
    whole = float(np.vdot(values, values))
    norm = whole - float(np.sum(values.sum(-1) ** 2)) / order
    if norm < 1e-6 * whole:  # large means over t: centre before squaring
        values = values - values.mean(-1, keepdims=True)
        norm = float(np.vdot(values, values))
        norm = norm if norm > 1e-28 * whole else 0.0
    sums = _sums_over_products(values, group)
    sums -= sums.mean()
    table = irreps.table
    characters = np.stack(
        [sum((table.on_elements(k).real for k in f), np.zeros(order)) for f in families]
    ) if families else np.zeros((0, order))  # fmt: skip
    lengths = np.array([len(f) for f in families]) * float(order) ** 3
    scale = np.sqrt(np.maximum(lengths * norm, 0))
    cosines = np.divide(characters @ sums, scale, out=np.zeros(len(families)), where=scale > 0)
    # ‖projection on functions of x‖² = Σ_x s(x)²/M².
    product = float(sums @ sums) / order**2
    share = product / norm if norm > 0 else 0.0
    explained = isotypic_shares(sums, irreps)[1:] * share
    return LogitSimilarity(families, cosines, explained, share)


def _sums_over_products(values: Floats, group: FiniteGroup) -> Floats:
    """Return s(x), the sum of L over g h t⁻¹ = x, shape (M,)."""
    order = group.order
    by_product = np.zeros((order, order))
    for g in range(order):  # rows h of L[g] belong to the products gh, each once
        by_product[group.cayley_table[g]] += values[g]
    quotient = group.cayley_table[:, group.inverse]
    sums: Floats = np.bincount(quotient.ravel(), by_product.ravel(), order).astype(np.float64)
    return sums


@dataclass(frozen=True)
class Ablation:
    """Loss and accuracy on all products without, and with nothing but, each family.

    Parameters
    ----------
    families
        Irreps of each entry.
    excluded_loss, excluded_accuracy
        Answers with the family taken out.
    restricted_loss, restricted_accuracy
        Answers with the family alone.
    loss, accuracy
        Of the whole network.
    """

    families: tuple[tuple[int, ...], ...]
    excluded_loss: Floats = field(repr=False)
    excluded_accuracy: Floats = field(repr=False)
    restricted_loss: Floats = field(repr=False)
    restricted_accuracy: Floats = field(repr=False)
    loss: float
    accuracy: float


def ablate_irreps(logits: ArrayLike, irreps: Irreps) -> Ablation:
    """Remove or keep one family of the answer L(g, h, ·), as a function of t, at a time.

    The loss is the mean of ‖e_gh − 1/M − L‖², L centred over t (`mse_classes`). Projecting L is
    projecting the rows of V.
    """
    check_irreps(irreps)
    group, order = irreps.group, irreps.group.order
    values = _checked(logits, order).reshape(order**2, order)
    centred = values - values.mean(1, keepdims=True)
    target = group.cayley_table.ravel().astype(np.intp)
    families = real_families(irreps)[1:]
    whole = _loss_and_accuracy(centred, target)
    found = np.zeros((len(families), 4))
    for position, family in enumerate(families):
        kept = centred @ isotypic_projector(irreps, family)
        found[position, 2:] = _loss_and_accuracy(kept, target)
        found[position, :2] = _loss_and_accuracy(centred - kept, target)
    return Ablation(families, found[:, 0], found[:, 1], found[:, 2], found[:, 3], *whole)


def _loss_and_accuracy(centred: Floats, target: NDArray[np.intp]) -> tuple[float, float]:
    rows = np.arange(len(target))
    right = centred[rows, target]
    # A tie is no answer: what is projected away may leave equal values everywhere.
    others = centred.copy()
    others[rows, target] = -np.inf
    best = others.max(1)
    accuracy = float(np.mean(right > best + 1e-9 * np.abs(best)))
    square = float(np.einsum("nt,nt->", centred, centred)) - 2 * float(right.sum())
    return square / len(target) + 1 - 1 / centred.shape[1], accuracy


def _checked(logits: ArrayLike, order: int) -> Floats:
    values = np.asarray(logits, dtype=np.float64)
    if values.shape != (order,) * 3:
        raise ValueError(
            f"expected logits of shape ({order}, {order}, {order}), got {values.shape}; "
            "network_logits makes them"
        )
    return values
