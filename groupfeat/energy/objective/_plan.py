"""The order in which the kernels walk over the pairs: by tiles that stay in the first cache."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Plan", "make_plan"]

Int32 = NDArray[np.int32]

TILE = 64
"""Rows of a tile: 64 rows of 256 bytes from each of three arrays fill a first cache of 48 kB."""


class Plan(NamedTuple):
    """Pairs in two orders; rows of weights count g as g and h as M + h.

    Parameters
    ----------
    sum_start, sum_label
        Segment s of the first order holds the pairs ``sum_start[s]`` to ``sum_start[s + 1]``,
        which have the label ``sum_label[s]`` and lie in one tile.
    sum_left, sum_right
        Rows of g and h, shape (n,).
    pull_start, pull_left
        Segments of the second order and the row g that their pairs share.
    pull_right, pull_label
        Row of h and label of each pair, shape (n,).
    """

    sum_start: Int32
    sum_label: Int32
    sum_left: Int32
    sum_right: Int32
    pull_start: Int32
    pull_left: Int32
    pull_right: Int32
    pull_label: Int32


def make_plan(
    order: int, left: NDArray[np.intp], right: NDArray[np.intp], labels: NDArray[np.intp]
) -> Plan:
    """Return the plan of pairs (g, h) with labels, all of shape (n,)."""
    first, start = _segments(labels, left // TILE, right // TILE)
    second, pull_start = _segments(left, right // TILE, labels // TILE)
    return Plan(
        start,
        labels[first[start[:-1]]].astype(np.int32),
        left[first].astype(np.int32),
        (order + right[first]).astype(np.int32),
        pull_start,
        left[second[pull_start[:-1]]].astype(np.int32),
        (order + right[second]).astype(np.int32),
        labels[second].astype(np.int32),
    )


def _segments(
    inner: NDArray[np.intp], first: NDArray[np.intp], second: NDArray[np.intp]
) -> tuple[NDArray[np.intp], Int32]:
    """Sort by tile (first, second), then by ``inner``; return the order and where runs start."""
    key = (first * (second.max() + 1) + second) * (inner.max() + 1) + inner
    # Numbers of 16 bits are sorted by their digits, in linear time.
    key = key.astype(np.min_scalar_type(int(key.max())))
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    starts = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return order, np.concatenate([[0], starts, [len(order)]]).astype(np.int32)
