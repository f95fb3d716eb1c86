"""Alternating maximisation of E for σ = x² on full data, in irrep coordinates.

E = 2 Σ_k c_k ‖α_k β_k‖²_F with isometric coordinates α, β of the two halves of w. For fixed β
it is a convex quadratic form of α, so α ← c α ββ* (scaled to length) never lowers it, and
likewise β ← c α*α β. Rows are entries of blocks, lanes are starts.
"""

from typing import NamedTuple

from numba import njit

from groupfeat.energy.kernels._rows import (
    Fours,
    Ones,
    Twos,
    load_strided,
    repeat,
    store_strided,
)
from groupfeat.energy.kernels._vectors import (
    absolute,
    extract,
    fma,
    largest,
    load,
    root,
    select,
    store,
)

__all__ = ["Blocks", "alternate", "normalise_blocks"]

_TINY = 1e-300
_HALF = 0.7071067811865476
_FLUSHED = 1e-100
"""Its cube is a normal number: below, a processor takes a hundred times as long."""


class Blocks(NamedTuple):
    """Families: first row, dimension d, 1 (real) or 2 (complex) parts of d² rows, weight c."""

    first: object
    dim: object
    parts: object
    weight: object


@njit(cache=True, error_model="numpy")
def _real_entries(x, y, out, x_at, y_at, at, steps, dim, scale, tile):
    """Write entries of scale · X Y in a row of the product, as many as the tile has rows.

    ``steps`` are the strides of X's columns and of Y's rows and columns.
    """
    x_step, y_row, y_step = steps
    real = repeat(load(x, 0, tile.tag) * 0.0, tile)
    for _ in range(dim):
        real = fma(repeat(load(x, x_at, tile.tag), tile), load_strided(y, y_at, y_step, tile), real)
        x_at += x_step
        y_at += y_row
    store_strided(out, at, 1, real * scale, tile)


@njit(cache=True, error_model="numpy")
def _complex_entries(x, y, out, x_at, y_at, at, steps, dim, scale, tile):
    """Do what `_real_entries` does where imaginary parts stand d² rows below.

    ``scale`` holds the scale and the signs of the imaginary parts of X and Y.
    """
    x_step, y_row, y_step = steps
    factor, x_sign, y_sign = scale
    size = dim * dim
    real = repeat(load(x, 0, tile.tag) * 0.0, tile)
    imaginary = real
    for _ in range(dim):
        xr = repeat(load(x, x_at, tile.tag), tile)
        xi = repeat(load(x, x_at + size, tile.tag) * x_sign, tile)
        yr = load_strided(y, y_at, y_step, tile)
        yi = load_strided(y, y_at + size, y_step, tile)
        real = fma(xr, yr, real) - xi * (yi * y_sign)
        imaginary = fma(xi, yr, fma(xr, yi * y_sign, imaginary))
        x_at += x_step
        y_at += y_row
    store_strided(out, at, 1, real * factor, tile)
    store_strided(out, at + size, 1, imaginary * factor, tile)


@njit(cache=True, error_model="numpy")
def _multiply(x, x_first, x_star, y, y_first, y_star, out, first, dim, parts, scale, tag):
    """Write scale · X Y (starred: conjugate transposes) of blocks that start at the given rows."""
    x_row, x_step = (1, dim) if x_star else (dim, 1)
    y_row, y_step = (1, dim) if y_star else (dim, 1)
    steps = (x_step, y_row, y_step)
    scales = (scale, -1.0 if x_star else 1.0, -1.0 if y_star else 1.0)
    for i in range(dim):
        p, at, j = x_first + i * x_row, first + i * dim, 0
        while parts == 1 and j + 4 <= dim:
            q = y_first + j * y_step
            _real_entries(x, y, out, p, q, at + j, steps, dim, scale, Fours(tag))
            j += 4
        while j + 2 <= dim:
            q = y_first + j * y_step
            if parts == 1:
                _real_entries(x, y, out, p, q, at + j, steps, dim, scale, Twos(tag))
            else:
                _complex_entries(x, y, out, p, q, at + j, steps, dim, scales, Twos(tag))
            j += 2
        if j < dim:
            q = y_first + j * y_step
            if parts == 1:
                _real_entries(x, y, out, p, q, at + j, steps, dim, scale, Ones(tag))
            else:
                _complex_entries(x, y, out, p, q, at + j, steps, dim, scales, Ones(tag))


