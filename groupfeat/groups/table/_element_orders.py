"""Powers of elements, and their orders, prime by prime."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["element_powers", "find_element_orders", "powers_of"]


def powers_of(table: NDArray[Any], elements: NDArray[Any], exponent: int) -> NDArray[Any]:
    """Return gⁿ for each element g and one n ≥ 0, by repeated squaring."""
    power, base = np.zeros_like(elements), elements
    while exponent:
        if exponent & 1:
            power = table[power, base]
        exponent >>= 1
        if exponent:
            base = table[base, base]
    return power


def element_powers(table: NDArray[Any], g: int) -> NDArray[np.intp]:
    """Return the elements 1, g, g², …, shape (order of g,)."""
    powers = [0]
    row = table[:, g]
    while (power := int(row[powers[-1]])) != 0:
        powers.append(power)
    return np.array(powers, dtype=np.intp)


def find_element_orders(table: NDArray[Any]) -> NDArray[np.intp]:
    """Return the order of every element, shape (M,).

    For each prime p with pᵃ the full power in M, the p-part of the order of g is the
    order of g^(M/pᵃ), found in at most a steps.
    """
    order = len(table)
    orders: NDArray[np.intp] = np.ones(order, dtype=np.intp)
    for p, full in _prime_powers(order):
        power = powers_of(table, np.arange(order), order // full)
        while True:
            alive = power != 0
            if not alive.any():
                break
            orders[alive] *= p
            power = powers_of(table, power, p)
    return orders


def _prime_powers(n: int) -> list[tuple[int, int]]:
    """Return (p, pᵃ) for each prime p, pᵃ the largest power that divides n."""
    found = []
    p = 2
    while n > 1:
        full = 1
        while n % p == 0:
            n, full = n // p, full * p
        if full > 1:
            found.append((p, full))
        p = p + 1 if p * p < n else max(n, p + 1)
    return found
