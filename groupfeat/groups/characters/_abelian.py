"""Character tables of abelian groups, ranked in whole numbers."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._character_table import (
    CharacterTable,
    paired_neighbours,
    table_of_rows,
)
from groupfeat.groups.characters._linear import linear_characters
from groupfeat.groups.characters._ranking import sorted_rows
from groupfeat.groups.characters._roots import roots_at
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["abelian_table"]

Whole = NDArray[np.intp]


def abelian_table(group: FiniteGroup) -> CharacterTable:
    """Return the table of an abelian group, from whole exponents of one root of unity."""
    found = linear_characters(group.cayley_table, group.generators, group.order)
    exponents = found.exponents_at(group.conjugacy_classes.representatives)
    ranking = _ranking_of_exponents(exponents, found.modulus)
    values = roots_at(found.modulus, exponents, ranking)
    doubled = 2 * found.at_steps[ranking] % found.modulus
    complex_rows = np.flatnonzero(doubled.any(axis=1))
    kinds = np.ones(group.order, dtype=np.intp)
    kinds[complex_rows] = 0
    return table_of_rows(group, values, kinds, paired_neighbours(complex_rows, group.order))


def _ranking_of_exponents(exponents: NDArray[np.int32], modulus: int) -> Whole:
    """Return the order of `ranking_of_values` for the values exp(2πi E/e), in whole numbers."""
    places = _places(modulus)
    count = len(exponents)
    keys = np.empty((count, 2 * count), dtype=places.dtype)
    keys[:, :count] = places[0].take(exponents)
    keys[:, count:] = places[1].take(exponents)
    return sorted_rows(keys)


@lru_cache(maxsize=64)
def _places(modulus: int) -> NDArray[Any]:
    """Return the rank of exp(2πi s/e) by falling real part, and by falling imaginary part (2, e).

    Big-endian, of the least width, so that rows compare as bytes.
    """
    turns = np.arange(modulus)
    # Descending cosine is ascending distance from 0, descending sine that from a quarter turn.
    quarter = (4 * turns - modulus) % (4 * modulus)
    distances = (np.minimum(turns, modulus - turns), np.minimum(quarter, 4 * modulus - quarter))
    ranks = [np.unique(distance, return_inverse=True)[1] for distance in distances]
    width = next(w for w in ("u1", ">u2", ">u4") if modulus <= 256 ** int(w[-1]))
    found = np.array(ranks).astype(width)
    found.setflags(write=False)
    return found
