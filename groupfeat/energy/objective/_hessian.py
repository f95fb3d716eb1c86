"""∇²E, dense and as a product with vectors, for batches of weights on any pair set."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from groupfeat.energy.objective._activations import Activation, get_activation
from groupfeat.energy.objective._checks import check_overflow, check_vectors, check_weights
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.objective._terms import pair_curvatures, pair_slopes, pair_values
from groupfeat.energy.objective._variants import Readout, Variant, get_variant, make_readout

__all__ = ["energy_hessian", "energy_hvp", "hessian_products"]

Floats = NDArray[np.float64]
Products = Callable[[Floats], Floats]
_BLOCK_ENTRIES = 2_000_000


def energy_hessian(
    weights: ArrayLike,
    pairs: PairSet,
    activation: str | Activation = "square",
    *,
    variant: str | Variant = "raw",
) -> Floats:
    """Return ∇²E = JᵀSJ + Σ_i [(p_i − κf_i) ∇²f_i − κ ∇f_i ∇f_iᵀ], shape (..., 2M, 2M).

    J = ∂c/∂w (M × 2M), S the quadratic form of E = ½cᵀSc − ½κΣf² and p = Sc at the pair's
    target. Dense: O(n + M³) a weight; `energy_hvp` needs no matrix.

    Parameters, errors and source as for `energy`.

    Examples
    --------
    >>> import numpy as np
    >>> from groupfeat.energy import energy_hessian, full_pairs
    >>> from groupfeat.groups import cyclic
    >>> energy_hessian(np.ones((4, 6)), full_pairs(cyclic(3))).shape
    (4, 6, 6)
    """
    w = check_weights(weights, pairs.group)
    sigma, kind = get_activation(activation), get_variant(variant)
    readout = make_readout(pairs, kind)
    width = w.shape[-1]
    found = np.empty((*w.shape, width))
    with np.errstate(over="ignore", invalid="ignore"):
        for one, hessian in zip(w.reshape(-1, width), found.reshape(-1, width, width), strict=True):
            hessian[:] = _dense(one, pairs, sigma, kind.is_cross, readout)
    check_overflow(found, w)
    return found


def energy_hvp(
    weights: ArrayLike,
    vectors: ArrayLike,
    pairs: PairSet,
    activation: str | Activation = "square",
    *,
    variant: str | Variant = "raw",
) -> Floats:
    """Return ∇²E(w) v for each weight and vector, shape (..., 2M); cost O(n) each.

    Parameters
    ----------
    weights, vectors
        w and v, shapes (..., 2M), broadcast against each other.
    pairs, activation, variant
        As for `energy`.

    Raises
    ------
    ValueError
        As for `energy`.

    Examples
    --------
    >>> import numpy as np
    >>> from groupfeat.energy import energy_hessian, energy_hvp, full_pairs
    >>> from groupfeat.groups import cyclic
    >>> pairs, w = full_pairs(cyclic(3)), np.arange(6.0)
    >>> bool(np.allclose(energy_hvp(w, np.eye(6), pairs), energy_hessian(w, pairs)))
    True
    """
    w, v = check_vectors(vectors, check_weights(weights, pairs.group), pairs.group)
    sigma, kind = get_activation(activation), get_variant(variant)
    width = w.shape[-1]
    flat_w, flat_v = w.reshape(-1, width), v.reshape(-1, width)
    found = np.empty(flat_w.shape)
    step = max(1, _BLOCK_ENTRIES // len(pairs))
    for start in range(0, len(flat_w), step):
        block = slice(start, start + step)
        found[block] = hessian_products(flat_w[block], pairs, sigma, kind)(flat_v[block])
    return found.reshape(w.shape)


def hessian_products(
    weights: Floats, pairs: PairSet, sigma: Activation, variant: Variant
) -> Products:
    """Return the map v ↦ ∇²E(w) v of vectors (L, 2M), one for each of checked weights (L, 2M).

    What depends on w alone is computed once. The map raises ``ValueError`` on overflow.
    """
    order, n, w = pairs.order, len(pairs), weights.T
    readout = make_readout(pairs, variant)
    labels, kappa = readout.labels, readout.kappa
    gather = csr_array((np.ones(n), (labels, np.arange(n))), shape=(readout.n_labels, n))
    lefts, rights = (
        csr_array((np.ones(n), (rows, np.arange(n))), shape=(order, n))
        for rows in (pairs.left, pairs.right)
    )
    a, b = w[pairs.left], w[order + pairs.right]
    with np.errstate(over="ignore", invalid="ignore"):
        value = pair_values(sigma, variant.is_cross, a, b)
        slope_a, slope_b = pair_slopes(sigma, variant.is_cross, a, b)
        same, mixed = pair_curvatures(sigma, variant.is_cross, a, b)
        pull = readout.apply(np.asarray(gather @ value))[1][labels] - kappa * value

    def products(vectors: Floats) -> Floats:
        v = vectors.T
        va, vb = v[pairs.left], v[order + pairs.right]
        with np.errstate(over="ignore", invalid="ignore"):
            rise = slope_a * va + slope_b * vb
            pull_rise = readout.apply(np.asarray(gather @ rise))[1][labels] - kappa * rise
            first = pull * (same * va + mixed * vb) + pull_rise * slope_a
            second = pull * (mixed * va + same * vb) + pull_rise * slope_b
            found = np.concatenate([lefts @ first, rights @ second]).T
        check_overflow(found, weights)
        return found

    return products


def _dense(
    w: Floats, pairs: PairSet, sigma: Activation, is_cross: bool, readout: Readout
) -> Floats:
    order, labels = pairs.order, readout.labels
    left, right = pairs.left, pairs.right + order
    a, b = w[left], w[right]
    value = pair_values(sigma, is_cross, a, b)
    slope_a, slope_b = pair_slopes(sigma, is_cross, a, b)
    same, mixed = pair_curvatures(sigma, is_cross, a, b)
    sums: Floats = np.bincount(labels, value, readout.n_labels).astype(float)
    kappa = readout.kappa
    pull = readout.apply(sums[:, None])[1][:, 0][labels] - kappa * value
    jacobian: Floats = np.bincount(
        np.concatenate([labels * (2 * order) + left, labels * (2 * order) + right]),
        np.concatenate([slope_a, slope_b]),
        readout.n_labels * 2 * order,
    ).astype(float)
    jacobian = jacobian.reshape(readout.n_labels, 2 * order)
    hessian: Floats = jacobian.T @ readout.apply(jacobian)[1]
    diagonal = np.bincount(left, pull * same - kappa * slope_a**2, 2 * order)
    diagonal += np.bincount(right, pull * same - kappa * slope_b**2, 2 * order)
    hessian[np.arange(2 * order), np.arange(2 * order)] += diagonal
    across = np.bincount(
        pairs.left * order + pairs.right, pull * mixed - kappa * slope_a * slope_b, order**2
    ).reshape(order, order)
    hessian[:order, order:] += across
    hessian[order:, :order] += across.T
    return hessian
