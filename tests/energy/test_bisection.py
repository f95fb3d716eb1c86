"""The search for thresholds, on judges whose answers are known."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from groupfeat.energy.thresholds._bisection import interval_ranks, search_thresholds
from groupfeat.groups import cyclic


class Known:
    """A judge with a true threshold for every task."""

    def __init__(self, truth: Any, largest: int) -> None:
        self.truth, self.largest = np.asarray(truth), largest
        self.shape, self.group = self.truth.shape, cyclic(100)
        self.asked = 0

    def kept(self, counts: Any, asked: Any = None) -> Any:
        wanted = np.ones(self.shape, dtype=bool) if asked is None else asked
        self.asked += int(wanted.sum())
        assert counts[wanted].max() <= self.largest
        return wanted & (counts >= self.truth)


def truth(families: int = 3, trials: int = 20) -> Any:
    rng = np.random.default_rng(0)
    means = np.array([900, 4000, 14000])[:families, None]
    return np.rint(means * (1 + 0.08 * rng.standard_normal((families, trials)))).astype(int)


def test_all_brackets_close_on_the_truth() -> None:
    known = truth()
    found = search_thresholds(Known(known, 40_000), resolve_all=True).thresholds
    assert (found >= known).all()
    assert (found <= known * 1.005 + 1).all()


@pytest.mark.parametrize("trials", [1, 2, 5, 6, 19, 20, 41])
def test_the_statistics_are_those_of_the_truth(trials: int) -> None:
    known = truth(trials=trials)
    judge = Known(known, 40_000)
    found = search_thresholds(judge)
    ranks = [*interval_ranks(trials), (trials - 1) // 2, trials // 2]
    got, true = (np.sort(x, axis=1)[:, ranks] for x in (found.thresholds, known))
    np.testing.assert_allclose(got, true, rtol=0.006)
    assert found.judged.sum() == judge.asked
    full = search_thresholds(Known(known, 40_000), resolve_all=True)
    assert (found.judged <= full.judged).all()
    if trials >= 19:
        assert found.judged.sum() < 0.8 * full.judged.sum()


def test_what_is_never_kept_is_infinite() -> None:
    known = truth(families=1)
    known[0, :7] = 10**9
    found = search_thresholds(Known(known, 40_000)).thresholds
    assert np.isinf(found[0, :7]).all()
    assert np.isfinite(found[0, 7:]).all()


def test_ranks_cover_the_median_with_95_percent_and_no_tighter_pair_does() -> None:
    for trials in (6, 10, 20, 37, 100):
        first, last = interval_ranks(trials)
        outside = 2 * binom.cdf(first, trials, 0.5)
        assert outside <= 0.05 < 2 * binom.cdf(first + 1, trials, 0.5)
        assert last == trials - 1 - first
