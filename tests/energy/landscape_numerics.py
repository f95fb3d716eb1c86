"""Numerical roads to the landscape that know nothing of its closed form."""

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy import PairSet, energy_and_gradient, energy_hessian

Floats = NDArray[np.float64]


def flow_to_the_end(w: Floats, pairs: PairSet, steps: int = 3000, size: float = 0.05) -> Floats:
    """Follow the sphere's gradient flow by the classical Runge–Kutta scheme."""
    w = w.copy()
    moving = np.arange(len(w))

    def velocity(x: Floats) -> Floats:
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
        e, g = energy_and_gradient(x, pairs)
        # Time runs at the pace of each trajectory's own energy.
        return g / (4 * e[:, None]) - x

    for _ in range(steps):
        x = w[moving]
        k1 = velocity(x)
        k2 = velocity(x + size / 2 * k1)
        k3 = velocity(x + size / 2 * k2)
        k4 = velocity(x + size * k3)
        x = x + size / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        w[moving] = x / np.linalg.norm(x, axis=1, keepdims=True)
        moving = moving[np.linalg.norm(k1, axis=1) > 1e-7]
        if not len(moving):
            break
    return w


def census(pairs: PairSet, starts: Floats, steps: int = 200) -> list[Floats]:
    """Return the critical points with E > 0 that damped Newton steps reach from ``starts``.

    Levenberg–Marquardt on R(w) = ∇E/(4E) − w, which vanishes at critical points of any index
    and grows without bound near E = 0.
    """
    found = []
    for start in starts:
        w, damping = start, 1.0
        residual = residual_of(w, pairs)
        for _ in range(steps):
            step = _step(w, residual, damping, pairs)
            trial = (w + step) / np.linalg.norm(w + step)
            trial_residual = residual_of(trial, pairs)
            if np.linalg.norm(trial_residual) < np.linalg.norm(residual):
                w, residual, damping = trial, trial_residual, damping / 5
            else:
                damping *= 4
            if np.linalg.norm(residual) < 1e-11:
                found.append(w)
                break
    return found


def residual_of(w: Floats, pairs: PairSet) -> Floats:
    e, g = energy_and_gradient(w, pairs)
    return g / (4 * e) - w


def _step(w: Floats, residual: Floats, damping: float, pairs: PairSet) -> Floats:
    e, g = energy_and_gradient(w, pairs)
    jacobian = energy_hessian(w, pairs) / (4 * e) - np.outer(g, g) / (4 * e**2) - np.eye(len(w))
    values, vectors = np.linalg.eigh(jacobian)
    factors = values / (values**2 + damping * (residual @ residual) + 1e-14)
    return -vectors @ (factors * (vectors.T @ residual))


def highest_string(
    first: Floats, second: Floats, pairs: PairSet, rng: np.random.Generator, images: int = 60
) -> Floats:
    """Relax a random path between two maxima by the string method; return its lowest image."""
    middle = rng.standard_normal((1, len(first)))
    knots = np.concatenate([first[None], middle / np.linalg.norm(middle), second[None]])
    path = _spread(knots, images)
    pace = 1 / (16 * max(float(energy_and_gradient(v, pairs)[0]) for v in (first, second)))
    for _ in range(1500):
        g = energy_and_gradient(path[1:-1], pairs)[1]
        path[1:-1] += pace * (g - np.sum(g * path[1:-1], axis=1, keepdims=True) * path[1:-1])
        path = _spread(path, images)
    return path[int(np.argmin(energy_and_gradient(path, pairs)[0]))]


def _spread(path: Floats, images: int) -> Floats:
    """Return ``images`` points at equal distances along the path, on the sphere."""
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    at = np.linspace(0, lengths[-1], images)
    spread = np.stack([np.interp(at, lengths, column) for column in path.T], axis=1)
    return spread / np.linalg.norm(spread, axis=1, keepdims=True)
