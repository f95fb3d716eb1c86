"""Where records go: JSON lines, TensorBoard, Weights & Biases."""

import importlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, BinaryIO

from groupfeat._files import replacing

__all__ = ["JsonLines", "TensorBoardSink", "WandbSink", "read_json_lines"]

FORMAT = "groupfeat-telemetry-1"
_STEP = ("position", "seed", "epoch")


class JsonLines:
    """Append records to a file, one JSON object a line, each handed to the system before the next.

    The first line holds the format and the config. A file that exists is
    continued if its config is the same, or differs only in having fewer ``epochs`` under a
    constant ``schedule``: the run is then the same one, given more epochs, and the first line is
    replaced by one that says so (the file is written anew, whole or not at all). A last line that
    a crash cut off is dropped. Values that are not finite are written as null.

    Parameters
    ----------
    path
        The file; its folder must exist.
    config
        Plain values that tell what is recorded.
    upto
        Keep the records up to this epoch, that of the checkpoint from which a run goes on, and
        drop those after it, which come again; −1 for a run that begins anew. None keeps all.

    Raises
    ------
    ValueError
        If the file holds another config, is no such file, or is damaged within the records of
        which some are to be kept.
    """

    def __init__(
        self, path: str | Path, config: Mapping[str, Any], *, upto: int | None = None
    ) -> None:
        self.path = Path(path)
        line = _encode({"format": FORMAT, "config": _plain(dict(config))})
        exists = self.path.exists()
        content = self.path.read_bytes() if exists else b""
        kept = _kept(self.path, content, line, upto)
        if not content.startswith(kept):
            with replacing(self.path) as part:
                part.write_bytes(kept)
        self._file: BinaryIO = self.path.open("r+b" if exists else "xb")
        self._file.truncate(len(kept))
        self._file.seek(len(kept))
        if not kept:
            self._write(line)

    @staticmethod
    def check(path: str | Path, config: Mapping[str, Any], *, upto: int | None = None) -> None:
        """Raise the ValueError of `JsonLines`, if it would; the file stays as it is."""
        file = Path(path)
        if file.exists():
            line = _encode({"format": FORMAT, "config": _plain(dict(config))})
            _kept(file, file.read_bytes(), line, upto)

    def __call__(self, record: Mapping[str, Any]) -> None:
        """Append one record."""
        self._write(_encode(_plain(dict(record))))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "JsonLines":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _write(self, line: bytes) -> None:
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error


