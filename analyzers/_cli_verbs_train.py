"""From a `Request` to an `Outcome`: ``groupfeat train``. Heavy libraries load when it is called."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from analyzers._cli_output import Bar, Outcome, table
from analyzers._cli_train_request import Request
from analyzers._cli_train_watch import Streams, epochs_of, make_telemetry, watch_at
from analyzers.storage import prepare_folder

if TYPE_CHECKING:
    from groupfeat.training import Task, TrainConfig, TrainedRun

__all__ = ["train_networks"]

MOST_NAMES = 20
Places = Mapping[str, str | None]


@dataclass(frozen=True)
class _Plan:
    """A request made definite.

    Parameters
    ----------
    task, config, seeds
        What is trained.
    start
        A stored run to go on from, or None.
    folder
        Where files go, or None.
    """

    task: "Task"
    config: "TrainConfig"
    seeds: tuple[int, ...]
    start: "TrainedRun | None"
    folder: Path | None

    @classmethod
    def of(cls, request: Request, out: str | None, workers: int) -> "_Plan":
        """Return the plan, everything in it checked before any work is done."""
        from groupfeat.training import check_memory

        runs, seed = request.seeds()
        task = request.learned()
        start = _stored_run(request, task, runs)
        if start is None:
            config = request.config().resolved(max(task.sizes))
        else:
            config = replace(
                start.config, epochs=request.settings.get("epochs", start.config.epochs)
            )
        check_memory(task, [config], runs=runs, workers=workers)
        seeds = tuple(range(seed, seed + runs)) if start is None else (start.seed,)
        folder = None if out is None else prepare_folder(out)
        return cls(task, config, seeds, start, folder)

    def own_configs(self) -> dict[int, "TrainConfig"]:
        """Return the config that each run will tell, by seed."""
        named = replace(self.config, task=self.task.name)
        return {seed: named.seeded(seed) for seed in self.seeds}

    def epochs(self, words: str | None, option: str) -> tuple[int, ...]:
        """Return the epochs that an option asks for."""
        first = -1 if self.start is None else self.start.epochs
        return () if words is None else epochs_of(words, option, self.config.epochs, first)


def train_networks(request: Request, out: str | None, places: Places, workers: int = 1) -> Outcome:
    """Answer ``groupfeat train``; checkpoints and records are written as runs go and end.

    ``places``: the folder of ``tensorboard`` and the project of ``wandb``, where asked for.
    ``workers``: processes that share the runs out.
    """
    from analyzers.networks import measure_training
    from groupfeat.training import checkpoint_writer, save_checkpoint

    if workers < 1:
        raise ValueError(f"--workers must be at least 1, got {workers}")
    _check_places(request, out, places)
    plan = _Plan.of(request, out, workers)
    written: list[Path] = []
    recorded = plan.epochs(_record_at(request, places), "--telemetry-at")
    kept = plan.epochs(request.checkpoint_at, "--checkpoint-at")
    with _streams(request, plan, places) as streams, Bar() as bar:
        watchers = [(checkpoint_writer(plan.folder or Path(), written), kept)]
        if streams.sinks:
            telemetry = make_telemetry(request.telemetry, plan.task, plan.config, streams.sinks)
            watchers.append((telemetry, recorded))

        def finish(run: "TrainedRun") -> None:
            streams.finish(run.seed)
            if plan.folder is not None:
                path = plan.folder / f"run-{run.seed}.safetensors"
                written.append(save_checkpoint(path, run, plan.task))

        found, seconds = measure_training(
            plan.task,
            plan.config,
            seeds=plan.seeds,
            progress=bar.follow,
            finished=finish,
            start=plan.start,
            workers=workers,
            **watch_at(watchers),
        )
    payload: dict[str, Any] = {
        "runs": [run.summary() for run in found],
        "checkpoints": [str(path) for path in written],
        "seconds_per_step": seconds,
    }
    if streams.paths:
        payload["telemetry"] = [str(path) for path in streams.paths]
        payload["stages"] = streams.stages()
    return Outcome("train", request.story(plan.config), payload, _lines(plan.task.name, payload))


def _lines(name: str, payload: dict[str, Any]) -> tuple[Any, ...]:
    columns = ("seed", "status", "epochs", "train", "test", "memorized_at", "generalized_at")
    keys = ("seed", "status", "epochs", "train_accuracy", "test_accuracy", *columns[5:])
    tables = [_table(f"networks on {name}", columns, keys, payload["runs"])]
    if "stages" in payload:
        names = ("seed", "memorized_at", "peak_at", "features_at", "generalized_at")
        title = "stages: first record at 0.99, features to the end"
        tables.append(_table(title, names, names, payload["stages"]))
    return (*tables, f"{payload['seconds_per_step'] * 1e3:.2f} ms a step")


def _table(
    title: str, columns: Sequence[str], keys: Sequence[str], rows: list[dict[str, Any]]
) -> Table:
    return table(title, columns, [[row[key] for key in keys] for row in rows])


def _check_places(request: Request, out: str | None, places: Places) -> None:
    """Refuse what would have nowhere to go."""
    if request.checkpoint_at is not None and out is None:
        raise ValueError("--checkpoint-at needs --out, a folder for the checkpoints")
    somewhere = out is not None or any(places.values())
    if request.telemetry is not None and not somewhere:
        raise ValueError("--telemetry needs --out, --tensorboard or --wandb to write to")
    if request.telemetry_at is not None and _record_at(request, places) is None:
        raise ValueError("--telemetry-at needs --telemetry, --tensorboard or --wandb")


def _record_at(request: Request, places: Places) -> str | None:
    if request.telemetry is None and not any(places.values()):
        return None
    return request.telemetry_at or "log"


def _streams(request: Request, plan: _Plan, places: Places) -> Streams:
    from groupfeat.training.telemetry import TensorBoardSink, WandbSink

    folder = None if request.telemetry is None else plan.folder
    streams = Streams(folder, plan.own_configs())
    if (board := places.get("tensorboard")) is not None:
        streams.add(TensorBoardSink(board))
    if (project := places.get("wandb")) is not None:
        streams.add(WandbSink(project, request.story(plan.config)))
    return streams


def _stored_run(request: Request, task: "Task", runs: int) -> "TrainedRun | None":
    """Return the run that is to go on; what is told beside it must agree with it."""
    from groupfeat.training import load_checkpoint

    if request.resume is None:
        return None
    if runs != 1:
        raise ValueError(f"--resume goes on with one run, got --runs {runs}")
    _check_no_folder(Path(request.resume))
    stored = load_checkpoint(request.resume, task)
    told = {name: value for name, value in request.settings.items() if name != "epochs"}
    own = {**stored.config.to_dict(), "seed": stored.seed}
    if request.seed is not None:
        told["seed"] = request.seed
    for name, value in told.items():
        if value != own[name]:
            raise ValueError(
                f"--resume goes on with the checkpoint's settings: {name} is {own[name]!r} there, "
                f"got {value!r}; leave it out, or train anew"
            )
    return stored


def _check_no_folder(path: Path) -> None:
    """Refuse a folder in one line that names the checkpoints in it."""
    if not path.is_dir():
        return
    try:
        names = sorted((file.name for file in path.glob("*.safetensors")), key=_numbered)
    except OSError as error:
        raise ValueError(f"--resume: cannot read {str(path)!r}: {error.strerror}") from error
    some = ", ".join(names[:MOST_NAMES]) or "no checkpoint"
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    raise ValueError(
        f"--resume takes a checkpoint, {str(path)!r} is a folder; it holds {some}{more}"
    )


def _numbered(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts run-2 before run-10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]
