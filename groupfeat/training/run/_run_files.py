"""Files of runs of any kind: safetensors with the whole story in the header, checked when read."""

import hashlib
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from groupfeat import __version__
from groupfeat._files import replacing
from groupfeat.groups import FiniteGroup
from groupfeat.training.run._runs import Ended
from groupfeat.training.run._stored import check_story
from groupfeat.training.tasks._tasks import Task, as_task

__all__ = ["FORMAT", "FORMATS", "TRANSFORMER_FORMAT", "check_format", "check_sums"]
__all__ += ["read_run", "write_run"]

FORMAT = "groupfeat-run-2"
FORMATS = ("groupfeat-run-1", FORMAT)
TRANSFORMER_FORMAT = "groupfeat-transformer-1"
_READERS = {FORMAT: "load_checkpoint", TRANSFORMER_FORMAT: "load_transformer"}
Arrays = dict[str, NDArray[Any]]
R = TypeVar("R")


class _Config(Protocol):
    def to_dict(self) -> dict[str, Any]: ...


class _Run(Ended, Protocol):
    @property
    def config(self) -> _Config: ...


def write_run(path: str | Path, told: str, arrays: Arrays, run: _Run, task: Task) -> Path:
    """Write a run of the format ``told``, whole or not at all; return the path.

    Raises
    ------
    ValueError
        If the name does not end in ``.safetensors``.
    OSError
        If the file cannot be written.
    """
    file = Path(path)
    if file.suffix != ".safetensors":
        raise ValueError(f"expected a name in .safetensors, got {file.name!r}")
    text = json.dumps(_story(arrays, run, task))
    header = {"format": told, "run": text, "run_sha256": _text_digest(text)}
    try:
        with replacing(file) as part:
            save_file(arrays, part, metadata=header)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OSError(f"cannot write {str(file)!r} ({reason}); an older file is kept") from error
    return file


def read_run(
    path: str | Path,
    formats: Sequence[str],
    made: Callable[[Arrays, dict[str, Any]], R],
    group: FiniteGroup | Task | None,
) -> R:
    """Return what ``made`` makes of the arrays and the header, both checked.

    Raises
    ------
    ValueError
        If the file is absent, damaged, of none of the ``formats``, refused by ``made``, or was
        trained on other labels than those of ``group``.
    """
    name = Path(path).name
    if Path(path).is_dir():
        raise ValueError(f"{str(path)!r} is a folder; name a checkpoint in it")
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            _check_kind(header.get("format", ""), name, formats)
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, TypeError, AttributeError) as error:
        raise ValueError(f"cannot read {name!r} ({error}); expected a groupfeat run") from error
    try:
        story = check_story(json.loads(header.get("run", "null")))
        check_sums(header, arrays)
        run = made(arrays, story)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"cannot read {name!r} ({error}); expected a groupfeat run, copy it again"
        ) from error
    if group is not None and story.get("table_sha256") != as_task(group).digest:
        raise ValueError(
            f"{name!r} was trained on {story['group']}, whose labels are not those of "
            f"{as_task(group).name} now; pass what it was trained on"
        )
    return run


def check_sums(header: Mapping[str, str], arrays: Arrays) -> None:
    """Raise ValueError unless a run's header and arrays are as they were written.

    Files of the first format have no checksums, early ones of the second none of the header.
    """
    text = header.get("run", "null")
    if header.get("run_sha256", _text_digest(text)) != _text_digest(text):
        raise ValueError("its header does not match its checksum")
    story = json.loads(text)
    told = story.get("arrays_sha256") if isinstance(story, dict) else None
    if header.get("format") != FORMATS[0] and told != _digest(arrays):
        raise ValueError("its arrays do not match their checksum")


def check_format(told: str, name: str, formats: Sequence[str] = FORMATS) -> None:
    """Raise ValueError for a run of a later format than the last of ``formats``."""
    family = formats[-1].rstrip("0123456789")
    if told not in formats and told.startswith(family) and told.removeprefix(family).isdecimal():
        known = formats[0] if len(formats) == 1 else f"{formats[0]} to {formats[-1]}"
        raise ValueError(
            f"{name!r} is a {told}, written by a later groupfeat; this one reads {known}: upgrade "
            "groupfeat"
        )


def _check_kind(told: str, name: str, formats: Sequence[str]) -> None:
    check_format(told, name, formats)
    if told in formats:
        return
    if told in _READERS:
        raise ValueError(f"{name!r} is a {told}, expected {formats[-1]}; {_READERS[told]} reads it")
    raise ValueError(f"{name!r} is no groupfeat run: its header lacks {formats[-1]!r}")


def _story(arrays: Arrays, run: _Run, task: Task) -> dict[str, Any]:
    return {
        "group": task.name,
        "table_sha256": task.digest,
        "arrays_sha256": _digest(arrays),
        "config": run.config.to_dict(),
        "seed": run.seed,
        "status": run.status,
        "epochs": run.epochs,
        "memorized_at": run.memorized_at,
        "generalized_at": run.generalized_at,
        "history": run.history,
        "versions": {
            "groupfeat": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
    }


def _text_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(arrays: Arrays) -> str:
    found = hashlib.sha256()
    for name in sorted(arrays):
        found.update(name.encode())
        found.update(np.ascontiguousarray(arrays[name]).tobytes())
    return found.hexdigest()
