"""Energy and gradient of many weights at once; lanes of weights are the innermost axis.

Weights come in blocks of shape (2M, L): for a pair (g, h) the L lanes of
a[g] and b[h] lie contiguous in memory, so that the inner loops vectorise.
Blocks are independent, so the number of threads cannot change a result.
"""

import math

from numba import njit, prange

__all__ = ["LANES", "energy_gradient_blocks", "energy_gradient_serial"]

LANES = 16


@njit(cache=True, error_model="numpy")
def _activate(code, q, x, value, slope):  # type: ignore[no-untyped-def]
    """Write σ(x) and σ'(x) of one pair's lanes; codes are positions in ``ACTIVATIONS``."""
    for l in range(x.shape[0]):  # noqa: E741
        u = x[l]
        if code == 0:
            value[l] = u * u
            slope[l] = 2.0 * u
        elif code == 1:
            value[l] = 0.5 * u * u
            slope[l] = u
        elif code == 2:
            value[l] = u * u * u
            slope[l] = 3.0 * u * u
        elif code == 3:
            value[l] = abs(u) ** q
            slope[l] = math.copysign(q * abs(u) ** (q - 1.0), u)
        elif code == 4:
            value[l] = max(u, 0.0)
            slope[l] = 1.0 if u > 0.0 else 0.0
        elif code == 5:
            value[l] = u if u > 0.0 else q * u
            slope[l] = 1.0 if u > 0.0 else q
        elif code == 6:
            s = 0.5 * (1.0 + math.tanh(0.5 * u))
            value[l] = u * s
            slope[l] = s * (1.0 + u * (1.0 - s))
        elif code == 7:
            s = 0.5 * (1.0 + math.erf(u / math.sqrt(2.0)))
            value[l] = u * s
            slope[l] = s + u * math.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi)
        elif code == 8:
            s = math.tanh(u)
            value[l] = s
            slope[l] = 1.0 - s * s
        elif code == 9:
            s = 0.5 * (1.0 + math.tanh(0.5 * u))
            value[l] = s
            slope[l] = s * (1.0 - s)
        elif code == 10:
            value[l] = max(u, 0.0) + math.log1p(math.exp(-abs(u)))
            slope[l] = 0.5 * (1.0 + math.tanh(0.5 * u))
        else:
            value[l] = u
            slope[l] = 1.0


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
