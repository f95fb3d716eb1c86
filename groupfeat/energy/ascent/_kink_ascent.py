"""Ascent of a piecewise quadratic E (ReLU, leaky ReLU) to maxima on kinks, by active sets."""

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.ascent._kinks import (
    ON_KINK,
    Cell,
    Cells,
    cell_of,
    handles_kinks,
    make_cells,
    subspace_of,
)
from groupfeat.energy.ascent._search import (
    CONVERGED,
    VANISHED,
    Ascent,
    Progress,
    ascend,
    check_method,
)
from groupfeat.energy.objective._activations import Activation, get_activation
from groupfeat.energy.objective._checks import check_batch, check_search
from groupfeat.energy.objective._energy import energy
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.objective._sphere import VANISHING
from groupfeat.energy.objective._variants import Variant

__all__ = ["ascend_kinked", "climb"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ON_KINKS = "converged on kinks of σ"
STALLED = "not converged on the kinks: raise max_steps"
_MAX_STEPS = 400
_FIRST_ITERATIONS = 300
_SNAP_EVERY = 4
_REACHES = (1e-1, 1e-2, 1e-4)


def ascend_kinked(
    starts: Floats,
    pairs: PairSet,
    activation: str | Activation = "relu",
    *,
    tolerance: float = 1e-8,
    max_iterations: int = _FIRST_ITERATIONS,
    max_steps: int = _MAX_STEPS,
    progress: Progress | None = None,
) -> Ascent:
    """Climb E to a generalised relative gradient ≤ ``tolerance``, kinks included.

    `ascend` first, for at most ``max_iterations``; then steps along which E never falls:
    within the active set towards the top eigenvector of the cell's form, off it along the
    shortest element of the superdifferential, each searched exactly through the kinks it
    crosses. A kink behind which E would fall joins the active set.

    Parameters
    ----------
    starts
        Unit weights, shape (B, 2M).
    pairs
        The pair set.
    activation
        ``"relu"`` or ``"leaky_relu"``.
    tolerance
        Bound on `KinkCertificate.gradient_norm`.
    max_iterations
        Iterations of the first part.
    max_steps
        Steps of the second, each start.
    progress
        Called as ``progress(done, total)``.

    Returns
    -------
    Ascent
        ``gradient_norms`` are generalised ones; `kink_certificate` says more of each.

    Raises
    ------
    ValueError
        If the starts are no batch of unit weights, σ has no kink that bends up, or the
        tolerance or a number of steps is out of range.

    Examples
    --------
    >>> from groupfeat.energy import ascend_kinked, full_pairs, random_starts
    >>> from groupfeat.groups import symmetric
    >>> ended = ascend_kinked(random_starts(3 * 2, 5, rng=0), full_pairs(symmetric(3)))
    >>> set(ended.statuses), bool(ended.gradient_norms.max() <= 1e-8)
    ({'converged on kinks of σ'}, True)
    """
    sigma = get_activation(activation)
    cells = make_cells(pairs, sigma)
    starts = check_batch(starts, pairs.group, unit=True)
    check_search(tolerance, max_steps, name="max_steps")
    first = ascend(starts, pairs, sigma, tolerance=tolerance, max_iterations=max_iterations)
    weights, errors = first.weights.copy(), first.gradient_norms.copy()
    statuses = []
    for i in range(len(weights)):
        weights[i], errors[i], status = _climb(weights[i], cells, tolerance, max_steps)
        statuses.append(status)
        if progress is not None:
            progress(i + 1, len(weights))
    energies = energy(weights, pairs, sigma)
    told = tuple(
        VANISHED if e <= VANISHING else status
        for e, status in zip(energies.tolist(), statuses, strict=True)
    )
    return Ascent(weights, energies, errors, told, first.iterations)


def climb(
    starts: Floats,
    pairs: PairSet,
    sigma: Activation,
    *,
    variant: Variant,
    method: str = "fast",
    tolerance: float,
    max_iterations: int,
    progress: Progress | None = None,
) -> Ascent:
    """Return `ascend_kinked` where σ has kinks and it can be afforded, else `ascend`."""
    check_method(method)
    if handles_kinks(pairs, sigma, variant):
        return ascend_kinked(
            starts,
            pairs,
            sigma,
            tolerance=tolerance,
            max_iterations=min(max_iterations, _FIRST_ITERATIONS),
            progress=progress,
        )
    return ascend(
        starts,
        pairs,
        sigma,
        variant=variant,
        method=method,
        tolerance=tolerance,
        max_iterations=max_iterations,
        progress=progress,
    )


def _climb(w: Floats, cells: Cells, tolerance: float, max_steps: int) -> tuple[Floats, float, str]:
    w, active = _snap(w, cells)
    cell = cell_of(w, cells, active)
    for step in range(max_steps):
        direction, leaving = _direction(w, cells, cell, tolerance)
        if direction is None:
            break
        w = _search_line(w, direction, cells, cell, leaving)
        x = cells.rows @ w
        w, active = _onto(w, cells, np.abs(x) <= ON_KINK * np.abs(x).max())
        if step % _SNAP_EVERY == 0:
            w, active = _snap(w, cells)
        cell = cell_of(w, cells, active)
    error = cell.relative_gradient
    if error > tolerance or direction is not None:
        return w, error, STALLED
    return w, error, ON_KINKS if cell.active.any() else CONVERGED


def _snap(w: Floats, cells: Cells) -> tuple[Floats, Bools]:
    """Return the best of ``w`` and the tops of the cells on the downward kinks around it.

    Steepest ascent alone approaches a kink from both sides by turns, in ever smaller steps.
    """
    x = cells.rows @ w
    downward, size = cells.forces(x) < 0, float(np.abs(x).max())
    best, active = _onto(w, cells, np.abs(x) <= ON_KINK * size)
    level = cells.energy(cells.rows @ best)
    for reach in _REACHES:
        near, held = _onto(w, cells, downward & (np.abs(x) <= reach * size))
        cell = cell_of(near, cells, held)
        for point in (
            near,
            _search_line(near, _inward(near, cells, cell)[0], cells, cell, held & False),
        ):
            there = cells.energy(cells.rows @ point)
            if there > level:
                y = cells.rows @ point
                best, active = _onto(point, cells, np.abs(y) <= ON_KINK * np.abs(y).max())
                level = there
    return best, active


def _onto(w: Floats, cells: Cells, active: Bools) -> tuple[Floats, Bools]:
    """Return the nearest unit weight with zero sums at the active pairs, and all its zero sums."""
    basis = subspace_of(cells, active)
    moved = basis @ (basis.T @ w)
    norm = float(np.linalg.norm(moved))
    if norm < 0.5:
        return w, np.zeros_like(active)
    moved /= norm
    x = cells.rows @ moved
    return moved, np.abs(x) <= ON_KINK * np.abs(x).max()


def _direction(
    w: Floats, cells: Cells, cell: Cell, tolerance: float
) -> tuple[Floats | None, Bools]:
    """Return the tangent to move along (None at a maximum) and the active pairs that leave."""
    none = np.zeros_like(cell.active)
    if cell.relative_gradient > tolerance:
        rise = cells.rows @ cell.ascent
        leaving = cell.active & (np.abs(rise) > 1e-7 * np.abs(rise).max())
        if leaving.any():
            return cell.ascent, leaving
    tangent, rises = _inward(w, cells, cell)
    if cell.relative_gradient > tolerance or rises:
        return tangent, none
    return None, none


def _inward(w: Floats, cells: Cells, cell: Cell) -> tuple[Floats, bool]:
    """Return the tangent towards the top of the cell's form, and whether the top lies higher."""
    basis = subspace_of(cells, cell.active)
    curvature = cells.curvature(cells.slopes(cell.x, cell.active))
    values, vectors = np.linalg.eigh(basis.T @ curvature @ basis)
    level = float(w @ curvature @ w)
    top = basis @ vectors[:, -1]
    top = top if top @ w >= 0 else -top
    return top - w * (top @ w), bool(values[-1] > level * (1 + 1e-9) + 1e-300)


def _search_line(w: Floats, direction: Floats, cells: Cells, cell: Cell, leaving: Bools) -> Floats:
    """Return the first maximum of E along the great circle, through the kinks it crosses."""
    length = float(np.linalg.norm(direction))
    if length < 1e-14:
        return w
    v = direction / length
    rise = cells.rows @ v
    slopes = cells.slopes(cell.x, cell.active)
    slopes[leaving] = np.where(rise[leaving] > 0, cells.high, cells.low)
    moving = ~cell.active & (cell.x * rise < 0)
    crossed = np.flatnonzero(moving)
    angles = np.arctan2(np.abs(cell.x[crossed]), np.abs(rise[crossed]))
    for at in np.argsort(angles).tolist():
        best = _best_angle(w, v, cells.curvature(slopes))
        if best <= angles[at]:
            return _point(w, v, best)
        pair = crossed[at]
        slopes[pair] = cells.high if rise[pair] > 0 else cells.low
        if _slope(w, v, cells.curvature(slopes), float(angles[at])) <= 0:
            return _point(w, v, float(angles[at]))
    return _point(w, v, _best_angle(w, v, cells.curvature(slopes)))


def _best_angle(w: Floats, v: Floats, curvature: Floats) -> float:
    """Return the angle in [0, π/2] at which wᵀKw is largest on the circle, along its rise."""
    mixed, difference = float(w @ curvature @ v), float(v @ curvature @ v - w @ curvature @ w) / 2
    # E(θ) = const + mixed/2·sin 2θ − difference/2·cos 2θ, largest at tan 2θ = −mixed/difference.
    return (np.arctan2(mixed, -difference) / 2) % np.pi


def _slope(w: Floats, v: Floats, curvature: Floats, angle: float) -> float:
    point = _point(w, v, angle)
    return float((v * np.cos(angle) - w * np.sin(angle)) @ curvature @ point)


def _point(w: Floats, v: Floats, angle: float) -> Floats:
    point = w * np.cos(angle) + v * np.sin(angle)
    return point / np.linalg.norm(point)
