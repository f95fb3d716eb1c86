"""Squared sizes of complex numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["squares"]


def squares(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return |x|², without the square root that np.abs takes."""
    if values.dtype.kind != "c":
        return np.square(values)
    found: NDArray[np.float64] = np.square(values.real)
    found += np.square(values.imag)
    return found
