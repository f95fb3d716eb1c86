"""The least number of pairs that keeps a maximum, trial by trial, where it informs."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from groupfeat.groups import FiniteGroup

__all__ = ["Brackets", "Judge", "interval_ranks", "search_thresholds"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]

_RESOLUTION = 0.004


class Judge(Protocol):
    """Something that tells which tasks (families × trials) keep their maximum."""

    group: FiniteGroup
    shape: tuple[int, int]
    largest: int

    def kept(self, counts: Indices, asked: Flags | None = None) -> Flags:
        """Judge the tasks asked for on their numbers of pairs, all (F, T)."""


class Brackets:
    """Per task: lost at ``low``, kept at ``high`` (inf: lost at every n); verdicts asked for."""

    def __init__(self, shape: tuple[int, int], total: int) -> None:
        self.low = np.zeros(shape, dtype=np.intp)
        self.high = np.full(shape, total, dtype=np.intp)
        self.lost = np.zeros(shape, dtype=bool)
        self.judged = np.zeros(shape, dtype=np.intp)

    def ask(self, judge: Judge, counts: Indices, asked: Flags) -> Flags:
        """Return the verdicts asked for, and count them."""
        self.judged += asked
        return judge.kept(counts, asked)

    @property
    def thresholds(self) -> Floats:
        """Upper ends, shape (F, T)."""
        return np.where(self.lost, np.inf, self.high)

    def open(self) -> Flags:
        """Tell which brackets are wider than the resolution."""
        return ~self.lost & (self.high - self.low > np.maximum(1, _RESOLUTION * self.high))

    def telling(self) -> Flags:
        """Tell which open brackets may hold an order statistic of the median or its interval."""
        tops = self.thresholds
        bottoms = np.where(self.lost, np.inf, self.low)
        found = np.zeros(tops.shape, dtype=bool)
        first, last = interval_ranks(tops.shape[1])
        middle = ((tops.shape[1] - 1) // 2, tops.shape[1] // 2)
        for rank in {first, last, *middle}:
            floor = np.sort(bottoms, axis=1)[:, rank, None]
            ceiling = np.sort(tops, axis=1)[:, rank, None]
            found |= (bottoms < ceiling) & (tops > floor)
        return found & self.open()


def search_thresholds(judge: Judge, *, resolve_all: bool = False) -> Brackets:
    """Bisect each task's number of pairs, down to 0.4 %.

    Only brackets that may still hold the median or an end of its interval are
    halved further; what is left of the others says on which side they lie.
    ``resolve_all`` narrows every bracket. About log₂(250 M²/n) verdicts a
    task; their number is in ``judged``.
    """
    brackets = Brackets(judge.shape, judge.group.order**2)
    everyone = np.ones(judge.shape, dtype=bool)
    brackets.lost = ~brackets.ask(judge, brackets.high, everyone)
    while brackets.lost.any() and brackets.high.max() < judge.largest:
        lost = brackets.lost
        brackets.low = np.where(lost, brackets.high, brackets.low)
        brackets.high = np.where(lost, np.minimum(2 * brackets.high, judge.largest), brackets.high)
        brackets.lost = lost & ~brackets.ask(judge, brackets.high, lost)
    while True:
        asked = brackets.open() if resolve_all else brackets.telling()
        if not asked.any():
            return brackets
        middle = (brackets.low + brackets.high) // 2
        kept = brackets.ask(judge, np.where(asked, middle, brackets.high), asked)
        brackets.high = np.where(asked & kept, middle, brackets.high)
        brackets.low = np.where(asked & ~kept, middle, brackets.low)


def interval_ranks(trials: int) -> tuple[int, int]:
    """Return the ranks r, T−1−r of the tightest order statistics that hold the median with 95 %."""
    rank = int(np.argmax(bdtr(np.arange(trials + 1), trials, 0.5) > 0.025))
    return max(0, rank - 1), min(trials - 1, trials - rank)
