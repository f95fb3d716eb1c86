"""What a verb answers, and how it is shown: one JSON object, or tables for people."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from tqdm import tqdm

from analyzers._cli_tables import Table, fitted, rich_table, table
from analyzers.storage import prepare_folder, read_object, versions, write_json

__all__ = ["Bar", "Outcome", "show", "table", "write_story"]

_WIDTH = 120


@dataclass(frozen=True)
class Outcome:
    """The answer of a verb.

    Parameters
    ----------
    verb, config
        What was asked.
    payload
        The JSON object.
    lines
        Texts and tables for people.
    passed
        False when a check failed (exit code 1).
    as_json, out
        How to show it, and the folder to keep it in.
    """

    verb: str
    config: dict[str, Any]
    payload: dict[str, Any]
    lines: Sequence[str | Table] = field(default=())
    passed: bool = True
    as_json: bool = False
    out: str | None = None

    def into(self, as_json: bool, out: str | None) -> "Outcome":
        """Return the outcome with the user's choice of output."""
        return replace(self, as_json=as_json, out=out)


def show(outcome: Outcome) -> None:
    """Print the outcome on stdout and, if asked, write it with config and versions."""
    if outcome.out is not None:
        folder = prepare_folder(outcome.out)
        write_json(folder / f"{outcome.verb}.json", outcome.payload)
        name = _story_name(folder, outcome.verb)
        write_story(folder, outcome.verb, outcome.config, name)
    if sys.stdout is None:  # closed before we began
        return
    if outcome.as_json:
        sys.stdout.write(json.dumps(outcome.payload, allow_nan=False) + "\n")
    else:
        _print(outcome.lines)
    sys.stdout.flush()  # here, where a failure can be told


def _story_name(folder: Path, verb: str) -> str:
    """Return ``config.json``, or ``VERB-config.json`` where that is the recipe of trained runs."""
    told = read_object(folder / "config.json") or {}
    return f"{verb}-config.json" if told.get("verb") == "train" else "config.json"


def write_story(
    folder: Path, verb: str, config: Mapping[str, Any], name: str = "config.json"
) -> Path:
    """Write what was asked of which verb, with versions."""
    return write_json(folder / name, {"verb": verb, **config, "versions": versions()})


def _print(lines: Sequence[str | Table]) -> None:
    """Print lines as they stand, ``[`` and ``:`` included, and tables as wide as there is room.

    That is the terminal, or what COLUMNS tells; a table for which it is too narrow comes in parts.
    Where nothing is told it is 120, and a table is whole. Texts outside tables wrap on a terminal.
    """
    settings: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False}
    console = Console(**settings)
    told = console.is_terminal or os.environ.get("COLUMNS", "").isdecimal()
    width = console.width if told else _WIDTH
    for line in lines:
        if isinstance(line, str):
            console.print(line, soft_wrap=not console.is_terminal)
            continue
        for part in fitted(line, width, parts=told):
            wide = Console(width=max(part.outer_width, width), **settings)
            wide.print(rich_table(part))


class Bar:
    """A progress bar on stderr whose title and length may change as the work goes on.

    A new title begins a new line; where work under several titles goes on at once, as in worker
    processes, they share the latest.
    """

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._title = ""
        self._known: set[str] = set()

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def update(self, title: str, done: int, total: int) -> None:
        """Show ``done`` of ``total`` under ``title``."""
        if self._bar is None or title not in self._known:
            self._close()
            self._bar = tqdm(total=total, desc=title, file=sys.stderr)
        elif title != self._title:
            self._bar.set_description(title, refresh=False)
        self._title, self._bar.total = title, total
        self._known.add(title)
        self._bar.update(done - self._bar.n)

    def follow(self, seed: int, epoch: int, end: int) -> None:
        """Show a training run's epoch of those that it is to take."""
        self.update(f"seed {seed}", epoch, end)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
