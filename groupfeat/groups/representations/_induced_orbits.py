"""Matrices of induced characters, read off without factoring; real types by a real vector."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._character_table import CharacterTable
from groupfeat.groups.characters._induction import Induction
from groupfeat.groups.representations._blocks import OrbitStack
from groupfeat.groups.representations._gram import orbit_stacks, pivoted_cholesky

__all__ = ["induced_orbits"]

Matrix = NDArray[np.inexact[Any]]
_BATCH_ENTRIES = 4_000_000


def induced_orbits(
    table: CharacterTable, induction: Induction, indices: NDArray[np.intp], *, real: bool
) -> Iterator[OrbitStack]:
    """Yield the vectors ρ(g)u and pivots of induced characters, all of real type or none.

    Raises
    ------
    ArithmeticError
        If the rank of a real type's Gram matrix is not its degree.
    """
    n = len(induction.transversal)
    size = max(1, _BATCH_ENTRIES // (table.group.order * n))
    for start in range(0, len(indices), size):
        batch = indices[start : start + size]
        if real:
            phi = _real_function(table, induction, batch)
            ranks = np.full(len(batch), n)
            factors, pivots = pivoted_cholesky(table, phi, ranks)
            yield from orbit_stacks(batch, factors, pivots, ranks)
        else:
            yield _monomial_orbits(table, induction, batch)


def _monomial_orbits(
    table: CharacterTable, induction: Induction, indices: NDArray[np.intp]
) -> OrbitStack:
    """Return u_g = ρ(g)e_1 in the basis of the cosets: λ(t_i⁻¹g) in the one coset t_i A of g."""
    group, transversal = table.group, induction.transversal
    places = induction.place[group.cayley_table[group.inverse[transversal]]]
    orbits = induction.values(indices).take(places.T, axis=1)
    return OrbitStack(indices, orbits, np.tile(transversal, (len(indices), 1)))


def _real_function(
    table: CharacterTable, induction: Induction, indices: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return φ(x) = ⟨v, ρ(x)v⟩ of a real vector v, shape (b, M).

    With conj λ = λ(t⁻¹·t), an antilinear map that commutes with ρ carries the line of e_1 to
    that of e_t, and its square is 1 for real type: so v = e_1 + e_t is fixed by one such map.
    """
    group, place = table.group, induction.place
    cayley = group.cayley_table
    mirrors = induction.transversal[induction.mirrors[indices]]
    from_left = cayley[group.inverse[mirrors]]
    from_right = cayley[:, mirrors].T
    from_both = np.take_along_axis(from_left, from_right.astype(np.intp), axis=1)
    values = np.ascontiguousarray(induction.values(indices).real)
    rows = values.shape[1] * np.arange(len(indices))[:, None]
    total = values.take(place + rows)
    for elements in (from_left, from_right, from_both):
        total += values.take(place[elements] + rows)
    total /= total[:, :1].copy()
    return total
