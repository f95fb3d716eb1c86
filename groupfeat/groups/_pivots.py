"""Choose d vectors of an orbit that form a well-conditioned basis."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["well_conditioned_pivots"]


def well_conditioned_pivots(orbit: NDArray[np.inexact[Any]]) -> NDArray[np.intp]:
    """Return d rows of ``orbit`` (M, d), each the farthest from the span of those before it.

    Gram–Schmidt with pivoting; residuals are rounded before they are compared,
    so that ties fall on the first row whatever the order of summation.

    Raises
    ------
    ArithmeticError
        If the rows do not span d dimensions.
    """
    degree = orbit.shape[1]
    rest = np.array(orbit)
    pivots = np.zeros(degree, dtype=np.intp)
    for i in range(degree):
        lengths = np.einsum("gi,gi->g", rest.conj(), rest).real
        pivots[i] = np.argmax(np.round(lengths, 6))
        if lengths[pivots[i]] < 1e-6:
            raise ArithmeticError(f"the orbit spans {i} < {degree} dimensions")
        unit = rest[pivots[i]] / np.sqrt(lengths[pivots[i]])
        rest -= np.outer(rest @ unit.conj(), unit)
    return pivots
