"""What ``groupfeat train`` writes while runs go and end: checkpoints, records, its config."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzers._cli_train_folder import Folder
from analyzers._cli_train_plan import Plan, PlannedRun
from analyzers._cli_train_records import Places, Recorder, Streams
from analyzers._cli_train_request import Request
from analyzers._cli_train_watch import watch_at

if TYPE_CHECKING:
    from groupfeat.training import Snapshot, TrainedRun

__all__ = ["Files", "Places"]


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
        recorded = plan.epochs(_record_at(request, places), "--telemetry-at", own=True)
        kept = plan.epochs(request.checkpoint_at, "--checkpoint-at")
        watches = request.telemetry is not None or any(places.values())
        self._recorder = Recorder(request.telemetry, plan.runs) if watches else None
        self._checkpoints = _Checkpoints(folder, plan.runs)
        self._folder: Folder | None = None
        if folder is not None:
            promised = self._checkpoints.promised(kept)
            if request.telemetry is not None:
                promised |= {f"{run.name}.jsonl" for run in plan.runs}
            self._folder = Folder(folder, plan, story, promised)
        self._streams = Streams(folder if request.telemetry is not None else None, plan)
        watchers: list[Any] = [(self._checkpoints.on_the_way, kept)]
        if self._recorder is not None:
            self._recorder.past = self._streams.past()
            self._recorder.sinks = self._streams.sinks(places, story)
            missing = tuple(epoch for epoch in recorded if epoch not in self._streams.epochs)
            watchers.insert(0, (self._recorder, missing))  # a checkpoint's record stands before it
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
