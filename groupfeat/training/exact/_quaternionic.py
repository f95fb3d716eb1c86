"""Irreps of quaternionic type as matrices of quaternions."""

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups import Irrep

__all__ = ["quaternion_blocks"]


def quaternion_blocks(irrep: Irrep) -> NDArray[np.float64]:
    """Return ρ(g) as (d/2) × (d/2) quaternions, components on 1, i, j, k: (M, d/2, d/2, 4).

    J = Σ_g ρ(g) X ρ(g)ᵀ commutes as ρ(g) J = J ρ̄(g), so τ(v) = J v̄ commutes with ρ and τ² = −1.
    In a basis e₁, τe₁, e₂, τe₂, … the 2 × 2 blocks are [[α, −β̄], [β, ᾱ]].

    Raises
    ------
    ValueError
        If the irrep is of another type.
    """
    if irrep.frobenius_schur != -1:
        raise ValueError(
            f"irrep {irrep.index} is not of quaternionic type; its indicator is "
            f"{irrep.frobenius_schur}, expected -1"
        )
    rho, dim = irrep.matrices().astype(np.complex128), irrep.dim
    basis = _paired_basis(_structure(rho))
    blocks = (basis.conj().T @ rho @ basis).reshape(-1, dim // 2, 2, dim // 2, 2)
    alpha, other = blocks[:, :, 0, :, 0], blocks[:, :, 0, :, 1]
    return np.stack([alpha.real, alpha.imag, other.real, other.imag], axis=-1)


def _structure(rho: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return the unitary J with ρ(g) J = J ρ̄(g); it is skew: JJ̄ = −1."""
    dim = rho.shape[1]
    flat = rho.transpose(1, 0, 2).reshape(dim, -1)
    for i in range(dim):
        for j in range(i):
            seed = np.zeros((dim, dim))
            seed[i, j], seed[j, i] = 1, -1
            moved = (rho @ seed).transpose(1, 0, 2).reshape(dim, -1)
            found = moved @ flat.T
            size = np.linalg.norm(found) / np.sqrt(dim)
            if size > 1e-6 * len(rho):
                return found / size
    raise ArithmeticError("no invariant skew form; the irrep's type is wrong")


def _paired_basis(structure: NDArray[np.complex128]) -> NDArray[np.complex128]:
    dim = len(structure)
    columns: list[NDArray[np.complex128]] = []
    for unit in np.eye(dim, dtype=np.complex128):
        vector = unit
        for column in columns:
            vector = vector - column * np.vdot(column, vector)
        if len(columns) < dim and np.linalg.norm(vector) > 1e-3:
            first = vector / np.linalg.norm(vector)
            columns += [first, structure @ first.conj()]
    return np.stack(columns, axis=1)
