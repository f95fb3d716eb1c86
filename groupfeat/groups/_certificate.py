"""The certificate that goes with every set of irreps."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from groupfeat.groups._characters import CharacterTable

if TYPE_CHECKING:
    from groupfeat.groups._irreps import Irrep

__all__ = ["Certificate", "certify"]


@dataclass(frozen=True)
class Certificate:
    """Errors of a set of matrices, each a largest Frobenius norm or entry.

    Parameters
    ----------
    homomorphism_error
        Upper bound of ‖ρ(s)ρ(g) − ρ(sg)‖_F over all irreps, all g and all generators s.
    unitarity_error
        ‖ρ(s)*ρ(s) − 1‖_F over all irreps and generators.
    orthogonality_error
        |⟨χ_i, χ_j⟩ − δ_ij| over all pairs of characters, and |tr ρ(g) − χ(g)| over all g.
    """

    homomorphism_error: float
    unitarity_error: float
    orthogonality_error: float


def certify(table: CharacterTable, members: Iterable["Irrep"]) -> Certificate:
    """Measure the errors of ``members`` against ``table`` over the whole group.

    With e_x = ‖ρ(s)u_x − u_{sx}‖, the columns of ρ(s)ρ(g) − ρ(sg) are those
    residuals at x = g x_j times the inverse basis, which bounds the error for
    every g at a cost of M·d² a generator.
    """
    found = [_errors(table, irrep) for irrep in members]
    homomorphism, unitarity, traces = (float(max(column)) for column in zip(*found, strict=True))
    return Certificate(homomorphism, unitarity, max(traces, table.orthogonality_error))


def _errors(table: CharacterTable, irrep: "Irrep") -> tuple[float, float, float]:
    cayley = table.group.cayley_table
    inverse = irrep.basis_inverse
    amplification = float(np.linalg.norm(inverse, 2))
    framed = cayley[:, irrep.pivots]
    homomorphism = unitarity = 0.0
    for s, matrix in zip(
        table.group.generators, irrep.matrices(list(table.group.generators)), strict=True
    ):
        residual = irrep.orbit @ matrix.T - irrep.orbit[cayley[s]]
        squares = np.einsum("gi,gi->g", residual.conj(), residual).real
        worst = float(squares[framed].sum(1).max())
        homomorphism = max(homomorphism, np.sqrt(worst) * amplification)
        gram = matrix.conj().T @ matrix
        unitarity = max(unitarity, float(np.linalg.norm(gram - np.eye(irrep.dim))))
    traces = np.zeros(len(cayley), dtype=irrep.orbit.dtype)
    for j in range(irrep.dim):
        traces += irrep.orbit[framed[:, j]] @ inverse[j]
    return homomorphism, unitarity, float(np.abs(traces - table.on_elements(irrep.index)).max())
