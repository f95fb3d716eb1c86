"""One full-batch step beside plain torch as the author's trainer writes it; many seeds; memory.

The row "bfloat16" is ours under that precision: below 1x it is the faster one on this processor.

Run with ``make bench``. The twin is our own: one-hot inputs (n, 2M), two bias-free linear layers,
MSE centred over classes and averaged over the batch, Adam with coupled L2. "Bare" is its training
step; "diagnostics off" evaluates on the training and on the test set every epoch; "as shipped"
also forms FᵀF and FFᵀ every epoch.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from groupfeat.groups import group_from_spec
from groupfeat.training import TrainConfig, product_task, train
from groupfeat.training.many._stack import Stack
from groupfeat.training.many._train import settle
from groupfeat.training.run._progress import Run

pytestmark = [pytest.mark.benchmark, pytest.mark.usefixtures("one_thread")]

Step = Callable[[], object]


def best_of(steps: dict[str, Step], rounds: int) -> dict[str, float]:
    """Return the best seconds of each: three in a row, in turns, so that all see one machine.

    The thread's own processor time: everything runs on one thread, others may share the machine.
    """
    found = dict.fromkeys(steps, np.inf)
    for _ in range(rounds):
        for name, step in steps.items():
            for _ in range(3):
                begin = time.thread_time()
                step()
                found[name] = min(found[name], time.thread_time() - begin)
    return found


def peak_step(kind: torch.dtype = torch.float32) -> tuple[Step, float]:
    """Return a square product and its floating-point operations."""
    a, b = torch.randn(1024, 1024).to(kind), torch.randn(1024, 1024).to(kind)
    out = torch.empty(1024, 1024, dtype=kind)
    return lambda: torch.mm(a, b, out=out), 2 * 1024**3


SIZES = [
    ("C71", 2048, 0.4, 12),
    ("C71", 2048, 0.9, 6),
    ("C127", 512, 0.4, 8),
    ("C23", 512, 0.6, 60),
    ("C23", 256, 0.6, 60),
]


class PlainTrainer:
    """The author's step in plain torch."""

    def __init__(self, run: Run) -> None:
        config, order = run.config, run.task.n_classes
        self.train, self.test = (
            None if data is None else (_one_hot(data.rows, 2 * order), data.target)
            for data in (run.pairs, run.unseen)
        )
        self.w, self.v = (run.parameters[name].T.clone().requires_grad_() for name in "WV")
        decay = config.weight_decay or 0.0
        self.optimizer = torch.optim.Adam(
            [self.w, self.v], config.learning_rate, weight_decay=decay
        )
        self.order = order

    def loss(self, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        features = (x @ self.w.T).square()
        gap = features @ self.v - functional.one_hot(target, self.order)
        return (gap - gap.mean(1, keepdim=True)).square().sum(1).mean(), features

    def bare(self) -> None:
        self.optimizer.zero_grad()
        assert self.train is not None
        self.loss(*self.train)[0].backward()
        self.optimizer.step()

    def evaluated(self) -> None:
        self.bare()
        with torch.no_grad():
            for data in (self.train, self.test):
                if data is not None:
                    value, _ = self.loss(*data)
                    float(value)

    def shipped(self) -> None:
        self.evaluated()
        with torch.no_grad():
            assert self.train is not None
            features = self.loss(*self.train)[1]
            torch.mm(features.T, features)
            torch.mm(features, features.T)


def _one_hot(rows: Tensor, width: int) -> Tensor:
    return functional.one_hot(rows, width).sum(0).float()


def run_of(spec: str, hidden: int, fraction: float, **settings: Any) -> Run:
    task = product_task(group_from_spec(spec))
    config = TrainConfig(n_hidden=hidden, train_fraction=fraction, **settings)
    return Run(task, settle(task, config, 0), 0)


def products_step(run: Run) -> Step:
    """Return the three products of a step alone, chunk by chunk: the floor beside the rest."""
    hidden, order = run.config.n_hidden, run.task.n_classes
    v = torch.randn(order, hidden)
    turned, total = v.T.contiguous(), torch.zeros(order, hidden)
    parts = run.pairs.chunks(hidden)
    most = max(len(part) for part in parts)
    features, back = torch.randn(most, hidden), torch.empty(most, hidden)
    logits = torch.empty(most, order)

    def step() -> None:
        for part in parts:
            c = len(part)
            torch.mm(features[:c], turned, out=logits[:c])
            total.addmm_(logits[:c].T, features[:c])
            torch.mm(logits[:c], v, out=back[:c])

    return step


@pytest.mark.parametrize(("spec", "hidden", "fraction", "rounds"), SIZES)
def test_one_step_beside_plain_torch(spec: str, hidden: int, fraction: float, rounds: int) -> None:
    rates = {"learning_rate": 1e-3, "weight_decay": 2e-4}
    run = run_of(spec, hidden, fraction, **rates)
    narrow = run_of(spec, hidden, fraction, precision="bfloat16", **rates)
    twin, (peak, flops) = PlainTrainer(run), peak_step()
    narrow_peak = peak_step(torch.bfloat16)[0]
    steps: dict[str, Step] = {
        "ours": run._step,
        "evaluation": run._evaluate,
        "products": products_step(run),
        "bare": twin.bare,
        "evaluated": twin.evaluated,
        "shipped": twin.shipped,
        "peak": peak,
        "bfloat16": narrow._step,
        "bfloat16 peak": narrow_peak,
    }
    seconds = best_of(steps, rounds)
    n, mine = len(run.pairs), seconds["ours"]
    work, rate = 6 * n * run.task.n_classes * hidden, flops / seconds["peak"]
    epoch = mine + seconds["evaluation"] / run.config.eval_every
    print(
        f"\n{spec} K {hidden} n {n}: step {mine * 1e3:.2f} ms (with evaluation every "
        f"{run.config.eval_every}: {epoch * 1e3:.2f}), three products alone "
        f"{seconds['products'] * 1e3:.2f} ms; {work / mine / 1e9:.0f} of {rate / 1e9:.0f} GFLOP/s "
        f"= {work / mine / rate:.0%} of the sgemm peak; floor {work / rate * 1e3:.2f} ms"
    )
    print(
        f"  bfloat16   {seconds['bfloat16'] * 1e3:8.2f} ms  {seconds['bfloat16'] / mine:5.2f}x; "
        f"its peak {flops / seconds['bfloat16 peak'] / 1e9:.0f} GFLOP/s"
    )
    for name in ("bare", "evaluated", "shipped"):
        ratio, whole = seconds[name] / mine, seconds[name] / epoch
        print(f"  {name:10} {seconds[name] * 1e3:8.2f} ms  {ratio:5.1f}x  ({whole:.1f}x an epoch)")


def test_a_step_of_four_layers() -> None:
    """Two K × K layers between W and V: three products of n × K by K × K each, and Adam on both."""
    run, (peak, flops) = run_of("C23", 2048, 0.7, activation="relu", other_layers=2), peak_step()
    x, u = torch.randn(len(run.pairs), 2048), run.parameters["U1"]
    ahead, grown = torch.empty_like(x), torch.empty_like(u)
    gradients = run.composer.gradients(run.parameters, run._pull)[1]
    moved = [torch.zeros(2048**2) for _ in range(4)]

    def products() -> None:
        for _ in range(2):
            torch.mm(x, u, out=ahead)
            torch.mm(x, u.T, out=ahead)
            torch.mm(x.T, x, out=grown)

    steps: dict[str, Step] = {
        "ours": run._step,
        "Adam": lambda: run.optimizer.step(gradients, 1),
        "products": products,
        "peak": peak,
        "moved": lambda: [part.add_(1) for part in moved],
    }
    seconds = best_of(steps, 6)
    n, rate = len(run.pairs), flops / seconds["peak"]
    floor = (12 * n * 2048**2 + 6 * n * 23 * 2048) / rate
    stream = 8 * 4 * 2048**2 / seconds["moved"]
    print(f"\nC23, four layers, K 2048, n {n}: {seconds['ours'] * 1e3:.1f} ms; products at the")
    print(f"  peak {floor * 1e3:.1f} ms, alone {seconds['products'] * 1e3:.1f} ms; Adam", end=" ")
    moves = 7 * 4 * 2 * 2048**2 / stream
    print(
        f"{seconds['Adam'] * 1e3:.1f} ms, its bytes {moves * 1e3:.1f} ms at {stream / 1e9:.0f} GB/s"
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, as inductor loads
def test_many_seeds_beside_a_loop_of_single_runs() -> None:
    """32 seeds of Z23, K 256: ours, a loop of plain runs, and one stacked autograd step (bmm).

    Ten steps of each run in a row, as `train` does between evaluations; printed for one.
    """
    runs, *stacks = (
        [
            Run(task, settle(task, TrainConfig(n_hidden=256, train_fraction=0.6), seed), seed)
            for task in [product_task(group_from_spec("C23"))]
            for seed in range(32)
        ]
        for _ in range(3)
    )
    our_stack, compiled = Stack(stacks[0]), Stack(stacks[1], "compiled")
    twins = [PlainTrainer(run) for run in runs]
    x = torch.stack([twin.train[0] for twin in twins if twin.train])
    y = torch.stack([functional.one_hot(run.pairs.target, 23).float() for run in runs])
    w, v = (torch.stack([run.parameters[name] for run in runs]).requires_grad_() for name in "WV")
    optimizer = torch.optim.Adam([w, v], 0.01, weight_decay=5e-4)

    def stacked() -> None:
        optimizer.zero_grad()
        gap = (x @ w).square() @ v.mT - y
        (gap - gap.mean(2, keepdim=True)).square().sum(2).mean(1).sum().backward()
        optimizer.step()

    seconds = best_of(
        {
            "ours": lambda: [run._step() for run in runs for _ in range(10)],
            "our stack": lambda: [our_stack._step() for _ in range(10)],
            "compiled": lambda: [compiled._step() for _ in range(10)],
            "loop": lambda: [twin.bare() for twin in twins for _ in range(10)],
            "stacked": lambda: [stacked() for _ in range(10)],
        },
        4,
    )
    mine = seconds["ours"]
    print(f"\n32 seeds of C23, K 256, n {len(runs[0].pairs)}: {mine * 1e2:.2f} ms a step for all")
    for name in ("our stack", "compiled", "loop", "stacked"):
        print(f"  {name:9} {seconds[name] * 1e2:7.2f} ms  {seconds[name] / mine:.1f}x")


MEMORY = """
import sys
from groupfeat.groups import group_from_spec
from groupfeat.training import TrainConfig, product_task
from groupfeat.training.run._progress import Run
from groupfeat.training.many._train import settle
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
spec, hidden, fraction = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
task = product_task(group_from_spec(spec))
before = peak()
settings = {"n_hidden": hidden, "train_fraction": fraction, "precision": sys.argv[4]}
config = settle(task, TrainConfig(**settings), 0)
run = Run(task, config, 0)
run._step()
run._evaluate()
print(len(run.pairs), before, peak())
"""


def test_memory_against_pairs() -> None:
    print(f"\n{'group':5} {'K':>5} {'n':>7}  peak MiB (before the run)")
    for spec, hidden, fraction, precision in (
        *(("C71", 2048, p, "float32") for p in (0.4, 1)),
        *(("S5", 1024, p, kind) for kind in ("float32", "bfloat16") for p in (0.2, 1)),
        ("S5", 2048, 1, "float32"),
        *(("S6", 256, p, "float32") for p in (0.05, 0.2, 1)),
        *(("S6", hidden, 0.2, "float32") for hidden in (1024, 2048)),
        ("S6", 2048, 1, "float32"),
    ):
        found = subprocess.run(
            [sys.executable, "-c", MEMORY, spec, str(hidden), str(fraction), precision],
            capture_output=True,
            text=True,
            check=True,
            env=dict(os.environ),
        )
        n, before, peak = found.stdout.split()
        print(f"{spec:5} {hidden:5} {n:>7}  {float(peak):6.0f} ({float(before):.0f}) {precision}")
        assert float(peak) < 520  # 500 on one machine; libraries differ


STACK_MEMORY = """
import sys
from groupfeat.groups import group_from_spec
from groupfeat.training import TrainConfig, product_task
from groupfeat.training.many._stack import Stack
from groupfeat.training.many._stack_plan import stack_bytes
from groupfeat.training.many._train import settle
from groupfeat.training.run._progress import Run
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
spec, hidden, number, optimizer = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
task = product_task(group_from_spec(spec))
config = settle(task, TrainConfig(n_hidden=hidden, train_fraction=0.5, optimizer=optimizer), 0)
Run(task, config, 0)._step()
before = peak()
stack = Stack([Run(task, config, seed) for seed in range(number)])
stack._evaluate(stack.runs)
stack._step()
stack._step()
stack._release(stack.runs[:1])
print(peak() - before, stack_bytes(task, config, number) / 2**20)
"""


def test_memory_of_a_stack_against_its_bound() -> None:
    print("\nstack of runs: MiB taken, and the bound that decides what is stacked")
    for words in (
        ("C71", "1024", "32", "adam"),
        ("C71", "1024", "32", "gd"),
        ("C23", "256", "256", "adam"),
        ("C23", "64", "256", "adamw"),
        ("S5", "64", "8", "adam"),
    ):
        found = subprocess.run(
            [sys.executable, "-c", STACK_MEMORY, *words],
            capture_output=True,
            text=True,
            check=True,
            env=dict(os.environ),
        )
        taken, bound = map(float, found.stdout.split())
        print(f"{' '.join(words):20} {taken:6.0f} of {bound:6.0f}")
        assert taken <= bound


def test_runs_over_two_workers() -> None:
    """Wall-clock time of 16 runs on two processes beside one; read it with the machine's load."""
    group, config = group_from_spec("C23"), TrainConfig(epochs=600, stop="never")
    list(train(group, config, seeds=range(2), workers=2))  # starts the fork server
    seconds: dict[int, float] = {}
    for workers in (1, 2, 1, 2):
        begin = time.perf_counter()
        list(train(group, config, seeds=range(16), workers=workers))
        passed = time.perf_counter() - begin
        seconds[workers] = min(passed, seconds.get(workers, passed))
    print(
        f"\n16 runs of C23, 600 epochs: one process {seconds[1]:.1f} s, two workers "
        f"{seconds[2]:.1f} s ({seconds[1] / seconds[2]:.2f}x); load {os.getloadavg()[0]:.1f}"
    )


def test_training_to_the_end() -> None:
    """Z23 to test accuracy 1 at the defaults, as a user sees it: seconds for eight seeds."""
    list(train(group_from_spec("C23"), TrainConfig(epochs=1)))
    begin = time.thread_time()
    runs = list(train(group_from_spec("C23"), TrainConfig(), seeds=range(8)))
    seconds = time.thread_time() - begin
    good = sum(run.status == "generalised" for run in runs)
    print(f"\nC23 at the defaults: {good} of 8 generalised, {seconds:.1f} s in all")
