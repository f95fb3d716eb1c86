"""Runs of one kind trained as one stack of tensors, which is what a GPU needs.

A run in a stack owns a slice of every tensor: it is read, stored and observed as if alone. One
that ends takes its slice with it, and the stack closes up. Runs narrower than the widest are
padded by hidden nodes whose weights, gradients and moments are 0.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from groupfeat.training.many._stack_network import StackSpec, measure_stack, stack_gradients
from groupfeat.training.many._stack_pairs import StackedPairs
from groupfeat.training.network._subnormals import flushed_subnormals
from groupfeat.training.run._optimizers import rate_factor
from groupfeat.training.run._progress import Run
from groupfeat.training.run._updates import AdamNumbers, adam_numbers, adam_update, gd_update

__all__ = ["Stack"]

_NUMBERS = (
    "learning_rate",
    "weight_decay",
    "momentum",
    "beta",
    "adam_beta1",
    "adam_beta2",
    "adam_epsilon",
)


class Stack:
    """Runs in progress, fresh, of one `stack_key` and one task."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs, self.epoch = list(runs), 0
        self.parameters = self._padded([run.parameters for run in runs])
        self.state = self._padded([run.optimizer.state for run in runs])
        pairs = StackedPairs.of([run.pairs for run in runs])
        if pairs is None:
            raise ValueError("a stack needs at least one run")
        self.pairs, self.unseen = pairs, StackedPairs.of([run.unseen for run in runs])
        self._settle()

    def advance(self, observed: Callable[[int, bool], bool]) -> Iterator[tuple[Run, int, bool]]:
        """Train all to their ends; yields as `Run.advance`, and which run it is."""
        self._evaluate(self.runs)
        for run in self.runs:
            yield run, run.end, observed(0, True) and not run.diverged
        self._release_ended()
        while self.runs:
            for run in self._step():
                yield run, run.epoch, False
            due = [run for run in self.runs if run.is_due()]
            shown = [run for run in self.runs if observed(run.epoch, run in due)]
            self._evaluate(due + self._lost([run for run in shown if run not in due]))
            for run in list(self.runs):
                watched = run in shown
                if run in due or watched:
                    yield run, run.end, watched and not run.diverged
            self._release_ended()

    @flushed_subnormals()
    def _lost(self, runs: Sequence[Run]) -> list[Run]:
        """Return those of these runs whose loss is not finite."""
        if not runs:
            return []
        weights = self.parameters["W"], self.parameters["V"]
        losses = measure_stack(*weights, self.pairs, self.spec)[1].tolist()
        fine = {run for run, loss in zip(self.runs, losses, strict=True) if math.isfinite(loss)}
        return [run for run in runs if run not in fine]

    def _release_ended(self) -> None:
        self._release([run for run in self.runs if run.epoch >= run.end or run.diverged])

    @flushed_subnormals()
    def _step(self) -> list[Run]:
        """Take one step; runs whose loss is not finite leave without one and are returned."""
        loss, first, second = stack_gradients(
            self.parameters["W"], self.parameters["V"], self.pairs, self.spec
        )
        finite = [math.isfinite(value) for value in loss.tolist()]
        lost = [run for run, fine in zip(self.runs, finite, strict=True) if not fine]
        if lost:
            self._evaluate(lost)
            kept = self._release(lost)
            first, second = (self._kept(part, kept) for part in (first, second))
        self.epoch += 1
        for run in self.runs:
            run.epoch = self.epoch
        if self.runs:
            if self.padding is not None:  # V's gradient is σ(0) there
                for gradient in (first, second):
                    gradient.masked_fill_(self.padding, 0)
            self._update({"W": first, "V": second})
        return lost

    def _update(self, gradients: dict[str, Tensor]) -> None:
        numbers = self.numbers
        factors = np.array([rate_factor(run.config, self.epoch) for run in self.runs])
        rate, momentum = factors * numbers["learning_rate"], numbers["momentum"]
        if "W.m" in self.state:
            adam = adam_numbers(
                coupled=self.runs[0].config.optimizer == "adam",
                rate=rate,
                decay=numbers["weight_decay"],
                beta1=numbers["adam_beta1"],
                beta2=numbers["adam_beta2"],
                epsilon=numbers["adam_epsilon"],
                epoch=self.epoch,
            )
            columns = AdamNumbers(*self._columns(*adam))
            for name, gradient in gradients.items():
                moments = self.state[f"{name}.m"], self.state[f"{name}.v"]
                adam_update(self.parameters[name], gradient, *moments, columns)
            return
        plain = self._columns(rate, numbers["weight_decay"], momentum)
        for name, gradient in gradients.items():
            gd_update(self.parameters[name], gradient, self.state.get(f"{name}.b"), *plain)

    def _columns(self, *numbers: object) -> list[Tensor]:
        """Return a number a run as tensors (R, 1, 1)."""
        like = self.parameters["W"]
        return list(torch.from_numpy(np.stack(numbers)).to(like)[..., None, None])  # type: ignore[arg-type]

    @flushed_subnormals()
    def _evaluate(self, runs: Sequence[Run]) -> None:
        """Record accuracies and losses of these runs of the stack."""
        if not runs:
            return
        found = {}
        for name, pairs in (("train", self.pairs), ("test", self.unseen)):
            if pairs is not None:
                measured = measure_stack(
                    self.parameters["W"], self.parameters["V"], pairs, self.spec
                )
                found[name] = torch.stack(measured, 1).tolist()
        for r, run in enumerate(self.runs):
            if run in runs:
                sets = {"train", "test"} if run.unseen else {"train"}
                run.record({name: tuple(found[name][r]) for name in found if name in sets})
                run.name_divergence()

    def _release(self, leaving: Sequence[Run]) -> Tensor:
        """Let runs go, each with its slice; return the positions of those that stay."""
        stays = [r for r, run in enumerate(self.runs) if run not in leaving]
        kept = torch.tensor(stays, dtype=torch.long, device=self.pairs.target.device)
        if not leaving:
            return kept
        for run in leaving:
            run.parameters = {name: part.clone() for name, part in run.parameters.items()}
            run.optimizer.state = {n: part.clone() for n, part in run.optimizer.state.items()}
        self.runs = [self.runs[r] for r in stays]
        self.parameters, self.state = (
            {name: self._kept(part, kept) for name, part in parts.items()}
            for parts in (self.parameters, self.state)
        )
        self.pairs = self.pairs.of_runs(kept)
        self.unseen = None if self.unseen is None else self.unseen.of_runs(kept)
        self._settle()
        return kept

    @property
    def width(self) -> int:
        """Hidden nodes of the widest run."""
        return max((run.config.n_hidden for run in self.runs), default=0)

    def _kept(self, part: Tensor, kept: Tensor) -> Tensor:
        """Return the slices of the runs that stay, as narrow as they allow."""
        return part[kept][..., : self.width].contiguous()

    def _padded(self, parts: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
        return {
            name: torch.stack(
                [pad(each[name], (0, self.width - each[name].shape[1])) for each in parts]
            )
            for name in parts[0]
        }

    def _settle(self) -> None:
        """Give each run its slice, and gather the runs' numbers."""
        for r, run in enumerate(self.runs):
            own = slice(run.config.n_hidden)
            run.parameters = {n: part[r, :, own] for n, part in self.parameters.items()}
            run.optimizer.state = {n: part[r, :, own] for n, part in self.state.items()}
        widths = torch.tensor([run.config.n_hidden for run in self.runs])
        beyond = (torch.arange(self.width) >= widths[:, None])[:, None]
        self.padding = beyond.to(self.pairs.target.device) if beyond.any() else None
        self.numbers = {
            name: np.array([getattr(run.config, name) for run in self.runs], dtype=float)
            for name in _NUMBERS
        }
        if self.runs:
            config, (beta,) = self.runs[0].config, self._columns(self.numbers["beta"])
            self.spec = StackSpec(config.activation, config.loss, beta)
