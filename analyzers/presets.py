"""The reference experiments, run and summarised arm by arm."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from analyzers.networks import measure_runs
from groupfeat.groups import group_from_spec
from groupfeat.training import PRESETS, TrainConfig, TrainedRun

__all__ = ["Arm", "arms_of", "measure_configs", "override", "rows_of", "telling_settings"]

_SEEDS = ("pair_seed", "init_seed")
_COUNTED = ("memorized_at", "generalized_at")
_MEDIANS = ("memorized_at", "half_at", "generalized_at", "test_accuracy", "test_loss")


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


def measure_configs(configs: Sequence[TrainConfig]) -> tuple[tuple[TrainedRun, ...], float | None]:
    """Train configs whose ``task`` is a group's SPEC; return the runs and the seconds a step."""
    groups = {spec: group_from_spec(spec) for spec in {config.task for config in configs}}
    return measure_runs([(groups[each.task], each, each.init_seed or 0) for each in configs])


def override(
    name: str, configs: Sequence[TrainConfig], settings: Mapping[str, Any]
) -> tuple[TrainConfig, ...]:
    """Return the configs of a preset with ``settings`` in every one of them.

    Raises
    ------
    ValueError
        If a setting is one by which the preset compares, on one of its groups, or does not go
        with an arm.
    """
    compared = set(PRESETS[name].fixed)
    for task in {config.task for config in configs}:
        compared |= {*telling_settings([each for each in configs if each.task == task])}
    for setting in settings:
        if setting in compared:
            raise ValueError(
                f"preset {name!r} compares by {setting}; leave it out, or train without --preset"
            )
    try:
        return tuple(TrainConfig.from_dict({**asdict(each), **settings}) for each in configs)
    except ValueError as error:
        raise ValueError(f"preset {name!r}: {error}") from error


def telling_settings(configs: Sequence[TrainConfig]) -> tuple[str, ...]:
    """Return the names of settings, seeds apart, in which the configs differ."""
    rows = [asdict(config) for config in configs]
    return tuple(
        name for name in rows[0] if name not in _SEEDS and len({row[name] for row in rows}) > 1
    )


def rows_of(configs: Sequence[TrainConfig], runs: Sequence[TrainedRun]) -> list[dict[str, Any]]:
    """Return plain values for JSON, a run each: its summary, ``half_at``, task and settings."""
    names = telling_settings(configs)
    return [
        run.summary()
        | {"half_at": _half_at(run), "task": config.task}
        | {"settings": {name: getattr(config, name) for name in names}}
        for config, run in zip(configs, runs, strict=True)
    ]


def arms_of(rows: Sequence[Mapping[str, Any]]) -> tuple[Arm, ...]:
    """Return the arms of an experiment, in the order of `rows_of`."""
    arms: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        arms.setdefault(tuple(row["settings"].values()), []).append(row)
    return tuple(_summary(found[0]["settings"], found) for found in arms.values())


def _summary(settings: dict[str, Any], rows: Sequence[Mapping[str, Any]]) -> Arm:
    counts = (sum(row[name] is not None for row in rows) for name in _COUNTED)
    medians = (_median([row[name] for row in rows]) for name in _MEDIANS)
    return Arm(settings, len(rows), *counts, *medians)


def _half_at(run: TrainedRun) -> int | None:
    rows = zip(run.history["epoch"], run.history.get("test_accuracy", []), strict=False)
    return next((int(epoch) for epoch, accuracy in rows if accuracy >= 0.5), None)


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(median(known)) if known else None
