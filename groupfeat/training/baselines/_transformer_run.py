"""What the training of a transformer leaves behind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from groupfeat.training.baselines._transformer_config import TransformerConfig
from groupfeat.training.run._outcome import lasting_from
from groupfeat.training.run._runs import last_value, summary_of

__all__ = ["MOMENTS", "History", "TransformerRun", "lasts_from"]

MOMENTS = ("exp_avg", "exp_avg_sq")
History = dict[str, list[float]]


@dataclass(frozen=True, eq=False)
class TransformerRun:
    """One trained transformer and its history.

    Parameters
    ----------
    task_name, config, seed, status, epochs, history
        As in `TrainedRun`.
    model
        The trained module: operands (n, k) to answers (n, M).
    optimizer_state
        AdamW's moments, ``exp_avg.NAME`` and ``exp_avg_sq.NAME`` of every parameter.
    task_digest
        `Task.digest` of what was learned.
    """

    task_name: str
    config: TransformerConfig
    seed: int
    status: str
    epochs: int
    history: History = field(repr=False)
    model: nn.Module = field(repr=False)
    optimizer_state: Mapping[str, Tensor] = field(repr=False)
    task_digest: str = field(repr=False)

    @property
    def memorized_at(self) -> int | None:
        """As in `TrainedRun`."""
        return lasts_from(self.history, "train_accuracy", self.config)

    @property
    def generalized_at(self) -> int | None:
        """As in `TrainedRun`."""
        return lasts_from(self.history, "test_accuracy", self.config)

    def last(self, name: str) -> float | None:
        """Return the last value of a history column; None where it is absent."""
        return last_value(self.history, name)

    def summary(self) -> dict[str, Any]:
        """Return the run as plain values for JSON; without a test set its metrics are None."""
        return summary_of(self)


def lasts_from(history: History, column: str, config: TransformerConfig) -> int | None:
    """Return the first epoch after 0 from which an accuracy stays at ``stop_accuracy``."""
    good = [value >= config.stop_accuracy for value in history.get(column, [])]
    return lasting_from(history.get("epoch", []), good, config.settle_epochs)
