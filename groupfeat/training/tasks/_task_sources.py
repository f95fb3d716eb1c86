"""Tasks beyond a group's products: expressions, words in a group, tables in files."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups import FiniteGroup
from groupfeat.training.tasks._expressions import expression_table
from groupfeat.training.tasks._tasks import Task, table_task

__all__ = ["expression_task", "load_table_task", "word_task"]

MAX_EXAMPLES = 1 << 24
_UNREADABLE = (ValueError, OSError, TypeError, EOFError, MemoryError, RecursionError, csv.Error)


def expression_task(text: str) -> Task:
    """Return the task of learning an expression in x and y modulo m from (x, y).

    Parameters
    ----------
    text
        As ``"x^2 + xy + y^2 mod 97"``: a polynomial with + − * ^ ( ) and whole numbers, then
        ``mod m``. It is parsed, never run as code.

    Raises
    ------
    ExpressionError
        A ValueError that tells the place where the text cannot be read.

    Examples
    --------
    >>> task = expression_task("x**2 + x*y + y**2 mod 5")
    >>> task.sizes, task.n_classes, int(task.labels[2, 3])
    ((5, 5), 5, 4)
    """
    table = expression_table(text)
    return table_task(" ".join(text.split()), table, n_classes=len(table))


def word_task(group: FiniteGroup, n_operands: int) -> Task:
    """Return the task of learning g₁g₂…g_k from (g₁, …, g_k).

    Raises
    ------
    ValueError
        If there are fewer than two operands, or more than 2²⁴ examples (of the trivial group:
        more than 24 operands).

    Examples
    --------
    >>> from groupfeat.groups import cyclic
    >>> task = word_task(cyclic(5), 3)
    >>> task.name, task.sizes, int(task.labels[1, 2, 4])
    ('C5^3', (5, 5, 5), 2)
    """
    if isinstance(n_operands, bool) or not isinstance(n_operands, int | np.integer):
        raise ValueError(f"n_operands must be a whole number, got {n_operands!r}")
    if n_operands < 2:
        raise ValueError(f"a product needs at least 2 operands, got {n_operands}")
    most = MAX_EXAMPLES.bit_length() - 1  # a power of a huge number of operands takes for ever
    if n_operands > most or max(group.order, 2) ** int(n_operands) > MAX_EXAMPLES:
        raise ValueError(
            f"{n_operands} operands on {group.name} make {group.order}^{n_operands} examples, more "
            f"than {MAX_EXAMPLES}; take fewer operands or a smaller group"
        )
    table = labels = group.cayley_table
    for _ in range(n_operands - 2):
        labels = table[labels]
    return Task(
        group.name if n_operands == 2 else f"{group.name}^{n_operands}",
        np.array(labels),
        group.order,
        group,
    )


def load_table_task(path: str | Path, *, name: str = "") -> Task:
    """Return the task of a table in a file: the answer for (row, column), any labels.

    ``.npy`` holds an integer array with one axis an operand, ``.csv`` rows of
    labels, ``.json`` nested lists of labels or an object with a key ``"table"``. Labels are whole
    numbers or texts; classes number them in sorted order. An empty text (or -1 among whole
    numbers) means that there is no example.

    Parameters
    ----------
    path
        The file.
    name
        What to call the task; by default the file's name without its ending.

    Raises
    ------
    ValueError
        If the file cannot be read as such a table.
    """
    file = Path(path)
    readers = {".npy": _read_npy, ".csv": _read_csv, ".json": _read_json}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise ValueError(f"{file.name!r} must end in {', '.join(readers)}")
    try:
        table = _rectangle(reader(file))
    except _UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"cannot read a table of labels from {file.name!r}: {reason}") from error
    return _labelled(name or file.stem, table)


def _labelled(name: str, table: NDArray[Any]) -> Task:
    absent = (table == "") | (table == "-1") if table.dtype.kind == "U" else table == -1
    values, classes = np.unique(table[~absent], return_inverse=True)
    labels = np.full(table.shape, -1, dtype=np.int64)
    labels[~absent] = classes
    return table_task(name, labels, n_classes=max(len(values), 1))


def _read_npy(file: Path) -> Any:
    return np.load(file, allow_pickle=False)


def _read_csv(file: Path) -> Any:
    with file.open(encoding="utf-8-sig", newline="") as stream:  # spreadsheets write a mark
        found = csv.reader(stream, strict=True, skipinitialspace=True)
        rows = [[cell.strip() for cell in row] for row in found if "".join(row).strip() or row[1:]]
    if rows and all(len(row) == 1 and set(row[0]) & set(";\t|") for row in rows):
        raise ValueError("its cells are not parted by commas; write them with commas")
    cells = [cell for row in rows for cell in row]
    if all(cell.lstrip("-").isdigit() for cell in cells if cell):
        return [[int(cell) if cell else -1 for cell in row] for row in rows]
    return rows


def _read_json(file: Path) -> Any:
    content = json.loads(file.read_text(encoding="utf-8"))
    if isinstance(content, dict):
        if "table" not in content:
            raise ValueError('expected a key "table" with the rows')
        content = content["table"]
    return content


def _rectangle(rows: Any) -> NDArray[Any]:
    """Return nested lists as an array of whole numbers or of texts."""
    try:
        table = np.array(rows)
    except ValueError as error:
        raise ValueError("rows differ in length") from error
    if table.dtype.kind not in "iuU" or not table.size or table.ndim < 1:
        told = {"b": "true or false", "f": "numbers with a point"}.get(table.dtype.kind)
        raise ValueError(
            f"labels must be whole numbers or texts, got {told or table.dtype} "
            f"in shape {table.shape}"
        )
    return table
