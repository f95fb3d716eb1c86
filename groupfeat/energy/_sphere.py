"""E on the unit sphere ‖w‖ = 1: gradient, Hessian, spectrum."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy._activations import Activation
from groupfeat.energy._energy import energy_and_gradient, energy_hessian
from groupfeat.energy._pairs import PairSet

__all__ = [
    "HessianSpectrum",
    "riemannian_gradient",
    "riemannian_hessian",
    "riemannian_spectrum",
    "tangent_basis",
]

Floats = NDArray[np.float64]


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
    weights: ArrayLike, pairs: PairSet, activation: str | Activation = "square"
) -> Floats:
    """Return ∇E − ⟨∇E, w⟩w at unit weights, shape (..., 2M).

    Raises
    ------
    ValueError
        If a weight is not of norm 1.
    """
    w = check_unit(weights)
    gradient = energy_and_gradient(w, pairs, activation)[1]
    return gradient - np.sum(gradient * w, axis=-1, keepdims=True) * w


def riemannian_hessian(
    weight: ArrayLike, pairs: PairSet, activation: str | Activation = "square"
) -> Floats:
    """Return Bᵀ(∇²E − ⟨∇E, w⟩)B in an orthonormal basis B of the tangent space, (2M−1, 2M−1)."""
    w = check_unit(weight)
    basis = tangent_basis(w)
    gradient = energy_and_gradient(w, pairs, activation)[1]
    hessian = energy_hessian(w, pairs, activation)
    return basis.T @ hessian @ basis - float(gradient @ w) * np.eye(len(w) - 1)


def riemannian_spectrum(
    weight: ArrayLike,
    pairs: PairSet,
    activation: str | Activation = "square",
    *,
    relative_tolerance: float = 1e-6,
) -> HessianSpectrum:
    """Return the spectrum of the Riemannian Hessian; zero means within ‖H‖₂ · tolerance."""
    values: Floats = np.linalg.eigvalsh(riemannian_hessian(weight, pairs, activation)).astype(float)
    tolerance = relative_tolerance * float(np.abs(values).max())
    return HessianSpectrum(
        values,
        int(np.sum(values > tolerance)),
        int(np.sum(np.abs(values) <= tolerance)),
        tolerance,
    )


def tangent_basis(weight: Floats) -> Floats:
    """Return an orthonormal basis of the tangent space at a unit weight, shape (2M, 2M − 1).

    The Householder reflection that sends ``weight`` to ± the first axis.
    """
    v = weight.copy()
    v[0] += np.copysign(1.0, v[0])
    reflection = np.eye(len(v)) - np.outer(v, v) * (2 / (v @ v))
    return reflection[:, 1:]


def check_unit(weights: ArrayLike) -> Floats:
    """Return float64 weights of norm 1 (within 1e-8), or raise ``ValueError``."""
    w = np.asarray(weights, dtype=np.float64)
    norms = np.linalg.norm(w, axis=-1)
    if np.any(np.abs(norms - 1) > 1e-8):
        worst = float(norms.flat[int(np.argmax(np.abs(norms - 1)))])
        raise ValueError(
            f"point must have norm 1, got {worst:.6g}; pass point / np.linalg.norm(point)"
        )
    return w
