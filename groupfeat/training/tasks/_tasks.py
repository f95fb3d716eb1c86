"""What is learned: a table of labels over one or more operands."""

import hashlib
import operator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy import PairSet
from groupfeat.groups import FiniteGroup, check_group
from groupfeat.training.tasks._labels import check_negatives, number_labels

__all__ = ["Task", "as_task", "product_task", "table_task"]

MAX_CLASSES = 1 << 24
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Task:
    """Learn ``labels[x₁, …, x_k]`` from its operands x₁, …, x_k.

    Parameters
    ----------
    name
        How configs and checkpoints call it.
    labels
        Classes 0 … ``n_classes`` − 1, one axis an operand; −1 where there is no example.
    n_classes
        Number of answers.
    group
        The group whose products these are, where they are.
    """

    name: str
    labels: NDArray[np.integer[Any]] = field(repr=False)
    n_classes: int
    group: FiniteGroup | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.labels.setflags(write=False)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of symbols of each operand."""
        return self.labels.shape

    @cached_property
    def codes(self) -> Indices:
        """Flat positions in ``labels`` of all examples, ascending."""
        return np.flatnonzero(self.labels.ravel() >= 0)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the labels as little-endian int32, row by row."""
        return hashlib.sha256(np.ascontiguousarray(self.labels, dtype="<i4").tobytes()).hexdigest()

    def __len__(self) -> int:
        return self.labels.size if self.group is not None else len(self.codes)

    def sample(self, train_fraction: float, *, rng: int | np.random.Generator) -> Indices:
        """Return the codes of round(p·N) examples (at least one), without replacement, sorted.

        For a group's products these are the pairs of `groupfeat.energy.sample_pairs`.
        """
        count = max(1, round(train_fraction * len(self)))
        chosen = np.sort(np.random.default_rng(rng).permutation(len(self))[:count])
        return chosen if len(self) == self.labels.size else self.codes[chosen]

    def complement(self, codes: Indices) -> Indices:
        """Return the codes of all other examples."""
        unseen = self.labels.ravel() >= 0
        unseen[codes] = False
        return np.flatnonzero(unseen)

    def operands(self, codes: Indices) -> Indices:
        """Return the operands of examples, shape (k, n)."""
        return np.stack(np.unravel_index(codes, self.sizes)).astype(np.intp, copy=False)

    def targets(self, codes: Indices) -> Indices:
        """Return the labels of examples, shape (n,)."""
        return self.labels.ravel()[codes].astype(np.intp, copy=False)

    def pairs(self, codes: Indices) -> PairSet | None:
        """Return the examples as the energy layer's value where they are products gh, else None."""
        if self.group is None or len(self.sizes) != 2:
            return None
        left, right = self.operands(codes)
        return PairSet(self.group, left, right)


def product_task(group: FiniteGroup) -> Task:
    """Return the task of learning gh from (g, h)."""
    return Task(group.name, group.cayley_table, group.order, group)


def table_task(name: str, labels: ArrayLike, *, n_classes: int | None = None) -> Task:
    """Return the task of a labelled table, checked.

    Parameters
    ----------
    name
        What to call it.
    labels
        One axis an operand. Whole numbers are the classes themselves, −1 is no example; texts are
        numbered in sorted order, "" and "-1" are no example (as `load_table_task` reads them).
    n_classes
        By default one more than the largest class.

    Raises
    ------
    ValueError
        If the table holds no example, or labels that are no classes or not below 2²⁴.
    TypeError
        If ``n_classes`` is no whole number.

    Examples
    --------
    >>> from groupfeat.training import table_task
    >>> table_task("parity", [["even", "odd"], ["odd", ""]]).labels.tolist()
    [[0, 1], [1, -1]]
    """
    table = np.array(labels)
    if table.dtype.kind not in "iuU" or table.ndim < 1 or not table.size:
        raise ValueError(
            "labels must be a table of whole numbers or texts, got "
            f"{table.dtype} of shape {table.shape}"
        )
    if table.dtype.kind == "U":
        table = number_labels(table)[0]
    check_negatives(table)
    if (table == -1).all():
        raise ValueError("labels hold no example: every entry is -1")
    classes = int(table.max()) + 1 if n_classes is None else operator.index(n_classes)
    if classes > MAX_CLASSES:
        raise ValueError(
            f"labels must be classes below {MAX_CLASSES}, got {classes} classes; number them anew"
        )
    if classes < 1 or table.max() >= classes:
        raise ValueError(
            f"labels must be classes 0..{classes - 1}, or -1 for no example, got "
            f"{table.min()}..{table.max()}"
        )
    return Task(name, table, classes)


def as_task(task: FiniteGroup | Task) -> Task:
    """Return a group's product task, or the task itself; TypeError if it is neither."""
    if isinstance(task, Task):
        return task
    check_group(task)
    return product_task(task)
