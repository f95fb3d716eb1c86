"""What is recorded of the runs of ``groupfeat train``, and where it goes."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzers._cli_train_past import stored_before
from analyzers._cli_train_plan import Plan, PlannedRun
from analyzers._cli_train_watch import telemetry_options

if TYPE_CHECKING:
    from groupfeat.training import Snapshot, TrainedRun
    from groupfeat.training.telemetry import JsonLines, Telemetry

__all__ = ["Places", "Recorder", "Streams"]

Places = Mapping[str, str | None]


class Recorder:
    """An observer that holds the telemetry of the runs that are going.

    ``past``: stored runs of the one that goes on, at the epochs of its last records.
    """

    sees_last = True

    def __init__(self, words: str | None, runs: Sequence[PlannedRun]) -> None:
        self.runs, self.sinks = runs, list[Any]()
        self.past: list[TrainedRun] = []
        self._options: dict[tuple[str, bool], dict[str, Any]] = {}
        for run in runs:
            if self._kind(run) not in self._options:
                self._options[self._kind(run)] = telemetry_options(words, run.task, run.config)
        self._going: dict[int, Telemetry] = {}

    def __call__(self, seen: "Snapshot") -> None:
        from groupfeat.training.telemetry import Telemetry

        if seen.position not in self._going:
            options = self._options[self._kind(self.runs[seen.position])]
            telemetry = Telemetry(sinks=self.sinks, **options)
            for run in self.past:
                telemetry.remember(run, seen.position)
            self.past, self._going[seen.position] = [], telemetry
        self._going[seen.position](seen)

    def finish(self, position: int) -> None:
        """Forget a run."""
        self._going.pop(position, None)

    @staticmethod
    def _kind(run: PlannedRun) -> tuple[str, bool]:
        return run.task.name, run.config.complex_weights


class Streams:
    """Sinks of records: ``NAME.jsonl`` in a folder, a file a run; others beside it.

    The file of a run that begins begins with it; a run that goes on keeps the records up to its
    checkpoint's epoch, and in every place the position that it was told there with. Until a run's
    first record its file stays as it was.

    Parameters
    ----------
    folder
        Of the JSON lines; None writes none. Files of another config are refused.
    plan
        The runs.
    """

    def __init__(self, folder: Path | None, plan: Plan) -> None:
        from groupfeat.training.telemetry import JsonLines, read_json_lines

        self.plan, self.runs, self.epochs = plan, plan.runs, list[int]()
        self.paths = [] if folder is None else [folder / f"{run.name}.jsonl" for run in plan.runs]
        self._upto = -1 if plan.start is None else plan.start.epochs
        self._position: int | None = None
        self._open: dict[int, JsonLines] = {}
        self._ended: dict[int, TrainedRun] = {}
        self._stack = ExitStack()
        for position, path in enumerate(self.paths):
            JsonLines.check(path, self._config(position), upto=self._upto)
            if plan.start is not None and path.exists() and b"\n" in path.read_bytes():
                records = read_json_lines(path)[1]
                self.epochs = _epochs(records, self._upto)
                self._position = _position(records)

    def past(self) -> list["TrainedRun"]:
        """Return stored runs at the epochs of the last two records, as far as they are known."""
        return stored_before(self.plan, self.epochs)

    def sinks(self, places: Places, story: dict[str, Any]) -> list[Any]:
        """Return where records go; what is opened is closed at the end."""
        from groupfeat.training.telemetry import TensorBoardSink, WandbSink

        others = list[Any]()
        if (board := places.get("tensorboard")) is not None:
            others.append(TensorBoardSink(board))
            self._stack.callback(others[-1].close)
        if (project := places.get("wandb")) is not None:
            others.append(WandbSink(project, story))
            self._stack.callback(others[-1].close)
        return ([self] if self.paths else []) + [self._placed(sink) for sink in others]

    def __call__(self, record: Mapping[str, Any]) -> None:
        """Write one record to its run's file."""
        lines = self._lines(int(record["position"]))
        self._placed(lines)(record)

    def finish(self, position: int, run: "TrainedRun") -> None:
        """Close the file of a run that has ended."""
        self._ended[position] = run
        if self.paths:
            self._lines(position).close()
            self._open.pop(position)

    def close(self) -> None:
        """Close everything."""
        for lines in self._open.values():
            lines.close()
        self._stack.close()

    def _placed(self, sink: Callable[[Mapping[str, Any]], None]) -> Callable[..., None]:
        """Return ``sink``, told the position that the run has in its file, if it has one there."""
        position = self._position
        if position is None:
            return sink
        return lambda record: sink({**record, "position": position})

    def _lines(self, position: int) -> "JsonLines":
        from groupfeat.training.telemetry import JsonLines

        if position not in self._open:
            path, config = self.paths[position], self._config(position)
            self._open[position] = JsonLines(path, config, upto=self._upto)
        return self._open[position]

    def _config(self, position: int) -> dict[str, Any]:
        return self.runs[position].told().to_dict()

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


def _epochs(records: Sequence[Mapping[str, Any]], upto: int) -> list[int]:
    found = {record.get("epoch") for record in records}
    return sorted(epoch for epoch in found if type(epoch) is int and epoch <= upto)


def _position(records: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the position that a file's records tell, if they do."""
    told = records[0].get("position") if records else None
    return told if type(told) is int else None
