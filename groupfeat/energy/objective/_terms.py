"""What one pair adds: f(a, b) and its derivatives, in plain numpy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.objective._activations import Activation

__all__ = ["pair_curvatures", "pair_slopes", "pair_values"]

Floats = NDArray[np.floating[Any]]


def pair_values(sigma: Activation, is_cross: bool, a: Floats, b: Floats) -> Floats:
    """Return f = σ(a + b), or ½[σ(a + b) − σ(a − b)]; same shape as ``a``."""
    if not is_cross:
        return sigma.value(a + b)
    return (sigma.value(a + b) - sigma.value(a - b)) / 2


def pair_slopes(sigma: Activation, is_cross: bool, a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return ∂f/∂a and ∂f/∂b."""
    sum_ = sigma.derivative(a + b)
    if not is_cross:
        return sum_, sum_
    difference = sigma.derivative(a - b)
    return (sum_ - difference) / 2, (sum_ + difference) / 2


def pair_curvatures(
    sigma: Activation, is_cross: bool, a: Floats, b: Floats
) -> tuple[Floats, Floats]:
    """Return ∂²f/∂a² (= ∂²f/∂b²) and ∂²f/∂a∂b."""
    sum_ = sigma.second_derivative(a + b)
    if not is_cross:
        return sum_, sum_
    difference = sigma.second_derivative(a - b)
    return (sum_ - difference) / 2, (sum_ + difference) / 2
