"""When a block of the flow blows up, in a form that is free of cancellation."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["blow_up_times", "scalar_times"]

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
_NEWTON = 80
_SETTLED = 1e-9
"""Relative Newton step after which the next would be lost in rounding (its error is squared)."""
_ROUNDING = 4e-16


def blow_up_times(first: ArrayLike, second: ArrayLike) -> Floats:
    """Return when A' = 4ABB*, B' = 4A*AB blows up, for A, B of shape (N, d, d); result (N,).

    C = A*A − BB* is conserved. With its eigenvectors v_i and values c_i, the time is the root
    of λ_max(M(t)) = 1,

        M_ij = √(H_i H_j) g_ij,  H_i = (exp(8|c_i|t) − 1)/|c_i|  (8t at c_i = 0),

    where g_ij = ⟨Av_i, Av_j⟩ if c_i, c_j < 0, else ⟨B*v_i, B*v_j⟩: no difference of large
    numbers is taken, so that a block that is small beside the other, however small, keeps its
    digits. For d = 1 this is t = ln(x/y)/(8(x − y)), x = |A|², y = |B|².

    Returns
    -------
    ndarray
        Times, exact for blocks within rounding of A and of B, each beside its own norm (a column
        of A or row of B under 1e-150 of the whole counts as 0). Where AB = 0 nothing moves and
        the time is inf.

    Raises
    ------
    ValueError
        If A and B are not finite arrays of one shape (N, d, d).

    References
    ----------
    docs/landscape.md, Theorem 4.

    Examples
    --------
    >>> from groupfeat.energy import blow_up_times
    >>> blow_up_times([[[1.0]]], [[[1e-8]]]).round(6).tolist()  # ln(1e16)/8
    [4.60517]
    """
    a, b = _checked(first, second)
    if not a.size:
        return np.full(len(a), np.inf)
    sizes = [np.abs(block).max(axis=(-2, -1)) for block in (a, b)]
    moving = np.flatnonzero((sizes[0] > 0) & (sizes[1] > 0))
    # Each block over its own size, so that no square underflows.
    a, b = (
        block[moving] / size[moving, None, None] for block, size in zip((a, b), sizes, strict=True)
    )
    times, unit = np.full(len(sizes[0]), np.inf), np.maximum(*sizes)[moving]
    ratios = [size[moving] / unit for size in sizes]
    if a.shape[-1] == 1:
        with np.errstate(divide="ignore"):
            u = 2 * (np.log(sizes[0][moving]) - np.log(sizes[1][moving]))
        found = scalar_times(u) / (ratios[0] ** 2 + ratios[1] ** 2)
    else:
        found = _block_times(a, b, ratios[0], ratios[1])
    with np.errstate(over="ignore"):
        times[moving] = found / unit / unit
    return times


def scalar_times(u: Floats) -> Floats:
    """Return ln(x/y)/(8(x − y)) at x + y = 1, x = 1/(1 + e^−u)."""
    small = np.abs(u) < 1e-8
    return np.where(small, 2.0, u / np.where(small, 1.0, np.tanh(u / 2))) / 8


def _checked(first: ArrayLike, second: ArrayLike) -> tuple[Complex, Complex]:
    a, b = np.asarray(first, dtype=np.complex128), np.asarray(second, dtype=np.complex128)
    if a.ndim != 3 or a.shape != b.shape or a.shape[1] != a.shape[2]:
        raise ValueError(f"expected two arrays (N, d, d), got shapes {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("blocks must be finite, got NaN or infinity")
    return a, b


def _block_times(a: Complex, b: Complex, alpha: Floats, beta: Floats) -> Floats:
    """Return the times of αA, βB; inf where AB = 0."""
    times = np.full(len(a), np.inf)
    moving = np.flatnonzero(np.any(a @ b != 0, axis=(-2, -1)))
    a, b, alpha, beta = a[moving], b[moving], alpha[moving], beta[moving]
    logs, turns, values = _couplings(a, b, alpha, beta)
    size = np.sum(np.abs(a) ** 2, axis=(-2, -1)) * alpha**2
    size += np.sum(np.abs(b) ** 2, axis=(-2, -1)) * beta**2
    low, high = np.zeros(len(moving)), 1 / (8 * size)
    pending = np.arange(len(moving))
    while len(pending):
        reached = _growth(logs[pending], turns[pending], values[pending], high[pending])[0] >= 0
        short = pending[~reached]
        low[short] = high[short]
        high[short] *= 2
        pending = short[high[short] < 1e300]
    found = _refined((logs, turns, values), low, high)
    times[moving] = np.where(high < 1e300, found, np.inf)
    return times


def _couplings(
    a: Complex, b: Complex, alpha: Floats, beta: Floats
) -> tuple[Floats, Complex, Floats]:
    """Return ln|g_ij|, the phases of g_ij, and |c_i|, for blocks αA, βB with α, β > 0."""
    ours, theirs = alpha[:, None, None], beta[:, None, None]
    left, right = ours * a, theirs * b
    conserved = _adjoint(left) @ left - right @ _adjoint(right)
    _, vectors = np.linalg.eigh(conserved)
    columns = a @ vectors, _adjoint(b) @ vectors
    norms = [np.linalg.norm(c, axis=-2) for c in columns]
    # Rayleigh quotients from the columns: their error is the square of the eigenvectors'.
    values = (ours[:, 0] * norms[0]) ** 2 - (theirs[:, 0] * norms[1]) ** 2
    with np.errstate(divide="ignore"):
        lengths = [
            np.log(norm) + np.log(scale)
            for norm, scale in zip(norms, (ours[:, 0], theirs[:, 0]), strict=True)
        ]
    products = [length[:, :, None] + length[:, None, :] for length in lengths]
    rising = values >= 0
    alike = rising[:, :, None] == rising[:, None, :]
    # Between v_i of both signs the two products agree: the one of the smaller factors.
    by_second = np.where(alike, rising[:, :, None], products[1] <= products[0])
    units = [
        np.divide(c, n[:, None], out=np.zeros_like(c), where=n[:, None] > 0)
        for c, n in zip(columns, norms, strict=True)
    ]
    grams = [_adjoint(unit) @ unit for unit in units]
    return (
        np.where(by_second, products[1], products[0]),
        np.where(by_second, grams[1], grams[0]),
        np.abs(values),
    )


def _refined(parts: tuple[Floats, Complex, Floats], low: Floats, high: Floats) -> Floats:
    """Return the roots in (low, high]: Newton steps in ln λ over ln t, else bisection."""
    logs, turns, values = parts
    at = high.copy()
    active = np.arange(len(at))
    for _ in range(_NEWTON):
        if not len(active):
            break
        t = at[active]
        value, slope = _growth(logs[active], turns[active], values[active], t)
        above = value >= 0
        low[active] = np.where(above, low[active], t)
        high[active] = np.where(above, t, high[active])
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            moved = t * np.exp(-value / slope)
        inside = (moved > low[active]) & (moved < high[active])
        settled = np.abs(moved - t) <= _SETTLED * t
        at[active] = np.where(inside | settled, moved, 0.5 * (low[active] + high[active]))
        active = active[~settled & (high[active] - low[active] > _ROUNDING * t)]
    return at


def _growth(logs: Floats, turns: Complex, values: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Return ln λ_max(M(t)) and its derivative over ln t, −inf and 0 for M = 0."""
    rates = 8 * values * t[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        shrunk = np.where(rates > 0, -np.expm1(-rates) / rates, 1.0)
        roots = (rates + np.log(8 * t[:, None] * shrunk)) / 2
        entries = logs + roots[:, :, None] + roots[:, None, :]
        top = np.max(entries + np.log(np.abs(turns)), axis=(-2, -1))
    still = np.isneginf(top)
    shift = np.where(still, 0.0, top)[:, None, None]
    # Entries of large bound and vanishing phase would overflow.
    matrix = turns * np.exp(np.minimum(entries - shift, 600.0))
    found, vectors = np.linalg.eigh(matrix)
    slopes = np.sum(np.abs(vectors[:, :, -1]) ** 2 / shrunk, axis=1)
    with np.errstate(divide="ignore"):
        return top + np.log(np.where(still, 1.0, found[:, -1])), np.where(still, 1.0, slopes)


def _adjoint(matrix: Complex) -> NDArray[Any]:
    return np.swapaxes(matrix.conj(), -1, -2)
