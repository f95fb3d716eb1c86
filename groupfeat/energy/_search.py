"""Batched ascent of E on the unit sphere from many starts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy._activations import Activation, get_activation
from groupfeat.energy._climb import climb_squares, is_quartic
from groupfeat.energy._energy import energy_and_gradient
from groupfeat.energy._flow import follow_flow
from groupfeat.energy._pairs import PairSet
from groupfeat.energy._sphere import riemannian_hessian, tangent_basis
from groupfeat.energy._variants import Variant, get_variant

__all__ = ["METHODS", "Ascent", "ascend", "finish_ascent", "random_starts"]

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
Oracle = Callable[[Floats], tuple[Floats, Floats]]

METHODS = ("fast", "flow")

CONVERGED = "converged"
POLISHED = "converged after Newton steps"
STALLED = "not converged: raise max_iterations, or the end point lies on a kink of σ"
VANISHING = 1e-12
"""Gradients (and energies) below this are rounding: E vanishes there, as for linear σ."""
_NEWTON_STEPS = 40
_NEWTON_WIDTH = 600
_NEAR = 1e-4
_REPORTED = 256
# The energy that is reported is summed afresh, in another order than the climb's.
_MARGIN = 0.9


@dataclass(frozen=True)
class Ascent:
    """Where every start ended.

    Parameters
    ----------
    weights
        Unit weights, shape (B, 2M).
    energies
        E, shape (B,).
    gradient_norms
        ‖Riemannian gradient‖ / ‖∇E‖, shape (B,).
    statuses
        One text a start, its advice included.
    iterations
        Iterations of the batch.
    """

    weights: Floats
    energies: Floats
    gradient_norms: Floats
    statuses: tuple[str, ...]
    iterations: int


def random_starts(order: int, count: int, *, rng: int | np.random.Generator) -> Floats:
    """Return ``count`` uniform points of the unit sphere, shape (count, 2·order)."""
    if count < 1:
        raise ValueError(f"starts must be at least 1, got {count}")
    points = np.random.default_rng(rng).standard_normal((count, 2 * order))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def ascend(
    starts: Floats,
    pairs: PairSet,
    activation: str | Activation = "square",
    *,
    variant: str | Variant = "raw",
    method: str = "fast",
    tolerance: float = 1e-8,
    max_iterations: int = 3000,
    progress: Progress | None = None,
) -> Ascent:
    """Climb E from unit ``starts`` (B, 2M) until the relative gradient is ≤ ``tolerance``.

    Parameters
    ----------
    starts
        Unit weights, shape (B, 2M).
    pairs, activation, variant
        The energy, as for `energy`.
    method
        ``"fast"``: whatever converges soonest; a start may end in a neighbouring basin.
        ``"flow"``: along ẇ = ∇E, so that each start ends where the flow takes it.
    tolerance
        ‖Riemannian gradient‖ / ‖∇E‖ at which a start has converged.
    max_iterations
        Iterations before a start is left to the Newton finish.
    progress
        Called as ``progress(done, total)``.

    Raises
    ------
    ValueError
        If the method is unknown or does not fit the energy.

    Notes
    -----
    σ = x² climbs by conjugate gradients with exact line searches on great circles. Other
    σ by shifted power iteration w ← (∇E + s w)/‖·‖, s = ⟨∇E, w⟩/2; a step that lowers E is
    refused and its shift raised. Starts that stall are finished by Newton steps on the
    tangent space (pseudo-inverse on flat directions), if σ is smooth.

    Examples
    --------
    >>> from groupfeat.energy import ascend, full_pairs, random_starts
    >>> from groupfeat.groups import cyclic
    >>> ended = ascend(random_starts(7, 5, rng=0), full_pairs(cyclic(7)))
    >>> ended.energies.round(9).tolist()
    [1.75, 1.75, 1.75, 1.75, 1.75]
    """
    sigma, kind = get_activation(activation), get_variant(variant)
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; known: {', '.join(METHODS)}")

    def oracle(points: Floats) -> tuple[Floats, Floats]:
        return energy_and_gradient(points, pairs, sigma, variant=kind)

    points, before = starts.copy(), 0
    if method == "flow":
        points, before = follow_flow(points, oracle, until=_NEAR, max_steps=max_iterations)
    settings = (tolerance, max_iterations, progress)
    if is_quartic(sigma):
        found = _by_circles(points, pairs, kind, oracle, *settings)
    else:
        found = _by_powers(points, oracle, *settings)
    w, e, errors, iterations = found
    statuses = [CONVERGED if error <= tolerance else STALLED for error in errors]
    if sigma.is_smooth and w.shape[1] <= _NEWTON_WIDTH:
        for i in np.flatnonzero(errors > tolerance).tolist():
            statuses[i] = _finish(i, w, e, errors, pairs, sigma, kind, tolerance)
    return Ascent(w, e, errors, tuple(statuses), before + iterations)


def finish_ascent(
    ends: Floats,
    pairs: PairSet,
    tolerance: float,
    iterations: int,
    climb: Callable[[Floats], Ascent],
) -> Ascent:
    """Measure unit end points of σ = x² on their pairs; let ``climb`` go on with the others."""
    e, gradient = energy_and_gradient(ends, pairs)
    errors = _relative_gradients(ends, gradient)
    statuses = [CONVERGED] * len(ends)
    rest = np.flatnonzero(errors > tolerance)
    if len(rest):
        more = climb(ends[rest])
        ends[rest], e[rest], errors[rest] = more.weights, more.energies, more.gradient_norms
        for i, status in zip(rest.tolist(), more.statuses, strict=True):
            statuses[i] = status
    return Ascent(ends, e, errors, tuple(statuses), iterations)


def _by_circles(
    starts: Floats,
    pairs: PairSet,
    kind: Variant,
    oracle: Oracle,
    tolerance: float,
    max_iterations: int,
    progress: Progress | None,
) -> tuple[Floats, Floats, Floats, int]:
    ends, longest = starts.copy(), 0
    step = len(starts) if progress is None else _REPORTED
    for start in range(0, len(starts), step):
        chunk = slice(start, start + step)
        ends[chunk], iterations = climb_squares(
            starts[chunk], pairs, kind, tolerance=_MARGIN * tolerance, max_iterations=max_iterations
        )
        longest = max(longest, int(iterations.max()))
        if progress is not None:
            progress(min(start + step, len(starts)), len(starts))
    e, gradient = oracle(ends)
    return ends, e, _relative_gradients(ends, gradient), longest


def _by_powers(
    starts: Floats,
    oracle: Oracle,
    tolerance: float,
    max_iterations: int,
    progress: Progress | None,
) -> tuple[Floats, Floats, Floats, int]:
    w = starts.copy()
    e, gradient = oracle(w)
    factor = np.full(len(w), 0.5)
    errors = _relative_gradients(w, gradient)
    active = np.flatnonzero(errors > tolerance)
    iteration = 0
    while len(active) and iteration < max_iterations:
        iteration += 1
        step = _shifted(w[active], gradient[active], factor[active])
        trial_e, trial_gradient = oracle(step)
        better = trial_e >= e[active] * (1 - 1e-14) - 1e-300
        taken, refused = active[better], active[~better]
        w[taken], e[taken], gradient[taken] = step[better], trial_e[better], trial_gradient[better]
        factor[taken] = np.maximum(0.5, factor[taken] * 0.7)
        factor[refused] *= 4
        errors[taken] = _relative_gradients(w[taken], gradient[taken])
        active = active[(errors[active] > tolerance) & (factor[active] < 1e12)]
        if progress is not None:
            progress(len(w) - len(active), len(w))
    return w, e, errors, iteration


def _shifted(w: Floats, gradient: Floats, factor: Floats) -> Floats:
    radial = np.sum(gradient * w, axis=1)
    scale = np.maximum(np.abs(radial), np.linalg.norm(gradient, axis=1))
    step = gradient + (factor * scale)[:, None] * w
    norms = np.linalg.norm(step, axis=1, keepdims=True)
    return np.divide(step, norms, out=w.copy(), where=norms > 0)


def _relative_gradients(w: Floats, gradient: Floats) -> Floats:
    radial = np.einsum("bi,bi->b", gradient, w)
    norms = np.sqrt(np.einsum("bi,bi->b", gradient, gradient))
    tangential = gradient - radial[:, None] * w
    found = np.sqrt(np.einsum("bi,bi->b", tangential, tangential))
    return np.divide(found, norms, out=np.zeros_like(norms), where=norms > VANISHING)


def _finish(
    i: int,
    w: Floats,
    e: Floats,
    errors: Floats,
    pairs: PairSet,
    sigma: Activation,
    variant: str | Variant,
    tolerance: float,
) -> str:
    """Newton steps for start ``i``, each kept only if the gradient shrinks and E does not fall."""
    for _ in range(_NEWTON_STEPS):
        trial = _newton_step(w[i], pairs, sigma, variant)
        trial_e, gradient = energy_and_gradient(trial, pairs, sigma, variant=variant)
        error = float(_relative_gradients(trial[None], gradient[None])[0])
        if error >= errors[i] or float(trial_e) < e[i] * (1 - 1e-9):
            return STALLED
        w[i], e[i], errors[i] = trial, trial_e, error
        if error <= tolerance:
            return POLISHED
    return STALLED


def _newton_step(w: Floats, pairs: PairSet, sigma: Activation, variant: str | Variant) -> Floats:
    basis = tangent_basis(w)
    gradient = energy_and_gradient(w, pairs, sigma, variant=variant)[1]
    hessian = riemannian_hessian(w, pairs, sigma, variant=variant)
    values, vectors = np.linalg.eigh(hessian)
    steep = np.abs(values) > 1e-7 * np.abs(values).max()
    slope = vectors.T @ (basis.T @ gradient)
    move = np.divide(slope, np.abs(values), out=np.zeros_like(slope), where=steep)
    length = float(np.linalg.norm(move))
    step = w + basis @ (vectors @ (move * min(1.0, 0.3 / max(length, 1e-300))))
    return step / np.linalg.norm(step)
