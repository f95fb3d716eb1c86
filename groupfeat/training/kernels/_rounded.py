"""Loops over residuals R = βF·V − Y in bfloat16 (their bits); one thread, no checks.

Rows may have further columns, whose residuals are 0.
"""

import numpy as np

from groupfeat.training.kernels._hidden import compile_loop, narrow, widen

__all__ = [
    "add_product",
    "begin_rows",
    "center_rows",
    "finish",
    "round_answers",
    "sum_of_squares",
]


@compile_loop
def _mean_row(matrix):  # type: ignore[no-untyped-def]
    order, width = matrix.shape
    mean = np.zeros(width, matrix.dtype)
    one = matrix.dtype.type(1)
    share = one / matrix.dtype.type(order)
    for c in range(order):
        for k in range(width):
            mean[k] += share * matrix[c, k]
    return mean


@compile_loop
def round_answers(second, by_classes, v):  # type: ignore[no-untyped-def]
    """Write V (M, K) to the first M rows of ``v``, its mean over classes taken off if so."""
    order, width = second.shape
    mean = _mean_row(second) if by_classes else np.zeros(width, second.dtype)
    for c in range(order):
        for k in range(width):
            v[c, k] = narrow(second[c, k] - mean[k], v)


@compile_loop
def begin_rows(start, hit, target, rows):  # type: ignore[no-untyped-def]
    """Write what F·V is added to: ``hit`` at each row's class, ``start`` at the others."""
    count, width = rows.shape
    for i in range(count):
        for c in range(width):
            rows[i, c] = start[c]
        rows[i, target[i]] = hit[target[i]]


@compile_loop
def sum_of_squares(rows, order):  # type: ignore[no-untyped-def]
    """Return Σ R² of the first ``order`` columns, every row centred."""
    total = 0.0
    for i in range(rows.shape[0]):
        one = widen(rows[i, 0])
        mean, squares = one - one, one - one
        for c in range(order):
            mean += widen(rows[i, c])
        mean /= order
        for c in range(order):
            gap = widen(rows[i, c]) - mean
            squares += gap * gap
        total += squares
    return total


@compile_loop
def center_rows(start_error, hit_error, target, rows, sums):  # type: ignore[no-untyped-def]
    """Add what ``start`` and ``hit`` lost when they were rounded; return Σ R².

    The columns' sums over the rows are added to ``sums`` (M,).
    """
    total = 0.0
    for i in range(rows.shape[0]):
        t = target[i]
        mine = widen(rows[i, t]) + hit_error[t]
        for c in range(sums.shape[0]):
            rows[i, c] = narrow(widen(rows[i, c]) + start_error[c], rows)
        rows[i, t] = narrow(mine, rows)
        squares = mine - mine
        for c in range(sums.shape[0]):
            gap = widen(rows[i, c])
            sums[c] += gap
            squares += gap * gap
        total += squares
    return total


@compile_loop
def add_product(part, keep, found):  # type: ignore[no-untyped-def]
    """Add the first M rows of ``part`` to ``found`` (M, K); write them there unless ``keep``."""
    for c in range(found.shape[0]):
        if keep:
            for k in range(found.shape[1]):
                found[c, k] += widen(part[c, k])
        else:
            for k in range(found.shape[1]):
                found[c, k] = widen(part[c, k])


@compile_loop
def finish(by_classes, scale, weights, mean, found):  # type: ignore[no-untyped-def]
    """Center the sum ``found`` (M, K) of RᵀF and multiply it by ``scale``.

    By classes: over its rows. Otherwise ``weights`` (M,) times ``mean`` (K,) comes off: Σ R over
    the examples and the mean features.
    """
    order, width = found.shape
    if by_classes:
        weights, mean = np.ones(order, found.dtype), _mean_row(found)
    for c in range(order):
        for k in range(width):
            found[c, k] = scale * (found[c, k] - weights[c] * mean[k])
