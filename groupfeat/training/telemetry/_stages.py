"""How weights move between observations, and where one stage ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["StageBoundaries", "Step", "measure_step", "stage_boundaries"]

Array = NDArray[np.inexact[Any]]


@dataclass(frozen=True)
class Step:
    """How a weight matrix moved from one observation to the next.

    Parameters
    ----------
    size
        ‖W' − W‖/‖W‖; None when W = 0.
    cosine
        Cosine of W' with W; None when either is 0.
    turn
        Cosine of this step with the step before; None for the first step, or a step of 0.
    """

    size: float | None
    cosine: float | None
    turn: float | None


def measure_step(before: Array, after: Array, last: Array | None = None) -> Step:
    """Return how ``after`` differs from ``before``; ``last`` is the step that led to ``before``.

    Examples
    --------
    >>> import numpy as np
    >>> measure_step(np.array([1.0, 0.0]), np.array([1.0, 1.0]), np.array([0.0, 2.0]))
    Step(size=1.0, cosine=0.7071067811865475, turn=1.0)
    """
    before, after = _double(before), _double(after)
    last = None if last is None else _double(last)
    moved, norm = after - before, float(np.linalg.norm(before))
    size = float(np.linalg.norm(moved)) / norm if norm > 0 else None
    return Step(size, _cosine(before, after), None if last is None else _cosine(moved, last))


@dataclass(frozen=True)
class StageBoundaries:
    """Where a run passed from one stage to the next, as observed epochs; None: never.

    Parameters
    ----------
    memorized_at
        First epoch with train accuracy of at least ``accuracy``: stage I is over.
    peak_at
        Epoch of the largest ‖G_F‖.
    features_at
        First epoch from which at least ``settled`` of the live nodes stay on one irrep
        (`NodeFeatures.summary`'s ``nodes_settled``) to the end: stage II is over.
    generalized_at
        First epoch with test accuracy of at least ``accuracy``.
    accuracy, settled
        The two levels.
    """

    memorized_at: int | None
    peak_at: int | None
    features_at: int | None
    generalized_at: int | None
    accuracy: float
    settled: float


def stage_boundaries(
    records: Sequence[Mapping[str, Any]], *, accuracy: float = 0.99, settled: float = 0.5
) -> StageBoundaries:
    """Return the boundaries that the records of one run show, in the order of their epochs.

    Parameters
    ----------
    records
        With ``epoch`` and any of ``train_accuracy``, ``test_accuracy``, ``gradient_norm``,
        ``nodes_settled``; a record without a value (absent or None) is passed over.
    accuracy, settled
        The levels of `StageBoundaries`.

    Examples
    --------
    >>> rows = [{"epoch": e, "train_accuracy": e / 10, "nodes_settled": e / 20} for e in range(11)]
    >>> found = stage_boundaries(rows)
    >>> found.memorized_at, found.features_at, found.generalized_at
    (10, 10, None)
    """
    columns = {
        name: [(int(r["epoch"]), float(r[name])) for r in records if r.get(name) is not None]
        for name in ("train_accuracy", "test_accuracy", "gradient_norm", "nodes_settled")
    }
    peak = max(columns["gradient_norm"], key=lambda row: row[1], default=None)
    return StageBoundaries(
        _first(columns["train_accuracy"], accuracy),
        None if peak is None else peak[0],
        _lasting(columns["nodes_settled"], settled),
        _first(columns["test_accuracy"], accuracy),
        accuracy,
        settled,
    )


def _first(rows: list[tuple[int, float]], level: float) -> int | None:
    return next((epoch for epoch, value in rows if value >= level), None)


def _lasting(rows: list[tuple[int, float]], level: float) -> int | None:
    found = None
    for epoch, value in reversed(rows):
        if value < level:
            break
        found = epoch
    return found


def _double(array: Array) -> Array:
    """Return the array in double precision: squares of float32 overflow at 1e19."""
    return array.astype(np.promote_types(array.dtype, np.float64))


def _cosine(first: Array, second: Array) -> float | None:
    scale = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.clip(np.vdot(first, second).real / scale, -1, 1)) if scale > 0 else None
