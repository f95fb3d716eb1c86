"""Choose d vectors of an orbit that form a well-conditioned basis, and coordinates by them."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._blocks import squares

__all__ = ["canonical_orbit"]

_RESOLUTION = 1e6


def canonical_orbit(
    orbit: NDArray[np.inexact[Any]],
) -> tuple[NDArray[np.inexact[Any]], NDArray[np.intp]]:
    """Return ``orbit`` (M, d) in the basis that its pivots make, and those d pivots.

    Pivots are rows, each the farthest from the span of those before it: Gram–Schmidt with
    pivoting. Residuals are rounded before they are compared, so that ties fall on the first
    row whatever the order of summation. The basis in which ``orbit`` came does not matter: an
    eigensolver may choose another one with other threads, and the result is the same to rounding.

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
        for _ in range(2 if i else 0):
            rest = rest - (basis[:i].conj() @ rest) @ basis[:i]
        length = math.sqrt(np.vdot(rest, rest).real)
        if length < 1e-3:
            raise ArithmeticError(f"the orbit spans {i} < {degree} dimensions")
        basis[i] = rest / length
        lengths -= squares(orbit @ basis[i].conj())
    return orbit @ basis.conj().T, pivots
