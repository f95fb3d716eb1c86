"""Energy and gradient of many weights at once; lanes of weights are the innermost axis.

A block holds the weights of L starts as (2M, L): for a pair (g, h) the lanes of a[g] and
b[h] are one vector each. Pairs are sorted so that sums stay in registers: for the sums c_t
by tile and target, for the gradient by tile and g. Tiles of rows stay in the first cache.
Blocks and lanes are independent, so the number of threads cannot change a result.
"""

from typing import NamedTuple

from numba import get_num_threads, njit
from numba.extending import overload

from groupfeat.energy.kernels._activations import Square, evaluate
from groupfeat.energy.kernels._rows import (
    Fours,
    Ones,
    Twos,
    add_products,
    fold,
    load_rows,
    repeat,
    store_rows,
)
from groupfeat.energy.kernels._vectors import (
    Lanes8,
    Lanes16,
    Lanes32,
    fma,
    load,
    store,
)

__all__ = [
    "Centred",
    "Cross",
    "Dense",
    "Lanes8",
    "Lanes16",
    "Lanes32",
    "Scaled",
    "Sum",
    "SumLessSquares",
    "add_product",
    "apply_readout",
    "evaluate_blocks",
    "evaluate_blocks_of_own",
    "from_lanes",
    "pull_block",
    "sum_block",
    "thread_count",
    "to_lanes",
]

_TRANSPOSED = 8
thread_count = get_num_threads
"""How many threads may run: what ``NUMBA_NUM_THREADS`` and ``numba.set_num_threads`` say."""


# --- what a pair adds: f(a, b) ------------------------------------------------------------------
class Sum(NamedTuple):
    """f = σ(a + b)."""

    kappa: float = 0.0


class Cross(NamedTuple):
    """f = ½[σ(a + b) − σ(a − b)]."""

    kappa: float = 0.0


class SumLessSquares(NamedTuple):
    """f = σ(a + b), and E has −½κ Σ f²."""

    kappa: float


def pair_value(mode, act, a, b):
    """Return f."""
    if not isinstance(mode, Cross):
        return evaluate(act, a + b)[0]
    if isinstance(act, Square):
        return (a + a) * b
    return (evaluate(act, a + b)[0] - evaluate(act, a - b)[0]) * 0.5


def pair_slopes(mode, act, a, b):
    """Return ∂f/∂a and ∂f/∂b over the activation's factor."""
    if not isinstance(mode, Cross):
        slope = evaluate(act, a + b)[1]
        return slope, slope
    if isinstance(act, Square):
        return b, a
    plus, minus = evaluate(act, a + b)[1], evaluate(act, a - b)[1]
    return (plus - minus) * 0.5, (plus + minus) * 0.5


def add_product(mode, total, x, y):
    """Return total + xy where the energy has squares, else total."""
    return fma(x, y, total) if isinstance(mode, SumLessSquares) else total


def less_square(mode, act, force, a, b):
    """Return force − κ·factor·f where the energy has squares, else force."""
    if isinstance(mode, SumLessSquares):
        return force - pair_value(mode, act, a, b) * (mode.kappa * act.factor)
    return force


@overload(pair_value)
def _pair_value_overload(mode, act, a, b):
    if mode.instance_class is not Cross:
        return lambda mode, act, a, b: evaluate(act, a + b)[0]
    if act.instance_class is Square:
        return lambda mode, act, a, b: (a + a) * b
    return lambda mode, act, a, b: (evaluate(act, a + b)[0] - evaluate(act, a - b)[0]) * 0.5


@overload(pair_slopes)
def _pair_slopes_overload(mode, act, a, b):
    if mode.instance_class is Cross and act.instance_class is Square:
        return lambda mode, act, a, b: (b, a)

    def together(mode, act, a, b):
        slope = evaluate(act, a + b)[1]
        return slope, slope

    def apart(mode, act, a, b):
        plus, minus = evaluate(act, a + b)[1], evaluate(act, a - b)[1]
        return (plus - minus) * 0.5, (plus + minus) * 0.5

    return apart if mode.instance_class is Cross else together


@overload(add_product)
def _add_product_overload(mode, total, x, y):
    if mode.instance_class is SumLessSquares:
        return lambda mode, total, x, y: fma(x, y, total)
    return lambda mode, total, x, y: total


