"""What labels mean, in arrays and in files alike: classes, texts, and where there is no example."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["check_negatives", "number_labels", "told_place"]


def number_labels(table: NDArray[Any]) -> tuple[NDArray[np.int64], int]:
    """Return labels as classes 0, 1, … in sorted order, −1 where there is no example, and how many.

    −1 among whole numbers, and "" or "-1" among texts, are no example.

    Raises
    ------
    ValueError
        If a whole number is below −1.
    """
    if table.dtype.kind == "U":
        absent = (table == "") | (table == "-1")
    else:
        check_negatives(table)
        absent = table == -1
    values, classes = np.unique(table[~absent], return_inverse=True)
    labels = np.full(table.shape, -1, dtype=np.int64)
    labels[~absent] = classes
    return labels, len(values)


def check_negatives(table: NDArray[Any]) -> None:
    """Raise ValueError for a whole number below −1, with its place."""
    if table.min() < -1:
        place = tuple(np.argwhere(table < -1)[0])
        raise ValueError(
            f"labels must be 0 or more, or -1 for no example, got {table[place]} in "
            f"{told_place(place)}; number the answers from 0"
        )


def told_place(place: tuple[Any, ...]) -> str:
    """Return the words for a cell, counted from 1."""
    if len(place) == 2:
        return f"row {place[0] + 1}, column {place[1] + 1}"
    return f"cell {', '.join(str(i + 1) for i in place)}"
