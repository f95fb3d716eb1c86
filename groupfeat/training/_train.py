"""Full-batch training of two-layer networks on group products."""

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from groupfeat.energy import PairSet, sample_pairs
from groupfeat.groups import FiniteGroup
from groupfeat.training._config import TrainConfig
from groupfeat.training._network import PairTensors, evaluate, loss_and_gradients
from groupfeat.training._runs import TrainedRun

__all__ = ["train", "training_pairs"]

Progress = Callable[[int, int, int], None]
_DTYPES = {"float32": torch.float32, "float64": torch.float64}


def training_pairs(group: FiniteGroup, config: TrainConfig, seed: int) -> PairSet:
    """Return the pairs that a run with this seed trains on."""
    return sample_pairs(group, config.train_fraction, rng=seed)


def train(
    group: FiniteGroup,
    config: TrainConfig,
    *,
    seeds: Sequence[int] = (0,),
    progress: Progress | None = None,
) -> Iterator[TrainedRun]:
    """Train one network a seed and yield each run as it ends.

    The seed draws both the pairs and the initial weights. A run stops at
    ``config.epochs``, or ``settle_epochs`` after it generalised, or when its
    loss is no longer finite (its status says so; the other runs go on).

    Parameters
    ----------
    group
        The group whose products are learned.
    config
        The settings.
    seeds
        One run each.
    progress
        Called as ``progress(seed, epoch, epochs)`` at every evaluation.

    Yields
    ------
    TrainedRun
    """
    for seed in seeds:
        yield _Run(group, config.resolved(group.order), operator.index(seed)).train(progress)


class _Run:
    """One run in progress: tensors, optimiser, history."""

    def __init__(self, group: FiniteGroup, config: TrainConfig, seed: int) -> None:
        dtype = _DTYPES[config.precision]
        pairs = training_pairs(group, config, seed)
        unseen = pairs.complement()
        self.group, self.config, self.seed = group, config, seed
        self.pairs = PairTensors.of(pairs, dtype)
        self.unseen = None if unseen is None else PairTensors.of(unseen, dtype)
        self.first, self.second = initial_weights(group.order, config, seed, dtype)
        self.optimizer = _optimizer([self.first, self.second], config)
        self.history: dict[str, list[float]] = {}
        self.settings: dict[str, Any] = {
            "activation": config.activation,
            "loss": config.loss,
            "beta": config.beta,
        }

    def train(self, progress: Progress | None) -> TrainedRun:
        config, end, diverged, epoch = self.config, self.config.epochs, "", 0
        since: int | None = None
        self._evaluate(0)
        while epoch < end and not diverged:
            epoch += 1
            _, self.first.grad, self.second.grad = loss_and_gradients(
                self.first, self.second, self.pairs, **self.settings
            )
            self.optimizer.step()
            if epoch % config.eval_every and epoch != end:
                continue
            self._evaluate(epoch)
            if not math.isfinite(self.history["train_loss"][-1]):
                diverged = f"diverged: loss is not finite at epoch {epoch}; lower learning_rate"
            since = (epoch if since is None else since) if self._holds() else None
            end = (
                config.epochs if since is None else min(config.epochs, since + config.settle_epochs)
            )
            if progress is not None:
                progress(self.seed, epoch, end)
        return self._result(epoch, diverged)

    @property
    def _goal(self) -> str:
        return "train_accuracy" if self.unseen is None else "test_accuracy"

    def _holds(self) -> bool:
        return self.history[self._goal][-1] >= self.config.stop_accuracy

    def _evaluate(self, epoch: int) -> None:
        self.history.setdefault("epoch", []).append(epoch)
        for name, pairs in (("train", self.pairs), ("test", self.unseen)):
            if pairs is not None:
                accuracy, loss = evaluate(self.first, self.second, pairs, **self.settings)
                self.history.setdefault(f"{name}_accuracy", []).append(accuracy)
                self.history.setdefault(f"{name}_loss", []).append(loss)

    def _reached(self, column: str) -> int | None:
        rows = zip(self.history["epoch"], self.history.get(column, []), strict=False)
        return next((int(e) for e, value in rows if value >= self.config.stop_accuracy), None)

    def _status(self) -> str:
        goal = self.config.stop_accuracy
        test, train = (
            self.history.get(f"{name}_accuracy", [0.0])[-1] for name in ("test", "train")
        )
        return "generalised" if test >= goal else "memorised" if train >= goal else "not fitted"

    def _result(self, epoch: int, diverged: str) -> TrainedRun:
        memorized, generalized = self._reached("train_accuracy"), self._reached("test_accuracy")
        status = diverged or self._status()
        return TrainedRun(
            self.group.name,
            self.config,
            self.seed,
            status,
            epoch,
            self.first.detach().numpy().copy(),
            self.second.detach().numpy().copy(),
            self.history,
            memorized,
            generalized,
        )


def initial_weights(
    order: int, config: TrainConfig, seed: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Return the initial W (2M, K) and V (K, M) of a seed."""
    generator = torch.Generator().manual_seed(seed)

    def draw(rows: int, columns: int) -> Tensor:
        if config.init == "normal":
            return torch.randn(rows, columns, generator=generator, dtype=dtype)
        uniform = torch.rand(rows, columns, generator=generator, dtype=dtype)
        return (2 * uniform - 1) / math.sqrt(rows)

    first = draw(2 * order, config.n_hidden) * config.init_scale
    second = draw(config.n_hidden, order) * config.alpha
    return first, second


def _optimizer(parameters: list[Tensor], config: TrainConfig) -> torch.optim.Optimizer:
    rate, decay = config.learning_rate, config.weight_decay or 0.0
    if config.optimizer == "sgd":
        return torch.optim.SGD(parameters, rate, config.momentum, weight_decay=decay)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, rate, weight_decay=decay)
