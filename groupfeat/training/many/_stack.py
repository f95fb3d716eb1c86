"""Runs of one kind trained as one stack of tensors, which is what a GPU needs.

A run in a stack owns a slice of every tensor: it is read, stored and observed as if alone. One
that ends takes its slice with it, and the stack closes up. Runs narrower than the widest are
padded by hidden nodes whose weights, gradients and moments are 0.
"""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from time import perf_counter

import torch
from torch import Tensor
from torch.nn.functional import pad

from groupfeat.training.many._stack_network import measure_stack, stack_shift
from groupfeat.training.many._stack_pairs import StackedPairs
from groupfeat.training.many._stack_step import TABLE_STEPS, StepState, fill_table
from groupfeat.training.many._stepper import stepper
from groupfeat.training.network._subnormals import flushed_subnormals
from groupfeat.training.run._progress import Run

__all__ = ["Stack"]

_BLOCK = 31 << 20


def _keep_pages() -> None:
    """Let the C library keep what a step frees for the next one: glibc does from now on.

    It gives pages back above twice the largest block (of up to 32 MiB) that was ever freed; steps
    that take them anew were a half slower.
    """
    torch.empty(_BLOCK, dtype=torch.uint8)


class Stack:
    """Runs in progress, fresh, of one `stack_key` and one task.

    The host looks at a stack where a run is due to be evaluated or observed: only there is it
    seen that a run was lost, and the run then gets the epoch at which that happened. Where a step
    is compiled or recorded, which depends on its size, slices of runs that left stay, and nobody
    reads them, until they are half of the stack.
    """

    def __init__(self, runs: Sequence[Run], engine: str = "eager") -> None:
        self.slots: list[Run | None] = list(runs)
        self.engine, self.epoch = engine, 0
        pairs = StackedPairs.of([run.pairs for run in runs])
        if pairs is None:
            raise ValueError("a stack needs at least one run")
        _keep_pages()
        self.unseen = StackedPairs.of([run.unseen for run in runs])
        parameters = self._padded([run.parameters for run in runs])
        self._settle(parameters, self._padded([run.optimizer.state for run in runs]), pairs)

    @property
    def runs(self) -> list[Run]:
        """Runs that have not left."""
        return [run for run in self.slots if run is not None]

    def advance(self, observed: Callable[[int, bool], bool]) -> Iterator[tuple[Run, int, bool]]:
        """Train all to their ends; yields as `Run.advance`, and which run it is."""
        self._evaluate(self.runs)
        for run in self.runs:
            yield run, run.end, observed(0, True) and not run.diverged
        self._release_ended(set())
        due_at, began, counted = self._due_at(), perf_counter(), self.epoch
        while self.runs:
            self._step()
            looks = self.epoch >= due_at or observed(self.epoch, False)
            if looks or self.epoch == 1:  # the first step loads or compiles
                self._count(began, self.epoch - counted)
                if looks:
                    yield from self._look(observed)
                due_at, began, counted = self._due_at(), perf_counter(), self.epoch

    def _count(self, began: float, steps: int) -> None:
        """Tell the clocks of the runs their share of the time since ``began``."""
        self.step_state.lost_at.tolist()  # the device has taken the steps then
        share = (perf_counter() - began) / len(self.runs)
        for run in self.runs:
            run.clock.add(share, steps)

    def _due_at(self) -> int:
        """Return the next epoch at which a run is to be evaluated; 0 without runs."""
        ahead = (
            min(run.end, self.epoch - self.epoch % every + every)
            for run in self.runs
            for every in (run.config.eval_every,)
        )
        return min(ahead, default=0)

    def _look(self, observed: Callable[[int, bool], bool]) -> Iterator[tuple[Run, int, bool]]:
        """Tell of the runs that were lost, are due or are observed; let those that ended go."""
        for run in self.runs:
            run.epoch = self.epoch
        lost = self._lost()
        self._evaluate(lost)
        for run in sorted(lost, key=lambda run: run.position):
            yield run, run.epoch, False
        going = [run for run in self.runs if run not in lost]
        due = {run for run in going if run.is_due()}
        shown = {run for run in going if observed(run.epoch, run in due)}
        self._evaluate(due | self._without_numbers(shown - due))
        for run in going:
            if run in due or run in shown:
                yield run, run.end, run in shown and not run.diverged
        self._release_ended(lost)

    def _lost(self) -> set[Run]:
        """Return the runs held still since their loss was not finite, their epochs put right."""
        lost = set()
        for run, epoch in zip(self.slots, self.step_state.lost_at.tolist(), strict=True):
            if run is not None and epoch >= 0:
                run.epoch = epoch
                lost.add(run)
        return lost

    @flushed_subnormals()
    def _without_numbers(self, runs: set[Run]) -> set[Run]:
        """Return those of these runs whose loss is not finite where they are now."""
        if not runs:
            return runs
        losses = self._measure(self.step_state.pairs)[1].tolist()
        fine = {run for run, loss in zip(self.slots, losses, strict=True) if math.isfinite(loss)}
        return runs - fine

    def _release_ended(self, lost: set[Run]) -> None:
        ended = {run for run in self.runs if run.epoch >= run.end or run.diverged}
        self._release(ended | lost)

    @flushed_subnormals()
    def _step(self) -> None:
        """Take one step."""
        if self.epoch % TABLE_STEPS == 0:
            self._fill_table()
        self.take_step()
        self.epoch += 1

    def _fill_table(self) -> None:
        fill_table(self.step_state, self.configs, self.epoch)

    def _measure(self, pairs: StackedPairs, shift: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return accuracies, of answers plus ``shift``, and losses of all runs."""
        parts = self.step_state.parameters
        return measure_stack(parts["W"], parts["V"], pairs, self.step_state.spec, shift)

    def _shift(self) -> Tensor | None:
        parts, state = self.step_state.parameters, self.step_state
        return stack_shift(parts["W"], parts["V"], state.pairs, state.spec)

    @flushed_subnormals()
    def _evaluate(self, runs: Collection[Run]) -> None:
        """Record accuracies and losses of these runs of the stack."""
        if not runs:
            return
        shift = self._shift()
        found = {
            name: torch.stack(self._measure(pairs, shift), 1).tolist()
            for name, pairs in (("train", self.step_state.pairs), ("test", self.unseen))
            if pairs is not None
        }
        for r, run in enumerate(self.slots):
            if run is not None and run in runs:
                sets = {"train", "test"} if run.unseen else {"train"}
                run.record({name: tuple(found[name][r]) for name in found if name in sets})
                run.name_divergence()

    def _release(self, leaving: Collection[Run]) -> None:
        """Let runs go, each with its slice."""
        if not leaving:
            return
        for run in leaving:
            run.parameters = {name: part.clone() for name, part in run.parameters.items()}
            run.optimizer.state = {n: part.clone() for n, part in run.optimizer.state.items()}
        self.slots = [None if run in leaving else run for run in self.slots]
        if self.engine == "eager" or 2 * len(self.runs) <= len(self.slots):
            self._close_up()

    def _close_up(self) -> None:
        """Leave no slice to runs that left, nor nodes or examples that the others do not need."""
        stays = [r for r, run in enumerate(self.slots) if run is not None]
        self.slots, old = [self.slots[r] for r in stays], self.step_state
        if not stays:
            return
        kept = torch.tensor(stays, dtype=torch.long, device=old.epoch.device)
        parameters, moments = (
            {name: part[kept][..., : self.width].contiguous() for name, part in parts.items()}
            for parts in (old.parameters, old.moments)
        )
        self.unseen = None if self.unseen is None else self.unseen.of_runs(kept)
        self._settle(parameters, moments, old.pairs.of_runs(kept))

    @property
    def width(self) -> int:
        """Hidden nodes of the widest run."""
        return max(run.config.n_hidden for run in self.runs)

    def _padded(self, parts: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
        return {
            name: torch.stack(
                [pad(each[name], (0, self.width - each[name].shape[1])) for each in parts]
            )
            for name in parts[0]
        }

    def _settle(
        self, parameters: dict[str, Tensor], moments: dict[str, Tensor], pairs: StackedPairs
    ) -> None:
        """Hold these tensors from now on, and give each run its slice of them."""
        self.configs = [run.config for run in self.runs]
        self.step_state = StepState.of(self.configs, parameters, moments, pairs, self.epoch)
        self.take_step = stepper(self.engine, self.step_state)
        self._fill_table()
        for r, run in enumerate(self.runs):
            own = slice(run.config.n_hidden)
            run.parameters = {n: part[r, :, own] for n, part in parameters.items()}
            run.optimizer.state = {n: part[r, :, own] for n, part in moments.items()}