@overload(less_square)
def _less_square_overload(mode, act, force, a, b):
    if mode.instance_class is not SumLessSquares:
        return lambda mode, act, force, a, b: force
    return lambda mode, act, force, a, b: (
        force - pair_value(mode, act, a, b) * (mode.kappa * act.factor)
    )


# --- the map on targets: c becomes Sc · factor, its energy ½cᵀSc is returned -------------------
class Centred(NamedTuple):
    """S = QᵀQ, Q = I − q1ᵀ."""

    share: object


class Scaled(NamedTuple):
    """S = αI − β11ᵀ."""

    alpha: float
    beta: float


class Dense(NamedTuple):
    """S = QᵀQ, Q a matrix (rows, labels)."""

    matrix: object


def _centred(readout, sums, read, factor, tag):
    share = readout.share
    total = load(sums, 0, tag)
    for t in range(1, sums.shape[0]):
        total = total + load(sums, t, tag)
    energy = total * 0.0
    mean = total * 0.0
    for t in range(sums.shape[0]):
        c = load(sums, t, tag) - total * share[t]
        energy = fma(c, c, energy)
        mean = mean + c * share[t]
        store(sums, t, c)
    for t in range(sums.shape[0]):
        store(sums, t, (load(sums, t, tag) - mean) * factor)
    return energy * 0.5


def _scaled(readout, sums, read, factor, tag):
    total = load(sums, 0, tag)
    for t in range(1, sums.shape[0]):
        total = total + load(sums, t, tag)
    # cᵀSc of c less its mean, and what the mean adds: sums of σ are far from zero.
    mean = total * (1.0 / sums.shape[0])
    energy = total * total * (readout.alpha / sums.shape[0] - readout.beta)
    for t in range(sums.shape[0]):
        c = load(sums, t, tag)
        pull = c * readout.alpha - total * readout.beta
        energy = fma(c - mean, pull, energy)
        store(sums, t, pull * factor)
    return energy * 0.5


def _dense(readout, sums, read, factor, tag):
    matrix = readout.matrix
    energy = load(sums, 0, tag) * 0.0
    for i in range(matrix.shape[0]):
        row = load(sums, 0, tag) * matrix[i, 0]
        for t in range(1, matrix.shape[1]):
            row = row + load(sums, t, tag) * matrix[i, t]
        energy = fma(row, row, energy)
        store(read, i, row)
    for t in range(matrix.shape[1]):
        pull = load(read, 0, tag) * matrix[0, t]
        for i in range(1, matrix.shape[0]):
            pull = pull + load(read, i, tag) * matrix[i, t]
        store(sums, t, pull * factor)
    return energy * 0.5


_READOUTS = {Centred: _centred, Scaled: _scaled, Dense: _dense}


def apply_readout(readout, sums, read, factor, tag):
    """Replace sums c by Sc · factor and return ½cᵀSc, lane by lane."""
    return _READOUTS[type(readout)](readout, sums, read, factor, tag)


@overload(apply_readout)
def _apply_readout_overload(readout, sums, read, factor, tag):
    return _READOUTS[readout.instance_class]


# --- passes over the pairs ----------------------------------------------------------------------
def _sum_tiles(w, tiles, mode, act, c, tile):
    """Add f of the pairs to c (labels, L); return Σ f² where the energy has squares, else zeros."""
    square = repeat(load(c, 0, tile.tag) * 0.0, tile)
    for s in range(tiles.inner.shape[0]):
        total = load_rows(c, tiles.inner, s, tile)
        for i in range(tiles.start[s], tiles.start[s + 1]):
            a = repeat(load(w, tiles.shared[i], tile.tag), tile)
            f = pair_value(mode, act, a, load_rows(w, tiles.other, i, tile))
            square = add_product(mode, square, f, f)
            total = total + f
        store_rows(c, tiles.inner, s, total, tile)
    return fold(square, tile)


def _pull_tiles(w, tiles, mode, act, pull, gradient, tile):
    """Add ∇E of the pairs to (2M, L) from ``pull`` = factor · Sc (labels, L)."""
    for s in range(tiles.inner.shape[0]):
        a = load_rows(w, tiles.inner, s, tile)
        total = load_rows(gradient, tiles.inner, s, tile)
        for i in range(tiles.start[s], tiles.start[s + 1]):
            h = tiles.shared[i]
            b = repeat(load(w, h, tile.tag), tile)
            force = less_square(mode, act, load_rows(pull, tiles.other, i, tile), a, b)
            slope_a, slope_b = pair_slopes(mode, act, a, b)
            total = fma(force, slope_a, total)
            beside = add_products(load(gradient, h, tile.tag), force, slope_b, tile)
            store(gradient, h, beside)
        store_rows(gradient, tiles.inner, s, total, tile)


