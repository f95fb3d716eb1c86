"""What a run has reached: from where its accuracies last, and the status that says so."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["ACCURACIES", "Lasting", "lasting_columns", "lasting_from", "outcome"]

ACCURACIES = {"test_accuracy": "generalised", "train_accuracy": "memorised"}
"""Column of a history to what a run is called that has it at its goal."""
_MOST_RISE = 2.0
"""A run that fits nothing is told so where its loss rose above this multiple of the first."""

History = Mapping[str, Sequence[float]]


@dataclass
class Lasting:
    """From where a value stays at ``goal``, told row by row.

    Attributes
    ----------
    since
        The first epoch after 0 from which it has stayed there, for ``steps`` steps or up to the
        last row; None without one. Once it has lasted for ``steps``, later rows change nothing.
    held
        The first of the rows up to the last in all of which it is there, epoch 0 among them.
    lost_at
        The last epoch at which it no longer was there.
    """

    goal: float
    steps: float
    since: int | None = None
    held: int | None = None
    lost_at: int | None = None
    has_lasted: bool = False

    def add(self, epoch: float, value: float) -> None:
        """Take the next row."""
        if not value >= self.goal:  # NaN is not there either
            self.lost_at = self.lost_at if self.held is None else int(epoch)
            self.held = None
            self.since = self.since if self.has_lasted else None
            return
        if self.held is None:
            self.held = int(epoch)
        if self.since is None and epoch > 0:
            self.since = int(epoch)
        if self.since is not None and epoch - self.since >= self.steps:
            self.has_lasted = True


def lasting_columns(history: History, goal: float, steps: float) -> dict[str, Lasting]:
    """Return a `Lasting` for each accuracy, with the rows of ``history`` taken in."""
    found = {name: Lasting(goal, steps) for name in ACCURACIES}
    for name, lasting in found.items():
        for row in zip(history.get("epoch", ()), history.get(name, ()), strict=False):
            lasting.add(*row)
    return found


def lasting_from(epochs: Iterable[float], good: Iterable[bool], steps: float) -> int | None:
    """Return the first epoch after 0 from which ``good`` lasts for ``steps`` or to the end."""
    found = Lasting(True, steps)
    for epoch, holds in zip(epochs, good, strict=False):
        found.add(epoch, holds)
    return found.since


def outcome(history: History, lasting: Mapping[str, Lasting], advice: str) -> str:
    """Return what the last accuracies say, and after a colon what was lost or went wrong.

    ``"generalised"``, ``"memorised"`` or ``"not fitted"``. After the latter two, an accuracy that
    had lasted and was lost; after the last, a train loss that had risen above twice the first.
    ``advice`` follows either.
    """
    held = [name for name in ACCURACIES if lasting[name].held is not None]
    word = ACCURACIES[held[0]] if held else "not fitted"
    if held[:1] == ["test_accuracy"]:
        return word
    for name, once in ACCURACIES.items():
        column = lasting[name]
        if column.has_lasted and column.held is None:
            told = f"{once} from epoch {column.since}, lost at {column.lost_at}"
            return f"{word}: {told}; {advice}"
    first, peak = history["train_loss"][0], max(history["train_loss"])
    if held or not peak > _MOST_RISE * first:
        return word
    at = history["epoch"][history["train_loss"].index(peak)]
    return f"{word}: loss rose from {first:.3g} to {peak:.3g} by epoch {at:.0f}; {advice}"
