"""The named families that have a table in closed form."""

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.table._arguments import whole_number
from groupfeat.groups.table._closure import MAX_ORDER, check_order
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["cyclic", "dicyclic", "dihedral", "metacyclic"]


def cyclic(n: int, *, max_order: int = MAX_ORDER) -> FiniteGroup:
    """Return C_n (= Z_n): element i is i modulo n, the product is addition.

    Raises
    ------
    ValueError
        If n is no whole number ≥ 1, or above ``max_order``.
    """
    n = whole_number(n, "n of Cn")
    if n < 1:
        raise ValueError(f"Cn needs n >= 1, got {n}")
    check_order(n, max_order, f"C{n}")
    i = np.arange(n)
    return FiniteGroup._trusted(f"C{n}", (i[:, None] + i) % n, (1,) if n > 1 else ())


def dihedral(n: int, *, max_order: int = MAX_ORDER) -> FiniteGroup:
    """Return D_n of order 2n, the symmetries of the n-gon: r^i has index i, r^i s has n + i."""
    n = whole_number(n, "n of Dn")
    if n < 1:
        raise ValueError(f"Dn needs n >= 1 (D5 has order 10), got {n}")
    return _cyclic_by_flip(f"D{n}", n, 0, ("r", "s"), max_order)


def dicyclic(n: int, *, max_order: int = MAX_ORDER) -> FiniteGroup:
    """Return Dic_n of order 4n: a^{2n} = 1, x² = aⁿ, x a x⁻¹ = a⁻¹; a^i has index i, a^i x 2n + i.

    Dic_2 is the quaternion group Q8; Dic_1 is C4.
    """
    n = whole_number(n, "n of Dicn")
    if n < 1:
        raise ValueError(f"Dicn needs n >= 1 (Dic5 has order 20), got {n}")
    return _cyclic_by_flip(f"Dic{n}", 2 * n, n, ("a", "x"), max_order)


def metacyclic(
    n: int, k: int, multiplier: int, *, name: str = "", max_order: int = MAX_ORDER
) -> FiniteGroup:
    """Return C_n ⋊ C_k with x a x⁻¹ = a^multiplier; a^i x^j has index i·k + j.

    Raises
    ------
    ValueError
        If multiplier^k is not 1 modulo n (no action of C_k).
    """
    n, k, multiplier = (
        whole_number(value, f"{letter} of C_n : C_k")
        for value, letter in ((n, "n"), (k, "k"), (multiplier, "the multiplier"))
    )
    if n < 1 or k < 1:
        raise ValueError(f"C_n : C_k needs n, k >= 1, got n={n}, k={k}")
    if pow(multiplier, k, n) != 1 % n:
        raise ValueError(
            f"C{n} : C{k} needs multiplier^{k} = 1 mod {n}, got multiplier {multiplier}"
        )
    title = name or f"C{n}:C{k}"
    check_order(n * k, max_order, title)
    i, j = np.divmod(np.arange(n * k), k)
    powers = np.array([pow(multiplier, e, n) for e in range(k)])
    table = (i[:, None] + powers[j][:, None] * i) % n * k + (j[:, None] + j) % k
    generators = ([k] if n > 1 else []) + ([1] if k > 1 else [])
    names = [_word(("a", int(a)), ("x", int(b))) for a, b in zip(i, j, strict=True)]
    return FiniteGroup._trusted(title, table, generators, names)


def _cyclic_by_flip(
    name: str, n: int, square: int, letters: tuple[str, str], max_order: int
) -> FiniteGroup:
    """Extend C_n by an element that inverts it and whose square is a^square."""
    check_order(2 * n, max_order, name)
    i = np.arange(n)
    total: NDArray[np.intp] = (i[:, None] + i) % n
    difference: NDArray[np.intp] = (i[:, None] - i) % n
    table = np.block([[total, total + n], [difference + n, (difference + square) % n]])
    rotation, flip = letters
    names = [_word((rotation, int(e)), (flip, f)) for f in (0, 1) for e in i]
    return FiniteGroup._trusted(name, table, (1, n) if n > 1 else (n,), names)


def _word(*powers: tuple[str, int]) -> str:
    letters = [letter if e == 1 else f"{letter}^{e}" for letter, e in powers if e]
    return "*".join(letters) or "1"
