"""One run in progress: parameters, optimiser, history."""

import math
from collections.abc import Callable, Iterator, Mapping
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groupfeat.training.network._hidden import Layers, NetSpec, Workspace
from groupfeat.training.network._model import DTYPES, Composer, initial_parameters
from groupfeat.training.network._network import PairTensors, answer_shift, layer_gradients, measure
from groupfeat.training.network._subnormals import flushed_subnormals
from groupfeat.training.run._clock import StepClock
from groupfeat.training.run._compaction import living_nodes, put_back
from groupfeat.training.run._optimizers import Optimizer
from groupfeat.training.run._outcome import lasting_columns, outcome
from groupfeat.training.run._ridge import ridge_gradients, ridge_solution
from groupfeat.training.run._runs import Snapshot, TrainedRun
from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.tasks._tasks import Task

__all__ = ["Run"]

Progress = Callable[[int, int, int], None]
_WEIGHTS = frozenset({"W", "W_imag"})


class Run:
    """One run in progress; ``config`` is resolved and seeded."""

    def __init__(
        self,
        task: Task,
        config: TrainConfig,
        seed: int,
        *,
        position: int = 0,
        device: str = "cpu",
        start: TrainedRun | None = None,
    ) -> None:
        dtype = DTYPES[config.precision]
        self.task, self.config, self.seed, self.position = task, config, seed, position
        self.codes = task.sample(config.train_fraction, rng=config.pair_seed or 0)
        unseen = task.complement(self.codes)
        self.pairs = PairTensors.of_codes(task, self.codes, dtype).to(device)
        self.unseen = PairTensors.of_codes(task, unseen, dtype).to(device) if len(unseen) else None
        self.kept: Tensor | None = None
        self.spec = NetSpec(
            config.activation,
            config.loss,
            config.beta,
            config.residual,
            config.complex_weights,
            config.precision == "bfloat16",
        )
        initial = initial_parameters(task, config, config.init_seed or 0)
        norms = _norms(initial, config.weight_norm)
        self.norms = None if norms is None else norms.to(device)
        self.epoch, self.history, self.diverged = 0, dict[str, list[float]](), ""
        self.clock = StepClock()
        state = None
        if start is not None:
            initial, state = _tensors(start.parameters), _tensors(start.optimizer_state)
            state = {name: part.to(device) for name, part in state.items()}
            self.epoch = start.epochs
            self.history = {name: list(column) for name, column in start.history.items()}
        self.parameters = {name: part.to(device) for name, part in initial.items()}
        self.optimizer = Optimizer(self.parameters, config, state)
        self.composer, self.work = Composer(task, config, self.pairs), Workspace()
        self.fine = None if config.ridge is None else self._fine_pairs()
        self.fine_work = Workspace()
        self._reread()
        if start is not None:
            self._forget_the_end()
            self._drop_dead(0.0)

    def _reread(self) -> None:
        """Find out anew what the history says of where accuracies last and the run ends."""
        config = self.config
        self.lasting = lasting_columns(self.history, config.stop_accuracy, config.settle_epochs)
        self.end = self._end() if self.history else config.epochs

    def _forget_the_end(self) -> None:
        """Take out a last row that stands there because training was to end, where it goes on."""
        if not self.history or self.epoch >= self.end or self.is_due():
            return
        whole = self.history
        if whole["epoch"][-1] % self.config.eval_every:
            self.history = {name: column[:-1] for name, column in whole.items()}
            self._reread()
            if self.end <= self.epoch:
                self.history = whole
                self._reread()
                self.end = self.epoch

    def advance(self, observed: Callable[[int, bool], bool]) -> Iterator[tuple[int, bool]]:
        """Train to the end; pause after every step for which ``observed`` or an evaluation is due.

        Yields the epoch at which the run is to end by what is known, and whether to observe.
        """
        if not self.history:
            self._evaluate()
            self.name_divergence()
            yield self.end, observed(0, True) and not self.diverged
        elif observed(self.epoch, False):
            yield self.end, True
        while self.epoch < self.end and not self.diverged:
            began = perf_counter()
            if not self._step():
                self._evaluate()
                self.name_divergence()
                yield self.epoch, False
                return
            self.clock.add(perf_counter() - began)
            due = self.is_due()
            watched = observed(self.epoch, due)
            if due or (watched and not self._is_finite()):
                self._evaluate()
                self.name_divergence()
            if due or watched:
                yield self.end, watched and not self.diverged

    def is_due(self) -> bool:
        """Tell whether an evaluation is due after this step."""
        return self.epoch % self.config.eval_every == 0 or self.epoch == self.end

    def record(self, measured: Mapping[str, tuple[float, float]]) -> None:
        """Append accuracy and loss on each set to the history; ask anew when the run ends."""
        self.history.setdefault("epoch", []).append(self.epoch)
        for name, (accuracy, loss) in measured.items():
            self.history.setdefault(f"{name}_accuracy", []).append(accuracy)
            self.history.setdefault(f"{name}_loss", []).append(loss)
            self.lasting[f"{name}_accuracy"].add(self.epoch, accuracy)
        self.end = self._end()

    def snapshot(self) -> Snapshot:
        """Return copies of where the run is."""
        pairs, last = self.task.pairs(self.codes), self.epoch >= self.end
        return Snapshot(self.position, self.result("running"), self.task, self.codes, pairs, last)

    def result(self, status: str = "") -> TrainedRun:
        """Return the run as it is."""
        first, second = self._weights()
        return TrainedRun(
            self.task.name,
            self.config,
            self.seed,
            status or self.diverged or outcome(self.history, self.lasting, self._advice()),
            self.epoch,
            first,
            second,
            {name: list(column) for name, column in self.history.items()},
            self.lasting["train_accuracy"].since,
            self.lasting["test_accuracy"].since,
            _arrays(self._whole(self.parameters)),
            _arrays(self._whole(self.optimizer.state)),
            self.task.digest,
            seconds_per_step=self.clock.mean(),
            answer_shift=self._shift(),
        )

    @flushed_subnormals()
    def _step(self) -> bool:
        """Take one step; without one, return False when the loss is not finite."""
        loss, gradients = self.composer.gradients(self.parameters, self._pull)
        if not math.isfinite(loss):
            return False
        if self.config.ridge is not None:
            gradients = {name: part for name, part in gradients.items() if name[0] != "V"}
        self.epoch += 1
        self.optimizer.step(gradients, self.epoch)
        self._keep_norms()
        return True

    def _pull(self, layers: Layers) -> tuple[float, Layers]:
        if self.fine is not None:
            ridge = self.config.ridge or 0.0
            return ridge_gradients(layers, self.fine, self.spec, ridge, self.fine_work)
        return layer_gradients(layers, self.pairs, self.spec, self.work)

    def _fine_pairs(self) -> PairTensors:
        pairs = PairTensors.of_codes(self.task, self.codes, torch.float64)
        return pairs.to(str(self.pairs.share.device))

    def _solve(self) -> None:
        """Put the V that belongs to W in its place, where V is solved for."""
        if self.fine is None:
            return
        layers = self.composer.layers(self.parameters)
        solved = ridge_solution(layers, self.fine, self.spec, self.config.ridge or 0.0)
        names = ("V", "V_imag") if self.config.complex_weights else ("V",)
        for name, part in zip(names, solved.chunk(len(names), 1), strict=True):
            self.parameters[name].copy_(part)

    def _keep_norms(self) -> None:
        norms = _norms(self.parameters, self.config.weight_norm)
        if self.norms is not None and norms is not None:
            factor = self.norms / norms.clamp_min(torch.finfo(norms.dtype).tiny)
            for name in _WEIGHTS & self.parameters.keys():
                self.parameters[name].mul_(factor)

    @flushed_subnormals()
    def _evaluate(self) -> None:
        self._solve()
        layers = self.composer.layers(self.parameters)
        shift = answer_shift(layers, self.pairs, self.spec, self.work)
        sets = {"train": self.pairs, "test": self.unseen}
        self.record(
            {
                name: measure(layers, pairs, self.spec, self.work, shift=shift)
                for name, pairs in sets.items()
                if pairs is not None
            }
        )
        self._drop_dead(torch.finfo(self.pairs.share.dtype).eps ** 2)

    @flushed_subnormals()
    def _is_finite(self) -> bool:
        """Tell whether the loss here is finite; where V is solved for, it then belongs to W."""
        self._solve()
        layers = self.composer.layers(self.parameters)
        return math.isfinite(measure(layers, self.pairs, self.spec, self.work)[1])

    def _drop_dead(self, below: float) -> None:
        """Take nodes out whose |w|²|v| is at most ``below`` of the largest node's."""
        if self.config.dead_nodes == "keep":
            return
        alive = living_nodes(self.parameters["W"], self.parameters["V"], below)
        if len(alive) < self.parameters["W"].shape[1]:
            self.kept = alive if self.kept is None else self.kept[alive]
            self.parameters = _columns(self.parameters, alive)
            state = _columns(self.optimizer.state, alive)
            self.optimizer = Optimizer(self.parameters, self.config, state)

    def _whole(self, parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return arrays with dropped nodes put back, as zeros."""
        if self.kept is None:
            return dict(parts)
        return {
            name: put_back(part, self.kept, self.config.n_hidden) for name, part in parts.items()
        }

    def name_divergence(self) -> None:
        """Note that the last loss is not finite, if so."""
        if math.isfinite(self.history["train_loss"][-1]):
            return
        advice = self._advice()
        if self.fine is not None and self.parameters["W"].isfinite().all():
            advice = f"ridge {self.config.ridge:g} may be lost in rounding: raise it; else {advice}"
        self.diverged = f"diverged: loss is not finite at epoch {self.epoch}; {advice}"

    def _advice(self) -> str:
        if not self.epoch:
            return "no step was taken: lower init_scale, alpha or beta"
        decays = (self.config.weight_decay or 0.0) > max(1.0, self.config.learning_rate)
        return "lower weight_decay" if decays else "lower learning_rate"

    def _end(self) -> int:
        """Return the epoch at which the run ends by what is known now."""
        config, goal = self.config, "test_accuracy"
        if config.stop == "memorised" or self.unseen is None:
            goal = "train_accuracy"
        held = self.lasting[goal].held
        if config.stop == "never" or held is None:
            return config.epochs
        if config.stop == "memorised":
            return self.epoch
        return min(config.epochs, held + config.settle_epochs)

    def _shift(self) -> NDArray[Any] | None:
        layers = self.composer.layers(self.parameters)
        shift = answer_shift(layers, self.pairs, self.spec)
        return None if shift is None else shift.cpu().numpy()

    def _weights(self) -> tuple[NDArray[Any], NDArray[Any]]:
        layers = self.composer.layers(self._whole(self.parameters))
        first, second = (part.detach().cpu() for part in (layers.first, layers.second))
        if self.config.complex_weights:
            first, second = (torch.complex(*part.chunk(2, 1)) for part in (first, second))
        return first.numpy().copy(), second.T.numpy().copy(order="C")


def _norms(parameters: Mapping[str, Tensor], kind: str) -> Tensor | None:
    """Return the norm of W's columns, or of W; a complex W's, real and imaginary part together."""
    if kind == "free":
        return None
    weights = torch.cat([parameters[name] for name in sorted(_WEIGHTS & parameters.keys())])
    return weights.norm(dim=0) if kind == "node" else weights.norm()


def _columns(parts: Mapping[str, Tensor], chosen: Tensor) -> dict[str, Tensor]:
    return {name: part[:, chosen].contiguous() for name, part in parts.items()}


def _arrays(tensors: dict[str, Tensor]) -> dict[str, NDArray[Any]]:
    return {name: part.detach().cpu().numpy().copy() for name, part in tensors.items()}


def _tensors(arrays: Any) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.array(part)) for name, part in arrays.items()}
