"""The pair set: which (g, h) are seen. Energy and training share it."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy.objective._plan import Plan, make_plan
from groupfeat.groups import FiniteGroup, check_group

__all__ = ["PAIR_SAMPLINGS", "PairSet", "full_pairs", "pairs_from_arrays", "sample_pairs"]

Indices = NDArray[np.intp]

PAIR_SAMPLINGS = ("without", "with", "per_target")
"""How `sample_pairs` draws: distinct pairs, pairs with replacement, k distinct pairs a target."""
_LARGEST_DRAW = 1_000_000_000


@dataclass(frozen=True, eq=False)
class PairSet:
    """The n pairs (g, h) that are seen, with their targets gh.

    Pairs are distinct unless they were drawn with replacement or given with
    repeats; a pair that stands m times counts m times, in energy and training alike.

    Parameters
    ----------
    group
        The group of order M.
    left, right
        Elements g and h of each pair, shape (n,); sorted by g, then h.
    sampling
        One of ``PAIR_SAMPLINGS``, or ``"given"``; the Horvitz–Thompson weights need it.

    Raises
    ------
    ValueError
        If the arrays are empty, differ in length or leave the group, the sampling is unknown, or
        a pair stands twice where it draws distinct ones.
    """

    group: FiniteGroup
    left: Indices = field(repr=False)
    right: Indices = field(repr=False)
    sampling: str = "without"

    def __post_init__(self) -> None:
        # Kernels read rows by these numbers unchecked.
        _check_elements(self.group, np.asarray(self.left), np.asarray(self.right))
        if self.sampling not in (*PAIR_SAMPLINGS, "given"):
            raise ValueError(
                f"unknown sampling {self.sampling!r}; known: {', '.join(PAIR_SAMPLINGS)}, given"
            )
        for name in ("left", "right"):
            owned = np.array(getattr(self, name), dtype=np.intp)
            owned.setflags(write=False)
            object.__setattr__(self, name, owned)
        if self.sampling in ("without", "per_target") and self.multiplicities.max() > 1:
            raise ValueError(
                f"a pair stands twice in a set of sampling {self.sampling!r}; pass "
                "sampling='with' if it was drawn so, else sampling='given'"
            )

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

    @cached_property
    def multiplicities(self) -> Indices:
        """How often each of the M² pairs stands in the set, shape (M, M)."""
        codes = self.left * self.order + self.right
        counts = np.bincount(codes, minlength=self.order**2).reshape(self.order, self.order)
        counts.setflags(write=False)
        return counts.astype(np.intp, copy=False)

    @property
    def train_fraction(self) -> float:
        """n/M², in (0, 1] for distinct pairs."""
        return len(self) / self.order**2

    @property
    def is_full(self) -> bool:
        """Whether the set is all M² pairs, each once."""
        return len(self) == self.order**2 and bool((self.multiplicities == 1).all())

    @cached_property
    def target_plan(self) -> Plan:
        """The kernels' order of the pairs, summed by target."""
        return make_plan(self.order, self.left, self.right, self.target)

    @cached_property
    def pair_plan(self) -> Plan:
        """The kernels' order of the pairs where each pair is summed by itself."""
        return make_plan(self.order, self.left, self.right, np.arange(len(self)))

    def complement(self) -> "PairSet | None":
        """Return the pairs that are not in the set, or None when there are none."""
        unseen = np.flatnonzero(self.multiplicities.ravel() == 0)
        return _from_codes(self.group, unseen, "given") if len(unseen) else None


def full_pairs(group: FiniteGroup) -> PairSet:
    """Return all M² pairs."""
    check_group(group)
    return _from_codes(group, np.arange(group.order**2), "without")


def sample_pairs(
    group: FiniteGroup,
    train_fraction: float,
    *,
    sampling: str = "without",
    rng: int | np.random.Generator,
) -> PairSet:
    """Return about p·M² random pairs (at least one).

    Parameters
    ----------
    group
        The group of order M.
    train_fraction
        p. In (0, 1]; above 1 only with replacement.
    sampling
        ``"without"``: round(p·M²) distinct pairs, uniformly. ``"with"``: round(p·M²) draws
        with replacement. ``"per_target"``: round(p·M) distinct pairs (at least one) of
        each of the M targets.
    rng
        Seed or generator.

    Raises
    ------
    ValueError
        If ``train_fraction`` is out of range or ``sampling`` unknown.

    Examples
    --------
    >>> from groupfeat.energy import sample_pairs
    >>> from groupfeat.groups import cyclic
    >>> pairs = sample_pairs(cyclic(5), 0.4, sampling="per_target", rng=0)
    >>> pairs.target_counts.tolist()
    [2, 2, 2, 2, 2]
    """
    check_group(group)
    if sampling not in PAIR_SAMPLINGS:
        raise ValueError(f"unknown sampling {sampling!r}; known: {', '.join(PAIR_SAMPLINGS)}")
    is_number = isinstance(train_fraction, (int, float, np.integer, np.floating))
    largest = _LARGEST_DRAW / group.order**2 if sampling == "with" else 1
    if not is_number or not 0 < train_fraction <= largest:
        raise ValueError(
            f"train_fraction must be in (0, {largest:.4g}], got {train_fraction}; "
            "1 means as many as all pairs"
        )
    generator, total = np.random.default_rng(rng), group.order**2
    count = max(1, round(train_fraction * total))
    if sampling == "with":
        return _from_codes(group, np.sort(generator.integers(0, total, count)), sampling)
    if sampling == "without":
        return _from_codes(group, np.sort(generator.permutation(total)[:count]), sampling)
    each = max(1, round(train_fraction * group.order))
    # Row t: the g of its pairs; h = g⁻¹t.
    left = np.argsort(generator.random((group.order, group.order)), axis=1)[:, :each]
    right = group.cayley_table[group.inverse[left], np.arange(group.order)[:, None]]
    return _from_codes(group, np.sort((left * group.order + right).ravel()), sampling)


def pairs_from_arrays(
    group: FiniteGroup, left: ArrayLike, right: ArrayLike, *, repeats: bool = False
) -> PairSet:
    """Return the given pairs (g, h), checked: elements of the group, none twice.

    With ``repeats`` a pair may stand several times and then counts as often.

    Raises
    ------
    ValueError
        If the arrays differ in length, leave the group or (unless ``repeats``) repeat a pair.
    """
    check_group(group)
    g, h = np.asarray(left), np.asarray(right)
    _check_elements(group, g, h)
    codes = np.sort(g.astype(np.intp) * group.order + h)
    twice = codes[1:][codes[1:] == codes[:-1]]
    if len(twice) and not repeats:
        pair, times = divmod(int(twice[0]), group.order), int(np.sum(codes == twice[0]))
        raise ValueError(f"pair {pair} stands {times} times; list each pair once or allow repeats")
    return _from_codes(group, codes, "given")


def _check_elements(group: FiniteGroup, g: NDArray[Any], h: NDArray[Any]) -> None:
    if g.ndim != 1 or g.shape != h.shape or not g.size:
        raise ValueError(f"expected two equal lists of elements, got shapes {g.shape}, {h.shape}")
    for name, array in (("left", g), ("right", h)):
        if array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= group.order:
            raise ValueError(f"{name} must hold elements 0..{group.order - 1} of {group.name}")


def _from_codes(group: FiniteGroup, codes: Indices, sampling: str) -> PairSet:
    left, right = np.divmod(codes, group.order)
    return PairSet(group, left, right, sampling)
