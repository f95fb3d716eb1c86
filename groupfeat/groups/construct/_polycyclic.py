"""Polycyclic presentations: GAP's number for one, and the Cayley table."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.table._checks import table_dtype

__all__ = ["decode_polycyclic", "polycyclic_table"]

Words = dict[int, int]
Commutators = dict[tuple[int, int], int]


def decode_polycyclic(code: int, order: int) -> tuple[list[int], Words, Commutators]:
    """Read GAP's ``CodePcGroup`` number of a solvable group of the given order.

    The number holds, lowest digits first: the relative orders p₁ … p_l minus 2 in base
    max p − 1, last generator lowest (absent for p-groups); one bit for each power
    g_i^{p_i}, i < l, and each commutator [g_j, g_i], i < j, that is not trivial; then
    those words, each the number of the element, in base ``order``.

    Parameters
    ----------
    code
        The number.
    order
        Group order, > 1.

    Returns
    -------
    primes
        p₁ … p_l.
    powers
        ``powers[i]``: number of the element g_i^{p_i}, where not trivial.
    commutators
        ``commutators[j, i]``: number of g_j⁻¹ g_i⁻¹ g_j g_i, i < j, where not trivial.
    """
    factors = _prime_factors(order)
    length, primes = len(factors), factors
    if len(set(factors)) > 1:
        base = max(factors) - 1
        digits = []
        for _ in range(length):
            code, digit = divmod(code, base)
            digits.append(digit + 2)
        primes = digits[::-1]
    places: list[Any] = list(range(length - 1))
    places += [(j, i) for i in range(length - 1) for j in range(i + 1, length)]
    wanted = [place for bit, place in enumerate(places) if code >> bit & 1]
    code >>= len(places)
    powers: Words = {}
    commutators: Commutators = {}
    for place in wanted:
        code, word = divmod(code, order)
        if isinstance(place, tuple):
            commutators[place] = word
        else:
            powers[place] = word
    return primes, powers, commutators


def polycyclic_table(primes: list[int], powers: Words, commutators: Commutators) -> NDArray[Any]:
    """Return the Cayley table of a consistent polycyclic presentation, built from the bottom.

    G_i = ⟨g_i, …, g_l⟩ is normal in G_{i−1}. With n of order |G_{i+1}| and φ the
    automorphism x ↦ g_i⁻¹ x g_i, (g_i^a x)(g_i^b y) = g_i^{a+b} φ^b(x) y, and
    g_i^{p_i} is a word in G_{i+1}. Element g₁^{e₁} … g_l^{e_l} has the number of mixed
    radix with e₁ most significant.
    """
    order = int(np.prod(primes))
    dtype = table_dtype(order)
    table = np.zeros((1, 1), dtype=dtype)
    for i in range(len(primes) - 1, -1, -1):
        tail = primes[i + 1 :]
        action = _conjugation(i, tail, table, commutators)
        table = _extend(table, primes[i], powers.get(i, 0), action)
    return table


def _conjugation(
    i: int, tail: list[int], table: NDArray[Any], commutators: Commutators
) -> NDArray[np.intp]:
    """Return φ(x) = g_i⁻¹ x g_i on G_{i+1}, from g_j ↦ g_j [g_j, g_i]."""
    size = len(table)
    images = np.zeros(1, dtype=np.intp)
    # Elements of ⟨g_{i+1}, …, g_j⟩-prefixes grow generator by generator.
    place = size
    for offset, p in enumerate(tail):
        place //= p
        image = int(table[place, commutators.get((i + 1 + offset, i), 0)])
        power, columns = 0, []
        for _ in range(p):
            columns.append(table[images, power])
            power = int(table[power, image])
        images = np.stack(columns, axis=1).ravel().astype(np.intp)
    return images


def _extend(table: NDArray[Any], p: int, power: int, action: NDArray[np.intp]) -> NDArray[Any]:
    """Return the table of G_i from that of G_{i+1}: p × p blocks."""
    size = len(table)
    wide = np.empty((p, size, p, size), dtype=table.dtype)
    moved = np.arange(size)
    for b in range(p):
        plain = table[moved]
        carried = table[table[power, moved]]
        for a in range(p):
            exponent = (a + b) % p
            wide[a, :, b, :] = (plain if a + b < p else carried) + table.dtype.type(exponent * size)
        moved = action[moved]
    return wide.reshape(p * size, p * size)


def _prime_factors(n: int) -> list[int]:
    factors, p = [], 2
    while n > 1:
        while n % p == 0:
            factors.append(p)
            n //= p
        p += 1
    return factors
