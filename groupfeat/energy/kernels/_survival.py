"""Climb the energy of x² on many different pair sets at once, one task a pair set and start.

On a great circle w cos θ + v sin θ every target sum is A cos² + 2B sin cos + C sin²,
so E is a quartic in (cos θ, sin θ): the line search is exact and costs one pass
over the pairs. Directions are conjugate (Polak–Ribière). Tasks are independent,
so the number of threads cannot change a result.
"""

import math

import numpy as np
from numba import njit, prange

__all__ = ["KEPT", "LOST", "UNDECIDED", "climb_tasks"]

LOST, KEPT, UNDECIDED = 0, 1, 2
_CHECK_EVERY = 8
_REFRESH_EVERY = 32
# A maximum holds more than this share of n²/M³, the scale of E and of its gradient.
_VANISHING = 1e-9


@njit(cache=True, error_model="numpy")
def _target_sums(w, left, right, target, n, cross, sums):  # type: ignore[no-untyped-def]
    """Write A_t = Σ σ and return Σ σ² over the first n pairs; σ = (a+b)², or 2ab."""
    order = sums.shape[0]
    sums[:] = 0.0
    squares = 0.0
    for i in range(n):
        a, b = w[left[i]], w[order + right[i]]
        value = 2.0 * a * b if cross else (a + b) * (a + b)
        sums[target[i]] += value
        squares += value * value
    return squares


@njit(cache=True, error_model="numpy")
def _gradient(  # type: ignore[no-untyped-def]
    w, left, right, target, n, cross, kappa, residual, gradient
):
    """Write ∇E from the centred residual of each target."""
    order = residual.shape[0]
    gradient[:] = 0.0
    for i in range(n):
        g, h = left[i], order + right[i]
        a, b = w[g], w[h]
        value = 2.0 * a * b if cross else (a + b) * (a + b)
        slope = 2.0 * (residual[target[i]] - kappa * value)
        if cross:
            gradient[g] += slope * b
            gradient[h] += slope * a
        else:
            gradient[g] += slope * (a + b)
            gradient[h] += slope * (a + b)


@njit(cache=True, error_model="numpy")
def _circle(w, v, left, right, target, n, cross, mixed, squares, diagonal):  # type: ignore[no-untyped-def]
    """Write B_t, C_t, and Σ over pairs of AB, AC, BB, BC, CC after the first of ``diagonal``."""
    order = mixed.shape[0]
    mixed[:] = 0.0
    squares[:] = 0.0
    ab = ac = bb = bc = cc = 0.0
    for i in range(n):
        g, h, t = left[i], order + right[i], target[i]
        if cross:
            first, middle, last = 2.0 * w[g] * w[h], w[g] * v[h] + v[g] * w[h], 2.0 * v[g] * v[h]
        else:
            x, y = w[g] + w[h], v[g] + v[h]
            first, middle, last = x * x, x * y, y * y
        mixed[t] += middle
        squares[t] += last
        ab += first * middle
        ac += first * last
        bb += middle * middle
        bc += middle * last
        cc += last * last
    diagonal[1], diagonal[2], diagonal[3], diagonal[4], diagonal[5] = ab, ac, bb, bc, cc


@njit(cache=True, error_model="numpy")
def _center(values, share, out):  # type: ignore[no-untyped-def]
    """Write c_t − share_t Σ c."""
    total = values.sum()
    for t in range(values.shape[0]):
        out[t] = values[t] - share[t] * total


@njit(cache=True, error_model="numpy")
def _first_maximum(p):  # type: ignore[no-untyped-def]
    """Return θ in (0, π) of the first local maximum of E(θ) that starts out rising.

    p holds the five coefficients of cos⁴, cos³ sin, cos² sin², cos sin³, sin⁴.
    """
    low = 0.0
    step = math.pi / 64
    high = step
    while _slope(p, high) > 0.0 and high < math.pi:
        low = high
        high += step
    for _ in range(50):
        middle = 0.5 * (low + high)
        if _slope(p, middle) > 0.0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


@njit(cache=True, error_model="numpy")
def _slope(p, theta):  # type: ignore[no-untyped-def]
    c, s = math.cos(theta), math.sin(theta)
    return (
        p[1] * c**4
        + (2.0 * p[2] - 4.0 * p[0]) * c**3 * s
        + 3.0 * (p[3] - p[1]) * c * c * s * s
        + (4.0 * p[4] - 2.0 * p[2]) * c * s**3
        - p[3] * s**4
    )


@njit(cache=True, error_model="numpy")
def _quartic(centred, diagonal, kappa, p):  # type: ignore[no-untyped-def]
    """Write the coefficients of E on the circle; ``centred`` (3, M) holds A, B, C centred."""
    a, b, c = centred[0], centred[1], centred[2]
    p[0] = 0.5 * np.dot(a, a) - 0.5 * kappa * diagonal[0]
    p[1] = 2.0 * (np.dot(a, b) - kappa * diagonal[1])
    p[2] = 2.0 * np.dot(b, b) + np.dot(a, c) - kappa * (2.0 * diagonal[3] + diagonal[2])
    p[3] = 2.0 * (np.dot(b, c) - kappa * diagonal[4])
    p[4] = 0.5 * np.dot(c, c) - 0.5 * kappa * diagonal[5]


