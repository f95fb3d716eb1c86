"""When two critical points count as one: near each other, up to signs, or alike by label."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.ascent._search import random_starts
from groupfeat.energy.objective._activations import Activation
from groupfeat.energy.objective._energy import energy
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.objective._variants import Variant
from groupfeat.energy.saddles._saddles import CriticalPoints

__all__ = ["Labels", "Sameness", "Signs", "classes_of", "group_points", "sign_symmetries"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Labels = Callable[[Floats], Floats]
"""Weights (N, 2M) to numbers (N, m) that are equal along each manifold of critical points."""
Signs = tuple[tuple[int, int], ...]
_SAME_ENERGY = 1e-7
_SAME_POINT = 1e-3
_SAME_LABEL = 1e-4


def sign_symmetries(
    pairs: PairSet, activation: str | Activation, *, variant: str | Variant = "raw"
) -> Signs:
    """Return the signs (s, t) with E([sa; tb]) = E([a; b]), measured at eight random points.

    (−1, −1) is there for even σ, for odd σ, for the sigmoid, and on all pairs for ReLU and SiLU,
    whose odd part x/2 then adds the same constant to every target; all four are for x²
    on all pairs, where only 2ab is left.

    Examples
    --------
    >>> from groupfeat.energy import full_pairs, sample_pairs, sign_symmetries
    >>> from groupfeat.groups import cyclic
    >>> sign_symmetries(sample_pairs(cyclic(5), 0.6, rng=0), "square")
    ((1, 1), (-1, -1))
    >>> len(sign_symmetries(full_pairs(cyclic(5)), "square"))
    4
    """
    points = random_starts(pairs.order, 8, rng=0)
    level = energy(points, pairs, activation, variant=variant)
    found = []
    for s, t in ((1, 1), (-1, -1), (1, -1), (-1, 1)):
        there = energy(_signed(points, s, t), pairs, activation, variant=variant)
        if np.all(np.abs(there - level) <= 1e-10 * np.abs(level)):
            found.append((s, t))
    return tuple(found)


def _signed(w: Floats, s: int, t: int) -> Floats:
    half = w.shape[-1] // 2
    return np.concatenate([s * w[..., :half], t * w[..., half:]], axis=-1)


@dataclass(frozen=True)
class Sameness:
    """When two critical points count as one."""

    signs: Signs
    labels: Labels | None

    def find(self, w: Floats, energies: Floats) -> Indices:
        """Return the position of the first equal point for each point, shape (N,)."""
        marks = None if self.labels is None else self.labels(w)
        first = np.arange(len(w), dtype=np.intp)
        order = np.argsort(-energies, kind="stable")
        window: list[int] = []
        for i in order.tolist():
            window = [j for j in window if energies[j] - energies[i] <= _SAME_ENERGY * energies[j]]
            equal = np.flatnonzero(self._equal(w, marks, i, window))
            if len(equal):
                first[i] = window[equal[0]]
            else:
                window.append(i)
        return first

    def _equal(
        self, w: Floats, marks: Floats | None, i: int, others: list[int]
    ) -> NDArray[np.bool_]:
        if marks is not None:
            return np.all(np.abs(marks[others] - marks[i]) <= _SAME_LABEL, axis=1)
        apart = [np.linalg.norm(w[others] - _signed(w[i], s, t), axis=1) for s, t in self.signs]
        return np.min(apart, axis=0) <= _SAME_POINT


def classes_of(points: CriticalPoints, index: int, same: Sameness) -> tuple[Indices, Indices]:
    """Return rows of the representatives, highest first, and each row's class or −1."""
    valid = np.flatnonzero(points.is_converged & (points.indices == index))
    first = valid[same.find(points.weights[valid], points.energies[valid])]
    heads = np.unique(first)
    heads = heads[np.argsort(-points.energies[heads], kind="stable")]
    place = np.full(len(points), -1, dtype=np.intp)
    place[heads] = np.arange(len(heads))
    members = np.full(len(points), -1, dtype=np.intp)
    members[valid] = place[first]
    return heads, members


def group_points(
    points: CriticalPoints, index: int, same: Sameness
) -> tuple[CriticalPoints, Indices]:
    heads, members = classes_of(points, index, same)
    return points.take(heads), np.bincount(members[members >= 0], minlength=len(heads))
