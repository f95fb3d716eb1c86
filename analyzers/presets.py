"""The reference experiments, run and summarised arm by arm."""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from groupfeat.groups import group_from_spec
from groupfeat.training import TrainConfig, TrainedRun, train_many

__all__ = ["Arm", "arms_of", "measure_configs", "telling_settings"]

Progress = Callable[[int, int, int], None]
_SEEDS = ("pair_seed", "init_seed")


@dataclass(frozen=True)
class Arm:
    """All runs of one arm of an experiment, every seed.

    Parameters
    ----------
    settings
        What tells this arm from the others.
    runs, memorized, generalized
        Number of runs, and of those that kept ``stop_accuracy`` on what they saw, and on what
        they did not.
    memorized_at, half_at, generalized_at
        Median epochs, over the runs that got there, from which train accuracy ``stop_accuracy``
        lasts (see `TrainedRun`), of the first test accuracy 0.5, and from which test accuracy
        ``stop_accuracy`` lasts; None where no run did.
    test_accuracy, test_loss
        Medians of the last values; None without a test set.
    """

    settings: dict[str, Any]
    runs: int
    memorized: int
    generalized: int
    memorized_at: float | None
    half_at: float | None
    generalized_at: float | None
    test_accuracy: float | None
    test_loss: float | None


def measure_configs(
    configs: Sequence[TrainConfig],
    *,
    progress: Progress | None = None,
    finished: Callable[[int, TrainedRun], None] | None = None,
) -> tuple[tuple[TrainedRun, ...], float]:
    """Train configs whose ``task`` is a group's SPEC; return the runs and the seconds a step.

    ``finished`` gets every run, with its position in ``configs``, as soon as it ends.
    """
    start, runs = time.perf_counter(), list[TrainedRun]()
    for spec, some in itertools.groupby(configs, key=lambda config: config.task):
        for run in train_many(group_from_spec(spec), list(some), progress=progress):
            runs.append(run)
            if finished is not None:
                finished(len(runs) - 1, run)
    steps = sum(run.epochs for run in runs)
    return tuple(runs), (time.perf_counter() - start) / max(steps, 1)


def telling_settings(configs: Sequence[TrainConfig]) -> tuple[str, ...]:
    """Return the names of settings, seeds apart, in which the configs differ."""
    rows = [asdict(config) for config in configs]
    return tuple(
        name for name in rows[0] if name not in _SEEDS and len({row[name] for row in rows}) > 1
    )


def arms_of(configs: Sequence[TrainConfig], runs: Sequence[TrainedRun]) -> tuple[Arm, ...]:
    """Return the arms of an experiment, in the order of ``configs``; one run a config."""
    names = telling_settings(configs)
    groups: dict[tuple[Any, ...], list[TrainedRun]] = {}
    for config, run in zip(configs, runs, strict=True):
        groups.setdefault(tuple(getattr(config, name) for name in names), []).append(run)
    return tuple(
        _summary(dict(zip(names, values, strict=True)), found) for values, found in groups.items()
    )


def _summary(settings: dict[str, Any], runs: list[TrainedRun]) -> Arm:
    memorized = [run.memorized_at for run in runs]
    generalized = [run.generalized_at for run in runs]
    return Arm(
        settings,
        len(runs),
        sum(epoch is not None for epoch in memorized),
        sum(epoch is not None for epoch in generalized),
        _median(memorized),
        _median([_half_at(run) for run in runs]),
        _median(generalized),
        _median([run.last("test_accuracy") for run in runs]),
        _median([run.last("test_loss") for run in runs]),
    )


def _half_at(run: TrainedRun) -> int | None:
    rows = zip(run.history["epoch"], run.history.get("test_accuracy", []), strict=False)
    return next((int(epoch) for epoch, accuracy in rows if accuracy >= 0.5), None)


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(median(known)) if known else None