@njit(cache=True, error_model="numpy")
def _turn(sums, diagonal, c, s):  # type: ignore[no-untyped-def]
    """Carry A and Σ AA along the circle to the angle of cosine c and sine s."""
    for t in range(sums.shape[1]):
        sums[0, t] = c * c * sums[0, t] + 2.0 * c * s * sums[1, t] + s * s * sums[2, t]
    aa, ab, ac, bb, bc, cc = diagonal
    diagonal[0] = (
        c**4 * aa
        + 4.0 * c**3 * s * ab
        + c * c * s * s * (4.0 * bb + 2.0 * ac)
        + 4.0 * c * s**3 * bc
        + s**4 * cc
    )


@njit(cache=True, error_model="numpy")
def _share(w, basis):  # type: ignore[no-untyped-def]
    """Return the part of ‖w‖² in the span of the orthonormal columns of ``basis`` (M, r)."""
    order = basis.shape[0]
    total = 0.0
    for half in range(2):
        for j in range(basis.shape[1]):
            inner = 0.0
            for g in range(order):
                inner += basis[g, j] * w[half * order + g]
            total += inner * inner
    return total / np.dot(w, w)


@njit(cache=True, error_model="numpy")
def _climb(  # type: ignore[no-untyped-def]
    w, left, right, target, n, share, cross, kappa, basis, keep, tolerance, most
):
    """Climb from w (changed in place); return verdict, isotypic share, gradient, iterations."""
    order = share.shape[0]
    sums = np.empty((3, order))
    centred = np.empty((3, order))
    residual = np.empty(order)
    gradient, previous, v = np.empty(2 * order), np.zeros(2 * order), np.zeros(2 * order)
    diagonal = np.zeros(6)
    p = np.empty(5)
    diagonal[0] = _target_sums(w, left, right, target, n, cross, sums[0])
    before = 0.0
    error = 1.0
    floor = _VANISHING * n * n / order**3
    for iteration in range(most):
        _center(sums[0], share, centred[0])
        mean = np.dot(share, centred[0])
        for t in range(order):
            residual[t] = centred[0, t] - mean
        _gradient(w, left, right, target, n, cross, kappa, residual, gradient)
        norm = math.sqrt(np.dot(gradient, gradient))
        gradient -= np.dot(gradient, w) * w
        now = np.dot(gradient, gradient)
        error = math.sqrt(now) / norm if norm > floor else 0.0
        if error <= tolerance:
            part = _share(w, basis)
            level = 0.5 * (np.dot(centred[0], centred[0]) - kappa * diagonal[0])
            return (KEPT if part >= keep and level > floor else LOST), part, error, iteration
        if iteration % _CHECK_EVERY == 0 and np.abs(w).max() > 0.7:
            part = _share(w, basis)
            if part < 0.5:
                return LOST, part, error, iteration
        v -= np.dot(v, w) * w
        beta = max(0.0, (now - np.dot(gradient, previous)) / before) if before > 0.0 else 0.0
        v = gradient + beta * v
        if np.dot(v, gradient) <= 0.0:
            v = gradient.copy()
        v /= math.sqrt(np.dot(v, v))
        previous[:] = gradient
        before = now
        _circle(w, v, left, right, target, n, cross, sums[1], sums[2], diagonal)
        _center(sums[1], share, centred[1])
        _center(sums[2], share, centred[2])
        _quartic(centred, diagonal, kappa, p)
        theta = _first_maximum(p)
        c, s = math.cos(theta), math.sin(theta)
        moved = c * w + s * v
        v = c * v - s * w
        # The step in the tangent at the new point: directions and old gradient go along.
        w[:] = moved / math.sqrt(np.dot(moved, moved))
        previous -= np.dot(previous, w) * w
        if iteration % _REFRESH_EVERY == _REFRESH_EVERY - 1:
            diagonal[0] = _target_sums(w, left, right, target, n, cross, sums[0])
        else:
            _turn(sums, diagonal, c, s)
    part = _share(w, basis)
    return UNDECIDED, part, error, most


@njit(cache=True, error_model="numpy", parallel=True)
def climb_tasks(  # type: ignore[no-untyped-def]
    weights, orders, counts, left, right, cayley, uniform, cross, kappas, bases, which, settings
):
    """Climb every task; return verdicts, shares, gradients (T,) and iterations (T,).

    Task j climbs ``weights[j]`` (changed in place) on the first ``counts[j]`` pairs of row
    ``orders[j]`` of ``left`` and ``right``; its family's basis is ``bases[which[j]]``.
    ``settings`` is (share to keep, tolerance, most iterations).
    """
    tasks = weights.shape[0]
    verdicts = np.empty(tasks, dtype=np.int64)
    shares, errors = np.empty(tasks), np.empty(tasks)
    iterations = np.empty(tasks, dtype=np.int64)
    size = cayley.shape[0]
    for j in prange(tasks):
        row, n = orders[j], counts[j]
        target = np.empty(n, dtype=np.int32)
        share = np.zeros(size)
        for i in range(n):
            target[i] = cayley[left[row, i], right[row, i]]
            share[target[i]] += 1.0 / n
        if uniform:
            share[:] = 1.0 / size
        verdicts[j], shares[j], errors[j], iterations[j] = _climb(
            weights[j],
            left[row],
            right[row],
            target,
            n,
            share,
            cross,
            kappas[j],
            bases[which[j]],
            settings[0],
            settings[1],
            int(settings[2]),
        )
    return verdicts, shares, errors, iterations
