"""E on the unit sphere ‖w‖ = 1: gradient, Hessian, spectrum."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy.objective._activations import Activation
from groupfeat.energy.objective._checks import check_unit, check_vectors
from groupfeat.energy.objective._energy import energy_and_gradient
from groupfeat.energy.objective._hessian import energy_hessian, energy_hvp, hessian_products
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.objective._variants import Variant

__all__ = [
    "VANISHING",
    "HessianSpectrum",
    "hessian_in_basis",
    "relative_gradients",
    "riemannian_gradient",
    "riemannian_hessian",
    "riemannian_hvp",
    "riemannian_spectrum",
    "tangent_basis",
    "tangent_products",
]

Floats = NDArray[np.float64]

VANISHING = 1e-12
"""Gradients (and energies) below this are rounding: E vanishes there, as for linear σ."""


@dataclass(frozen=True)
class HessianSpectrum:
    """Eigenvalues of the Riemannian Hessian at one point, and how many are positive or zero.

    Parameters
    ----------
    eigenvalues
        Ascending, shape (2M − 1,).
    index
        Number of ascending directions (eigenvalue > tolerance).
    nullity
        Number of flat directions (|eigenvalue| ≤ tolerance).
    tolerance
        What counts as zero.
    """

    eigenvalues: Floats
    index: int
    nullity: int
    tolerance: float


def riemannian_gradient(
    weights: ArrayLike,
    pairs: PairSet,
    activation: str | Activation = "square",
    *,
    variant: str | Variant = "raw",
) -> Floats:
    """Return ∇E − ⟨∇E, w⟩w at unit weights, shape (..., 2M).

    Raises
    ------
    ValueError
        If a weight is not of norm 1.
    """
    w = check_unit(weights, pairs.group)
    gradient = energy_and_gradient(w, pairs, activation, variant=variant)[1]
    return _project(w, gradient)


def riemannian_hessian(
    weights: ArrayLike,
    pairs: PairSet,
    activation: str | Activation = "square",
    *,
    variant: str | Variant = "raw",
) -> Floats:
    """Return Bᵀ(∇²E − ⟨∇E, w⟩)B, B an orthonormal basis of the tangent space.

    Shape (..., 2M−1, 2M−1) for weights (..., 2M); B is `tangent_basis` of each.
    """
    w = check_unit(weights, pairs.group)
    gradient = energy_and_gradient(w, pairs, activation, variant=variant)[1]
    hessian = energy_hessian(w, pairs, activation, variant=variant)
    return hessian_in_basis(w, gradient, hessian, tangent_basis(w))


def riemannian_hvp(
    weights: ArrayLike,
    vectors: ArrayLike,
    pairs: PairSet,
    activation: str | Activation = "square",
    *,
    variant: str | Variant = "raw",
) -> Floats:
    """Return P(∇²E − ⟨∇E, w⟩)Pv, P the projector on the tangent space; shape (..., 2M).

    Weights and vectors broadcast against each other; no matrix is formed.
    """
    w, v = check_vectors(vectors, check_unit(weights, pairs.group), pairs.group)
    gradient = energy_and_gradient(w, pairs, activation, variant=variant)[1]
    tangent = _project(w, v)
    product = energy_hvp(w, tangent, pairs, activation, variant=variant)
    return _project(w, product - np.sum(gradient * w, axis=-1, keepdims=True) * tangent)


def hessian_in_basis(w: Floats, gradient: Floats, hessian: Floats, basis: Floats) -> Floats:
    """Return Bᵀ(∇²E − ⟨∇E, w⟩)B of unit weights with ∇E, ∇²E and B known."""
    inner = np.swapaxes(basis, -1, -2) @ hessian @ basis
    radial = np.sum(gradient * w, axis=-1)[..., None, None]
    return np.asarray(inner - radial * np.eye(w.shape[-1] - 1))


def tangent_products(
    w: Floats, gradient: Floats, pairs: PairSet, sigma: Activation, variant: Variant
) -> Callable[[Floats], Floats]:
    """Return v ↦ `riemannian_hvp` at one unit weight (2M,) with ∇E known, unchecked."""
    products = hessian_products(w[None], pairs, sigma, variant)
    radial = np.sum(gradient * w)

    def product(v: Floats) -> Floats:
        tangent = _project(w, v)
        return _project(w, products(tangent[None])[0] - radial * tangent)

    return product


def riemannian_spectrum(
    weight: ArrayLike,
    pairs: PairSet,
    activation: str | Activation = "square",
    *,
    variant: str | Variant = "raw",
    relative_tolerance: float = 1e-6,
) -> HessianSpectrum:
    """Return the spectrum of the Riemannian Hessian; zero means within ‖H‖₂ · tolerance."""
    hessian = riemannian_hessian(weight, pairs, activation, variant=variant)
    if hessian.ndim != 2:
        raise ValueError(f"the spectrum is of one weight, got shape {np.shape(weight)}")
    values: Floats = np.linalg.eigvalsh(hessian).astype(float)
    tolerance = relative_tolerance * float(np.abs(values).max())
    return HessianSpectrum(
        values,
        int(np.sum(values > tolerance)),
        int(np.sum(np.abs(values) <= tolerance)),
        tolerance,
    )


def tangent_basis(weights: Floats) -> Floats:
    """Return an orthonormal basis of the tangent space at unit weights, shape (..., 2M, 2M − 1).

    The Householder reflection that sends the weight to ± the first axis.
    """
    v = weights.copy()
    v[..., 0] += np.copysign(1.0, v[..., 0])
    outer = v[..., :, None] * v[..., None, :]
    reflection = np.eye(v.shape[-1]) - outer * (2 / np.sum(v * v, axis=-1))[..., None, None]
    return np.asarray(reflection[..., 1:])


def _project(w: Floats, vectors: Floats) -> Floats:
    return vectors - np.sum(vectors * w, axis=-1, keepdims=True) * w


def relative_gradients(w: Floats, gradient: Floats) -> Floats:
    """Return ‖Riemannian gradient‖ / ‖∇E‖ of unit weights (B, 2M) with ∇E, shape (B,)."""
    radial = np.einsum("bi,bi->b", gradient, w)
    norms = np.sqrt(np.einsum("bi,bi->b", gradient, gradient))
    tangential = gradient - radial[:, None] * w
    found = np.sqrt(np.einsum("bi,bi->b", tangential, tangential))
    return np.divide(found, norms, out=np.zeros_like(norms), where=norms > VANISHING)
