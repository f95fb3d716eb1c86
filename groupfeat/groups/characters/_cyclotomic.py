"""Exact character values: sums of roots of unity as sympy expressions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._character_table import CharacterTable

__all__ = ["exact_character_values"]

Whole = NDArray[np.intp]


def exact_character_values(table: CharacterTable) -> Any:
    """Return the characters as exact sympy numbers, a ``sympy.Matrix`` of shape (k, k).

    Rational and quadratic values are written with square roots, others as the
    shortest sum found of 2cos(2πs/n) or of exp(2πis/n). Equal values
    are equal expressions. Meant for orders up to a few hundred.

    Examples
    --------
    >>> from groupfeat.groups import alternating, character_table, exact_character_values
    >>> exact = exact_character_values(character_table(alternating(5)))
    >>> exact[1, 3], exact[1, 4]
    (1/2 + sqrt(5)/2, 1/2 - sqrt(5)/2)
    """
    import sympy

    exponent = table.group.exponent
    reduction = _power_residues(exponent)
    known: dict[bytes, Any] = {}
    columns = []
    for spectrum in table.spectra:
        step = exponent // spectrum.shape[1]
        keys = spectrum @ reduction[::step]
        for key, counts in zip(keys, spectrum, strict=True):
            if key.tobytes() not in known:
                known[key.tobytes()] = _exact_sum(counts)
        columns.append([known[key.tobytes()] for key in keys])
    return sympy.Matrix(columns).T


def _power_residues(n: int) -> Whole:
    """Return xˢ modulo the n-th cyclotomic polynomial, s = 0 … n−1, shape (n, φ(n))."""
    import sympy

    x = sympy.Symbol("x")
    coefficients = sympy.Poly(sympy.cyclotomic_poly(n, x), x).all_coeffs()
    tail = -np.array(coefficients[:0:-1], dtype=np.intp)
    residues = np.zeros((n, len(tail)), dtype=np.intp)
    residues[0, 0] = 1
    for s in range(1, n):
        residues[s, 1:] = residues[s - 1, :-1]
        residues[s] += residues[s - 1, -1] * tail
    return residues


def _exact_sum(counts: Whole) -> Any:
    """Return Σ_s counts[s]·exp(2πis/n), exactly."""
    import sympy

    n = len(counts)
    units = [a for a in range(1, n + 1) if np.gcd(a, n) == 1]
    values = np.exp(2j * np.pi * np.outer(units, np.arange(n)) / n) @ counts
    distinct = _distinct(values)
    if len(distinct) == 1:
        return sympy.Integer(round(values[0].real))
    if len(distinct) == 2:
        total = round(distinct.sum().real)
        square = sympy.Integer(total**2 - 4 * round(distinct.prod().real))
        other = distinct[np.argmax(np.abs(distinct - values[0]))]
        ahead = (values[0] - other).real > 1e-6 or (values[0] - other).imag > 1e-6
        return (total + (1 if ahead else -1) * sympy.sqrt(square)) / sympy.Integer(2)
    sparse = _without_vanishing_sums(counts)
    angles = [(2 * sympy.pi * sympy.Rational(int(s), n), int(sparse[s])) for s in range(n)]
    if np.abs(values.imag).max() < 1e-9:
        return sympy.Add(*(c * sympy.cos(angle) for angle, c in angles))
    return sympy.Add(*(c * sympy.exp(sympy.I * angle) for angle, c in angles))


def _distinct(values: NDArray[np.complex128]) -> NDArray[np.complex128]:
    first = [i for i in range(len(values)) if not (np.abs(values[:i] - values[i]) < 1e-9).any()]
    return values[first]


def _without_vanishing_sums(counts: Whole) -> Whole:
    """Subtract full cosets of the p-th roots of unity, whose sum is 0, while that shortens."""
    import sympy

    n = len(counts)
    rest = counts.copy()
    for p in sympy.primefactors(n):
        cosets = np.arange(n).reshape(p, n // p)
        rest[cosets] -= np.sort(rest[cosets], axis=0)[(p - 1) // 2]
    return rest
