"""One transformer in training: steps of AdamW by autograd, evaluations, its end."""

import copy
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from groupfeat.training.baselines._transformer_config import TransformerConfig
from groupfeat.training.baselines._transformer_model import Transformer
from groupfeat.training.baselines._transformer_run import (
    MOMENTS,
    History,
    TransformerRun,
    lasts_from,
)
from groupfeat.training.run._outcome import lasting_columns, outcome
from groupfeat.training.tasks._tasks import Indices, Task

__all__ = ["Training"]


class Training:
    """A run in progress, from its start or from a stored run on."""

    def __init__(
        self,
        task: Task,
        config: TransformerConfig,
        seed: int,
        start: TransformerRun | None = None,
    ) -> None:
        self.task, self.config, self.seed, self.start = task, config, seed, start
        codes = task.sample(config.train_fraction, rng=seed)
        self.seen = _examples(task, codes)
        self.unseen = _examples(task, task.complement(codes))
        with torch.random.fork_rng(devices=[]):  # the caller's random state is given back
            torch.manual_seed(seed)
            self.model = Transformer.of(task, config)
        self.history: History = {}
        self.epoch, self.diverged = 0, ""
        if start is not None:
            _check_start(start, self.model, len(self.unseen[1]) > 0)
            self.model.load_state_dict(start.model.state_dict())
            self.epoch, self.history = start.epochs, _without_the_end(start, config)
        self.optimizer = _optimizer(self.model, config, start)

    def advance(self) -> Iterator[None]:
        """Train to the end; pause at the start and after every step."""
        if self.start is None:
            self._evaluate()
            yield
        while self.epoch < self.config.epochs and not (self.diverged or self.is_settled):
            self.optimizer.zero_grad()
            loss = self._loss()
            if not math.isfinite(float(loss.detach())):
                self._evaluate()
                self._name_divergence()
                return
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            self.epoch += 1
            if self.is_due:
                self._evaluate()
            yield

    @property
    def is_settled(self) -> bool:
        """Whether the accuracy that counts has lasted for ``settle_epochs``."""
        goal = "test_accuracy" if len(self.unseen[1]) else "train_accuracy"
        since = lasts_from(self.history, goal, self.config)
        return since is not None and self.history["epoch"][-1] - since >= self.config.settle_epochs

    @property
    def is_due(self) -> bool:
        """Whether an evaluation is due after this step."""
        return self.epoch % self.config.eval_every == 0 or self.epoch == self.config.epochs

    @property
    def is_finite(self) -> bool:
        """Whether the loss is, here."""
        with torch.no_grad():
            return math.isfinite(float(self._loss()))

    def result(self, status: str = "") -> TransformerRun:
        """Return copies of where the run is."""
        return TransformerRun(
            self.task.name,
            self.config,
            self.seed,
            status or self.diverged or self._status(),
            self.epoch,
            {name: list(column) for name, column in self.history.items()},
            copy.deepcopy(self.model),
            {
                f"{moment}.{name}": self.optimizer.state[part][moment].clone()
                for name, part in self.model.named_parameters()
                for moment in MOMENTS
            },
            self.task.digest,
        )

    def _loss(self) -> Tensor:
        return functional.cross_entropy(self.model(self.seen[0]), self.seen[1])

    @torch.no_grad()
    def _evaluate(self) -> None:
        self.history.setdefault("epoch", []).append(self.epoch)
        for name, (operands, target) in (("train", self.seen), ("test", self.unseen)):
            if len(target):
                logits = self.model(operands)
                accuracy = float((logits.argmax(1) == target).double().mean())
                self.history.setdefault(f"{name}_accuracy", []).append(accuracy)
                loss = float(functional.cross_entropy(logits, target))
                self.history.setdefault(f"{name}_loss", []).append(loss)
        if not math.isfinite(self.history["train_loss"][-1]):
            self._name_divergence()

    def _name_divergence(self) -> None:
        self.diverged = f"diverged: loss is not finite at epoch {self.epoch}; lower learning_rate"

    def _status(self) -> str:
        config = self.config
        lasting = lasting_columns(self.history, config.stop_accuracy, config.settle_epochs)
        return outcome(self.history, lasting, "lower learning_rate")


def _optimizer(
    model: nn.Module, config: TransformerConfig, start: TransformerRun | None
) -> torch.optim.AdamW:
    """Return AdamW, its moments 0 or those of a stored run."""
    found = torch.optim.AdamW(
        model.parameters(),
        config.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=config.weight_decay,
    )
    for name, part in model.named_parameters():
        state = found.state[part]
        state["step"] = torch.tensor(0.0 if start is None else float(start.epochs))
        for moment in MOMENTS:
            stored = None if start is None else start.optimizer_state[f"{moment}.{name}"]
            state[moment] = torch.zeros_like(part) if stored is None else stored.clone()
    return found


def _check_start(run: TransformerRun, fresh: nn.Module, tested: bool) -> None:
    """Raise ValueError unless the run's arrays and history are those of ``fresh``, further on."""
    wanted = {name: part.shape for name, part in fresh.state_dict().items()}
    if {name: part.shape for name, part in run.model.state_dict().items()} != wanted:
        raise ValueError(
            "the run's arrays do not fit its config and task; resume another checkpoint or train "
            "anew"
        )
    sets = ("train", "test") if tested else ("train",)
    columns = {"epoch", *(f"{each}_{what}" for each in sets for what in ("accuracy", "loss"))}
    if set(run.history) != columns or not run.history["epoch"]:
        raise ValueError(
            "the run's history lacks its epochs, accuracies or losses; it cannot be resumed"
        )


def _without_the_end(run: TransformerRun, config: TransformerConfig) -> History:
    """Return the history without a row that stands there because training was to end."""
    last = run.history["epoch"][-1]
    ended = bool(last % config.eval_every) and last < config.epochs
    return {name: column[:-1] if ended else list(column) for name, column in run.history.items()}


def _examples(task: Task, codes: Indices) -> tuple[Tensor, Tensor]:
    operands = torch.from_numpy(task.operands(codes)).T.contiguous()
    return operands, torch.from_numpy(task.targets(codes))
