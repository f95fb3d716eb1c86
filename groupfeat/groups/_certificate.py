"""The certificate that goes with every set of irreps."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from groupfeat.groups._characters import CharacterTable

if TYPE_CHECKING:
    from groupfeat.groups._irreps import Irrep

__all__ = ["Certificate", "certify"]

_BLOCK_ENTRIES = 1_000_000


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
    everyone = list(members)
    linear = [irrep for irrep in everyone if irrep.dim == 1]
    size = max(1, _BLOCK_ENTRIES // table.group.order)
    found = [_linear_errors(table, linear[i : i + size]) for i in range(0, len(linear), size)]
    found += [_errors(table, irrep) for irrep in everyone if irrep.dim > 1]
    homomorphism, unitarity, traces = (float(max(column)) for column in zip(*found, strict=True))
    return Certificate(homomorphism, unitarity, max(traces, table.orthogonality_error))


def _linear_errors(table: CharacterTable, members: list["Irrep"]) -> tuple[float, float, float]:
    """Return `_errors` of irreps of dimension 1, all at once: their orbits are columns (M, L)."""
    cayley = table.group.cayley_table
    orbits = np.concatenate([irrep.orbit for irrep in members], axis=1)
    pivots = np.array([irrep.pivots[0] for irrep in members])
    columns = np.arange(len(members))
    inverse = 1 / orbits[pivots, columns]
    values = orbits[cayley[:, pivots], columns] * inverse
    homomorphism = unitarity = 0.0
    for s in table.group.generators:
        residual = (orbits * values[s] - orbits[cayley[s]]) * np.abs(inverse)
        homomorphism = max(homomorphism, float(np.abs(residual).max()))
        unitarity = max(unitarity, float(np.abs(np.abs(values[s]) ** 2 - 1).max()))
    wanted = table.values[[irrep.index for irrep in members]][
        :, table.group.conjugacy_classes.labels
    ]
    return homomorphism, unitarity, float(np.abs(values - wanted.T).max())


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
