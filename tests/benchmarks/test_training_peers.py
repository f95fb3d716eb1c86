"""Our training step beside plain torch written with care, not as the author's trainer writes it.

Three twins of our own, all with Adam's fused step: *gather* takes the rows of W by embedding
lookup and leaves the way back to autograd; *compiled* is that under ``torch.compile`` (it needs a
C++ compiler and is left out without one); *by hand* writes the gradient out, 256 pairs at a time.
Each is held against our losses first. Run with ``make bench``.
"""

import shutil
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from groupfeat.training.run._progress import Run
from tests.benchmarks.test_training_speed import SIZES, best_of, run_of

pytestmark = pytest.mark.benchmark
CHUNK = 256


class Gather:
    """Rows of W by lookup, gradients by autograd."""

    def __init__(self, run: Run, *, compiled: bool = False) -> None:
        config, self.order = run.config, run.task.n_classes
        self.rows, self.target = run.pairs.rows, run.pairs.target
        self.w, self.v = (run.parameters[name].clone().requires_grad_() for name in "WV")
        self.optimizer = torch.optim.Adam(
            [self.w, self.v],
            config.learning_rate,
            weight_decay=config.weight_decay or 0.0,
            fused=True,
        )
        self.loss: Any = torch.compile(self._loss) if compiled else self._loss

    def _loss(self) -> Tensor:
        left, right = (functional.embedding(rows, self.w) for rows in self.rows)
        gap = (left + right).square() @ self.v.T - functional.one_hot(self.target, self.order)
        return (gap - gap.mean(1, keepdim=True)).square().sum(1).mean()

    def step(self) -> float:
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())


class ByHand(Gather):
    """The gradient written out, chunk by chunk."""

    @torch.no_grad()
    def step(self) -> float:
        w, v, total = self.w, self.v, 0.0
        w.grad, v.grad = torch.zeros_like(w), torch.zeros_like(v)
        scale = 2 / len(self.target)
        for a in range(0, len(self.target), CHUNK):
            (left, right), target = self.rows[:, a : a + CHUNK], self.target[a : a + CHUNK]
            x = w[left].add_(w[right])
            features = x.square()
            gap = features @ v.T
            gap[torch.arange(len(target)), target] -= 1
            gap -= gap.mean(1, keepdim=True)
            total += float(gap.square().sum())
            gap *= scale
            v.grad.addmm_(gap.T, features)
            back = (gap @ v).mul_(x).mul_(2)
            w.grad.index_add_(0, left, back)
            w.grad.index_add_(0, right, back)
        self.optimizer.step()
        return total / len(self.target)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning")  # torch.compile
@pytest.mark.parametrize(("spec", "hidden", "fraction", "rounds"), SIZES)
def test_one_step_beside_careful_torch(
    spec: str, hidden: int, fraction: float, rounds: int
) -> None:
    run = run_of(spec, hidden, fraction, learning_rate=1e-3, weight_decay=2e-4)
    twins = {"gather": Gather(run), "by hand": ByHand(run)}
    if shutil.which("g++"):
        twins["compiled"] = Gather(run, compiled=True)
    run._evaluate()
    for twin in twins.values():
        assert twin.step() == pytest.approx(run.history["train_loss"][0], rel=1e-4)
    seconds = best_of({"ours": run._step} | {n: t.step for n, t in twins.items()}, rounds)
    mine = seconds["ours"]
    print(f"\n{spec} K {hidden} n {len(run.pairs)}: ours {mine * 1e3:.2f} ms")
    for name in twins:
        print(f"  {name:9} {seconds[name] * 1e3:8.2f} ms  {seconds[name] / mine:5.2f}x")
