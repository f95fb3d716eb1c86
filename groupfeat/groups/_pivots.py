"""Choose d vectors of an orbit that form a well-conditioned basis."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups._blocks import squares

__all__ = ["well_conditioned_pivots"]

_RESOLUTION = 1e6


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
    basis = np.zeros((degree, degree), dtype=orbit.dtype)
    lengths: NDArray[np.floating[Any]] = squares(orbit) @ np.ones(degree)
    pivots = np.zeros(degree, dtype=np.intp)
    for i in range(degree):
        pivots[i] = np.rint(lengths * _RESOLUTION).argmax()
        rest = orbit[pivots[i]]
        # Twice is enough (Kahan): the second pass removes what rounding left of the first.
        for _ in range(2):
            rest = rest - (basis[:i].conj() @ rest) @ basis[:i]
        length = np.linalg.norm(rest)
        if length < 1e-3:
            raise ArithmeticError(f"the orbit spans {i} < {degree} dimensions")
        basis[i] = rest / length
        lengths -= squares(orbit @ basis[i].conj())
    return pivots
