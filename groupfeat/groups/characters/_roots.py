"""Roots of unity and the exponents prime to n, made once."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["roots_at", "roots_of_unity", "units"]

# Small enough that temporaries stay in cache and are not given back to the system.
_BLOCK_ENTRIES = 20_000


@lru_cache(maxsize=64)
def units(n: int) -> NDArray[np.intp]:
    """Return the exponents prime to n, read-only."""
    exponents = np.arange(n)
    found = exponents[np.gcd(exponents, n) == 1]
    found.setflags(write=False)
    return found


@lru_cache(maxsize=64)
def roots_of_unity(n: int) -> NDArray[np.complex128]:
    """Return exp(2πi s/n), s = 0..n−1, read-only; that of −s is the exact conjugate."""
    quarter, rest = np.divmod(4 * np.arange(n // 2 + 1), n)
    angle = rest * (np.pi / (2 * n))
    roots = np.empty(n, dtype=np.complex128)
    half = np.array([1, 1j, -1])[quarter] * (np.cos(angle) + 1j * np.sin(angle))
    roots[: len(half)] = half[:n]
    roots[len(half) :] = half[1 : n - len(half) + 1][::-1].conj()
    roots.setflags(write=False)
    return roots


def roots_at(
    n: int, exponents: NDArray[np.int32], rows: NDArray[np.intp]
) -> NDArray[np.complex128]:
    """Return exp(2πi E/n) for some rows of E."""
    roots, width = roots_of_unity(n), exponents.shape[1]
    found = np.empty((len(rows), width), dtype=np.complex128)
    size = max(1, _BLOCK_ENTRIES // width)
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        # Nothing is out of bounds; any other mode would write through a buffer.
        roots.take(exponents[rows[part]], out=found[part], mode="clip")
    return found
