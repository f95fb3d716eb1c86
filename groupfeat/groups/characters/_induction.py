"""Representations induced from characters of an abelian normal subgroup."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._linear import LinearCharacters
from groupfeat.groups.characters._roots import roots_of_unity

__all__ = ["Induction"]

Whole = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Induction:
    """Representations induced from characters λ of an abelian normal subgroup A of index n.

    In the basis t_1 A … t_n A the vector u_g = ρ(g)e_1 has the one entry λ(t_i⁻¹g), where
    t_i⁻¹g is in A.

    Parameters
    ----------
    characters
        All characters of A.
    place
        Where an element of A stands among ``characters.elements``, |A| for the others, (M,).
    transversal
        t_1 = 1, …, t_n, shape (n,).
    chosen
        The λ of each row of the character table, −1 for a linear row, shape (k,).
    mirrors
        i with λ(t_i⁻¹at_i) = conj λ(a) for each row where there is one, shape (k,).
    """

    characters: LinearCharacters
    place: Whole
    transversal: Whole
    chosen: Whole
    mirrors: Whole

    def of_rows(self, rows: Whole) -> "Induction":
        """Return the induction whose rows are those of this one in another order."""
        return replace(self, chosen=self.chosen[rows], mirrors=self.mirrors[rows])

    def values(self, rows: Whole) -> NDArray[np.complex128]:
        """Return λ at the elements of A, and 0 for the others in the last column, (b, |A| + 1)."""
        found = np.zeros((len(rows), len(self.characters.elements) + 1), dtype=np.complex128)
        exponents = self.characters.exponents(rows=self.chosen[rows])
        roots_of_unity(self.characters.modulus).take(exponents, out=found[:, :-1], mode="clip")
        return found
