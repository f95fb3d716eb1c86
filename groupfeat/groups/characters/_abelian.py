"""Characters of abelian groups, exactly, as exponents of one root of unity."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._character_table import CharacterTable, table_of_rows
from groupfeat.groups.characters._ranking import sorted_rows
from groupfeat.groups.characters._roots import roots_of_unity
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["LinearCharacters", "abelian_table", "linear_characters"]

Whole = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class LinearCharacters:
    """The N characters of an abelian group ⟨s_1, …, s_r⟩ of order N, in whole numbers.

    Parameters
    ----------
    elements
        The elements in the order of ``words``, shape (N,).
    words
        Exponents w with x = s_1^w_1 … s_r^w_r, shape (N, r).
    at_steps
        Exponents c with χ_i(s_j) = exp(2πi c_ij/e), shape (N, r).
    modulus
        The exponent e of the group.
    """

    elements: Whole
    words: Whole
    at_steps: Whole
    modulus: int

    def exponents(self, rows: Any = ..., columns: Any = ...) -> Whole:
        """Return E with χ_i(x_j) = exp(2πi E_ij/e) for chosen characters and elements."""
        at_steps, words = self.at_steps[rows], self.words[columns]
        if words.shape[1] == 1:
            total = (at_steps * words[:, 0]).astype(np.float64)
        else:
            total = at_steps.astype(np.float64) @ words.T.astype(np.float64)
        # Whole numbers stand in float64 exactly, and divide faster there.
        total -= np.floor(total / self.modulus) * self.modulus
        return total.astype(np.intp)


def linear_characters(table: NDArray[Any], steps: Iterable[int]) -> LinearCharacters:
    """Return the characters of the abelian subgroup that ``steps`` generate.

    The characters of a subgroup H extend to ⟨H, s⟩ by choosing χ(s) among the
    n-th roots of χ(sⁿ), n the least power with sⁿ in H.
    """
    elements = np.zeros(1, dtype=np.intp)
    words = at_steps = np.zeros((1, 0), dtype=np.intp)
    modulus = 1
    for s in steps:
        inside = np.zeros(len(table), dtype=bool)
        inside[elements] = True
        known, step = inside.tolist(), table[:, s].tolist()
        powers = [0]
        while not known[power := step[powers[-1]]]:
            powers.append(power)
        n = len(powers)
        if n == 1:
            continue
        word = words[(elements == power).argmax()]
        # In units of 1/(e·n): χ(s) is χ(sⁿ)/n and any multiple of e.
        chosen = (at_steps @ word % modulus)[:, None] + modulus * np.arange(n)
        at_steps = np.column_stack([np.repeat(at_steps * n, n, axis=0), chosen.ravel()])
        modulus *= n
        words = np.column_stack([np.tile(words, (n, 1)), np.repeat(np.arange(n), len(words))])
        elements = table[np.array(powers)[:, None], elements].ravel().astype(np.intp)
    common = int(np.gcd.reduce(at_steps, axis=None, initial=modulus))
    return LinearCharacters(elements, words, at_steps // common, modulus // common)


def abelian_table(group: FiniteGroup) -> CharacterTable:
    """Return the table of an abelian group, from whole exponents of one root of unity."""
    found = linear_characters(group.cayley_table, group.generators)
    place = np.empty(group.order, dtype=np.intp)
    place[found.elements] = np.arange(group.order)
    exponents = found.exponents(columns=place[group.conjugacy_classes.representatives])
    ranking = _ranking_of_exponents(exponents, found.modulus)
    values = roots_of_unity(found.modulus)[exponents[ranking]]
    doubled = 2 * found.at_steps[ranking] % found.modulus
    # Neighbours in a sorted table, as `neighbouring_conjugates` says.
    complex_rows = np.flatnonzero(doubled.any(axis=1))
    conjugate = np.arange(group.order)
    conjugate[complex_rows] = complex_rows.reshape(-1, 2)[:, ::-1].ravel()
    kinds = np.ones(group.order, dtype=np.intp)
    kinds[complex_rows] = 0
    return table_of_rows(group, values, kinds, conjugate)


def _ranking_of_exponents(exponents: Whole, modulus: int) -> Whole:
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
