"""The flow ẇ = ∇E on the sphere, integrated with steps small enough to keep to its basins."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.objective._sphere import VANISHING

__all__ = ["follow_flow"]

Floats = NDArray[np.float64]
Oracle = Callable[[Floats], tuple[Floats, Floats]]

# Bogacki–Shampine: a third-order step and the second-order one it is compared with.
_STAGES = ((1 / 2,), (0, 3 / 4), (2 / 9, 1 / 3, 4 / 9))
_ERROR = (2 / 9 - 7 / 24, 1 / 3 - 1 / 4, 4 / 9 - 1 / 3, -1 / 8)
_TOLERANCE = 1e-4
# The steepest direction of a maximum decays at rate 2; the step is stable below 2.5 / 2.
_LARGEST_STEP = 1.0


def follow_flow(
    starts: Floats, oracle: Oracle, *, until: float, max_steps: int
) -> tuple[Floats, int]:
    """Follow w' = (∇E − ⟨∇E, w⟩w)/‖∇E‖ from unit starts (N, 2M) until its speed is ≤ ``until``.

    The division changes the clock, not the trajectories. Each start has its own step; the
    local error of a step is held to 1e-4.

    Returns
    -------
    points, steps
        Shape (N, 2M), and the largest number of steps taken.
    """
    points = starts.copy()
    first = _velocity(points, oracle)
    length = np.full(len(points), 0.1)
    active = np.flatnonzero(np.linalg.norm(first, axis=1) > until)
    step = 0
    while len(active) and step < max_steps:
        step += 1
        w, slopes, h = points[active], [first[active]], length[active, None]
        for row in _STAGES:
            trial = w + h * sum(c * k for c, k in zip(row, slopes, strict=True))
            trial /= np.linalg.norm(trial, axis=1, keepdims=True)
            slopes.append(_velocity(trial, oracle))
        errors = h * sum(c * k for c, k in zip(_ERROR, slopes, strict=True))
        size = np.linalg.norm(errors, axis=1) / _TOLERANCE
        good = size <= 1
        points[active[good]], first[active[good]] = trial[good], slopes[-1][good]
        change = np.clip(0.9 * np.maximum(size, 1e-6) ** (-1 / 3), 0.2, 3.0)
        length[active] = np.minimum(length[active] * change, _LARGEST_STEP)
        active = active[np.linalg.norm(first[active], axis=1) > until]
    return points, step


def _velocity(points: Floats, oracle: Oracle) -> Floats:
    gradient = oracle(points)[1]
    norms = np.linalg.norm(gradient, axis=1, keepdims=True)
    tangential = gradient - np.sum(gradient * points, axis=1, keepdims=True) * points
    return np.divide(tangential, norms, out=np.zeros_like(gradient), where=norms > VANISHING)
