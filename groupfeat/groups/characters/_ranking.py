"""The documented order of the rows of a character table."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ranking_of_values", "sorted_rows"]


def ranking_of_values(values: NDArray[np.complex128]) -> NDArray[np.intp]:
    """Return the order of rows by degree, falling real parts, falling imaginary parts."""
    count = len(values)
    keys = np.empty((count, 2 * count + 1))
    keys[:, 0] = values[:, 0].real
    np.negative(values.real, out=keys[:, 1 : count + 1])
    np.negative(values.imag, out=keys[:, count + 1 :])
    keys *= 1e6
    np.rint(keys, out=keys)
    # As big-endian unsigned numbers, so that rows compare as bytes.
    whole = keys.astype(np.int64)
    whole += 2**62
    if sys.byteorder == "little":
        whole.byteswap(inplace=True)
    return sorted_rows(whole)


def sorted_rows(keys: NDArray[Any]) -> NDArray[np.intp]:
    """Return the lexicographic order of rows of big-endian unsigned numbers, compared as bytes."""
    width = keys.shape[1] * keys.itemsize
    texts = np.ascontiguousarray(keys).view(f"S{width}").ravel()
    return np.argsort(texts, kind="stable").astype(np.intp)
