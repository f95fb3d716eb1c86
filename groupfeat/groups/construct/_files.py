"""Cayley tables in files: .npy, .csv and .json, nothing that could run code."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.table._display import shorten
from groupfeat.groups.table._errors import NotAGroupError
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["load_cayley_table"]


def load_cayley_table(path: str | Path, *, name: str = "") -> FiniteGroup:
    """Read a Cayley table (M, M) of element indices and check it.

    ``.npy`` holds an integer array (pickled objects are refused), ``.csv``
    whole numbers separated by commas, ``.json`` a list of rows or an object
    ``{"table": rows, "elements": names}``.

    Raises
    ------
    ValueError
        If the file cannot be read as such a table.
    NotAGroupError
        If the table breaks a group axiom.
    """
    if not str(path).strip():
        raise ValueError("table: needs the name of a file (.npy, .csv or .json)")
    file = Path(path)
    if not _is_file(file):
        raise ValueError(
            f"no file {shorten(str(file))!r}; expected a Cayley table (.npy, .csv or .json)"
        )
    reader = {".npy": _read_npy, ".csv": _read_csv, ".json": _read_json}.get(file.suffix.lower())
    if reader is None:
        raise ValueError(f"{file.name!r} must end in .npy, .csv or .json, got {file.suffix!r}")
    try:
        table, names = reader(file)
    except (ValueError, TypeError, OverflowError, OSError, MemoryError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"cannot read a Cayley table from {file.name!r}: {reason}") from error
    try:
        return FiniteGroup.from_cayley_table(table, name=name or file.stem, element_names=names)
    except NotAGroupError as error:
        raise NotAGroupError(f"{file.name!r} is no group: {error}") from error


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # a name that is too long
        return False


def _read_npy(file: Path) -> tuple[NDArray[Any], tuple[str, ...]]:
    # np.load would open an archive or offer to unpickle what is no .npy.
    with file.open("rb") as stream:
        return np.lib.format.read_array(stream, allow_pickle=False), ()


def _read_csv(file: Path) -> tuple[NDArray[Any], tuple[str, ...]]:
    lines = [line for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    rows = [[_whole(cell, line) for cell in line.split(",")] for line in lines]
    return _rectangle(rows), ()


def _whole(cell: str, line: str) -> int:
    try:
        return int(cell)
    except ValueError as error:
        raise ValueError(
            f"{shorten(cell.strip())!r} in {shorten(line)!r} is no whole number; expected element "
            "indices separated by commas, no header"
        ) from error


def _read_json(file: Path) -> tuple[NDArray[Any], tuple[str, ...]]:
    content = json.loads(file.read_text(encoding="utf-8-sig"))
    names: tuple[str, ...] = ()
    if isinstance(content, dict):
        if "table" not in content:
            raise ValueError('expected a key "table" with the rows')
        elements = content.get("elements", [])
        if not isinstance(elements, list):
            raise ValueError('expected a list of names under "elements"')
        names = tuple(map(str, elements))
        content = content["table"]
    return _rectangle(content), names


def _rectangle(rows: Any) -> NDArray[Any]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise ValueError("expected a list of rows")
    short = [i for i, row in enumerate(rows) if len(row) != len(rows)]
    if short:
        raise ValueError(
            f"row {short[0]} has {len(rows[short[0]])} entries, expected {len(rows)} (a square)"
        )
    return np.array(rows)