_sum_cached = njit(cache=True, error_model="numpy")(_sum_tiles)
_pull_cached = njit(cache=True, error_model="numpy")(_pull_tiles)
# Functions of the user's own have no stable address, so their kernels are not kept on disk.
_sum_own = njit(error_model="numpy")(_sum_tiles)
_pull_own = njit(error_model="numpy")(_pull_tiles)


@njit(cache=True, error_model="numpy")
def sum_block(w, plan, mode, act, c, tag):
    """Write c (labels, L); return Σ f² where the energy has squares, else zeros."""
    c[:] = 0.0
    fours = _sum_cached(w, plan.sum_fours, mode, act, c, Fours(tag))
    twos = _sum_cached(w, plan.sum_twos, mode, act, c, Twos(tag))
    return fours + twos + _sum_cached(w, plan.sum_ones, mode, act, c, Ones(tag))


@njit(cache=True, error_model="numpy")
def pull_block(w, plan, mode, act, pull, gradient, tag):
    """Write ∇E (2M, L) from ``pull`` = factor · Sc (labels, L)."""
    gradient[:] = 0.0
    _pull_cached(w, plan.pull_fours, mode, act, pull, gradient, Fours(tag))
    _pull_cached(w, plan.pull_twos, mode, act, pull, gradient, Twos(tag))
    _pull_cached(w, plan.pull_ones, mode, act, pull, gradient, Ones(tag))


@njit(cache=True, error_model="numpy", nogil=True)
def evaluate_blocks(weights, plan, readout, mode, act, sums, read, energies, slopes, tag):
    """Write E (B, L) and ∇E (B, 2M, L); ``sums`` (labels, L) and ``read`` (rows, L) are scratch."""
    for block in range(weights.shape[0]):
        squares = sum_block(weights[block], plan, mode, act, sums, tag)
        found = apply_readout(readout, sums, read, act.factor, tag)
        store(energies, block, found - squares * (0.5 * mode.kappa))
        pull_block(weights[block], plan, mode, act, sums, slopes[block], tag)


@njit(error_model="numpy", nogil=True)
def evaluate_blocks_of_own(weights, plan, readout, mode, act, sums, read, energies, slopes, tag):
    """Do what `evaluate_blocks` does for the user's own activation."""
    for block in range(weights.shape[0]):
        w, gradient = weights[block], slopes[block]
        sums[:] = 0.0
        squares = _sum_own(w, plan.sum_fours, mode, act, sums, Fours(tag))
        squares = squares + _sum_own(w, plan.sum_twos, mode, act, sums, Twos(tag))
        squares = squares + _sum_own(w, plan.sum_ones, mode, act, sums, Ones(tag))
        found = apply_readout(readout, sums, read, act.factor, tag)
        store(energies, block, found - squares * (0.5 * mode.kappa))
        gradient[:] = 0.0
        _pull_own(w, plan.pull_fours, mode, act, sums, gradient, Fours(tag))
        _pull_own(w, plan.pull_twos, mode, act, sums, gradient, Twos(tag))
        _pull_own(w, plan.pull_ones, mode, act, sums, gradient, Ones(tag))


@njit(cache=True, error_model="numpy", nogil=True)
def to_lanes(points, weights):
    """Copy points (N, 2M) into blocks (B, 2M, L); lanes beyond the last point repeat it."""
    blocks, rows, lanes = weights.shape
    last = points.shape[0] - 1
    for block in range(blocks):
        for first in range(0, lanes, _TRANSPOSED):
            for g in range(rows):
                for l in range(first, first + _TRANSPOSED):  # noqa: E741
                    weights[block, g, l] = points[min(block * lanes + l, last), g]


@njit(cache=True, error_model="numpy", nogil=True)
def from_lanes(weights, points):
    """Copy blocks (B, 2M, L) into points (N, 2M)."""
    blocks, rows, lanes = weights.shape
    count = points.shape[0]
    for block in range(blocks):
        for first in range(0, lanes, _TRANSPOSED):
            for g in range(rows):
                for l in range(first, min(first + _TRANSPOSED, count - block * lanes)):  # noqa: E741
                    points[block * lanes + l, g] = weights[block, g, l]
