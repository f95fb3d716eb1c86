"""The order in which the kernels walk over the pairs: by tiles that share a row."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Plan", "Tiles", "make_plan"]

Int32 = NDArray[np.int32]
Indices = NDArray[np.intp]

BAND = 64
"""Shared rows that a tile's pairs run over: 64 rows of 128 bytes of two arrays fill 16 kB."""


class Tiles(NamedTuple):
    """Pairs that are complete tiles of T × 1: T inner rows that all meet a shared row.

    Parameters
    ----------
    start, inner
        Segment s holds the tiles ``start[s]`` to ``start[s + 1]``; all have the T rows
        ``inner[s]``, shape (S, T), and shared rows of one band.
    shared, other
        The shared row of a tile, shape (n,), and what each of its pairs has beside its
        inner and its shared row, shape (n, T).
    """

    start: Int32
    inner: Int32
    shared: Int32
    other: Int32


class Plan(NamedTuple):
    """Every pair once for the sums and once for the gradient; rows count g as g and h as M + h.

    Parameters
    ----------
    sum_fours, sum_twos, sum_ones
        T = 4, 2, 1 labels that share a row g; beside it stands the row h.
    pull_fours, pull_twos, pull_ones
        T rows g that share a row h; beside it stands the label.
    """

    sum_fours: Tiles
    sum_twos: Tiles
    sum_ones: Tiles
    pull_fours: Tiles
    pull_twos: Tiles
    pull_ones: Tiles


def make_plan(order: int, left: Indices, right: Indices, labels: Indices) -> Plan:
    """Return the plan of pairs (g, h) with labels, all of shape (n,)."""
    rows = order + right
    return Plan(*_all_tiles(labels, left, rows), *_all_tiles(left, rows, labels))


def _all_tiles(inner: Indices, shared: Indices, other: Indices) -> list[Tiles]:
    """Return the tiles of four, of two of what is left, and the rest."""
    found = []
    for width in (4, 2, 1):
        chosen = _complete_tiles(width, inner, shared)
        found.append(_segments(inner[chosen], shared[chosen], other[chosen]))
        rest = np.ones(len(inner), dtype=bool)
        rest[chosen.ravel()] = False
        inner, shared, other = inner[rest], shared[rest], other[rest]
    return found


def _complete_tiles(width: int, inner: Indices, shared: Indices) -> Indices:
    """Return the pairs of all complete tiles, shape (n, T), by band, inner and shared row."""
    if not len(inner):
        return np.empty((0, width), dtype=np.intp)
    row = shared - shared.min()
    groups, rows = int(inner.max()) // width + 1, int(row.max()) + 1
    cell = ((shared // BAND - shared.min() // BAND) * groups + inner // width) * rows + row
    key = cell * width + inner % width
    # Numbers of 16 bits are sorted by their digits, in linear time.
    order = np.argsort(key.astype(np.min_scalar_type(int(key.max()))), kind="stable")
    if width == 1:
        return order[:, None]
    # A pair that repeats stands in a tile once.
    key = key[order]
    order = order[np.concatenate([[True], key[1:] != key[:-1]])]
    cell = cell[order]
    first = np.flatnonzero(np.concatenate([[True], cell[1:] != cell[:-1]]))
    whole = first[np.diff(np.concatenate([first, [len(cell)]])) == width]
    return order[whole[:, None] + np.arange(width)]


def _segments(inner: Indices, shared: Indices, other: Indices) -> Tiles:
    """Return tiles (n, T), sorted by band and inner rows, with where these change."""
    band = shared[:, :1] // BAND
    marks = np.concatenate([band, inner[:, :1]], axis=1)
    change = np.flatnonzero((marks[1:] != marks[:-1]).any(axis=1)) + 1
    start = np.concatenate([[0], change]) if len(marks) else np.empty(0, dtype=np.intp)
    return Tiles(
        np.concatenate([start, [len(marks)]]).astype(np.int32),
        np.ascontiguousarray(inner[start], dtype=np.int32),
        np.ascontiguousarray(shared[:, 0], dtype=np.int32),
        np.ascontiguousarray(other, dtype=np.int32),
    )
