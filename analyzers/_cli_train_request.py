"""What ``groupfeat train`` is asked to do, from the command line and from a config file."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groupfeat.training import Task, TrainConfig

__all__ = ["MOST_RUNS", "SOURCES", "Request", "check_no_folder", "numbered", "read_request"]

MOST_RUNS = 10_000
MOST_NAMES = 20
SOURCES = ("spec", "task", "task_file")
_TOLD_ALONGSIDE = ("verb", "versions", "resumed", "answer")
_READERS = {".toml": tomllib.loads, ".json": json.loads}


@dataclass(frozen=True, kw_only=True)
class Request:
    """A call of ``groupfeat train``; None where nothing is said.

    Parameters
    ----------
    preset
        A reference experiment, whose settings hold where nothing else is said.
    spec, task, task_file, operands
        What is learned: a group's products (of ``operands`` elements), an expression, a table.
    runs, seed
        How many networks, and the first one's seed.
    device
        The torch device that trains.
    checkpoint_at, resume
        Checkpoints on the way; a stored run to go on from.
    telemetry, telemetry_at
        What is recorded, and at which epochs.
    settings
        Of ``TrainConfig``, by name.
    recipe
        Of all these, what only a config file tells, where the command line names a checkpoint:
        the file tells of all runs from their beginning, the checkpoint is one of them on its way.
    """

    preset: str | None = None
    spec: str | None = None
    task: str | None = None
    task_file: str | None = None
    operands: int | None = None
    runs: int | None = None
    seed: int | None = None
    device: str | None = None
    checkpoint_at: str | None = None
    resume: str | None = None
    telemetry: str | None = None
    telemetry_at: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    recipe: frozenset[str] = frozenset()

    def over(self, file: "Request") -> "Request":
        """Return the request with what it leaves open taken from ``file``.

        One of SPEC, --task and --task-file replaces whichever of them the file names. Beside a
        checkpoint the file's number of runs and first seed say nothing.
        """
        if self.told(*SOURCES):
            file = replace(file, spec=None, task=None, task_file=None, operands=None)
        if self.resume is not None:
            file = replace(file, runs=None, seed=None)
        own = {name: value for name, value in _words(self).items() if value is not None}
        recipe = {*file.told(*_NAMES), *file.settings} - {*own, *self.settings}
        return replace(
            file,
            **own,
            settings={**file.settings, **self.settings},
            recipe=frozenset(recipe if self.resume is not None else ()),
        )

    def told(self, *names: str) -> list[str]:
        """Return those of ``names`` about which something is said."""
        return [name for name in names if getattr(self, name) is not None]

    @property
    def place(self) -> str:
        """The device, where none is told the CPU."""
        return "cpu" if self.device is None else self.device

    def seeds(self) -> tuple[int, int]:
        """Return the number of runs and the first one's seed, checked."""
        runs, seed = self.runs if self.runs is not None else 1, self.seed or 0
        if not 1 <= runs <= MOST_RUNS:
            way = "" if runs < 1 else "; take the others in a further call with --seed"
            raise ValueError(f"runs must be at least 1 and at most {MOST_RUNS}, got {runs}{way}")
        if not 0 <= seed <= 2**63 - runs:
            those = "" if runs == 1 else f" and the {runs - 1} after it"
            raise ValueError(f"seed{those} must be in [0, 2⁶³), got {seed}")
        return runs, seed

    def config(self, task: "Task") -> "TrainConfig":
        """Return the settings, checked; what they leave open is what suits the task."""
        from groupfeat.training import suited_config

        return suited_config(task, **self.settings)

    def learned(self) -> "Task":
        """Return what is learned.

        Raises
        ------
        ValueError
            If none or several of SPEC, --task and --task-file are given, or --operands without
            a group.
        """
        from groupfeat.groups import group_from_spec
        from groupfeat.training import expression_task, load_table_task, product_task, word_task

        told = self.told(*SOURCES)
        if len(told) != 1:
            got = "none of them" if not told else " and ".join(_options(told))
            raise ValueError(
                "train needs one of a group, as in 'train C23', --task EXPRESSION, --task-file "
                f"FILE and --preset NAME, got {got}"
            )
        if self.spec is None and self.operands is not None:
            raise ValueError(
                f"--operands is for products in a group, got {_options(told)[0]}; leave it out"
            )
        if self.task is not None:
            return expression_task(self.task)
        if self.task_file is not None:
            return load_table_task(self.task_file)
        group = group_from_spec(str(self.spec))
        return product_task(group) if self.operands is None else word_task(group, self.operands)

    def story(self, config: "TrainConfig | None" = None) -> dict[str, Any]:
        """Return plain values from which `read_request` makes the same request again.

        Of the settings those that were told, or all of ``config``.
        """
        told = dict(self.settings) if config is None else config.to_dict()
        return {**_words(self), **{name: told[name] for name in told if name != "task"}}


