"""Tables of labels in files: read, and refused with the place where they are surely wrong."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.training.tasks._labels import told_place

__all__ = ["read_labels"]

_UNREADABLE = (ValueError, OSError, TypeError, EOFError, MemoryError, RecursionError, csv.Error)
_WHOLE = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_PARTING = {"semicolons": ";", "tabs": "\t", "bars": "|", "spaces": None}
_KINDS = {"b": "true or false", "f": "numbers with a point"}
_EMPTY = "it is empty: expected rows of labels, whole numbers or texts"
_ADVICE = "number the answers, or write them as words; no example is an empty cell, or -1"

Cells = NDArray[np.object_]


def read_labels(path: str | Path) -> NDArray[Any]:
    """Return the table in a ``.npy``, ``.csv`` or ``.json`` file: whole numbers or texts.

    Raises
    ------
    ValueError
        If the file cannot be read as such a table; the message names the place, rows and columns
        counted from 1.
    """
    file = Path(path)
    readers = {".npy": _read_npy, ".csv": _read_csv, ".json": _read_json}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise ValueError(f"{file.name!r} must end in {', '.join(readers)}")
    try:
        return reader(file)
    except _UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"cannot read a table of labels from {file.name!r}: {reason}") from error


def _read_npy(file: Path) -> NDArray[Any]:
    found = np.asarray(np.load(file, allow_pickle=False))
    if not found.size:
        raise ValueError(_EMPTY)
    if found.dtype.kind not in "iuU" or not found.ndim:
        told = _KINDS.get(found.dtype.kind, found.dtype)
        raise ValueError(
            f"labels must be whole numbers or texts, got {told} in shape {found.shape}; {_ADVICE}"
        )
    return found


def _read_csv(file: Path) -> NDArray[Any]:
    with file.open(encoding="utf-8-sig", newline="") as stream:  # spreadsheets write a mark
        found = csv.reader(stream, strict=True, skipinitialspace=True)
        rows = [[cell.strip() for cell in row] for row in found if "".join(row).strip() or row[1:]]
    _check_commas(rows)
    cells = _rectangle(rows)
    _refuse(cells, _wrong_in_csv)
    return _labels(_each(lambda cell: int(cell) if _WHOLE.fullmatch(cell) else cell, cells))


def _wrong_in_csv(cell: str) -> str:
    if cell.lower() == "nan":
        return "no number"
    decimal = _DECIMAL.fullmatch(cell) and not _WHOLE.fullmatch(cell)
    return _KINDS["f"] if decimal else ""


def _read_json(file: Path) -> NDArray[Any]:
    content = json.loads(file.read_text(encoding="utf-8"))
    if isinstance(content, dict):
        if "table" not in content:
            raise ValueError('expected a key "table" with the rows')
        content = content["table"]
    cells = _rectangle(content)
    _refuse(cells, _wrong_in_json)
    return _labels(_each(lambda cell: "" if cell is None else cell, cells))


def _wrong_in_json(cell: object) -> str:
    if cell is None or type(cell) in (int, str):
        return ""
    return _KINDS.get(type(cell).__name__[0], "names and values")


def _refuse(cells: Cells, wrong: Callable[[Any], str]) -> None:
    """Raise ValueError with the first place of what is ``wrong``, if anything is."""
    told = _each(wrong, cells)
    for place in map(tuple, np.argwhere(told != "")):
        raise ValueError(
            f"labels must be whole numbers or texts, got {told[place]}: {cells[place]!r:.40} in "
            f"{told_place(place)}; {_ADVICE}"
        )


def _each(function: Callable[[Any], object], cells: Cells) -> Cells:
    return np.asarray(np.frompyfunc(function, 1, 1)(cells), dtype=object)


def _check_commas(rows: list[list[str]]) -> None:
    """Refuse rows of one cell each that hold several."""
    if not rows or any(len(row) > 1 for row in rows):
        return
    for words, parting in _PARTING.items():
        if all(len(row[0].split(parting)) > 1 for row in rows):
            raise ValueError(
                f"its cells are not parted by commas: {rows[0][0]!r:.40} in row 1, column 1 seems "
                f"to be several, parted by {words}; write them with commas"
            )


def _rectangle(rows: Any) -> Cells:
    """Return nested lists of equal lengths as an array of their entries."""
    shape, level = list[int](), [rows]
    while level and isinstance(level[0], list):
        shape.append(len(level[0]))
        for place, row in enumerate(level):
            got = len(row) if isinstance(row, list) else 1
            if got != shape[-1] or not isinstance(row, list):
                raise ValueError(
                    f"rows differ in length: row {place + 1} has {got}, row 1 has {shape[-1]}"
                )
        level = [cell for row in level for cell in row]
    if not level:
        raise ValueError(_EMPTY)
    if not shape or any(isinstance(cell, list) for cell in level):
        raise ValueError(f"rows differ in length, or are none: {rows!r:.40}")
    cells = np.empty(len(level), dtype=object)
    cells[:] = level
    return cells.reshape(shape)


def _labels(cells: Cells) -> NDArray[Any]:
    """Return whole numbers, "" being -1, or texts where there are any."""
    text = _each(lambda cell: isinstance(cell, str) and cell != "", cells).astype(bool)
    if text.any():
        _check_names(cells, text)
        return np.asarray(cells.astype(str))
    found = np.array(_each(lambda cell: -1 if cell == "" else cell, cells).tolist())
    if found.dtype.kind not in "iu":
        raise ValueError("whole numbers as labels go up to 2⁶³; number the answers anew")
    return found


def _check_names(cells: Cells, text: NDArray[np.bool_]) -> None:
    """Refuse a first row, or column, of names before whole numbers."""
    whole = _each(lambda cell: isinstance(cell, int), cells).astype(bool)
    if cells.ndim != 2 or text[1:, 1:].any() or not whole[1:, 1:].any():
        return
    frames = {"row 1 seems": text[0].any(), "column 1 seems": text[1:, 0].any()}
    told = [words for words, there in frames.items() if there]
    place = tuple(np.argwhere(text)[0])
    subject = told[0] if len(told) == 1 else "row 1 and column 1 seem"
    raise ValueError(
        f"{subject} to hold names of the operands beside labels that are whole numbers, "
        f"{cells[place]!r:.40} in {told_place(place)}; remove the names"
    )
