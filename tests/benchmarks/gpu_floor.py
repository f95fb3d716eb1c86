"""What a step of a stack must cost at least, from rates measured on the same device."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from groupfeat.groups import group_from_spec
from groupfeat.training import TrainConfig, product_task, train_many
from groupfeat.training.many._stack import Stack
from groupfeat.training.many._train import settle
from groupfeat.training.run._progress import Run


@dataclass(frozen=True)
class Rates:
    """Of a device: operations a second of a square product, bytes a second of a copy."""

    flops: float
    bytes: float


@dataclass(frozen=True)
class Measured:
    """Seconds of a step, and of its floors."""

    step: float
    flop_floor: float
    byte_floor: float

    def __str__(self) -> str:
        floor = max(self.flop_floor, self.byte_floor)
        return (
            f"{self.step * 1e3:8.3f} ms a step; floors {self.flop_floor * 1e3:.3f} ms of products, "
            f"{self.byte_floor * 1e3:.3f} ms of bytes; {self.step / floor:.1f}x the larger"
        )


def seconds_of(call: Callable[[], object], device: str, calls: int, rounds: int = 5) -> float:
    """Return the best of ``rounds`` of the seconds of a call, ``calls`` of them in a row."""
    wait = torch.cuda.synchronize if device.startswith("cuda") else (lambda: None)
    best = float("inf")
    for _ in range(rounds + 1):  # the first, which may compile and record, is beaten
        wait()
        begin = time.perf_counter()
        for _ in range(calls):
            call()
        wait()
        best = min(best, (time.perf_counter() - begin) / calls)
    return best


def measured_rates(device: str, size: int) -> Rates:
    """Return the rates, of a ``size`` square product and of a copy of 16 times as many numbers."""
    a, b, out = (torch.randn(size, size, device=device) for _ in range(3))
    product = seconds_of(lambda: torch.mm(a, b, out=out), device, 5)
    source = torch.zeros(16 * size * size, device=device)
    target = torch.empty_like(source)
    copy = seconds_of(lambda: target.copy_(source), device, 5)
    return Rates(2 * size**3 / product, 2 * source.nbytes / copy)


def stack_of(
    spec: str, config: TrainConfig, runs: int, device: str, engine: str = "eager"
) -> Stack:
    task = product_task(group_from_spec(spec))
    settled = settle(task, config, 0)
    return Stack([Run(task, settled, seed, device=device) for seed in range(runs)], engine)


def step_flops(stack: Stack) -> int:
    """Return the operations of the three products, 6nKM a run."""
    return sum(6 * len(run.pairs) * run.config.n_hidden * run.task.n_classes for run in stack.runs)


def step_bytes(stack: Stack) -> int:
    """Return the bytes that pass through memory where each product is a kernel of its own.

    All else may be fused. Hidden layer: written once, read by two products; its gradient: written
    by a product, read once. Answers: written, read for the loss; their gradient: written, read by
    two products. Gradients of W and V: written, read; weights and moments: read, written.
    """
    state, total = stack.step_state, 0
    for run in stack.runs:
        total += 5 * len(run.pairs) * (run.config.n_hidden + run.task.n_classes)
    kept = [*state.parameters.values(), *state.moments.values()]
    total += sum(2 * part.numel() for part in (*kept, *state.parameters.values()))
    return total * state.table.element_size()


def measure(stack: Stack, rates: Rates, device: str, calls: int) -> Measured:
    """Return the seconds of a step beside its floors."""
    step = seconds_of(stack._step, device, calls)
    return Measured(step, step_flops(stack) / rates.flops, step_bytes(stack) / rates.bytes)


def beside_floors(
    spec: str, config: TrainConfig, runs: int, *, device: str, engines: Sequence[str], size: int
) -> Iterator[str]:
    """Yield lines: what is measured, the rates, and a step by each engine."""
    rates = measured_rates(device, size)
    calls = 100 if device.startswith("cuda") else 2
    yield (
        f"{runs} runs of {spec}, K {config.n_hidden}: {rates.flops / 1e12:.3f} TFLOP/s, "
        f"{rates.bytes / 1e9:.0f} GB/s"
    )
    for engine in engines:
        stack = stack_of(spec, config, runs, device, engine)
        yield f"  {engine:9}{measure(stack, rates, device, calls)}"


def to_the_end(spec: str, configs: Sequence[TrainConfig], *, device: str, engine: str) -> str:
    """Return how long these runs took as stacks, and how many generalised."""
    begin = time.perf_counter()
    runs = list(
        train_many(group_from_spec(spec), configs, device=device, stacked=True, engine=engine)
    )
    seconds = time.perf_counter() - begin
    good = sum(run.status == "generalised" for run in runs)
    return (
        f"{len(runs)} runs of {spec}, evaluated every {configs[0].eval_every}, {engine}: "
        f"{seconds:.1f} s for {max(run.epochs for run in runs)} epochs, {good} generalised"
    )