def read_request(path: str) -> Request:
    """Read a config file: ``.toml``, or ``.json`` such as ``--out`` writes.

    Its keys are the settings of ``TrainConfig`` and the options ``preset``, ``spec``, ``task``,
    ``task_file``, ``operands``, ``runs``, ``seed``, ``device``, ``checkpoint_at``, ``resume``,
    ``telemetry`` and ``telemetry_at``; null counts as absent.

    Raises
    ------
    ValueError
        If it cannot be read, or a key is unknown or of the wrong kind.
    """
    from groupfeat.training import TrainConfig

    kinds = {name: (int,) if name in ("operands", "runs", "seed") else (str,) for name in _NAMES}
    known = {item.name for item in fields(TrainConfig)} - {"task"}
    words, settings = dict[str, Any](), dict[str, Any]()
    for name, value in _content(Path(path)).items():
        if value is None or name in _TOLD_ALONGSIDE:
            continue
        if name in known:
            settings[name] = value
        elif name not in kinds:
            names = ", ".join(sorted({*known, *kinds}))
            raise ValueError(f"{path!r} holds an unknown key {name!r}; known: {names}")
        elif not isinstance(value, kinds[name]) or isinstance(value, bool):
            kind = "text" if kinds[name] == (str,) else "a whole number"
            raise ValueError(f"{path!r}: {name} must be {kind}, got {value!r:.60}")
        else:
            words[name] = value
    return Request(**words, settings=settings)


def _content(file: Path) -> dict[str, Any]:
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise ValueError(f"--config takes a .toml or a .json file, got {str(file)!r}")
    try:
        content = reader(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise ValueError(f"cannot read --config {str(file)!r}: {reason}") from error
    if not isinstance(content, dict):
        raise ValueError(f"--config {str(file)!r} must hold names and values, got {content!r:.40}")
    if content.get("verb", "train") != "train":
        raise ValueError(f"--config {str(file)!r} is of the verb {content['verb']!r}, not of train")
    return content


def check_no_folder(path: Path) -> None:
    """Refuse a folder in one line that names the checkpoints in it."""
    if not path.is_dir():
        return
    try:
        names = sorted((file.name for file in path.glob("*.safetensors")), key=numbered)
    except OSError as error:
        raise ValueError(f"--resume: cannot read {str(path)!r}: {error.strerror}") from error
    some = ", ".join(names[:MOST_NAMES]) or "no checkpoint"
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    raise ValueError(
        f"--resume takes a checkpoint, {str(path)!r} is a folder; it holds {some}{more}"
    )


def numbered(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts run-2 before run-10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


def _words(request: Request) -> dict[str, Any]:
    return {name: getattr(request, name) for name in _NAMES}


def _options(names: list[str]) -> list[str]:
    return ["SPEC" if name == "spec" else f"--{name.replace('_', '-')}" for name in names]


_NAMES = [item.name for item in fields(Request) if item.name not in ("settings", "recipe")]