def read_json_lines(
    path: str | Path, *, damaged: str = "refuse"
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return config and records of a `JsonLines` file; a cut-off last line is passed over.

    Where a run was resumed from an earlier epoch, the later record of a run and epoch stands.

    Parameters
    ----------
    path
        The file.
    damaged
        ``"refuse"``, or ``"stop"``: return the records before the first damaged line.

    Raises
    ------
    ValueError
        If it is no such file, or a line before the last is damaged (its number is told).
    """
    if damaged not in ("refuse", "stop"):
        raise ValueError(f"damaged must be 'refuse' or 'stop', got {damaged!r}")
    file = Path(path)
    lines = _whole_lines(file.read_bytes())
    if not lines:
        raise ValueError(f"{file.name!r} is no telemetry file: it holds no whole line")
    header = _header(file, lines[0])
    found: dict[Any, dict[str, Any]] = {}
    for number, line in enumerate(lines[1:], 2):
        record = _object(line)
        if record is None:
            if damaged == "stop":
                break
            raise ValueError(
                f"{file.name!r} is damaged in line {number}; damaged='stop' reads the "
                f"{number - 2} records before it"
            )
        epoch = record.get("epoch")
        key = json.dumps([record.get(name) for name in _STEP]) if epoch is not None else number
        found.pop(key, None)
        found[key] = record
    return header["config"], list(found.values())


class TensorBoardSink:
    """Write records as TensorBoard scalars, step = epoch, under ``run-POSITION/name``.

    Parameters
    ----------
    folder
        The log directory.

    Raises
    ------
    ModuleNotFoundError
        If tensorboard is not installed; the message says how to.
    """

    def __init__(self, folder: str | Path) -> None:
        self._writer = _load("torch.utils.tensorboard", "tensorboard").SummaryWriter(str(folder))

    def __call__(self, record: Mapping[str, Any]) -> None:
        """Write one record."""
        prefix = f"run-{record.get('position', 0)}/"
        for name, value in _numbers(record).items():
            self._writer.add_scalar(prefix + name, value, record["epoch"])
        self._writer.flush()

    def close(self) -> None:
        """Close the log."""
        self._writer.close()


class WandbSink:
    """Send records to Weights & Biases, under ``run-POSITION/name`` beside ``epoch``.

    Parameters
    ----------
    project
        The project.
    config
        Plain values shown beside the run.
    options
        Further arguments of ``wandb.init``, as ``mode="offline"``.

    Raises
    ------
    ModuleNotFoundError
        If wandb is not installed; the message says how to.
    """

    def __init__(
        self, project: str, config: Mapping[str, Any] | None = None, **options: Any
    ) -> None:
        wandb = _load("wandb", "wandb")
        self._run = wandb.init(project=project, config=dict(config or {}), **options)

    def __call__(self, record: Mapping[str, Any]) -> None:
        """Send one record."""
        prefix = f"run-{record.get('position', 0)}/"
        values = {prefix + name: value for name, value in _numbers(record).items()}
        self._run.log({**values, "epoch": record["epoch"]})

    def close(self) -> None:
        """Finish the run."""
        self._run.finish()


def _load(module: str, package: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"{package} is not installed; pip install {package}", name=package
        ) from missing


def _numbers(record: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in record.items()
        if name not in _STEP
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
    }


def _plain(value: Any) -> Any:
    """Return ``value`` with NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _encode(content: Any) -> bytes:
    text = json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.encode() + b"\n"


def _whole_lines(content: bytes) -> list[bytes]:
    return content[: content.rfind(b"\n") + 1].split(b"\n")[:-1]


def _kept(path: Path, content: bytes, line: bytes, upto: int | None) -> bytes:
    """Return the part of a file with which it goes on under the header ``line``; none: anew."""
    lines = _whole_lines(content)
    if not lines:
        if content and not line.startswith(content):
            raise ValueError(f"{path.name!r} is no telemetry file; choose another path")
        return b""
    extended = _is_extended(path, lines[0], json.loads(line))
    first = line[:-1] if extended else lines[0]
    records = lines[1:] if upto is None else _records_upto(path, lines[1:], upto)
    return b"\n".join([first, *records, b""])


def _records_upto(path: Path, lines: list[bytes], upto: int) -> list[bytes]:
    """Return the lines of records up to an epoch, and of those without one."""
    kept = []
    for number, line in enumerate(lines if upto >= 0 else (), 2):
        record = _object(line)
        if record is None:
            raise ValueError(
                f"{path.name!r} is damaged in line {number}; cut it there, or choose another path"
            )
        epoch = record.get("epoch")
        if not isinstance(epoch, int) or epoch <= upto:
            kept.append(line)
    return kept


def _object(line: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a line, or None if it is none."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _header(path: Path, line: bytes) -> dict[str, Any]:
    header = _object(line) or {}
    told = header.get("format")
    if told != FORMAT:
        later = isinstance(told, str) and told.startswith(FORMAT.rstrip("0123456789"))
        reason = f"tells {told!r}; read it with that version" if later else f"lacks {FORMAT!r}"
        raise ValueError(f"{path.name!r} is no telemetry file: its first line {reason}")
    if not isinstance(header.get("config"), dict):
        raise ValueError(f"{path.name!r} is no telemetry file: its first line holds no config")
    return header


def _is_extended(path: Path, line: bytes, wanted: dict[str, Any]) -> bool:
    """Tell whether a file's run is wanted with more epochs; raise ValueError for another run."""
    found, own = _header(path, line)["config"], wanted["config"]
    names = sorted(set(found) | set(own))
    differing = [name for name in names if found.get(name) != own.get(name)]
    if not differing:
        return False
    constant = own.get("schedule", "constant") == "constant"
    if differing == ["epochs"] and constant and _is_below(found.get("epochs"), own.get("epochs")):
        return True
    name = differing[0]
    raise ValueError(
        f"{path.name!r} records another config ({name}: {found.get(name)!r} there, "
        f"{own.get(name)!r} now); choose another path"
    )


def _is_below(first: object, second: object) -> bool:
    """Tell whether these are two numbers of epochs, the second the larger."""
    return isinstance(first, int) and isinstance(second, int) and first < second