@njit(cache=True, error_model="numpy")
def _scale_numbers(moved, still, at, parts, weight, tag):
    """Scale one number by weight · |the other|²: what `_multiply` comes to for d = 1."""
    square = load(still, at, tag) * load(still, at, tag)
    if parts == 2:
        square = fma(load(still, at + 1, tag), load(still, at + 1, tag), square)
    square = square * weight
    store(moved, at, load(moved, at, tag) * square)
    if parts == 2:
        store(moved, at + 1, load(moved, at + 1, tag) * square)


@njit(cache=True, error_model="numpy")
def _half_round(moved, still, blocks, is_first, gram, spare, tag):
    """Write α ← c α ββ* (``is_first``: α is ``moved``, β ``still``), or β ← c α*α β."""
    for k in range(blocks.first.shape[0]):
        at, dim, parts = blocks.first[k], blocks.dim[k], blocks.parts[k]
        weight = blocks.weight[k]
        if dim == 1:
            _scale_numbers(moved, still, at, parts, weight, tag)
            continue
        star = not is_first
        _multiply(still, at, star, still, at, not star, gram, 0, dim, parts, weight, tag)
        if is_first:
            _multiply(moved, at, False, gram, 0, False, spare, 0, dim, parts, 1.0, tag)
        else:
            _multiply(gram, 0, False, moved, at, False, spare, 0, dim, parts, 1.0, tag)
        for i in range(parts * dim * dim):
            store(moved, at + i, load(spare, i, tag))


@njit(cache=True, error_model="numpy")
def _normalise(x, length, tag):
    """Scale rows so that ‖x‖ = ``length``, small numbers to 0; return the old norm."""
    total = load(x, 0, tag) * 0.0
    for i in range(x.shape[0]):
        row = load(x, i, tag)
        total = fma(row, row, total)
    norm = root(largest(total, _TINY))
    scale = length / norm
    for i in range(x.shape[0]):
        row = load(x, i, tag) * scale
        store(x, i, select(absolute(row) - _FLUSHED, row, 0.0))
    return norm


@njit(cache=True, error_model="numpy", nogil=True)
def normalise_blocks(weights, norms, tag):
    """Scale the starts of blocks (B, R, L) to unit length; write the lengths before, (B, L)."""
    for block in range(weights.shape[0]):
        store(norms, block, _normalise(weights[block], 1.0, tag))


@njit(cache=True, error_model="numpy", nogil=True)
def alternate(first_half, second_half, blocks, gram, spare, state, norms, most, tag):
    """Climb the starts of blocks (B, R, L), in place; return the largest number of rounds.

    ``gram`` and ``spare`` are (rows of a block, L), ``state`` (2, L); ``norms`` (2B, L) gets
    the lengths of the halves before. A block of lanes ends when all have stopped to gain: the
    last round has then cubed what was left of other blocks.
    """
    longest = 0
    for block in range(first_half.shape[0]):
        a, b = first_half[block], second_half[block]
        store(norms, 2 * block, _normalise(a, _HALF, tag))
        store(norms, 2 * block + 1, _normalise(b, _HALF, tag))
        state[:] = 0.0
        settled, rounds = False, 0
        while not settled and rounds < most:
            rounds += 1
            _half_round(a, b, blocks, True, gram, spare, tag)
            _normalise(a, _HALF, tag)
            _half_round(b, a, blocks, False, gram, spare, tag)
            # The length of c α*αβ at unit lengths is a bound of E that grows with it.
            gain = _normalise(b, _HALF, tag)
            store(state, 1, gain)
            settled = True
            for lane in range(state.shape[1]):
                now = extract(gain, lane)
                settled = settled and now - state[0, lane] <= 1e-15 * now
            store(state, 0, gain)
        longest = max(longest, rounds)
    return longest
