"""Runs trained one after the other or as a stack, with whoever watches them told."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch

from groupfeat.training.many._stack import Stack
from groupfeat.training.many._stack_plan import stack_key
from groupfeat.training.run._progress import Progress, Run
from groupfeat.training.run._runs import Observer, TrainedRun, observed_epochs
from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.tasks._tasks import Task

__all__ = ["Jobs", "Watch", "check_device", "in_order"]


@dataclass(frozen=True)
class Watch:
    """Who is told: ``observe`` at the epochs ``at`` (None: every evaluation), ``progress``.

    With ``last`` the observer also sees where each run ends.
    """

    observe: Observer | None = None
    at: frozenset[int] | None = None
    progress: Progress | None = None
    last: bool = False

    @classmethod
    def of(
        cls, observe: Observer | None, at: Iterable[int] | None, progress: Progress | None
    ) -> "Watch":
        """Return the watch of these; an observer whose ``sees_last`` is true sees the end."""
        return cls(observe, observed_epochs(at), progress, getattr(observe, "sees_last", False))

    def is_observed(self, epoch: int, evaluated: bool) -> bool:
        """Tell whether a snapshot is wanted."""
        return self.observe is not None and (evaluated if self.at is None else epoch in self.at)

    def tell(self, run: Run, end: int, watched: bool) -> None:
        """Show the run as it is."""
        ended = self.last and run.epoch >= run.end and not run.diverged
        if (watched or ended) and self.observe is not None:
            self.observe(run.snapshot())
        if self.progress is not None and run.epoch:
            self.progress(run.seed, run.epoch, end)

    def finish(self, run: Run) -> TrainedRun:
        """Train one run to its end."""
        idle = True
        for end, watched in run.advance(self.is_observed):
            idle = False
            self.tell(run, end, watched)
        if idle:  # it goes on from where it ended
            self.tell(run, run.end, False)
        return run.result()


@dataclass(frozen=True)
class Jobs:
    """What is to be trained: settled ``configs`` and their ``seeds`` on one task."""

    task: Task = field(repr=False)
    configs: Sequence[TrainConfig]
    seeds: Sequence[int]
    device: str
    engine: str = "eager"

    def finish(self, members: Sequence[int], watch: Watch) -> list[TrainedRun]:
        """Train the runs at these positions; as a stack if several, or if an engine is named."""
        runs = [
            Run(self.task, self.configs[p], self.seeds[p], position=p, device=self.device)
            for p in members
        ]
        alone = self.engine == "eager" or stack_key(runs[0].config) is None
        if alone and len(runs) == 1:
            return [watch.finish(runs[0])]
        for run, end, watched in Stack(runs, self.engine).advance(watch.is_observed):
            watch.tell(run, end, watched)
        return [run.result() for run in runs]


def check_device(device: str | torch.device) -> str:
    """Return a device's name.

    Raises
    ------
    ValueError
        If torch cannot hold numbers there.
    """
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).partition("\n")[0][:100]
        raise ValueError(
            f"cannot train on the device {device!r} ({reason}); use 'cpu', or 'cuda' where torch "
            "was built for it"
        ) from error
    return str(device)


def in_order(
    finished: Iterable[tuple[Sequence[int], Sequence[TrainedRun]]],
    ended: Callable[[int, TrainedRun], None] | None = None,
) -> Iterator[TrainedRun]:
    """Yield runs by position as soon as those before them are there; ``ended`` hears at once."""
    done: dict[int, TrainedRun] = {}
    due = 0
    for members, runs in finished:
        if ended is not None:
            for each in zip(members, runs, strict=True):
                ended(*each)
        done |= zip(members, runs, strict=True)
        while due in done:
            yield done.pop(due)
            due += 1
