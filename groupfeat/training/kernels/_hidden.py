"""Loops over examples that torch needs several passes for; one thread, no checks.

Rows of W are contiguous along the hidden nodes, so the inner loops vectorise. Fast-math flags are
those that keep NaN and infinity.
"""

import numpy as np
from numba import config, njit

__all__ = [
    "CODES",
    "compiled",
    "count_right",
    "fill_features",
    "pull_back",
    "residuals",
    "turn",
]

_compile = njit(
    cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"}
)
CODES = {"square": 0, "half_square": 1, "cube": 2, "relu": 3, "linear": 4}


def compiled() -> bool:
    """Tell whether kernels are compiled; interpreted, torch is faster."""
    return not config.DISABLE_JIT  # type: ignore[attr-defined]


@_compile
def turn(matrix, out):  # type: ignore[no-untyped-def]
    """Write the transpose of ``matrix`` (M, K) to the first M columns of ``out``."""
    order, width = matrix.shape
    for begin in range(0, width, 16):
        for c in range(order):
            for k in range(begin, min(begin + 16, width)):
                out[k, c] = matrix[c, k]


@_compile
def fill_features(code, first, left, right, out):  # type: ignore[no-untyped-def]
    """Write σ(first[left] + first[right])."""
    one = out.dtype.type(1)
    half, zero = one / (one + one), one - one
    width = first.shape[1]
    for i in range(left.shape[0]):
        a, b, row = first[left[i]], first[right[i]], out[i]
        if code == 0:
            for k in range(width):
                x = a[k] + b[k]
                row[k] = x * x
        elif code == 1:
            for k in range(width):
                x = a[k] + b[k]
                row[k] = half * x * x
        elif code == 2:
            for k in range(width):
                x = a[k] + b[k]
                row[k] = x * x * x
        elif code == 3:
            for k in range(width):
                x = a[k] + b[k]
                row[k] = x if not x <= zero else zero
        else:
            for k in range(width):
                row[k] = a[k] + b[k]


@_compile
def _pull_back_squares(scale, first, left, right, back, found):  # type: ignore[no-untyped-def]
    """Do the same where σ' is the sum itself: two neighbours of one ``left`` at a time."""
    count, width = back.shape
    i = 0
    while i < count:
        g, h = np.uint64(left[i]), np.uint64(right[i])
        if i + 1 < count and left[i + 1] == left[i]:
            q, j = np.uint64(right[i + 1]), i + 1
            for k in range(width):
                x = first[g, k]
                step, next_step = (
                    scale * (x + first[h, k]) * back[i, k],
                    scale * (x + first[q, k]) * back[j, k],
                )
                found[h, k] += step
                found[q, k] += next_step
                found[g, k] += step + next_step
            i += 2
        else:
            for k in range(width):
                step = scale * (first[g, k] + first[h, k]) * back[i, k]
                found[g, k] += step
                found[h, k] += step
            i += 1


@_compile
def pull_back(code, scale, first, left, right, back, found):  # type: ignore[no-untyped-def]
    """Add scale · back · σ'(first[left] + first[right]) to the rows ``left`` and ``right``.

    Indexed in full, not by views of rows: a view costs more than a short row.
    """
    one = back.dtype.type(1)
    zero = one - one
    if code <= 1:
        _pull_back_squares(scale + scale if code == 0 else scale, first, left, right, back, found)
        return
    if code == 2:
        scale = (one + one + one) * scale
    width = first.shape[1]
    for i in range(left.shape[0]):
        g, h = np.uint64(left[i]), np.uint64(right[i])
        if code == 2:
            for k in range(width):
                x = first[g, k] + first[h, k]
                step = scale * x * x * back[i, k]
                found[g, k] += step
                found[h, k] += step
        elif code == 3:
            for k in range(width):
                slope = scale if first[g, k] + first[h, k] > zero else zero
                found[g, k] += slope * back[i, k]
                found[h, k] += slope * back[i, k]
        else:
            for k in range(width):
                step = scale * back[i, k]
                found[g, k] += step
                found[h, k] += step


@_compile
def residuals(by_classes, logits, target, share, scale, pull):  # type: ignore[no-untyped-def]
    """Write scale · residual of a squared loss to ``pull`` (c, M); return Σ residual².

    ``logits`` may have further columns. By classes: each row is centred. By samples: logits are
    centred already, ``share`` is n_t/n.
    """
    count, order = pull.shape
    one = logits.dtype.type(1)
    total = 0.0
    for i in range(count):
        mean, squares = one - one, one - one
        logits[i, target[i]] -= one
        if by_classes:
            for c in range(order):
                mean += logits[i, c]
            mean /= order
            for c in range(order):
                gap = logits[i, c] - mean
                squares += gap * gap
                pull[i, c] = scale * gap
        else:
            for c in range(order):
                gap = logits[i, c] + share[c]
                squares += gap * gap
                pull[i, c] = scale * gap
        total += squares
    return total


@_compile
def count_right(logits, target, order):  # type: ignore[no-untyped-def]
    """Count rows whose largest logit among the first ``order``, the first if several, is theirs.

    A row with a NaN is never right.
    """
    right = 0
    for i in range(target.shape[0]):
        mine, wrong = logits[i, target[i]], 0
        for c in range(order):
            wrong += not logits[i, c] <= mine
        for c in range(target[i]):
            wrong += logits[i, c] == mine
        right += wrong == 0
    return right
