"""Pair sets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groupfeat.energy import PairSet, full_pairs, pairs_from_arrays, sample_pairs
from groupfeat.groups import FiniteGroup, cyclic, symmetric
from tests.strategies import groups


@settings(deadline=None, max_examples=30)
@given(groups(max_order=24), st.floats(0.001, 1), st.integers(0, 2**32 - 1))
def test_sample_and_complement_split_all_pairs(
    group: FiniteGroup, fraction: float, seed: int
) -> None:
    pairs = sample_pairs(group, fraction, rng=seed)
    rest = pairs.complement()
    total = group.order**2
    assert len(pairs) == max(1, round(fraction * total))
    codes = [p.left * group.order + p.right for p in (pairs, rest) if p is not None]
    assert np.array_equal(np.sort(np.concatenate(codes)), np.arange(total))
    assert np.array_equal(group.cayley_table[pairs.left, pairs.right], pairs.target)
    assert pairs.target_counts.sum() == len(pairs)
    again = sample_pairs(group, fraction, rng=seed)
    assert np.array_equal(again.left, pairs.left)


def test_full_pairs() -> None:
    pairs = full_pairs(symmetric(3))
    assert pairs.is_full
    assert pairs.complement() is None
    assert pairs.train_fraction == 1
    assert pairs.target_counts.tolist() == [6] * 6


def test_given_pairs_are_sorted() -> None:
    pairs = pairs_from_arrays(cyclic(3), [2, 0], [1, 2])
    assert pairs.left.tolist() == [0, 2]
    assert pairs.target.tolist() == [2, 0]


@pytest.mark.parametrize("fraction", [0, -0.1, 1.01, float("nan")])
def test_bad_fractions_are_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match=r"train_fraction must be in \(0, 1\], got"):
        sample_pairs(cyclic(3), fraction, rng=0)


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        ([0, 0], [1, 1], r"pair \(0, 1\) stands 2 times"),
        ([0], [3], "right must hold elements 0..2 of C3"),
        ([0, 1], [1], "two equal lists"),
        ([], [], "two equal lists"),
        ([0.5], [1], "left must hold elements"),
    ],
)
def test_bad_pairs_are_refused(left: list[int], right: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pairs_from_arrays(cyclic(3), left, right)


@settings(deadline=None, max_examples=20)
@given(groups(max_order=24), st.floats(0.001, 1), st.integers(0, 2**32 - 1))
def test_each_target_has_its_pairs(group: FiniteGroup, fraction: float, seed: int) -> None:
    pairs = sample_pairs(group, fraction, sampling="per_target", rng=seed)
    each = max(1, round(fraction * group.order))
    assert pairs.target_counts.tolist() == [each] * group.order
    assert pairs.multiplicities.max() == 1
    assert np.array_equal(group.cayley_table[pairs.left, pairs.right], pairs.target)


def test_draws_with_replacement_repeat() -> None:
    group = symmetric(3)
    pairs = sample_pairs(group, 3, sampling="with", rng=0)
    assert len(pairs) == pairs.multiplicities.sum() == 108
    assert pairs.multiplicities.max() > 1
    assert not sample_pairs(group, 1, sampling="with", rng=0).is_full
    rest = pairs.complement()
    unseen = 0 if rest is None else len(rest)
    assert unseen == np.sum(pairs.multiplicities == 0)


def test_per_target_draws_are_uniform() -> None:
    """Each of the 9 pairs of Z3 stands in two sets of three."""
    group, seen = cyclic(3), np.zeros((3, 3))
    generator = np.random.default_rng(0)
    for _ in range(600):
        seen += sample_pairs(group, 2 / 3, sampling="per_target", rng=generator).multiplicities
    assert np.abs(seen / 600 - 2 / 3).max() < 5 * np.sqrt(2 / 9 / 600)


def test_unknown_samplings_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown sampling 'all'; known: without, with, per_"):
        sample_pairs(cyclic(3), 0.5, sampling="all", rng=0)


@pytest.mark.parametrize("fraction", [float("inf"), None, "x", 1e12, 0])
def test_bad_fractions_of_draws_are_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="train_fraction must be"):
        sample_pairs(cyclic(3), fraction, sampling="with", rng=0)
    with pytest.raises(ValueError, match="train_fraction must be"):
        sample_pairs(cyclic(3), fraction, rng=0)


def test_distinct_pairs_are_distinct() -> None:
    twice = [0, 1, 1], [2, 2, 2]
    for sampling in ("without", "per_target"):
        with pytest.raises(ValueError, match="a pair stands twice in a set of sampling"):
            PairSet(cyclic(3), *twice, sampling)  # type: ignore[arg-type]
    for sampling in ("with", "given"):
        pairs = PairSet(cyclic(3), *twice, sampling)  # type: ignore[arg-type]
        assert pairs.multiplicities[1, 2] == 2
