"""How weights move between observations, and where one stage ends."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.training.run._outcome import lasting_from

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

    One rule for all but the peak, that of `TrainedRun`: the first epoch after 0 from which a level
    holds, for ``settle_epochs`` steps or to the end of what was observed. A touch that does not
    last counts for nothing, nor does epoch 0, before the first step.

    Parameters
    ----------
    memorized_at
        From where train accuracy is at least ``accuracy``: stage I is over.
    peak_at
        Epoch of the largest ‖G_F‖.
    features_at
        From where at least ``settled`` of the live nodes are on one irrep (`NodeFeatures.summary`'s
        ``nodes_settled``), to the end always: stage II is over.
    generalized_at
        From where test accuracy is at least ``accuracy``.
    accuracy, settled
        The two levels.
    settle_epochs
        For how many steps an accuracy must last; None: to the end.
    """

    memorized_at: int | None
    peak_at: int | None
    features_at: int | None
    generalized_at: int | None
    accuracy: float
    settled: float
    settle_epochs: int | None = None


def stage_boundaries(
    records: Sequence[Mapping[str, Any]],
    *,
    accuracy: float = 0.99,
    settled: float = 0.5,
    settle_epochs: int | None = None,
    history: Mapping[str, Sequence[float]] | None = None,
) -> StageBoundaries:
    """Return the boundaries that the records of one run show, in the order of their epochs.

    With ``history`` and the config's ``stop_accuracy`` and ``settle_epochs`` the two accuracies
    have the boundaries that the run tells of itself, however few the records are and wherever
    they begin; the peak and the features are of the records alone.

    Parameters
    ----------
    records
        With ``epoch`` and any of ``train_accuracy``, ``test_accuracy``, ``gradient_norm``,
        ``nodes_settled``; a record without a value (absent or None) is passed over.
    accuracy, settled, settle_epochs
        The levels and the steps of `StageBoundaries`.
    history
        `TrainedRun.history`, whose accuracies then stand for those of the records.

    Examples
    --------
    >>> rows = [{"epoch": e, "train_accuracy": e / 10, "nodes_settled": e / 20} for e in range(11)]
    >>> found = stage_boundaries(rows)
    >>> found.memorized_at, found.features_at, found.generalized_at
    (10, 10, None)
    """
    norms = _column(records, "gradient_norm")
    steps = math.inf if settle_epochs is None else settle_epochs
    scores = records if history is None else _rows(history)
    memorized_at, generalized_at = (
        _from(_column(scores, name), accuracy, steps)
        for name in ("train_accuracy", "test_accuracy")
    )
    return StageBoundaries(
        memorized_at,
        max(norms, key=lambda epoch: norms[epoch], default=None),
        _from(_column(records, "nodes_settled"), settled, math.inf),
        generalized_at,
        accuracy,
        settled,
        settle_epochs,
    )


def _rows(history: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
    rows = zip(*history.values(), strict=True)
    return [dict(zip(history, row, strict=True)) for row in rows]


def _column(records: Sequence[Mapping[str, Any]], name: str) -> dict[int, float]:
    return {int(r["epoch"]): float(r[name]) for r in records if r.get(name) is not None}


def _from(column: Mapping[int, float], level: float, steps: float) -> int | None:
    return lasting_from([*column], [value >= level for value in column.values()], steps)


def _double(array: Array) -> Array:
    """Return the array in double precision: squares of float32 overflow at 1e19."""
    return array.astype(np.promote_types(array.dtype, np.float64))


def _cosine(first: Array, second: Array) -> float | None:
    scale = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.clip(np.vdot(first, second).real / scale, -1, 1)) if scale > 0 else None
