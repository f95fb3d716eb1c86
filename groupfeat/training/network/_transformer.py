"""A small transformer that reads "g h =" and predicts gh: the baseline of comparisons.

Trained by a plain loop on autograd; nothing of the two-layer engine is used.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from groupfeat.groups import FiniteGroup
from groupfeat.training.setup._config_checks import check_kind
from groupfeat.training.tasks._tasks import Indices, Task, as_task

__all__ = ["TransformerConfig", "TransformerRun", "train_transformer"]


_ACCURACIES = {"test_accuracy": "generalised", "train_accuracy": "memorised"}


@dataclass(frozen=True)
class TransformerConfig:
    """Settings of the transformer and of its training by AdamW on cross-entropy.

    Parameters
    ----------
    width, heads, layers, feed_forward
        Size of the embeddings, attention heads, blocks, and hidden nodes of each block.
    train_fraction
        Share of the examples that is trained on, in (0, 1].
    learning_rate, weight_decay
        Of AdamW (betas 0.9, 0.98).
    epochs
        Most full-batch steps.
    eval_every
        Steps between evaluations.
    stop_accuracy
        The run ends when its test accuracy (without a test set: train accuracy) reaches this.

    Raises
    ------
    ValueError
        If a setting is out of range.
    """

    width: int = 128
    heads: int = 4
    layers: int = 1
    feed_forward: int = 512
    train_fraction: float = 0.8
    learning_rate: float = 1e-3
    weight_decay: float = 1.0
    epochs: int = 4000
    eval_every: int = 10
    stop_accuracy: float = 0.995

    def __post_init__(self) -> None:
        for name in ("width", "heads", "layers", "feed_forward", "epochs", "eval_every"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number from 1 on, got {value!r}")
        if self.width % self.heads:
            raise ValueError(
                f"width must be a multiple of heads, got {self.width} and {self.heads}"
            )
        for name in ("learning_rate", "weight_decay", "train_fraction", "stop_accuracy"):
            check_kind(name, getattr(self, name))
        for name, holds, words in (
            ("learning_rate", self.learning_rate > 0, "positive"),
            ("weight_decay", self.weight_decay >= 0, "zero or more"),
        ):
            if not (holds and math.isfinite(getattr(self, name))):
                raise ValueError(f"{name} must be {words}, got {getattr(self, name)}")
        for name in ("train_fraction", "stop_accuracy"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in (0, 1], got {getattr(self, name)}")


class _Transformer(nn.Module):
    """Embeddings of the operands and of "=", blocks, and the answer read off at "="."""

    def __init__(self, task: Task, config: TransformerConfig) -> None:
        super().__init__()
        self.equals = max(task.sizes)
        self.tokens = nn.Embedding(self.equals + 1, config.width)
        self.places = nn.Parameter(torch.randn(len(task.sizes) + 1, config.width) * 0.02)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                config.width,
                config.heads,
                config.feed_forward,
                dropout=0.0,
                batch_first=True,
                norm_first=True,
            )
            for _ in range(config.layers)
        )
        self.answer = nn.Linear(config.width, task.n_classes)

    def forward(self, operands: Tensor) -> Tensor:
        """Return the answers to operands (n, k), shape (n, M)."""
        equals = operands.new_full((len(operands), 1), self.equals)
        stream = self.tokens(torch.cat([operands, equals], 1)) + self.places
        for block in self.blocks:
            stream = block(stream)
        found: Tensor = self.answer(stream[:, -1])
        return found


@dataclass(frozen=True, eq=False)
class TransformerRun:
    """One trained transformer and its history.

    Parameters
    ----------
    task_name, config, seed
        What was trained.
    epochs
        Steps taken.
    history
        As in `TrainedRun`.
    model
        The trained module: operands (n, k) to answers (n, M).
    """

    task_name: str
    config: TransformerConfig
    seed: int
    epochs: int
    history: dict[str, list[float]] = field(repr=False)
    model: nn.Module = field(repr=False)

    def reached(self, column: str) -> int | None:
        """Return the first evaluated epoch at which ``column`` is ``stop_accuracy``, or None."""
        rows = zip(self.history["epoch"], self.history.get(column, []), strict=False)
        return next((int(e) for e, x in rows if x >= self.config.stop_accuracy), None)

    @property
    def status(self) -> str:
        """As in `TrainedRun`: what was reached, or ``"diverged: …"``."""
        if not math.isfinite(self.history["train_loss"][-1]):
            return f"diverged: loss is not finite at epoch {self.epochs}; lower learning_rate"
        last = {name: self.history.get(name, [0.0])[-1] for name in _ACCURACIES}
        reached = [name for name in _ACCURACIES if last[name] >= self.config.stop_accuracy]
        return _ACCURACIES[reached[0]] if reached else "not fitted"

    @property
    def memorized_at(self) -> int | None:
        """First evaluated epoch whose train accuracy reaches ``stop_accuracy``, or None."""
        return self.reached("train_accuracy")

    @property
    def generalized_at(self) -> int | None:
        """First evaluated epoch whose test accuracy reaches ``stop_accuracy``, or None."""
        return self.reached("test_accuracy")


def train_transformer(
    task: FiniteGroup | Task,
    config: TransformerConfig,
    *,
    seed: int = 0,
    progress: Callable[[int, int, int], None] | None = None,
) -> TransformerRun:
    """Train a transformer full-batch on the examples that a two-layer run with this seed sees.

    It ends early when its loss is no longer finite; its status says so.

    Parameters
    ----------
    task
        The group whose products are learned, or another task.
    config
        The settings.
    seed
        Of the choice of examples and of the initial weights.
    progress
        Called as ``progress(seed, epoch, epochs)`` at every evaluation.

    Examples
    --------
    >>> from groupfeat.groups import cyclic
    >>> small = TransformerConfig(width=16, heads=2, feed_forward=32, epochs=5, eval_every=5)
    >>> train_transformer(cyclic(3), small).history["epoch"]
    [0, 5]
    """
    learned = as_task(task)
    codes = learned.sample(config.train_fraction, rng=seed)
    seen, unseen = _tensors(learned, codes), _tensors(learned, learned.complement(codes))
    with torch.random.fork_rng(devices=[]):  # the caller's random state is given back
        torch.manual_seed(seed)
        model = _Transformer(learned, config)
    optimizer = torch.optim.AdamW(
        model.parameters(),
        config.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=config.weight_decay,
    )
    history: dict[str, list[float]] = {}
    goal, epoch = "test_accuracy" if len(unseen[1]) else "train_accuracy", 0
    _evaluate(model, history, 0, seen, unseen)
    while epoch < config.epochs and history[goal][-1] < config.stop_accuracy:
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(seen[0]), seen[1])
        if not math.isfinite(float(loss.detach())):
            if history["epoch"][-1] < epoch:
                _evaluate(model, history, epoch, seen, unseen)
            break
        epoch += 1
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if epoch % config.eval_every == 0 or epoch == config.epochs:
            _evaluate(model, history, epoch, seen, unseen)
            if progress is not None:
                progress(seed, epoch, config.epochs)
    return TransformerRun(learned.name, config, seed, epoch, history, model)


def _tensors(task: Task, codes: Indices) -> tuple[Tensor, Tensor]:
    operands = torch.from_numpy(task.operands(codes)).T.contiguous()
    return operands, torch.from_numpy(task.targets(codes))


@torch.no_grad()
def _evaluate(
    model: nn.Module,
    history: dict[str, list[float]],
    epoch: int,
    seen: tuple[Tensor, Tensor],
    unseen: tuple[Tensor, Tensor],
) -> None:
    history.setdefault("epoch", []).append(epoch)
    for name, (operands, target) in (("train", seen), ("test", unseen)):
        if len(target):
            logits = model(operands)
            accuracy = float((logits.argmax(1) == target).double().mean())
            history.setdefault(f"{name}_accuracy", []).append(accuracy)
            loss = float(functional.cross_entropy(logits, target))
            history.setdefault(f"{name}_loss", []).append(loss)
