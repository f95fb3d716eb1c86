"""The energy on full data through the Fourier transform: a second, independent road."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy.objective._activations import Activation, get_activation
from groupfeat.energy.objective._checks import check_overflow, check_weights
from groupfeat.groups import Irreps, check_irreps, fourier_transform

__all__ = ["energy_fourier", "energy_in_irreps"]

Floats = NDArray[np.float64]


def energy_fourier(
    weights: ArrayLike, irreps: Irreps, activation: str | Activation = "square"
) -> Floats:
    """E(w) = (1/2M) Σ_{k≠0} d_k ‖ĉ_k‖²_F on full data, any σ; weights (..., 2M), result (...).

    References
    ----------
    arXiv:2509.21519, Theorem 2, with the Frobenius norm (docs/decisions/0003).
    """
    check_irreps(irreps)
    group = irreps.group
    w = check_weights(weights, group)
    a, b = w[..., : group.order], w[..., group.order :]
    sigma = get_activation(activation)
    sums = np.zeros_like(a)
    with np.errstate(over="ignore", invalid="ignore"):
        for g in range(group.order):
            sums[..., group.cayley_table[g]] += sigma.value(a[..., g, None] + b)
        found = _weighted_norms(fourier_transform(sums, irreps), irreps) / (2 * group.order)
    check_overflow(found, w)
    return found


def energy_in_irreps(weights: ArrayLike, irreps: Irreps) -> Floats:
    """E(w) = (2/M) Σ_{k≠0} d_k ‖â_k b̂_k‖²_F for σ = x² on full data; (..., 2M) to (...)."""
    check_irreps(irreps)
    group = irreps.group
    w = check_weights(weights, group)
    a = fourier_transform(w[..., : group.order], irreps)
    b = fourier_transform(w[..., group.order :], irreps)
    with np.errstate(over="ignore", invalid="ignore"):
        products = [x @ y for x, y in zip(a, b, strict=True)]
        found = _weighted_norms(products, irreps) * (2 / group.order)
    check_overflow(found, w)
    return found


def _weighted_norms(blocks: Sequence[NDArray[np.inexact[Any]]], irreps: Irreps) -> Floats:
    parts = [
        irrep.dim * np.sum(np.abs(block) ** 2, axis=(-2, -1))
        for irrep, block in zip(irreps, blocks, strict=True)
        if not irrep.is_trivial
    ]
    return np.asarray(sum(parts, np.zeros(blocks[0].shape[:-2])))
