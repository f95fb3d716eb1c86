"""Linear characters, exactly, as exponents of one root of unity."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LinearCharacters", "linear_characters"]

Whole = NDArray[np.intp]
# Small enough that temporaries stay in cache and are not given back to the system.
_BLOCK_ENTRIES = 20_000


@dataclass(frozen=True, eq=False)
class LinearCharacters:
    """The l linear characters of a group of order N, 1 on a kernel D, in whole numbers.

    Parameters
    ----------
    elements
        The elements in the order of ``words``, shape (N,).
    words
        Exponents w with x in s_1^w_1 … s_r^w_r D, shape (N, r).
    steps
        The elements s_j, shape (r,).
    at_steps
        Exponents c with χ_i(s_j) = exp(2πi c_ij/e), shape (l, r).
    modulus
        The exponent e of the quotient by D.
    """

    elements: Whole
    words: Whole
    steps: Whole
    at_steps: Whole
    modulus: int

    def exponents(self, rows: Any = ..., columns: Any = ...) -> NDArray[np.int32]:
        """Return E with χ_i(x_j) = exp(2πi E_ij/e) for chosen characters and elements."""
        # Whole numbers stand in float64 exactly, and multiply and divide faster there.
        at_steps = self.at_steps[rows].astype(np.float64)
        words = self.words[columns].T.astype(np.float64)
        found = np.empty((len(at_steps), words.shape[1]), dtype=np.int32)
        size = max(1, _BLOCK_ENTRIES // words.shape[1])
        for start in range(0, len(found), size):
            part = slice(start, start + size)
            total = at_steps[part] @ words
            total -= np.floor(total / self.modulus) * self.modulus
            found[part] = total
        return found

    def exponents_at(self, elements: Whole) -> NDArray[np.int32]:
        """Return the exponents at elements of the group."""
        place = np.empty(len(self.elements), dtype=np.intp)
        place[self.elements] = np.arange(len(place))
        return self.exponents(columns=place[elements])


def linear_characters(
    table: NDArray[Any], steps: Iterable[int], order: int, *, kernel: Whole | None = None
) -> LinearCharacters:
    """Return the characters of ⟨steps⟩, of ``order`` elements, that are 1 on ``kernel``.

    The kernel (default: 1) is normal in that group, and the quotient abelian. The characters of
    a subgroup H extend to ⟨H, s⟩ by choosing χ(s) among the n-th roots of χ(sⁿ), n the least
    power with sⁿ in H.
    """
    elements = np.zeros(1, dtype=np.intp) if kernel is None else kernel
    words, at_steps = np.zeros((len(elements), 0), np.intp), np.zeros((1, 0), np.intp)
    modulus, taken = 1, []
    place = [-1] * len(table)
    for s in steps:
        if len(elements) == order:
            break
        for i, x in enumerate(elements.tolist()):
            place[x] = i
        if place[s] >= 0:
            continue
        step, powers = table[:, s].tolist(), [0]
        while place[power := step[powers[-1]]] < 0:
            powers.append(power)
        n = len(powers)
        # In units of 1/(e·n): χ(s) is χ(sⁿ)/n and any multiple of e.
        base = at_steps @ words[place[power]] % modulus
        chosen = base[:, None] + modulus * np.arange(n)
        at_steps = np.column_stack([np.repeat(at_steps * n, n, axis=0), chosen.ravel()])
        modulus *= n
        words = np.column_stack([np.tile(words, (n, 1)), np.repeat(np.arange(n), len(words))])
        elements = table[np.array(powers)[:, None], elements].ravel().astype(np.intp)
        taken.append(s)
    common = int(np.gcd.reduce(at_steps, axis=None, initial=modulus))
    steps = np.array(taken, dtype=np.intp)
    return LinearCharacters(elements, words, steps, at_steps // common, modulus // common)
