"""Wilson intervals and estimates of what was not seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groupfeat.energy import starts_needed, unseen_probability, wilson_interval


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 500), st.data())
def test_wilson_interval_holds_its_proportion(total: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, total))
    low, high = wilson_interval(count, total)
    assert 0 <= low <= count / total <= high <= 1
    # The ends solve |p − count/total| = z √(p(1−p)/total).
    for p in (low, high):
        if 0 < p < 1 and 0 < count < total:
            deviation = abs(p - count / total)
            assert abs(deviation - 1.959964 * np.sqrt(p * (1 - p) / total)) < 1e-9


def test_unseen_probability_of_simple_counts() -> None:
    assert unseen_probability([100]) == pytest.approx(1 - 0.05 ** (1 / 100))
    assert unseen_probability([]) == 1
    assert unseen_probability([1] * 5) == 1
    once, n = 30, 100
    expected = once / n + 1.6448536 * np.sqrt(once - once**2 / n) / n
    assert unseen_probability([50, 20, *[1] * once]) == pytest.approx(expected)


@pytest.mark.parametrize("rare", [0, 3, 40, 400])
def test_the_estimate_bounds_the_true_chance(rare: int) -> None:
    """Rare classes of 0.2 in all beside four common ones: the bound holds in ≥ 92 % of draws."""
    chances = np.array([0.2] * 4 + ([0.2 / rare] * rare if rare else []))
    chances /= chances.sum()
    rng, held = np.random.default_rng(0), 0
    for _ in range(500):
        counts = rng.multinomial(200, chances)
        held += chances[counts == 0].sum() <= unseen_probability(counts[counts > 0].tolist())
    assert held >= 460


@pytest.mark.parametrize("target", [0.2, 0.01, 0.003])
def test_starts_needed_reach_the_target(target: int) -> None:
    """That many starts without anything rare are just enough; with rare classes they suffice."""
    needed = starts_needed([5, 4], target)
    assert unseen_probability([needed]) <= target < unseen_probability([needed - 1])
    once = [1, 1, 2]
    needed = starts_needed([90, *once], target)
    assert unseen_probability([needed - 4, *once]) <= target


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="0 <= count <= total"):
        wilson_interval(3, 2)
    with pytest.raises(ValueError, match=r"target must be in \(0, 1\), got 0"):
        starts_needed([3], 0)
    with pytest.raises(ValueError, match="confidence must be in"):
        unseen_probability([3], confidence=1.0)


def test_no_more_than_certain() -> None:
    """0.8 + 1.645·√(8 + 2 − 6.4)/10 = 1.11 is not a probability."""
    assert unseen_probability([1] * 8 + [2]) == 1


def test_tiny_targets_are_served() -> None:
    needed = starts_needed([5, 4], 1e-17)
    assert needed * 1e-17 == pytest.approx(-np.log(0.05), rel=1e-12)


@pytest.mark.parametrize("z", [np.inf, np.nan, -1.96, 0])
def test_widths_are_positive(z: float) -> None:
    with pytest.raises(ValueError, match="z must be positive and finite"):
        wilson_interval(3, 5, z=z)


@pytest.mark.parametrize("counts", [[-5, 10], [1.5, 2]])
def test_counts_are_whole(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="every count must be"):
        unseen_probability(counts)
    with pytest.raises(ValueError, match="every count must be"):
        starts_needed(counts, 0.1)
    with pytest.raises(ValueError, match="must be a whole number"):
        wilson_interval(1.5, 2)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="target must be at least 1e-100"):
        starts_needed([1], 1e-300)
