"""One irrep: unitary matrices on demand, and their real form."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["Irrep", "checked_elements"]

Matrix = NDArray[np.inexact[Any]]


@dataclass(frozen=True, eq=False)
class Irrep:
    """One irreducible unitary representation ρ of dimension d.

    Matrices are made on demand from the orbit of one unit vector, so that an
    irrep costs M·d numbers: ρ(g) = [u_{g x₁} … u_{g x_d}] [u_{x₁} … u_{x_d}]⁻¹.

    Parameters
    ----------
    group
        The group of order M.
    index
        Row of the character table.
    dim
        Dimension d.
    frobenius_schur
        +1 real, 0 complex, −1 quaternionic type.
    orbit
        u_g = ρ(g)u, shape (M, d); real for real type.
    pivots
        Elements x₁ … x_d whose vectors form a well-conditioned basis, shape (d,).
    basis_inverse
        The inverse of [u_{x₁} … u_{x_d}], shape (d, d).
    """

    group: FiniteGroup
    index: int
    dim: int
    frobenius_schur: int
    orbit: Matrix = field(repr=False)
    pivots: NDArray[np.intp] = field(repr=False)
    basis_inverse: Matrix = field(repr=False)

    def __post_init__(self) -> None:
        self.orbit.setflags(write=False)
        self.pivots.setflags(write=False)

    @property
    def is_trivial(self) -> bool:
        """Whether ρ(g) = 1 for every g."""
        return self.index == 0

    def matrices(self, elements: ArrayLike | None = None) -> Matrix:
        """Return the unitary matrices of ``elements`` (default: all), shape (m, d, d).

        Float64 and orthogonal for real type, complex128 otherwise.

        Raises
        ------
        IndexError
            If an element is not in ``0..M-1``.
        """
        table = self.group.cayley_table
        chosen = table if elements is None else table[checked_elements(elements, len(table))]
        frames = self.orbit[chosen[:, self.pivots]]
        return frames.transpose(0, 2, 1) @ self.basis_inverse

    def real_matrices(self, elements: ArrayLike | None = None) -> NDArray[np.float64]:
        """Return a real orthogonal form: (m, d, d) for real type, else (m, 2d, 2d).

        A complex or quaternionic ρ = A + iB becomes [[A, −B], [B, A]].
        """
        matrices = self.matrices(elements)
        if self.frobenius_schur == 1:
            return matrices.real
        a, b = matrices.real, matrices.imag
        return np.block([[a, -b], [b, a]])


def checked_elements(elements: ArrayLike, order: int) -> NDArray[np.intp]:
    """Return ``elements`` as indices, or raise IndexError."""
    chosen = np.atleast_1d(np.asarray(elements))
    if chosen.size and (chosen.dtype.kind not in "iu" or chosen.ndim != 1):
        raise IndexError(f"elements must be a list of indices, got {chosen.dtype} {chosen.shape}")
    outside = chosen[(chosen < 0) | (chosen >= order)]
    if len(outside):
        raise IndexError(f"element {outside[0]} is not in 0..{order - 1}")
    return chosen.astype(np.intp)
