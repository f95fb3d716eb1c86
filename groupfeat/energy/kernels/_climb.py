"""Conjugate gradients on the sphere for σ = x²: many starts at once, exact line searches.

On the great circle w cos θ + v sin θ every f of a pair is A cos² + 2B sin cos + C sin², so
E is a quartic in (cos θ, sin θ) and its maximum costs one pass over the pairs. A lane
whose start is done takes the next one. Lanes are loaded when the sums are computed afresh,
every ``_FRESH`` iterations, so a start's path does not depend on its neighbours.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from groupfeat.energy.kernels._blocks import (
    Cross,
    add_product,
    apply_readout,
    pull_block,
    sum_block,
)
from groupfeat.energy.kernels._rows import Fours, Ones, Twos, fold, load_rows, repeat, store_rows
from groupfeat.energy.kernels._vectors import fma, largest, load, root, select, store

__all__ = ["ClimbSpace", "climb_starts", "measure_blocks"]

_FRESH = 5
_TINY = 1e-300
# Angles at which the slope along a circle is looked at before its root is refined.
_GRID = tuple(math.tan(math.pi * (j + 1) / 64) for j in range(28))
_NEWTON = 9
ERROR, ENERGY, BEFORE, LENGTH = 0, 1, 2, 3


class ClimbSpace(NamedTuple):
    """Work space of one thread.

    Weights, directions, gradients and previous gradients (2M, L); sums A, B, C and their
    images under S (labels, L); rows for the read-out; state (4, L); start and age of a lane (L,).
    """

    w: object
    v: object
    gradient: object
    previous: object
    a: object
    b: object
    c: object
    sa: object
    sb: object
    sc: object
    read: object
    state: object
    held: object
    age: object


def middle_and_last(mode, a, b, va, vb):
    """Return A, B and C of a pair: f = A cos² + 2B sin cos + C sin²."""
    if isinstance(mode, Cross):
        return (a + a) * b, a * vb + va * b, (va + va) * vb
    x, y = a + b, va + vb
    return x * x, x * y, y * y


@overload(middle_and_last)
def _middle_and_last_overload(mode, a, b, va, vb):
    def together(mode, a, b, va, vb):
        x, y = a + b, va + vb
        return x * x, x * y, y * y

    def apart(mode, a, b, va, vb):
        return (a + a) * b, fma(a, vb, va * b), (va + va) * vb

    return apart if mode.instance_class is Cross else together


@njit(cache=True, error_model="numpy")
def _circle_tiles(w, v, tiles, mode, middle, last, tile):
    """Add B and C of the pairs (labels, L); return Σ AB, AC, BB, BC, CC where E has squares."""
    zero = repeat(load(middle, 0, tile.tag) * 0.0, tile)
    ab, ac, bb, bc, cc = zero, zero, zero, zero, zero
    for s in range(tiles.inner.shape[0]):
        total_b = load_rows(middle, tiles.inner, s, tile)
        total_c = load_rows(last, tiles.inner, s, tile)
        for i in range(tiles.start[s], tiles.start[s + 1]):
            g = tiles.shared[i]
            a, va = repeat(load(w, g, tile.tag), tile), repeat(load(v, g, tile.tag), tile)
            b, vb = load_rows(w, tiles.other, i, tile), load_rows(v, tiles.other, i, tile)
            first, second, third = middle_and_last(mode, a, b, va, vb)
            total_b, total_c = total_b + second, total_c + third
            ab, ac = add_product(mode, ab, first, second), add_product(mode, ac, first, third)
            bb, bc = add_product(mode, bb, second, second), add_product(mode, bc, second, third)
            cc = add_product(mode, cc, third, third)
        store_rows(middle, tiles.inner, s, total_b, tile)
        store_rows(last, tiles.inner, s, total_c, tile)
    return fold(ab, tile), fold(ac, tile), fold(bb, tile), fold(bc, tile), fold(cc, tile)


@njit(cache=True, error_model="numpy")
def _circle(w, v, plan, mode, middle, last, tag):
    """Write B and C (labels, L); return Σ AB, AC, BB, BC, CC where the energy has squares."""
    middle[:] = 0.0
    last[:] = 0.0
    ab, ac, bb, bc, cc = _circle_tiles(w, v, plan.sum_fours, mode, middle, last, Fours(tag))
    p, q, r, s, t = _circle_tiles(w, v, plan.sum_twos, mode, middle, last, Twos(tag))
    ab, ac, bb, bc, cc = ab + p, ac + q, bb + r, bc + s, cc + t
    p, q, r, s, t = _circle_tiles(w, v, plan.sum_ones, mode, middle, last, Ones(tag))
    return ab + p, ac + q, bb + r, bc + s, cc + t


@njit(cache=True, error_model="numpy")
def _inner(x, y, tag):
    """Return Σ xy over rows."""
    total = load(x, 0, tag) * load(y, 0, tag)
    for g in range(1, x.shape[0]):
        total = fma(load(x, g, tag), load(y, g, tag), total)
    return total


@njit(cache=True, error_model="numpy")
def _slope(p0, p1, p2, p3, p4, t):
    """Return dE/dθ / cos⁴θ at t = tan θ, and its derivative by t."""
    q1, q2, q3 = 2.0 * p2 - 4.0 * p0, 3.0 * (p3 - p1), 4.0 * p4 - 2.0 * p2
    value = p1 + t * (q1 + t * (q2 + t * (q3 - t * p3)))
    return value, q1 + t * (2.0 * q2 + t * (3.0 * q3 - 4.0 * t * p3))


@njit(cache=True, error_model="numpy")
def _first_maximum(p0, p1, p2, p3, p4):
    """Return tan θ of the first maximum of E on the circle, at most the last of the grid."""
    low, high, open_ = p0 * 0.0, p0 * 0.0 + _GRID[0], p0 * 0.0 + 1.0
    for j in range(len(_GRID)):
        t = p0 * 0.0 + _GRID[j]
        rising = select(_slope(p0, p1, p2, p3, p4, t)[0], open_, 0.0)
        high = select(open_, t, high)
        low = select(rising, t, low)
        open_ = rising
    t = low
    for _ in range(_NEWTON):
        value, change = _slope(p0, p1, p2, p3, p4, t)
        low, high = select(value, t, low), select(value, high, t)
        t = t - value / select(0.0 - change, change, -_TINY)
        middle = 0.5 * (low + high)
        t = select(low - t, middle, select(t - high, middle, t))
    return t


@njit(cache=True, error_model="numpy")
def _project(gradient, w, v, previous, tag):
    """Make gradients tangential; return ‖∇E‖², and g·g, g·v and g·previous of the tangential."""
    whole = load(gradient, 0, tag) * 0.0
    radial, now, along, overlap = whole, whole, whole, whole
    for i in range(gradient.shape[0]):
        g = load(gradient, i, tag)
        whole, radial = fma(g, g, whole), fma(g, load(w, i, tag), radial)
    for i in range(gradient.shape[0]):
        g = load(gradient, i, tag) - radial * load(w, i, tag)
        now, along = fma(g, g, now), fma(g, load(v, i, tag), along)
        overlap = fma(g, load(previous, i, tag), overlap)
        store(gradient, i, g)
    return whole, now, along, overlap


@njit(cache=True, error_model="numpy")
def _relative(now, whole):
    """Return the relative gradient; one of 1e-12 is rounding: E vanishes there."""
    return select(whole - 1e-24, root(now / largest(whole, _TINY)), 0.0)


@njit(cache=True, error_model="numpy", nogil=True)
def measure_blocks(weights, slopes, errors, tag):
    """Write the relative gradients (B, L) of unit weights (B, 2M, L); ∇E become tangential."""
    for block in range(weights.shape[0]):
        w = weights[block]
        whole, now, _, _ = _project(slopes[block], w, w, w, tag)
        store(errors, block, _relative(now, whole))


@njit(cache=True, error_model="numpy")
def _direct(space, tolerance, tag):
    """Set the directions v; write errors; return 1 where a lane moves on, 0 where it has ended."""
    w, v, gradient, state = space.w, space.v, space.gradient, space.state
    whole, now, along, overlap = _project(gradient, w, v, space.previous, tag)
    error = _relative(now, whole)
    store(state, ERROR, error)
    before = load(state, BEFORE, tag)
    store(state, BEFORE, now)
    beta = largest((now - overlap) / largest(before, _TINY), 0.0)
    # Directions are kept at unit length; conjugacy is about their length before that.
    beta = select(before, beta, 0.0) * load(state, LENGTH, tag)
    beta = select(along * beta + now, beta, 0.0)
    length, radial = beta * 0.0, beta * 0.0
    for i in range(v.shape[0]):
        g = load(gradient, i, tag)
        row = fma(load(v, i, tag), beta, g)
        length, radial = fma(row, row, length), fma(row, load(w, i, tag), radial)
        store(v, i, row)
        store(space.previous, i, g)
    length = root(largest(length, _TINY))
    store(state, LENGTH, length)
    scale = 1.0 / length
    # Projected after it has unit length; otherwise the ascent stalls at 1e-8.
    radial = radial * scale
    for i in range(v.shape[0]):
        store(v, i, load(v, i, tag) * scale - load(w, i, tag) * radial)
    return select(error - tolerance, error * 0.0 + 1.0, 0.0)


@njit(cache=True, error_model="numpy")
def _turn(space, c, s, tag):
    """Go along the circles by angles of cosine c and sine s.

    The previous gradient stays as it is: it only ever meets gradients that are tangential.
    """
    w, v = space.w, space.v
    for g in range(w.shape[0]):
        old, side = load(w, g, tag), load(v, g, tag)
        store(w, g, c * old + s * side)
        store(v, g, c * side - s * old)
    cc, cs, ss = c * c, 2.0 * c * s, s * s
    for t in range(space.a.shape[0]):
        total = cc * load(space.a, t, tag) + cs * load(space.b, t, tag)
        store(space.a, t, total + ss * load(space.c, t, tag))
        total = cc * load(space.sa, t, tag) + cs * load(space.sb, t, tag)
        store(space.sa, t, total + ss * load(space.sc, t, tag))


@njit(cache=True, error_model="numpy")
def _products(space, tag):
    """Return A·SA, B·SA, C·SA and C·SB."""
    zero = load(space.a, 0, tag) * 0.0
    aa, ba, ca, cb = zero, zero, zero, zero
    for t in range(space.a.shape[0]):
        image, c = load(space.sa, t, tag), load(space.c, t, tag)
        aa, ba = fma(load(space.a, t, tag), image, aa), fma(load(space.b, t, tag), image, ba)
        ca, cb = fma(c, image, ca), fma(c, load(space.sb, t, tag), cb)
    return aa, ba, ca, cb


@njit(cache=True, error_model="numpy")
def _step(space, plan, readout, mode, act, squares, tolerance, tag):
    """One iteration of every lane; return Σ AA at the new points."""
    pull_block(space.w, plan, mode, act, space.sa, space.gradient, tag)
    moving = _direct(space, tolerance, tag)
    ab, ac, bb, bc, cc = _circle(space.w, space.v, plan, mode, space.b, space.c, tag)
    for t in range(space.b.shape[0]):
        store(space.sb, t, load(space.b, t, tag))
        store(space.sc, t, load(space.c, t, tag))
    half_b = apply_readout(readout, space.sb, space.read, 1.0, tag)
    half_c = apply_readout(readout, space.sc, space.read, 1.0, tag)
    kappa = mode.kappa
    aa, ba, ca, cb = _products(space, tag)
    p0 = 0.5 * aa - squares * (0.5 * kappa)
    p1 = 2.0 * (ba - ab * kappa)
    p2 = 4.0 * half_b + ca - (2.0 * bb + ac) * kappa
    p3 = 2.0 * (cb - bc * kappa)
    p4 = half_c - cc * (0.5 * kappa)
    store(space.state, ENERGY, p0)
    tangent = _first_maximum(p0, p1, p2, p3, p4) * moving
    c = 1.0 / root(1.0 + tangent * tangent)
    s = tangent * c
    _turn(space, c, s, tag)
    mixed = c * s * (4.0 * (c * c * ab + s * s * bc) + c * s * (4.0 * bb + 2.0 * ac))
    return c * c * c * c * squares + mixed + s * s * s * s * cc


@njit(cache=True, error_model="numpy")
def _take(space, lane, points, index):
    """Put a start into a lane."""
    space.held[lane] = index
    space.age[lane] = 0
    for g in range(space.w.shape[0]):
        space.w[g, lane] = points[index, g]
        space.v[g, lane] = 0.0
        space.previous[g, lane] = 0.0
    space.state[BEFORE, lane] = 0.0
    space.state[LENGTH, lane] = 0.0


@njit(cache=True, error_model="numpy", nogil=True)
def climb_starts(
    points, first, last, plan, readout, mode, act, space, tolerance, most, ends, iterations, tag
):
    """Climb the unit points first, …, last − 1 (N, 2M); write ends (N, 2M) and iterations (N,).

    ``act`` is the square with factor 1. A start ends at a relative gradient ≤ ``tolerance`` or
    after ``most`` iterations.
    """
    lanes = space.w.shape[1]
    coming = first
    for lane in range(lanes):
        _take(space, lane, points, min(coming, last - 1))
        if coming >= last:
            space.held[lane] = -1
        coming += 1
    open_ = last - first
    while open_ > 0:
        squares = sum_block(space.w, plan, mode, act, space.a, tag)
        for t in range(space.a.shape[0]):
            store(space.sa, t, load(space.a, t, tag))
        apply_readout(readout, space.sa, space.read, 1.0, tag)
        for _ in range(_FRESH):
            squares = _step(space, plan, readout, mode, act, squares, tolerance, tag)
        length = root(_inner(space.w, space.w, tag))
        for g in range(space.w.shape[0]):
            store(space.w, g, load(space.w, g, tag) / length)
        for lane in range(lanes):
            index = space.held[lane]
            space.age[lane] += _FRESH
            ended = space.state[ERROR, lane] <= tolerance or space.age[lane] >= most
            if index >= 0 and ended:
                for g in range(space.w.shape[0]):
                    ends[index, g] = space.w[g, lane]
                iterations[index] = space.age[lane]
                open_ -= 1
                if coming < last:
                    _take(space, lane, points, coming)
                    coming += 1
                else:
                    space.held[lane] = -1
    return np.int64(open_)
