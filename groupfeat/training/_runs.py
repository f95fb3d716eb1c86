"""What a training run leaves behind."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.training._config import TrainConfig

__all__ = ["TrainedRun"]


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """One trained network and its history.

    Parameters
    ----------
    group_name, config, seed
        What was trained.
    status
        ``"generalised"``, ``"memorised"`` or ``"not fitted"`` by the last accuracies, or
        ``"diverged: …"``.
    epochs
        Steps taken.
    first_layer, second_layer
        W of shape (2M, K) and V of shape (K, M), float64 or float32 as trained.
    history
        Equal-length lists: ``epoch``, ``train_accuracy``, ``train_loss``, ``test_accuracy``,
        ``test_loss`` (the last two absent without a test set).
    memorized_at, generalized_at
        First evaluated epoch whose train (test) accuracy reaches ``stop_accuracy``, or None.
    """

    group_name: str
    config: TrainConfig
    seed: int
    status: str
    epochs: int
    first_layer: NDArray[Any] = field(repr=False)
    second_layer: NDArray[Any] = field(repr=False)
    history: dict[str, list[float]] = field(repr=False)
    memorized_at: int | None
    generalized_at: int | None

    def __post_init__(self) -> None:
        for array in (self.first_layer, self.second_layer):
            array.setflags(write=False)

    def last(self, name: str) -> float | None:
        """Return the last value of a history column; None where it is absent."""
        column = self.history.get(name)
        return float(column[-1]) if column else None

    def summary(self) -> dict[str, Any]:
        """Return the run as plain values for JSON; without a test set its metrics are None."""
        metrics = ("train_accuracy", "test_accuracy", "train_loss", "test_loss")
        found = {name: self.last(name) for name in metrics}
        return {
            "seed": self.seed,
            "status": self.status,
            "epochs": self.epochs,
            **{k: v if v is None or np.isfinite(v) else None for k, v in found.items()},
            "memorized_at": self.memorized_at,
            "generalized_at": self.generalized_at,
        }
