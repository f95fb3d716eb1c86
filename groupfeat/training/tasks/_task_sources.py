"""Tasks beyond a group's products: expressions, words in a group, tables in files."""

from pathlib import Path

import numpy as np

from groupfeat.groups import FiniteGroup
from groupfeat.training.tasks._expressions import expression_table
from groupfeat.training.tasks._labels import number_labels
from groupfeat.training.tasks._table_files import read_labels
from groupfeat.training.tasks._tasks import Task, table_task

__all__ = ["expression_task", "load_table_task", "word_task"]

MAX_EXAMPLES = 1 << 24


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

    ``.npy`` holds an array of whole numbers or texts with one axis an operand, ``.csv`` rows of
    labels, ``.json`` nested lists of labels or an object with a key ``"table"``. Classes number
    the labels that occur in sorted order, where `table_task` takes whole numbers for the classes
    themselves. No example is there where a whole number is -1, or a text "" or "-1"; an empty cell
    of a ``.csv``, and null in ``.json``, are no example in either. A ``.csv`` or ``.json`` table
    with a text in it is one of texts.

    Parameters
    ----------
    path
        The file.
    name
        What to call the task; by default the file's name without its ending.

    Raises
    ------
    ValueError
        If the file cannot be read as such a table, or surely says something else than labels:
        numbers with a point, or below -1; cells not parted by commas; a row or column of names
        beside whole numbers. The message names the place, rows and columns counted from 1.
    """
    labels, n_classes = number_labels(read_labels(path))
    return table_task(name or Path(path).stem, labels, n_classes=max(n_classes, 1))
