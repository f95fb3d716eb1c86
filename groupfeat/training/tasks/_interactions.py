"""How many operands an answer takes together: interactions of the centred targets, exactly.

A function f(x₁, …, x_k) on all combinations is in one way a sum of parts f_S(x_i, i ∈ S), where
f_S has mean 0 over each of its operands; parts of different S are orthogonal. f_S is the
interaction of the operands in S, |S| its order.
"""

import itertools
import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from groupfeat.training.tasks._tasks import Indices, Task

__all__ = ["interaction_shares", "is_independent"]

MAX_OPERANDS = 12


def interaction_shares(task: Task) -> NDArray[np.float64]:
    """Return ‖Ỹ_j‖²/‖Ỹ‖² for the parts Ỹ_j of the centred one-hot targets of order j = 1 … k.

    Counted in whole numbers, so that a share of 0 is exactly 0. Of the words g₁…g_k of any group
    all lies in order k: with one operand open every answer is equally likely, so the mean over
    any operand is that over all words. A network whose activation is a polynomial of degree d
    holds orders up to d only, since each term of (a₁[x₁] + … + a_k[x_k])^d has at most d factors.

    Parameters
    ----------
    task
        Of at most 12 operands, with an example in every cell and more than one answer.

    Returns
    -------
    ndarray, shape (k,)
        Sums to 1.

    Raises
    ------
    ValueError
        If there are more operands, cells without an example (parts are then not orthogonal), or
        only one answer.

    Examples
    --------
    >>> from groupfeat.groups import cyclic
    >>> from groupfeat.training import expression_task, interaction_shares, word_task
    >>> interaction_shares(word_task(cyclic(3), 3)).tolist()
    [0.0, 0.0, 1.0]
    >>> interaction_shares(expression_task("x*y mod 2")).round(3).tolist()
    [0.667, 0.333]
    """
    codes, answers = task.codes, _answers(task)
    n_operands = len(task.sizes)
    if n_operands > MAX_OPERANDS:
        raise ValueError(f"interactions of at most {MAX_OPERANDS} operands, got {n_operands}")
    if len(codes) < task.labels.size:
        raise ValueError(
            f"interactions need an example in every cell, {task.name} has "
            f"{task.labels.size - len(codes)} without one; fill them in"
        )
    if not answers.any():
        raise ValueError(f"{task.name} has one answer throughout: nothing interacts")
    operands = task.operands(codes)
    means = [
        sum(
            (_mean_square(task, operands, answers, chosen) for chosen in _subsets(n_operands, i)),
            Fraction(0),
        )
        for i in range(n_operands + 1)
    ]
    parts = [_part(means, n_operands, j) for j in range(1, n_operands + 1)]
    return np.array([float(part / sum(parts)) for part in parts])


def is_independent(task: Task, order: int) -> bool:
    """Return whether any ``order`` operands, without the others, tell nothing of the answer.

    Then no function of ``order`` operands at a time, and no sum of such, goes with the centred
    targets: least squares and cross-entropy over all examples are best at equal scores. Holds
    for tables with empty cells too; never where all examples have one answer.
    """
    answers = _answers(task)
    if not answers.any():
        return False
    operands = task.operands(task.codes)
    totals = np.bincount(answers)
    return all(
        _is_proportional(task, operands, answers, totals, chosen)
        for chosen in _subsets(len(task.sizes), min(order, len(task.sizes)))
    )


def _is_proportional(
    task: Task, operands: Indices, answers: Indices, totals: Indices, chosen: tuple[int, ...]
) -> bool:
    """Return whether all answers share alike in the examples at each value of some operands."""
    cells = _cells(task, operands, chosen)
    counts = np.bincount(cells)
    if counts[counts > 0].min() < len(totals):  # too few for every answer; bounds the table
        return False
    table = np.bincount(cells * len(totals) + answers, minlength=len(counts) * len(totals))
    wanted = counts[:, None] * totals
    return bool((table.reshape(wanted.shape) * len(answers) == wanted).all())


def _mean_square(
    task: Task, operands: Indices, answers: Indices, chosen: tuple[int, ...]
) -> Fraction:
    """Return the mean over cells of Σ_t (mean of Y_t at the chosen operands)²."""
    alike = _cells(task, operands, chosen) * (int(answers.max()) + 1) + answers
    counts = np.unique(alike, return_counts=True)[1]
    rest = len(answers) // math.prod(task.sizes[i] for i in chosen)
    return Fraction(int((counts.astype(np.int64) ** 2).sum()), len(answers) * rest)


def _part(means: list[Fraction], n_operands: int, order: int) -> Fraction:
    """Return the squared norm of all interactions of one order, by inclusion and exclusion."""
    return sum(
        (
            (-1) ** (order - i) * math.comb(n_operands - i, order - i) * means[i]
            for i in range(order + 1)
        ),
        Fraction(0),
    )


def _answers(task: Task) -> Indices:
    """Return the labels of all examples, numbered anew by those that occur."""
    found = np.unique(task.targets(task.codes), return_inverse=True)[1]
    return found.astype(np.intp, copy=False)


def _cells(task: Task, operands: Indices, chosen: tuple[int, ...]) -> Indices:
    cells = np.zeros(operands.shape[1], dtype=np.intp)
    for i in chosen:
        cells = cells * task.sizes[i] + operands[i]
    return cells


def _subsets(n_operands: int, size: int) -> list[tuple[int, ...]]:
    return list(itertools.combinations(range(n_operands), size))
