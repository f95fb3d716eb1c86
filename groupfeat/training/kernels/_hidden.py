"""Loops over examples that torch needs several passes for; one thread, no checks.

Rows of W are contiguous along the hidden nodes, so the inner loops vectorise. Fast-math flags are
those that keep NaN and infinity. What is written and read chunk by chunk may be bfloat16: arrays
of its 16 bits as whole numbers, which numba has and the type it has not.
"""

from typing import Any

import numpy as np
from numba import config, njit, types
from numba.extending import overload

__all__ = [
    "CODES",
    "add_features",
    "compile_loop",
    "compiled",
    "count_right",
    "fill_features",
    "narrow",
    "pull_back",
    "residuals",
    "turn",
    "widen",
]

compile_loop = njit(
    cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"}
)
_LEAK = 0.01  # as groupfeat.energy's default
CODES = {
    "square": 0,
    "half_square": 1,
    "cube": 2,
    "relu": 3,
    "linear": 4,
    "leaky_relu": 5,
    "power": 6,
}


def compiled() -> bool:
    """Tell whether kernels are compiled; interpreted, torch is faster."""
    return not config.DISABLE_JIT  # type: ignore[attr-defined]


def narrow(x: Any, like: Any) -> Any:
    """Return ``x`` as an entry of the array ``like``: itself, or the nearest bfloat16's bits."""
    return _nearest_bits(x) if like.dtype == np.uint16 else x


def widen(entry: Any) -> Any:
    """Return the number that an entry is: itself, or the float32 of a bfloat16's bits."""
    return _number(entry) if isinstance(entry, np.uint16) else entry


def _nearest_bits(x: Any) -> Any:
    """Return the upper half of a float32, rounded to nearest, ties to even; any NaN as one NaN."""
    bits = np.float32(x).view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    rounded = (bits + np.uint32(0x7FFF) + odd) >> np.uint32(16)
    return np.uint16(rounded if x == x else np.uint32(0x7FC0))


def _number(bits: Any) -> Any:
    return np.uint32(np.uint32(bits) << np.uint32(16)).view(np.float32)


@overload(narrow)
def _narrow(x, like):  # type: ignore[no-untyped-def]
    if like.dtype == types.uint16:
        nearest = njit(_nearest_bits)
        return lambda x, like: nearest(x)
    return lambda x, like: x


@overload(widen)
def _widen(entry):  # type: ignore[no-untyped-def]
    if entry == types.uint16:
        number = njit(_number)
        return lambda entry: number(entry)
    return lambda entry: entry


@compile_loop
def turn(matrix, out):  # type: ignore[no-untyped-def]
    """Write the transpose of ``matrix`` (M, K) to the first M columns of ``out``."""
    order, width = matrix.shape
    for begin in range(0, width, 16):
        for c in range(order):
            for k in range(begin, min(begin + 16, width)):
                out[k, c] = matrix[c, k]


@compile_loop
def fill_features(code, first, left, right, out):  # type: ignore[no-untyped-def]
    """Write σ(first[left] + first[right]) to ``out``, which may be bfloat16."""
    one = first.dtype.type(1)
    half, zero, leak = one / (one + one), one - one, first.dtype.type(_LEAK)
    width = first.shape[1]
    for i in range(left.shape[0]):
        a, b, row = first[left[i]], first[right[i]], out[i]
        if code == 0:
            for k in range(width):
                x = a[k] + b[k]
                row[k] = narrow(x * x, row)
        elif code == 1:
            for k in range(width):
                x = a[k] + b[k]
                row[k] = narrow(half * x * x, row)
        elif code == 2:
            for k in range(width):
                x = a[k] + b[k]
                row[k] = narrow(x * x * x, row)
        elif code == 3:
            for k in range(width):
                x = a[k] + b[k]
                row[k] = narrow(x if not x <= zero else zero, row)
        elif code == 5:
            for k in range(width):
                x = a[k] + b[k]
                row[k] = narrow(x if not x <= zero else leak * x, row)
        elif code == 6:
            for k in range(width):
                x = a[k] + b[k]
                row[k] = narrow(x * x * abs(x), row)
        else:
            for k in range(width):
                row[k] = narrow(a[k] + b[k], row)


@compile_loop
def add_features(code, first, left, right, row, total):  # type: ignore[no-untyped-def]
    """Add σ(first[left] + first[right]), summed over the pairs, to ``total``; ``row`` is (1, K)."""
    for i in range(left.shape[0]):
        fill_features(code, first, left[i : i + 1], right[i : i + 1], row)
        for k in range(row.shape[1]):
            total[k] += row[0, k]


@compile_loop
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
                    scale * (x + first[h, k]) * widen(back[i, k]),
                    scale * (x + first[q, k]) * widen(back[j, k]),
                )
                found[h, k] += step
                found[q, k] += next_step
                found[g, k] += step + next_step
            i += 2
        else:
            for k in range(width):
                step = scale * (first[g, k] + first[h, k]) * widen(back[i, k])
                found[g, k] += step
                found[h, k] += step
            i += 1


@compile_loop
def pull_back(code, scale, first, left, right, back, found):  # type: ignore[no-untyped-def]
    """Add scale · back · σ'(first[left] + first[right]) to the rows ``left`` and ``right``.

    ``back`` may be bfloat16. Indexed in full, not by views of rows: a view costs more than a short
    row.
    """
    one = first.dtype.type(1)
    zero, leak = one - one, first.dtype.type(_LEAK)
    if code <= 1:
        _pull_back_squares(scale + scale if code == 0 else scale, first, left, right, back, found)
        return
    if code in (2, 6):
        scale = (one + one + one) * scale
    width = first.shape[1]
    for i in range(left.shape[0]):
        g, h = np.uint64(left[i]), np.uint64(right[i])
        if code == 2:
            for k in range(width):
                x = first[g, k] + first[h, k]
                step = scale * x * x * widen(back[i, k])
                found[g, k] += step
                found[h, k] += step
        elif code == 6:
            for k in range(width):
                x = first[g, k] + first[h, k]
                step = scale * x * abs(x) * widen(back[i, k])
                found[g, k] += step
                found[h, k] += step
        elif code in (3, 5):
            low = zero if code == 3 else leak * scale
            for k in range(width):
                slope = scale if first[g, k] + first[h, k] > zero else low
                found[g, k] += slope * widen(back[i, k])
                found[h, k] += slope * widen(back[i, k])
        else:
            for k in range(width):
                step = scale * widen(back[i, k])
                found[g, k] += step
                found[h, k] += step


@compile_loop
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


@compile_loop
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
