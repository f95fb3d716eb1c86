"""The orthogonality relations of a character table, measured."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dsyrk, zherk

from groupfeat.groups.characters._squares import squares

__all__ = ["orthogonality_error"]

ComplexArray = NDArray[np.complex128]
# Beyond so many classes only some rows are compared with all.
_ALL_ROWS = 600
_SOME_ROWS = 64
# Up to so many the complex product takes less than sorting out conjugates.
_FEW_ROWS = 24


def orthogonality_error(
    values: ComplexArray, shares: NDArray[np.float64], conjugate: NDArray[np.intp]
) -> float:
    """Return the largest entry of |Σ_j p_j χ_a(j) conj χ_b(j) − δ_ab|.

    Parameters
    ----------
    values
        χ_a at class j, shape (k, k).
    shares
        Share p_j of each class in the group, shape (k,).
    conjugate
        Row of each character's complex conjugate, shape (k,).
    """
    count, roots = len(values), np.sqrt(shares)
    if count > _ALL_ROWS:
        rows = np.linspace(0, count - 1, _SOME_ROWS).astype(np.intp)
        # The conjugate of the inner products: of the large array no copy is made.
        inner = (values[rows] * shares).conj() @ values.T
        inner[np.arange(len(rows)), rows] -= 1
        return math.sqrt(squares(inner).max())
    if count <= _FEW_ROWS:
        return _error_by_pairs(values, roots)
    everyone = np.arange(count)
    alone, first = (everyone == conjugate).nonzero()[0], (everyone < conjugate).nonzero()[0]
    if _are_exact_conjugates(values, alone, first, conjugate[first]):
        return _error_of_conjugates(values, roots, alone, first)
    return _error_by_pairs(values, roots)


def _error_by_pairs(values: ComplexArray, roots: NDArray[np.float64]) -> float:
    # One triangle is enough: the matrix is Hermitian, the other one stays zero.
    inner: NDArray[Any] = zherk(1, (values * roots).T, trans=2)
    # The diagonal, without an index array.
    inner.ravel(order="K")[:: len(values) + 1] -= 1
    return math.sqrt(squares(inner).max())


def _are_exact_conjugates(
    values: ComplexArray,
    alone: NDArray[np.intp],
    first: NDArray[np.intp],
    second: NDArray[np.intp],
) -> bool:
    """Whether rows are real, or one of a pair of conjugates, to the last bit."""
    if 2 * len(first) + len(alone) != len(values) or values.imag.take(alone, axis=0).any():
        return False
    return np.array_equal(values.take(second, axis=0), values.take(first, axis=0).conj())


def _error_of_conjugates(
    values: ComplexArray,
    roots: NDArray[np.float64],
    alone: NDArray[np.intp],
    first: NDArray[np.intp],
) -> float:
    """Return the error from one real product, a quarter of the complex one's work.

    With C and S the real and imaginary parts of the characters that stand for themselves and
    their conjugates, ⟨χ_a, χ_b⟩ = CC + SS + i(SC − CS) and ⟨χ_a, χ̄_b⟩ = CC − SS + i(SC + CS).
    """
    real, count = len(alone), len(values)
    both = real + len(first)
    parts = np.empty((count, count))
    rows = np.concatenate([alone, first])
    np.multiply(values.real.take(rows, axis=0), roots, out=parts[:both])
    np.multiply(values.imag.take(first, axis=0), roots, out=parts[both:])
    # One triangle is enough: the matrix is symmetric, the other one stays zero.
    inner: NDArray[Any] = dsyrk(1, parts.T, trans=1)
    diagonal = np.arange(count)
    inner[diagonal, diagonal] -= np.where(diagonal < real, 1, 0.5)
    against_real = np.square(inner[:real, :both])
    against_real[:, real:] += np.square(inner[:real, both:])
    worst = against_real.max(initial=0)
    cosines, sines = inner[real:both, real:both], inner[both:, both:]
    mixed = inner[real:both, both:]
    for sign in (1, -1) if len(first) else ():
        error = np.square(cosines + sign * sines)
        error += np.square(mixed - sign * mixed.T)
        worst = max(worst, error.max())
    return math.sqrt(worst)
