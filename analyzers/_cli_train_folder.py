"""The folder of ``groupfeat train --out``: what one call tells in it beside its runs' files."""

import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from analyzers._cli_output import write_story
from analyzers._cli_train_earlier import (
    difference,
    joined_answers,
    listed,
    recipe_of,
    run_files,
    some,
    tells_of,
)
from analyzers._cli_train_plan import Plan
from analyzers._cli_train_resume import recipe_story
from analyzers.storage import read_object, write_json

__all__ = ["Folder"]

Part = Literal["leads", "joins", "visits"]


class Folder:
    """``config.json``, ``train.json`` and, of a run that goes on, ``NAME-resumed.json``.

    ``config.json`` is the recipe of a folder: ``--config`` repeats its runs from their beginning.
    A call that trains anew, or finds no recipe, leads: both files are its own. One that goes on
    with a run of the recipe's kind joins it: its rows take their place in ``train.json``. Any
    other visits, and leaves both as they are.

    Parameters
    ----------
    path
        The folder; it must be there.
    plan
        The runs.
    story
        What was asked, as `Request.story` tells it.
    promised
        Names of the files that the runs are to write; made before any of them is.
    """

    def __init__(
        self, path: Path, plan: Plan, story: Mapping[str, Any], promised: Collection[str]
    ) -> None:
        self.path, self._plan, self._story = path, plan, dict(story)
        self._resumed = [path / f"{run.name}-resumed.json" for run in plan.runs]
        self._earlier = run_files(path) - {file.name for file in self._resumed}
        self._promised = {*promised}
        self._told = read_object(path / "config.json")
        self._part = _part(plan, path / "config.json", self._told)
        self._recipe = self._story if plan.start is None else recipe_story(self._story, plan.start)

    def begin(self) -> None:
        """Tell what is asked, before the first run begins."""
        self._note([*self._remarks()])
        if self._part == "leads":
            for file in (self.path / "train.json", *self._resumed):  # runs change now
                file.unlink(missing_ok=True)
            write_story(self.path, "train", self._recipe)
        self._tell_resumed({})

    def end(self, answer: Mapping[str, Any], written: Collection[str]) -> None:
        """Tell the answer; ``written``: names of the files that the runs did write."""
        left = (self._earlier & self._promised) - {*written}
        self._note([listed(left)] if left and self._part != "joins" else [])
        file = self.path / "train.json"
        if self._part == "leads":
            write_json(file, answer)
        if self._part == "joins":
            write_json(file, joined_answers(read_object(file) or {}, answer))
        self._tell_resumed({"answer": answer})

    def _remarks(self) -> Iterator[str]:
        """Yield what a folder that was used before makes worth saying."""
        records = self._earlier & {f"{run.name}.jsonl" for run in self._plan.runs}
        if self._plan.start is not None and self._plan.request.telemetry is None and records:
            yield f"{some(records)} ends before this call: nothing is recorded without --telemetry"
        if self._part == "joins":
            return
        if stale := self._earlier - self._promised:
            yield listed(stale)
        if self._told is None:
            return
        change = difference(self._told, self._recipe)
        taken = some(self._earlier & self._promised)
        if change and self._part == "leads":
            those = f"it and {taken}" if taken else "it"
            yield f"config.json was of another call ({change}), this one replaces {those}"
        if self._part == "visits":
            of = f"of another call ({change})" if change else "no recipe of this run"
            yield f"config.json is {of} and stays"
            yield f"{self._resumed[0].name} tells of this call" + (
                f", which replaces {taken}" if taken else ""
            )

    def _note(self, remarks: list[str]) -> None:
        if remarks:
            sys.stderr.write(f"groupfeat: note: in {str(self.path)!r} {'; '.join(remarks)}\n")

    def _tell_resumed(self, rest: Mapping[str, Any]) -> None:
        """Write what a run that goes on was asked for, behind what it was asked for before."""
        if self._plan.start is None:
            return
        (file,) = self._resumed
        before = (read_object(file) or {}).get("resumed")
        entries = list(before) if isinstance(before, list) else []
        entries += [entry for entry in self._plan.resumed() if entry not in entries]
        write_story(self.path, "train", {**self._story, "resumed": entries, **rest}, file.name)


def _part(plan: Plan, config: Path, told: Mapping[str, Any] | None) -> Part:
    """Return the part that a call plays in a folder whose ``config.json`` tells ``told``."""
    start = plan.start
    if start is None or told is None:
        return "leads"
    if (recipe := recipe_of(config)) is None:  # what another verb wrote stays
        return "leads" if told.get("verb") == "train" and told.get("resume") else "visits"
    arm = plan.runs[0].arm
    own = tells_of(recipe, plan.request, start.config.to_dict(), arm is not None)
    return "joins" if own else "visits"
