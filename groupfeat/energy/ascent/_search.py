"""Batched ascent of E on the unit sphere from many starts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy.ascent._climb import climb_squares, is_quartic
from groupfeat.energy.ascent._flow import follow_flow
from groupfeat.energy.ascent._polish import Polisher
from groupfeat.energy.objective._activations import Activation, get_activation
from groupfeat.energy.objective._checks import check_batch, check_count, check_search
from groupfeat.energy.objective._energy import energy_and_gradient
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.objective._sphere import VANISHING, relative_gradients
from groupfeat.energy.objective._variants import Variant, get_variant

__all__ = [
    "CONVERGED",
    "Ascent",
    "ascend",
    "check_method",
    "check_starts",
    "finish_ascent",
    "random_starts",
]

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
Oracle = Callable[[Floats], tuple[Floats, Floats]]

METHODS = ("fast", "flow")

CONVERGED = "converged"
POLISHED = "converged after Newton steps"
VANISHED = "E vanishes here: start elsewhere"
STALLED = "not converged: raise max_iterations, or the end point lies on a kink of σ"
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
    count = check_count(count, "starts")
    points = np.random.default_rng(rng).standard_normal((count, 2 * order))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def check_method(method: str) -> None:
    """Raise ``ValueError`` for an unknown way to climb."""
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; known: {', '.join(METHODS)}")


def check_starts(starts: ArrayLike, pairs: PairSet) -> Floats:
    """Return starts (B, 2M) at unit length, not to be changed, or say what is wrong with them."""
    w = check_batch(starts, pairs.group)
    norms = np.linalg.norm(w, axis=1, keepdims=True)
    if not norms.all():
        raise ValueError("a start is zero and has no direction; take random_starts")
    long = np.abs(norms - 1) > 1e-14
    return w / np.where(long, norms, 1.0) if long.any() else w


def ascend(
    starts: ArrayLike,
    pairs: PairSet,
    activation: str | Activation = "square",
    *,
    variant: str | Variant = "raw",
    method: str = "fast",
    tolerance: float = 1e-8,
    max_iterations: int = 3000,
    progress: Progress | None = None,
) -> Ascent:
    """Climb E on the unit sphere from ``starts`` until the relative gradient is ≤ ``tolerance``.

    Parameters
    ----------
    starts
        Weights, shape (B, 2M), B ≥ 1; scaled to unit length.
    pairs, activation, variant
        The energy, as for `energy`.
    method
        ``"fast"``: whatever converges soonest; a start may end in a neighbouring basin.
        ``"flow"``: along ẇ = ∇E, so that each start ends where the flow takes it.
    tolerance
        ‖Riemannian gradient‖ / ‖∇E‖ at which a start has converged.
    max_iterations
        Iterations before a start is left to the Newton finish; at least 1.
    progress
        Called as ``progress(done, total)``.

    Raises
    ------
    ValueError
        If the method is unknown, the starts are not (B, 2M), not finite or zero, or the
        tolerance or number of iterations is out of range.

    Notes
    -----
    σ = x² climbs by conjugate gradients with exact line searches on great circles. Other
    σ by shifted power iteration w ← (∇E + s w)/‖·‖, s = ⟨∇E, w⟩/2; a step that lowers E is
    refused and its shift raised. Starts that stall, which is what soft directions do
    to first-order steps, are finished by trust-region Newton steps, if σ is smooth.

    Examples
    --------
    >>> from groupfeat.energy import ascend, full_pairs, random_starts
    >>> from groupfeat.groups import cyclic
    >>> ended = ascend(random_starts(7, 5, rng=0), full_pairs(cyclic(7)))
    >>> ended.energies.round(9).tolist()
    [1.75, 1.75, 1.75, 1.75, 1.75]
    """
    sigma, kind = get_activation(activation), get_variant(variant)
    check_method(method)
    check_search(tolerance, max_iterations)

    def oracle(points: Floats) -> tuple[Floats, Floats]:
        return energy_and_gradient(points, pairs, sigma, variant=kind)

    points, before = check_starts(starts, pairs), 0
    if method == "flow":
        points, before = follow_flow(points, oracle, until=_NEAR, max_steps=max_iterations)
    settings = (tolerance, max_iterations, progress)
    if is_quartic(sigma):
        found = _by_circles(points, pairs, kind, oracle, *settings)
    else:
        found = _by_powers(points, oracle, *settings)
    w, e, errors, iterations = found
    statuses = [CONVERGED if error <= tolerance else STALLED for error in errors]
    if sigma.is_smooth:
        polisher = Polisher(pairs, sigma, kind, tolerance)
        for i in np.flatnonzero(errors > tolerance).tolist():
            w[i], e[i], errors[i] = polisher.polish(w[i])
            statuses[i] = POLISHED if errors[i] <= tolerance else STALLED
    statuses = [VANISHED if e_i <= VANISHING else s for e_i, s in zip(e, statuses, strict=True)]
    return Ascent(w, e, errors, tuple(statuses), before + iterations)


def finish_ascent(ended: Ascent, tolerance: float, climb: Callable[[Floats], Ascent]) -> Ascent:
    """Let ``climb`` go on with the starts that have not converged."""
    rest = np.flatnonzero(ended.gradient_norms > tolerance)
    if not len(rest):
        return ended
    w, e, errors = ended.weights.copy(), ended.energies.copy(), ended.gradient_norms.copy()
    statuses = list(ended.statuses)
    more = climb(w[rest])
    w[rest], e[rest], errors[rest] = more.weights, more.energies, more.gradient_norms
    for i, status in zip(rest.tolist(), more.statuses, strict=True):
        statuses[i] = status
    return Ascent(w, e, errors, tuple(statuses), ended.iterations)


def _by_circles(
    starts: Floats,
    pairs: PairSet,
    kind: Variant,
    oracle: Oracle,
    tolerance: float,
    max_iterations: int,
    progress: Progress | None,
) -> tuple[Floats, Floats, Floats, int]:
    ends, longest = np.empty_like(starts), 0
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
    return ends, e, relative_gradients(ends, gradient), longest


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
    errors = relative_gradients(w, gradient)
    active = np.flatnonzero(errors > tolerance)
    iteration = 0
    while len(active) and iteration < max_iterations:
        iteration += 1
        step = _shifted(w[active], gradient[active], factor[active])
        trial_e, trial_gradient = oracle(step)
        better = trial_e >= e[active] - 1e-14 * np.abs(e[active]) - 1e-300
        taken, refused = active[better], active[~better]
        w[taken], e[taken], gradient[taken] = step[better], trial_e[better], trial_gradient[better]
        factor[taken] = np.maximum(0.5, factor[taken] * 0.7)
        factor[refused] *= 4
        errors[taken] = relative_gradients(w[taken], gradient[taken])
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
