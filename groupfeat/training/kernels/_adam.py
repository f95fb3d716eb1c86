"""Adam's step in one pass over the parameters; one thread, no checks."""

import math

from numba import njit

__all__ = ["adam_step"]


# No "reassoc": (1 − β₂)g² must not become g² − β₂g², which is ∞ − ∞ where g² overflows.
@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def adam_step(  # type: ignore[no-untyped-def]
    parameter,
    gradient,
    mean,
    square,
    keep_mean,
    new_mean,
    keep_square,
    new_square,
    coupled,
    shrink,
    step,
    root,
    epsilon,
):
    """Take one Adam step in place on flat arrays; the numbers are `AdamNumbers`."""
    for i in range(parameter.shape[0]):
        g = gradient[i] + coupled * parameter[i]
        m = mean[i] * keep_mean + new_mean * g
        s = square[i] * keep_square + new_square * g * g
        mean[i], square[i] = m, s
        parameter[i] = parameter[i] * shrink - step * m / (root * math.sqrt(s) + epsilon)
