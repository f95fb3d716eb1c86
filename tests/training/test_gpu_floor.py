"""The counting behind the GPU's benchmarks, on a CPU at small sizes."""

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from groupfeat.training import TrainConfig
from groupfeat.training.many._stack_step import take_step
from tests.benchmarks.gpu_floor import (
    Measured,
    Rates,
    beside_floors,
    measure,
    measured_rates,
    stack_of,
    step_bytes,
    step_flops,
    to_the_end,
)

CONFIG = TrainConfig(n_hidden=8, train_fraction=0.75)


def test_operations_are_those_that_torch_counts() -> None:
    """Its counter knows sums of products, not those in place."""
    stack = stack_of("C5", CONFIG, 3, "cpu")
    (n,) = {len(run.pairs) for run in stack.runs}
    assert step_flops(stack) == 3 * 6 * n * 8 * 5

    def in_place(_: Any, left: list[int], right: list[int], **__: Any) -> int:
        runs, rows, middle = left
        return 2 * runs * rows * middle * right[2]

    known = {torch.ops.aten.baddbmm_: in_place}
    with FlopCounterMode(display=False, custom_mapping=known) as counter:
        take_step(stack.step_state)
    assert counter.get_total_flops() == step_flops(stack)


@pytest.mark.parametrize(("optimizer", "tensors"), [("gd", 1), ("adam", 3)])
def test_bytes_are_counted_by_hand(optimizer: str, tensors: int) -> None:
    stack = stack_of(
        "C5", TrainConfig(n_hidden=8, optimizer=optimizer, train_fraction=0.8), 2, "cpu"
    )
    examples = 20 * (3 + 2) * (8 + 5)
    weights = (10 + 5) * 8 * (2 * tensors + 2)
    assert step_bytes(stack) == 4 * 2 * (examples + weights)


def test_a_measured_step_stands_beside_its_floors() -> None:
    rates = measured_rates("cpu", 32)
    assert rates.flops > 0 < rates.bytes
    stack = stack_of("C5", CONFIG, 2, "cpu")
    found = measure(stack, Rates(1e3, 1e4), "cpu", 2)
    assert stack.epoch == 12
    assert found.flop_floor == step_flops(stack) / 1e3
    assert found.byte_floor == step_bytes(stack) / 1e4
    assert str(Measured(0.01, 0.002, 0.005)).endswith("2.0x the larger")


def test_the_lines_that_are_printed() -> None:
    first, step = beside_floors("C5", CONFIG, 2, device="cpu", engines=["eager"], size=32)
    assert first.startswith("2 runs of C5, K 8: ")
    assert "GB/s" in first
    assert step.startswith("  eager ")
    config = TrainConfig(n_hidden=8, epochs=3, init_seed=1, eval_every=2)
    line = to_the_end("C5", [config, config], device="cpu", engine="eager")
    assert line.startswith("2 runs of C5, evaluated every 2, eager: ")
    assert line.endswith("s for 3 epochs, 0 generalised")
