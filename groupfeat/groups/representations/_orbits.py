"""From a character to matrices: unit vectors u_g = ρ(g)u for every g, by pivoted Cholesky.

For an element h and an eigenvalue λ of ρ(h) of multiplicity m, with P the
projector on that eigenspace, φ(x) = tr(ρ(x)P) = (1/o) Σ_s λ⁻ˢ χ(x hˢ) needs
only look-ups, and φ(x⁻¹y) is the Gram matrix of the vectors ρ(y)P, of rank
d·m. If m > 1, the function of one vector takes the place of φ, and the rank
is d. The pivoted Cholesky factor holds the vectors' coordinates in an
orthonormal basis.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._character_table import CharacterTable
from groupfeat.groups.representations._blocks import OrbitStack
from groupfeat.groups.representations._gram import orbit_stacks, pivoted_cholesky
from groupfeat.groups.representations._one_vector import one_vector
from groupfeat.groups.representations._projections import (
    Projections,
    choose_projections,
    projected_characters,
)

__all__ = ["find_orbits"]

Matrix = NDArray[np.inexact[Any]]
_BATCH_ENTRIES = 4_000_000


def find_orbits(
    table: CharacterTable, indices: NDArray[np.intp], rng: np.random.Generator, *, real: bool
) -> Iterator[OrbitStack]:
    """Yield the vectors ρ(g)u and pivots of characters that are all of real type or all not.

    Raises
    ------
    ArithmeticError
        If the rank of a Gram matrix is not d, or no random element tells one vector of an
        eigenspace from the others.
    """
    projections = choose_projections(table, indices)
    # Falling ranks: those that still have columns to come are always the first ones.
    degrees = table.dims[indices]
    falling = np.argsort(-degrees, kind="stable")
    while len(falling):
        size = max(1, _BATCH_ENTRIES // (table.group.order * int(degrees[falling[0]])))
        batch, falling = falling[:size], falling[size:]
        phi = _functions_of_vectors(table, projections.part(batch), rng, real=real)
        ranks = degrees[batch]
        factors, pivots = pivoted_cholesky(table, phi, ranks)
        yield from orbit_stacks(indices[batch], factors, pivots, ranks)


def _functions_of_vectors(
    table: CharacterTable, chosen: Projections, rng: np.random.Generator, *, real: bool
) -> Matrix:
    """Return ⟨v, ρ(x)v⟩ for one vector v of each eigenspace, shape (b, M)."""
    phi = projected_characters(table, chosen, real=real)
    for b in np.flatnonzero(chosen.multiplicities > 1).tolist():
        degree = int(table.dims[chosen.indices[b]])
        phi[b] = one_vector(table.group, phi[b], chosen.part(b), degree, rng)
    return phi
