"""The pair set: which (g, h) are seen. Energy and training share it."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups import FiniteGroup

__all__ = ["PairSet", "full_pairs", "pairs_from_arrays", "sample_pairs"]

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class PairSet:
    """A set of n distinct pairs (g, h) with their targets gh.

    Parameters
    ----------
    group
        The group of order M.
    left, right
        Elements g and h of each pair, shape (n,); sorted by g, then h.
    """

    group: FiniteGroup
    left: Indices = field(repr=False)
    right: Indices = field(repr=False)

    def __post_init__(self) -> None:
        self.left.setflags(write=False)
        self.right.setflags(write=False)

    def __len__(self) -> int:
        return len(self.left)

    @property
    def order(self) -> int:
        """Order M of the group."""
        return self.group.order

    @cached_property
    def target(self) -> Indices:
        """The products gh, shape (n,)."""
        found = self.group.cayley_table[self.left, self.right].astype(np.intp)
        found.setflags(write=False)
        return found

    @cached_property
    def target_counts(self) -> Indices:
        """Number n_t of pairs with target t, shape (M,)."""
        counts = np.bincount(self.target, minlength=self.order).astype(np.intp)
        counts.setflags(write=False)
        return counts

    @property
    def train_fraction(self) -> float:
        """n/M², in (0, 1]."""
        return len(self) / self.order**2

    @property
    def is_full(self) -> bool:
        """Whether all M² pairs are in the set."""
        return len(self) == self.order**2

    def complement(self) -> "PairSet | None":
        """Return the pairs that are not in the set, or None when there are none."""
        if self.is_full:
            return None
        seen = np.zeros(self.order**2, dtype=bool)
        seen[self.left * self.order + self.right] = True
        return _from_codes(self.group, np.flatnonzero(~seen))


def full_pairs(group: FiniteGroup) -> PairSet:
    """Return all M² pairs."""
    return _from_codes(group, np.arange(group.order**2))


def sample_pairs(
    group: FiniteGroup, train_fraction: float, *, rng: int | np.random.Generator
) -> PairSet:
    """Return round(p·M²) pairs (at least one) drawn uniformly without replacement.

    Raises
    ------
    ValueError
        If ``train_fraction`` is not in (0, 1].
    """
    if not 0 < train_fraction <= 1:
        raise ValueError(
            f"train_fraction must be in (0, 1], got {train_fraction}; 1 means all pairs"
        )
    total = group.order**2
    count = max(1, round(train_fraction * total))
    chosen = np.random.default_rng(rng).permutation(total)[:count]
    return _from_codes(group, np.sort(chosen))


def pairs_from_arrays(group: FiniteGroup, left: ArrayLike, right: ArrayLike) -> PairSet:
    """Return the given pairs (g, h), checked: elements of the group, none twice.

    Raises
    ------
    ValueError
        If the arrays differ in length, leave the group or repeat a pair.
    """
    g, h = np.asarray(left), np.asarray(right)
    if g.ndim != 1 or g.shape != h.shape or not g.size:
        raise ValueError(f"expected two equal lists of elements, got shapes {g.shape}, {h.shape}")
    for name, array in (("left", g), ("right", h)):
        if array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= group.order:
            raise ValueError(f"{name} must hold elements 0..{group.order - 1} of {group.name}")
    codes, counts = np.unique(g.astype(np.intp) * group.order + h, return_counts=True)
    if counts.max() > 1:
        twice = divmod(int(codes[np.argmax(counts)]), group.order)
        raise ValueError(f"pair {twice} stands {counts.max()} times; list each pair once")
    return _from_codes(group, codes)


def _from_codes(group: FiniteGroup, codes: Indices) -> PairSet:
    left, right = np.divmod(codes, group.order)
    return PairSet(group, left.astype(np.intp), right.astype(np.intp))
