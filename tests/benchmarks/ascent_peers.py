"""Generic solvers beside the ascent: scipy's L-BFGS-B and pymanopt's trust regions.

Both climb one start at a time, as they work, with oracles of E, ∇E and ∇²E·v for σ = x²: in
plain numpy, or compiled (a harsher peer than a user would have). They stop at the same relative
Riemannian gradient as ours; a start counts if it got there.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.optimize import minimize

from groupfeat.energy import PairSet, energy_and_gradient

__all__ = ["pymanopt_ascent", "scipy_ascent"]

Floats = NDArray[np.float64]
TOLERANCE = 1e-8
_RUNS = 4


@njit(cache=True, error_model="numpy")
def _centred(values: Any, share: Any) -> Any:
    centred = values - share * values.sum()
    return centred, centred - np.dot(share, centred)


@njit(cache=True, error_model="numpy")
def value_and_gradient(w: Any, left: Any, right: Any, target: Any, share: Any) -> Any:
    """Return E and ∇E for σ = x²; ``right`` counts from M on."""
    sums = np.zeros(share.shape[0])
    for i in range(left.shape[0]):
        x = w[left[i]] + w[right[i]]
        sums[target[i]] += x * x
    centred, pull = _centred(sums, share)
    gradient = np.zeros(w.shape[0])
    for i in range(left.shape[0]):
        step = 2.0 * pull[target[i]] * (w[left[i]] + w[right[i]])
        gradient[left[i]] += step
        gradient[right[i]] += step
    return 0.5 * np.dot(centred, centred), gradient


@njit(cache=True, error_model="numpy")
def hessian_product(w: Any, v: Any, left: Any, right: Any, target: Any, share: Any) -> Any:
    """Return ∇²E v for σ = x²."""
    sums, rises = np.zeros(share.shape[0]), np.zeros(share.shape[0])
    for i in range(left.shape[0]):
        x, y = w[left[i]] + w[right[i]], v[left[i]] + v[right[i]]
        sums[target[i]] += x * x
        rises[target[i]] += 2.0 * x * y
    pull, rise = _centred(sums, share)[1], _centred(rises, share)[1]
    found = np.zeros(w.shape[0])
    for i in range(left.shape[0]):
        x, y = w[left[i]] + w[right[i]], v[left[i]] + v[right[i]]
        step = 2.0 * (rise[target[i]] * x + pull[target[i]] * y)
        found[left[i]] += step
        found[right[i]] += step
    return found


def _arguments(pairs: PairSet) -> tuple[Any, ...]:
    share = pairs.target_counts / len(pairs)
    return pairs.left, pairs.right + pairs.order, pairs.target, share


def _has_converged(w: Floats, pairs: PairSet) -> bool:
    gradient = energy_and_gradient(w, pairs)[1]
    tangential = gradient - (gradient @ w) * w
    return bool(np.linalg.norm(tangential) <= TOLERANCE * np.linalg.norm(gradient))


def scipy_ascent(start: Floats, pairs: PairSet) -> bool:
    """Climb E(w/‖w‖) from one start by L-BFGS-B; tell whether it reached the tolerance.

    Its tolerance is absolute and ‖w‖ drifts, so it is started again where it ended, at unit
    length, up to three times: kinder to it than one run or than a looser tolerance.
    """
    arguments = _arguments(pairs)

    def negative(x: Floats) -> tuple[float, Floats]:
        norm = math.sqrt(x @ x)
        w = x / norm
        e, g = value_and_gradient(w, *arguments)
        return -e, -(g - (g @ w) * w) / norm

    options = {"ftol": 0, "gtol": 1e-9, "maxiter": 5000, "maxfun": 20000}
    w = start
    for _ in range(_RUNS):
        end = minimize(negative, w, jac=True, method="L-BFGS-B", options=options)
        w = end.x / np.linalg.norm(end.x)
        if _has_converged(w, pairs):
            return True
    return False


def _numpy_oracles(pairs: PairSet) -> tuple[Any, Any]:
    left, right, target, share = _arguments(pairs)
    width, order = 2 * pairs.order, pairs.order

    def spread(force: Floats) -> Floats:
        return np.bincount(left, force, width) + np.bincount(right, force, width)

    def centred(values: Floats) -> tuple[Floats, Floats]:
        sums = np.bincount(target, values, order)
        found = sums - share * sums.sum()
        return found, (found - share @ found)[target]

    def first(w: Floats) -> tuple[float, Floats]:
        x = w[left] + w[right]
        sums, pull = centred(x * x)
        return 0.5 * float(sums @ sums), spread(2 * pull * x)

    def second(w: Floats, v: Floats) -> Floats:
        x, y = w[left] + w[right], v[left] + v[right]
        return spread(2 * (centred(2 * x * y)[1] * x + centred(x * x)[1] * y))

    return first, second


def _compiled_oracles(pairs: PairSet) -> tuple[Any, Any]:
    arguments = _arguments(pairs)
    return (
        lambda w: value_and_gradient(w, *arguments),
        lambda w, v: hessian_product(w, v, *arguments),
    )


def pymanopt_ascent(pairs: PairSet, level: float, *, is_compiled: bool) -> Callable[[Floats], bool]:
    """Return a climber by trust regions; ``level`` is a typical E, for its absolute tolerance."""
    import pymanopt
    from pymanopt.manifolds import Sphere
    from pymanopt.optimizers import TrustRegions

    first, second = (_compiled_oracles if is_compiled else _numpy_oracles)(pairs)
    sphere = Sphere(2 * pairs.order)

    @pymanopt.function.numpy(sphere)
    def cost(w: Floats) -> float:
        return -first(w)[0]

    @pymanopt.function.numpy(sphere)
    def gradient(w: Floats) -> Floats:
        return -first(w)[1]

    @pymanopt.function.numpy(sphere)
    def hessian(w: Floats, v: Floats) -> Floats:
        return -second(w, v)

    problem = pymanopt.Problem(sphere, cost, euclidean_gradient=gradient, euclidean_hessian=hessian)

    def climb(start: Floats) -> bool:
        # ‖∇E‖ >= 4E on the sphere, E being homogeneous of degree four.
        solver = TrustRegions(
            verbosity=0, min_gradient_norm=4 * TOLERANCE * level, max_iterations=2000
        )
        return _has_converged(solver.run(problem, initial_point=start).point, pairs)

    return climb
