"""What ``groupfeat train`` writes while runs go and end: checkpoints, records, its config."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzers._cli_train_folder import Folder
from analyzers._cli_train_plan import Plan, PlannedRun
from analyzers._cli_train_request import Request
from analyzers._cli_train_watch import telemetry_options, watch_at

if TYPE_CHECKING:
    from groupfeat.training import Snapshot, TrainedRun
    from groupfeat.training.telemetry import JsonLines, Telemetry

__all__ = ["Files", "Places"]

Places = Mapping[str, str | None]


class Files:
    """Everything that one call writes; a context that closes it.

    Parameters
    ----------
    plan
        The runs.
    story
        What ``config.json`` is to tell; it is there before the first run begins.
    places
        The folder of ``tensorboard`` and the project of ``wandb``, where asked for.
    """

    def __init__(self, plan: Plan, story: dict[str, Any], places: Places) -> None:
        request, folder = plan.request, plan.folder
        _check_places(request, folder, places)
        recorded = plan.epochs(_record_at(request, places), "--telemetry-at")
        kept = plan.epochs(request.checkpoint_at, "--checkpoint-at")
        watches = request.telemetry is not None or any(places.values())
        self._recorder = _Recorder(request.telemetry, plan.runs) if watches else None
        self._checkpoints = _Checkpoints(folder, plan.runs)
        self._folder: Folder | None = None
        if folder is not None:
            promised = self._checkpoints.promised(kept)
            if request.telemetry is not None:
                promised |= {f"{run.name}.jsonl" for run in plan.runs}
            self._folder = Folder(folder, plan, story, promised)
        self._streams = _Streams(folder if request.telemetry is not None else None, plan.runs)
        watchers: list[Any] = [(self._checkpoints.on_the_way, kept)]
        if self._recorder is not None:
            self._recorder.sinks = self._streams.sinks(places, story)
            watchers.append((self._recorder, recorded))
        self.watch = watch_at(watchers)
        if self._folder is not None:
            self._folder.begin()

    def __enter__(self) -> "Files":
        return self

    def __exit__(self, *_: object) -> None:
        self._streams.close()

    def finish(self, position: int, run: "TrainedRun") -> None:
        """Write a run that has ended and close what is its own."""
        self._streams.finish(position, run)
        if self._recorder is not None:
            self._recorder.finish(position)
        self._checkpoints.at_the_end(position, run)

    def told(self) -> dict[str, Any]:
        """Return paths and boundaries of stages for the answer."""
        found: dict[str, Any] = {"checkpoints": self._checkpoints.paths()}
        if self._streams.paths:
            found["telemetry"] = [str(path) for path in self._streams.paths]
            found["stages"] = self._streams.stages()
        return found

    def keep(self, answer: Mapping[str, Any]) -> None:
        """Write the answer, where there is a folder."""
        if self._folder is not None:
            records = {path.name for path in self._streams.paths}
            self._folder.end(answer, records | self._checkpoints.written())


def _check_places(request: Request, folder: Path | None, places: Places) -> None:
    """Refuse what would have nowhere to go."""
    for name, place in places.items():
        if place == "":
            raise ValueError(f"--{name} needs a name, got ''")
    if request.checkpoint_at is not None and folder is None:
        raise ValueError("--checkpoint-at needs --out, a folder for the checkpoints")
    somewhere = folder is not None or any(places.values())
    if request.telemetry is not None and not somewhere:
        raise ValueError("--telemetry needs --out, --tensorboard or --wandb to write to")
    if request.telemetry_at is not None and _record_at(request, places) is None:
        raise ValueError("--telemetry-at needs --telemetry, --tensorboard or --wandb")


def _record_at(request: Request, places: Places) -> str | None:
    if request.telemetry is None and not any(places.values()):
        return None
    return request.telemetry_at or "log"


class _Checkpoints:
    """``NAME-at-EPOCH.safetensors`` on the way and ``NAME.safetensors`` at the end."""

    def __init__(self, folder: Path | None, runs: Sequence[PlannedRun]) -> None:
        self.folder, self.runs = folder, runs
        self._written: dict[tuple[int, float], Path] = {}

    def on_the_way(self, seen: "Snapshot") -> None:
        name = f"{self.runs[seen.position].name}-at-{seen.epoch}"
        self._save(seen.position, seen.epoch, name, seen.run)

    def at_the_end(self, position: int, run: "TrainedRun") -> None:
        self._save(position, float("inf"), self.runs[position].name, run)

    def _save(self, position: int, when: float, name: str, run: "TrainedRun") -> None:
        from groupfeat.training import save_checkpoint

        if self.folder is not None:
            path = self.folder / f"{name}.safetensors"
            self._written[position, when] = save_checkpoint(path, run, self.runs[position].task)

    def promised(self, epochs: Sequence[int]) -> set[str]:
        """Return the names of what the runs write that take all their epochs."""
        return {
            f"{run.name}{end}.safetensors"
            for run in self.runs
            for end in ("", *(f"-at-{epoch}" for epoch in epochs if epoch <= run.config.epochs))
        }

    def written(self) -> set[str]:
        """Return the names of what was written."""
        return {path.name for path in self._written.values()}

    def paths(self) -> list[str]:
        """Return what was written, run by run and by epoch."""
        return [str(self._written[key]) for key in sorted(self._written)]


class _Recorder:
    """An observer that holds the telemetry of the runs that are going."""

    sees_last = True

    def __init__(self, words: str | None, runs: Sequence[PlannedRun]) -> None:
        self.runs, self.sinks = runs, list[Any]()
        self._options: dict[tuple[str, bool], dict[str, Any]] = {}
        for run in runs:
            if self._kind(run) not in self._options:
                self._options[self._kind(run)] = telemetry_options(words, run.task, run.config)
        self._going: dict[int, Telemetry] = {}

    def __call__(self, seen: "Snapshot") -> None:
        from groupfeat.training.telemetry import Telemetry

        if seen.position not in self._going:
            options = self._options[self._kind(self.runs[seen.position])]
            self._going[seen.position] = Telemetry(sinks=self.sinks, **options)
        self._going[seen.position](seen)

    def finish(self, position: int) -> None:
        """Forget a run."""
        self._going.pop(position, None)

    @staticmethod
    def _kind(run: PlannedRun) -> tuple[str, bool]:
        return run.task.name, run.config.complex_weights


class _Streams:
    """Sinks of records: ``NAME.jsonl`` in a folder, a file a run; others beside it.

    Parameters
    ----------
    folder
        Of the JSON lines; None writes none. Files of another config are refused. A run that is in
        its file already keeps the position it was told there with: records are replaced by it.
    runs
        By position.
    """

    def __init__(self, folder: Path | None, runs: Sequence[PlannedRun]) -> None:
        self.runs = runs
        self.paths = [] if folder is None else [folder / f"{run.name}.jsonl" for run in runs]
        self._open: dict[int, JsonLines] = {}
        self._ended: dict[int, TrainedRun] = {}
        self._stack = ExitStack()
        for position in range(len(self.paths)):
            self._lines(position).close()
        self._told = [_first_position(path) for path in self.paths]

    def sinks(self, places: Places, story: dict[str, Any]) -> list[Any]:
        """Return where records go; what is opened is closed at the end."""
        from groupfeat.training.telemetry import TensorBoardSink, WandbSink

        found: list[Any] = [self] if self.paths else []
        if (board := places.get("tensorboard")) is not None:
            found.append(TensorBoardSink(board))
            self._stack.callback(found[-1].close)
        if (project := places.get("wandb")) is not None:
            found.append(WandbSink(project, story))
            self._stack.callback(found[-1].close)
        return found

    def __call__(self, record: Mapping[str, Any]) -> None:
        """Write one record to its run's file, under the position that the run has there."""
        position, told = int(record["position"]), self._told[int(record["position"])]
        if position not in self._open:
            self._open[position] = self._lines(position)
        self._open[position](record if told is None else {**record, "position": told})

    def finish(self, position: int, run: "TrainedRun") -> None:
        """Close the file of a run that has ended."""
        self._ended[position] = run
        if position in self._open:
            self._open.pop(position).close()

    def close(self) -> None:
        """Close everything."""
        for lines in self._open.values():
            lines.close()
        self._stack.close()

    def _lines(self, position: int) -> "JsonLines":
        from groupfeat.training.telemetry import JsonLines

        return JsonLines(self.paths[position], self.runs[position].told().to_dict())

    def stages(self) -> list[dict[str, Any]]:
        """Return the boundaries of every run's stages; its accuracies' are those of the run.

        ``records_from`` is the first record's epoch: peak and features are known from there on.
        """
        from groupfeat.training.telemetry import read_json_lines, stage_boundaries

        found = []
        for position, path in enumerate(self.paths):
            run, ended = self.runs[position], self._ended[position]
            records = sorted(read_json_lines(path)[1], key=lambda record: record["epoch"])
            stages = stage_boundaries(
                records,
                accuracy=ended.config.stop_accuracy,
                settle_epochs=ended.config.settle_epochs,
                history=ended.history,
            )
            arm = {} if run.arm is None else {"arm": run.arm}
            since = records[0]["epoch"] if records else None
            found.append({"seed": run.seed, **arm, **asdict(stages), "records_from": since})
        return found


def _first_position(path: Path) -> int | None:
    """Return the position that a file's first record tells; None if it has none."""
    with path.open("rb") as file:
        file.readline()
        try:
            record = json.loads(file.readline())
        except (ValueError, RecursionError):
            return None
    told = record.get("position") if isinstance(record, dict) else None
    return told if type(told) is int else None
