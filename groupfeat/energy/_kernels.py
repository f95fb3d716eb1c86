"""Energy and gradient of many weights at once; lanes of weights are the innermost axis.

Weights come in blocks of shape (2M, L): for a pair (g, h) the L lanes of
a[g] and b[h] lie contiguous in memory, so that the inner loops vectorise.
Blocks are independent, so the number of threads cannot change a result.
"""

import math

from numba import njit, prange

__all__ = ["LANES", "energy_gradient_blocks", "energy_gradient_serial"]

LANES = 64


@njit(cache=True, error_model="numpy")
def _activate(code, q, x, value, slope):  # type: ignore[no-untyped-def]
    """Write σ(x) and σ'(x) of one pair's lanes; codes are positions in ``ACTIVATIONS``.

    One loop for each of the cheap activations, so that the compiler turns it into vectors.
    """
    lanes = x.shape[0]
    if code == 0:
        for l in range(lanes):  # noqa: E741
            value[l] = x[l] * x[l]
            slope[l] = 2.0 * x[l]
    elif code == 1:
        for l in range(lanes):  # noqa: E741
            value[l] = 0.5 * x[l] * x[l]
            slope[l] = x[l]
    elif code == 2:
        for l in range(lanes):  # noqa: E741
            value[l] = x[l] * x[l] * x[l]
            slope[l] = 3.0 * x[l] * x[l]
    elif code == 4:
        for l in range(lanes):  # noqa: E741
            slope[l] = 1.0 if x[l] > 0.0 else 0.0
            value[l] = slope[l] * x[l]
    elif code == 5:
        for l in range(lanes):  # noqa: E741
            slope[l] = 1.0 if x[l] > 0.0 else q
            value[l] = slope[l] * x[l]
    elif code == 11:
        for l in range(lanes):  # noqa: E741
            value[l] = x[l]
            slope[l] = 1.0
    else:
        for l in range(lanes):  # noqa: E741
            value[l], slope[l] = _transcendental(code, q, x[l])


@njit(cache=True, error_model="numpy")
def _transcendental(code, q, u):  # type: ignore[no-untyped-def]
    """Return σ(u) and σ'(u) of the activations that need a library call."""
    if code == 3:
        return abs(u) ** q, math.copysign(q * abs(u) ** (q - 1.0), u)
    if code == 6:
        s = 0.5 * (1.0 + math.tanh(0.5 * u))
        return u * s, s * (1.0 + u * (1.0 - s))
    if code == 7:
        s = 0.5 * (1.0 + math.erf(u / math.sqrt(2.0)))
        return u * s, s + u * math.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi)
    if code == 8:
        s = math.tanh(u)
        return s, 1.0 - s * s
    s = 0.5 * (1.0 + math.tanh(0.5 * u))
    if code == 9:
        return s, s * (1.0 - s)
    return max(u, 0.0) + math.log1p(math.exp(-abs(u))), s


@njit(cache=True, error_model="numpy")
def _block(w, left, right, target, share, code, q, sums, x, value, slope, energy, gradient):  # type: ignore[no-untyped-def]
    """Energy and gradient of the L lanes of one block; the last six arrays are written."""
    order, lanes = sums.shape
    sums[:] = 0.0
    for i in range(left.shape[0]):
        g, h, t = left[i], order + right[i], target[i]
        for l in range(lanes):  # noqa: E741
            x[l] = w[g, l] + w[h, l]
        _activate(code, q, x, value, slope)
        for l in range(lanes):  # noqa: E741
            sums[t, l] += value[l]
    for l in range(lanes):  # noqa: E741
        total = 0.0
        for t in range(order):
            total += sums[t, l]
        squares = 0.0
        mean = 0.0
        for t in range(order):
            sums[t, l] -= share[t] * total
            squares += sums[t, l] * sums[t, l]
            mean += share[t] * sums[t, l]
        energy[l] = 0.5 * squares
        for t in range(order):
            sums[t, l] -= mean
    gradient[:] = 0.0
    for i in range(left.shape[0]):
        g, h, t = left[i], order + right[i], target[i]
        for l in range(lanes):  # noqa: E741
            x[l] = w[g, l] + w[h, l]
        _activate(code, q, x, value, slope)
        for l in range(lanes):  # noqa: E741
            step = sums[t, l] * slope[l]
            gradient[g, l] += step
            gradient[h, l] += step


@njit(cache=True, error_model="numpy", parallel=True)
def energy_gradient_blocks(  # type: ignore[no-untyped-def]
    weights, left, right, target, share, code, q, sums, scratch, energies, gradients
):
    """Fill energies (B, L) and gradients (B, 2M, L) of weights (B, 2M, L).

    ``share[t]`` is n_t/n; ``sums`` (B, M, L) and ``scratch`` (B, 3, L) are work space.
    """
    for b in prange(weights.shape[0]):
        _block(
            weights[b],
            left,
            right,
            target,
            share,
            code,
            q,
            sums[b],
            scratch[b, 0],
            scratch[b, 1],
            scratch[b, 2],
            energies[b],
            gradients[b],
        )


@njit(cache=True, error_model="numpy")
def energy_gradient_serial(  # type: ignore[no-untyped-def]
    weights, left, right, target, share, code, q, sums, scratch, energies, gradients
):
    """Do what `energy_gradient_blocks` does, on the caller's thread: no launch to wait for."""
    for b in range(weights.shape[0]):
        _block(
            weights[b],
            left,
            right,
            target,
            share,
            code,
            q,
            sums[b],
            scratch[b, 0],
            scratch[b, 1],
            scratch[b, 2],
            energies[b],
            gradients[b],
        )
