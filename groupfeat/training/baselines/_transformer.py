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
from groupfeat.training.run._runs import lasting_from
from groupfeat.training.setup._config_checks import check_kind, check_number
from groupfeat.training.tasks._tasks import Indices, Task, as_task

__all__ = ["TransformerConfig", "TransformerRun", "train_transformer"]


_ACCURACIES = {"test_accuracy": "generalised", "train_accuracy": "memorised"}
_COUNTS = ("width", "heads", "layers", "feed_forward", "epochs", "eval_every", "settle_epochs")


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
        Of AdamW (betas 0.9, 0.98). The defaults are three times the rate and the decay of [1]_:
        with those small cyclic groups did not grok in thousands of steps (docs/experiments.md).
    epochs
        Most full-batch steps.
    eval_every
        Steps between evaluations.
    stop_accuracy, settle_epochs
        The run ends when its test accuracy (without a test set: train accuracy) has been at least
        this for so many steps; 0: at the first. AdamW at these rates throws the network back now
        and then, so that it seldom lasts for hundreds.

    Raises
    ------
    ValueError
        If a setting is out of range.

    References
    ----------
    .. [1] N. Nanda et al., "Progress measures for grokking via mechanistic interpretability",
       arXiv:2301.05217.
    """

    width: int = 128
    heads: int = 4
    layers: int = 1
    feed_forward: int = 512
    train_fraction: float = 0.8
    learning_rate: float = 3e-3
    weight_decay: float = 3.0
    epochs: int = 4000
    eval_every: int = 10
    stop_accuracy: float = 0.995
    settle_epochs: int = 0

    def __post_init__(self) -> None:
        told = vars(self)
        for name, value in told.items():
            if value is None:
                raise ValueError(f"{name} must be a number, got None")
            check_kind(name, value)
        for name in _COUNTS:
            least = 0 if name == "settle_epochs" else 1
            check_number(name, told[name], told[name] >= least, f"at least {least}")
        check_number("learning_rate", self.learning_rate, self.learning_rate > 0, "positive")
        check_number("weight_decay", self.weight_decay, self.weight_decay >= 0, "zero or more")
        for name in ("train_fraction", "stop_accuracy"):
            check_number(name, told[name], 0 < told[name] <= 1, "in (0, 1]")
        if self.width % self.heads:
            raise ValueError(
                f"width must be a multiple of heads, got {self.width} and {self.heads}"
            )


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

    def lasts_from(self, column: str) -> int | None:
        """Return the epoch from which ``column`` stays at ``stop_accuracy``, as `TrainedRun`."""
        return _lasts_from(self.history, column, self.config)

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
        """As in `TrainedRun`."""
        return self.lasts_from("train_accuracy")

    @property
    def generalized_at(self) -> int | None:
        """As in `TrainedRun`."""
        return self.lasts_from("test_accuracy")


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
    while epoch < config.epochs and not _is_settled(history, goal, config):
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


def _lasts_from(
    history: dict[str, list[float]], column: str, config: TransformerConfig
) -> int | None:
    good = [value >= config.stop_accuracy for value in history.get(column, [])]
    return lasting_from(history["epoch"], good, config.settle_epochs)


def _is_settled(history: dict[str, list[float]], goal: str, config: TransformerConfig) -> bool:
    since = _lasts_from(history, goal, config)
    return since is not None and history["epoch"][-1] - since >= config.settle_epochs


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
