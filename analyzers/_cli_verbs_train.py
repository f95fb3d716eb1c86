"""From a `Request` to an `Outcome`: ``groupfeat train``. Heavy libraries load when it is called."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from analyzers._cli_output import Bar, Outcome, table
from analyzers._cli_tables import Table
from analyzers._cli_train_files import Files, Places
from analyzers._cli_train_plan import Plan, PlannedRun, plan_preset, plan_runs
from analyzers._cli_train_request import Request
from analyzers._cli_train_task import task_lines, task_story

if TYPE_CHECKING:
    from analyzers.presets import Arm
    from groupfeat.training import TrainedRun

__all__ = ["train_networks", "train_preset"]


def train_networks(request: Request, out: str | None, places: Places, workers: int = 1) -> Outcome:
    """Answer ``groupfeat train``; checkpoints and records are written as runs go and end.

    ``places``: the folder of ``tensorboard`` and the project of ``wandb``, where asked for.
    ``workers``: processes that share the runs out.
    """
    from analyzers.networks import measure_training

    _check_workers(workers)
    plan = plan_runs(request, out, workers)
    task, config = plan.runs[0].task, plan.runs[0].config
    story, learned = plan.request.story(config), task_story(task, config)
    for line in task_lines(learned, config, from_file=request.task_file is not None):
        sys.stderr.write(line + "\n")
    with Files(plan, story, places) as files, Bar() as bar:
        found, seconds = measure_training(
            task,
            config,
            seeds=[run.seed for run in plan.runs],
            progress=bar.follow,
            finished=files.finish,
            start=plan.start,
            workers=workers,
            device=request.place,
            **files.watch,
        )
    rest = files.told()
    payload: dict[str, Any] = {
        "task": learned,
        "runs": [_row(*each) for each in zip(plan.runs, found, strict=True)],
        "checkpoints": rest.pop("checkpoints"),
        "seconds_per_step": seconds,
        **rest,
    }
    if plan.start is not None:
        payload["resumed"] = plan.resumed()
    files.keep(payload)
    columns = ("seed", "status", "epochs", "train", "test", "memorized_at", "generalized_at")
    keys = ("seed", "status", "epochs", "train_accuracy", "test_accuracy", *columns[5:])
    networks = _table(f"networks on {task.name}", columns, keys, payload["runs"])
    lines = (networks, *_resumed_lines(payload), *_last_lines(payload, ("seed",)))
    return Outcome("train", story, payload, lines)


def train_preset(request: Request, out: str | None, places: Places, workers: int = 1) -> Outcome:
    """Answer ``groupfeat train --preset``; the rest as in `train_networks`."""
    from analyzers.networks import measure_runs
    from analyzers.presets import arms_of, rows_of

    _check_workers(workers)
    plan = plan_preset(request, out, workers)
    story = request.story()
    with Files(plan, story, places) as files, Bar() as bar:
        found, seconds = measure_runs(
            [(run.task, run.config, run.seed) for run in plan.runs],
            progress=bar.follow,
            finished=files.finish,
            workers=workers,
            device=request.place,
            **files.watch,
        )
    rows = rows_of([run.config for run in plan.runs], found)
    arms = arms_of(rows)
    rest = files.told()
    payload = {
        "preset": request.preset,
        "overridden": dict(request.settings),
        "arms": [asdict(arm) for arm in arms],
        "runs": [row | {"arm": run.arm} for row, run in zip(rows, plan.runs, strict=True)],
        "checkpoints": rest.pop("checkpoints"),
        "seconds_per_step": seconds,
        **rest,
    }
    files.keep(payload)
    told = _arm_table(plan, arms)
    return Outcome("train", story, payload, (told, *_last_lines(payload, ("arm", "seed"))))


def _row(planned: PlannedRun, run: "TrainedRun") -> dict[str, Any]:
    """Return plain values for JSON; of an arm's run those that a preset tells of it."""
    from analyzers.presets import rows_of

    if planned.arm is None:
        return run.summary()
    (row,) = rows_of([planned.config], [run])
    del row["settings"]  # by which it differs from arms that are not here
    return {**row, "arm": planned.arm}


def _resumed_lines(payload: Mapping[str, Any]) -> list[str]:
    """Return a line on the run that went on, if any, and on epochs that it was given."""
    return [
        f"seed {told['seed']} went on from epoch {told['from_epoch']} of {told['checkpoint']}"
        + (
            ""
            if told["epochs_now"] == told["epochs_before"]
            else f", to take up to {told['epochs_now']} epochs in place of {told['epochs_before']}"
        )
        for told in payload.get("resumed", ())
    ]


def _check_workers(workers: int) -> None:
    if workers < 1:
        raise ValueError(f"--workers must be at least 1, got {workers}")


def _arm_table(plan: Plan, arms: "Sequence[Arm]") -> Table:
    rest = ("runs", "generalised", "train", "test ½", "test", "accuracy", "test loss")
    rows = [
        [
            *(k, *arm.settings.values()),
            *(arm.runs, arm.generalized, arm.memorized_at, arm.half_at, arm.generalized_at),
            *(arm.test_accuracy, arm.test_loss),
        ]
        for k, arm in enumerate(arms)
    ]
    told = [f"{name}={value}" for name, value in plan.request.settings.items()]
    title = (
        f"preset {plan.request.preset}{' with ' if told else ''}{', '.join(told)}: median epochs"
    )
    return table(f"{title} from which accuracies last", ["arm", *arms[0].settings, *rest], rows)


def _last_lines(payload: Mapping[str, Any], names: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the table of stages, where there is telemetry, and of a step the time, if known."""
    seconds = payload["seconds_per_step"]
    speed = () if seconds is None else (f"{seconds * 1e3:.3g} ms a step",)
    if "stages" not in payload:
        return speed
    columns = (*names, "memorized_at", "peak_at", "features_at", "generalized_at", "records_from")
    title = "stages: accuracies as the runs tell them, peak and features by the records"
    return (_table(title, columns, columns, payload["stages"]), *speed)


def _table(
    title: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> Table:
    return table(title, columns, [[row[key] for key in keys] for row in rows])
