"""What a training run leaves behind, at its end and on the way."""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy import PairSet
from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.tasks._tasks import Task

__all__ = ["Observer", "Snapshot", "TrainedRun", "log_epochs"]

Arrays = Mapping[str, NDArray[Any]]


class Ended(Protocol):
    """What runs of every kind tell of themselves; see `TrainedRun`."""

    @property
    def seed(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def epochs(self) -> int: ...
    @property
    def history(self) -> dict[str, list[float]]: ...
    @property
    def memorized_at(self) -> int | None: ...
    @property
    def generalized_at(self) -> int | None: ...


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """One trained network and its history.

    Parameters
    ----------
    group_name, config, seed
        What was trained.
    status
        By the last accuracies ``"generalised"`` (test), ``"memorised"`` (train) or
        ``"not fitted"``; ``"running"`` for a checkpoint on the way; ``"diverged: …"`` where the
        loss is no longer finite. The second and the third may go on after a colon, with advice:
        ``"…: memorised from epoch 80, lost at 190; …"`` where the columns below tell of an
        accuracy that lasted and was lost, ``"not fitted: loss rose from 0.8 to 2e+09 …"`` where
        the train loss had risen above twice the first.
    epochs
        Steps taken.
    first_layer, second_layer
        W of shape (2M, K), as it acts on one-hot operands, and V of shape (K, M); in the
        precision of training, complex where the weights are.
    history
        Equal-length lists: ``epoch``, ``train_accuracy``, ``train_loss``, ``test_accuracy``,
        ``test_loss`` (the last two absent without a test set).
    memorized_at, generalized_at
        First evaluated epoch after 0 from which the train (test) accuracy stays at
        ``stop_accuracy``, for ``settle_epochs`` steps or to the last evaluation; None without one,
        as in a run that ends before its first step.
    parameters, optimizer_state
        What training goes on from: the trained arrays by name (V transposed) and the optimiser's.
    task_digest
        `Task.digest` of what was learned; empty where an old file does not tell.
    seconds_per_step
        Mean time of the steps that were taken here, evaluations, observers and the first step
        apart, which loads or compiles kernels; in a stack the run's share of it. None in a run of
        one step and in a stored run.
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
    parameters: Arrays = field(default_factory=dict, repr=False)
    optimizer_state: Arrays = field(default_factory=dict, repr=False)
    task_digest: str = field(default="", repr=False)
    seconds_per_step: float | None = field(default=None, repr=False)
    answer_shift: NDArray[Any] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        stored = (*self.parameters.values(), *self.optimizer_state.values())
        shift = () if self.answer_shift is None else (self.answer_shift,)
        for array in (self.first_layer, self.second_layer, *stored, *shift):
            array.setflags(write=False)

    def last(self, name: str) -> float | None:
        """Return the last value of a history column; None where it is absent."""
        return last_value(self.history, name)

    def summary(self) -> dict[str, Any]:
        """Return the run as plain values for JSON; without a test set its metrics are None."""
        return summary_of(self)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A run at one epoch, as an observer gets it.

    Parameters
    ----------
    position
        Of the run in the list that is trained.
    run
        Weights, parameters and optimiser state after ``run.epochs`` steps (copies), and the
        history so far.
    task
        What is learned.
    codes
        The examples that are trained on, as positions in ``task.labels``.
    pairs
        The same as the energy layer's pair set; None for a task that is no product gh.
    is_last
        Whether the run ends here.
    """

    position: int
    run: TrainedRun
    task: Task = field(repr=False)
    codes: NDArray[np.intp] = field(repr=False)
    pairs: PairSet | None = field(repr=False)
    is_last: bool = False

    @property
    def epoch(self) -> int:
        """Steps taken."""
        return self.run.epochs

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.run.seed

    @property
    def config(self) -> TrainConfig:
        """Settings of the run."""
        return self.run.config

    @property
    def first_layer(self) -> NDArray[Any]:
        """W of shape (2M, K), read-only."""
        return self.run.first_layer

    @property
    def second_layer(self) -> NDArray[Any]:
        """V of shape (K, M), read-only."""
        return self.run.second_layer


Observer = Callable[[Snapshot], None]


def log_epochs(epochs: int, *, per_decade: int = 8) -> tuple[int, ...]:
    """Return 0, 1, … , ``epochs``, evenly spaced on a logarithmic scale, whole and distinct.

    Raises
    ------
    ValueError
        If either number is below 1.

    Examples
    --------
    >>> from groupfeat.training import log_epochs
    >>> log_epochs(100, per_decade=3)
    (0, 1, 2, 5, 10, 22, 46, 100)
    """
    if epochs < 1 or per_decade < 1:
        raise ValueError(f"epochs and per_decade must be at least 1, got {epochs}, {per_decade}")
    count = max(2, 1 + int(np.ceil(per_decade * np.log10(epochs))))
    spaced = np.rint(np.geomspace(1, epochs, count)).astype(int)
    return tuple(dict.fromkeys((0, *spaced.tolist())))


def last_value(history: Mapping[str, Sequence[float]], name: str) -> float | None:
    """Return the last value of a history column; None where it is absent."""
    column = history.get(name)
    return float(column[-1]) if column else None


def summary_of(run: Ended) -> dict[str, Any]:
    """Return a run as plain values for JSON; metrics that are absent or not finite are None."""
    metrics = ("train_accuracy", "test_accuracy", "train_loss", "test_loss")
    found = {name: last_value(run.history, name) for name in metrics}
    return {
        "seed": run.seed,
        "status": run.status,
        "epochs": run.epochs,
        **{k: v if v is None or np.isfinite(v) else None for k, v in found.items()},
        "memorized_at": run.memorized_at,
        "generalized_at": run.generalized_at,
    }


def observed_epochs(observe_at: Iterable[int] | None) -> frozenset[int] | None:
    """Return the epochs as a set, None meaning every evaluation."""
    return None if observe_at is None else frozenset(operator.index(epoch) for epoch in observe_at)
