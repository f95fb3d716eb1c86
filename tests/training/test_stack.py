"""Stacked runs against the loop, run by run: losses, stops, divergence, what observers see."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from groupfeat.groups import group_from_spec
from groupfeat.training import (
    LOSSES,
    Snapshot,
    Task,
    TrainConfig,
    TrainedRun,
    product_task,
    resume,
    table_task,
    train,
    train_many,
)
from groupfeat.training.many import _stack
from groupfeat.training.many._stack import Stack
from groupfeat.training.many._stack_plan import plan_stacks, stack_bytes, stack_key
from groupfeat.training.many._train import settle
from groupfeat.training.run._progress import Run

GROUP = group_from_spec("S3")
BASE = TrainConfig(n_hidden=10, epochs=120, eval_every=1, stop="never", precision="float64")
# Any two differ in all that may differ within a stack; the second has no test set.
DIFFERENT: list[dict[str, Any]] = [
    {"train_fraction": 0.5, "learning_rate": 0.01, "weight_decay": 1e-2, "beta": 0.7},
    {"train_fraction": 1.0, "learning_rate": 0.03, "weight_decay": 0.0, "init_scale": 1.0},
    {"train_fraction": 0.75, "learning_rate": 0.004, "weight_decay": 1e-3, "adam_beta1": 0.8},
    {"learning_rate": 0.02, "schedule": "cosine", "warmup_epochs": 9, "adam_beta2": 0.95},
    {"learning_rate": 0.02, "eval_every": 7, "adam_epsilon": 1e-3, "alpha": 0.5},
]


def both(configs: list[TrainConfig], task: Any = GROUP) -> list[list[TrainedRun]]:
    seeds = list(range(len(configs)))
    return [
        list(train_many(task, configs, seeds=seeds, stacked=stacked)) for stacked in (False, True)
    ]


def check_same(one: TrainedRun, other: TrainedRun, rtol: float) -> None:
    for name in ("config", "seed", "status", "epochs", "memorized_at", "generalized_at"):
        assert getattr(one, name) == getattr(other, name)
    assert one.history.keys() == other.history.keys()
    for name, column in one.history.items():
        exact = name == "epoch" or name.endswith("accuracy")
        np.testing.assert_allclose(other.history[name], column, rtol=0 if exact else rtol)
    for name, array in {**one.parameters, **one.optimizer_state}.items():
        found = {**other.parameters, **other.optimizer_state}[name]
        np.testing.assert_allclose(found, array, rtol=rtol, atol=rtol * np.abs(array).max())


@pytest.mark.parametrize(
    ("optimizer", "loss"),
    [
        *(("adam", loss) for loss in LOSSES),
        ("adamw", "mse_samples"),
        ("sgd", "stablemax"),
        ("gd", "cross_entropy"),
    ],
)
def test_a_stack_has_the_losses_of_the_loop(optimizer: str, loss: str) -> None:
    """120 epochs in double precision to 1e-8; every setting that may differ differs."""
    momentum = {"momentum": 0.9} if optimizer == "sgd" else {}
    base = dataclasses.replace(BASE, optimizer=optimizer, loss=loss, **momentum)
    ours = [
        {k: v for k, v in settings.items() if "adam" in optimizer or not k.startswith("adam")}
        for settings in DIFFERENT
    ]
    configs = [dataclasses.replace(base, **settings) for settings in ours]
    assert len({stack_key(config) for config in configs}) == 1
    loop, stack = both(configs)
    for one, other in zip(loop, stack, strict=True):
        check_same(one, other, 1e-8)
    last = [run.last("train_loss") for run in stack]
    assert len(set(last)) == len(last)


@pytest.mark.parametrize(("activation", "rate"), [("square", 0.01), ("tanh", 0.01), ("relu", 1e-3)])
def test_single_precision_agrees(activation: str, rate: float) -> None:
    """120 epochs in single precision to 2e-4, away from crossings of a kink."""
    settings = {"activation": activation, "precision": "float32", "learning_rate": rate}
    base = dataclasses.replace(BASE, **settings)  # type: ignore[arg-type]
    configs = [dataclasses.replace(base, train_fraction=p) for p in (0.5, 0.8)]
    for one, other in zip(*both(configs), strict=True):
        np.testing.assert_allclose(
            other.history["train_loss"], one.history["train_loss"], rtol=2e-4
        )
        assert other.first_layer.dtype == np.float32


def test_runs_leave_the_stack_and_harm_no_other() -> None:
    """Two diverge (before an evaluation, at it), one is memorised, one ends early, one stays."""
    base = dataclasses.replace(BASE, n_hidden=30, eval_every=10, optimizer="sgd", epochs=100)
    configs = [
        dataclasses.replace(base, learning_rate=0.05),
        dataclasses.replace(base, learning_rate=1e9),
        dataclasses.replace(base, epochs=33),
        dataclasses.replace(base, learning_rate=0.5, stop="memorised", stop_accuracy=0.6),
        dataclasses.replace(base, learning_rate=1e9, eval_every=1),
    ]
    loop, stack = both(configs)
    for one, other in zip(loop, stack, strict=True):
        if one.status.startswith("diverged"):
            assert (other.status, other.epochs) == (one.status, one.epochs)
            assert other.history["epoch"] == one.history["epoch"]
        else:
            check_same(one, other, 1e-8)
    assert [run.epochs for run in (stack[0], stack[2])] == [100, 33]
    assert stack[1].status.startswith("diverged")
    assert stack[1].epochs < 10
    assert 0 < stack[3].epochs < 100
    going = resume(stack[2], GROUP, epochs=50)
    alone = next(iter(train(GROUP, going.config, seeds=[2])))
    np.testing.assert_allclose(going.first_layer, alone.first_layer, rtol=1e-8)


def test_a_lost_run_leaves_whatever_its_evaluation_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum in another order may stay just finite where the step's did not."""
    monkeypatch.setattr(_stack, "measure_stack", lambda first, *_: (torch.zeros(len(first)),) * 2)
    bad = dataclasses.replace(BASE, learning_rate=1e300, epochs=30)
    lost, fine = train_many(GROUP, [bad, dataclasses.replace(BASE, epochs=30)], stacked=True)
    assert (lost.epochs, fine.epochs) == (1, 30)


def test_momentum_keeps_its_runs_apart() -> None:
    """SGD without momentum has no buffer, so it stacks with its like only."""
    base = dataclasses.replace(BASE, optimizer="sgd", epochs=20)
    configs = [dataclasses.replace(base, momentum=m) for m in (0.0, 0.5, 0.9, 0.0)]
    keys = [stack_key(config) for config in configs]
    assert keys[0] == keys[3] != keys[1] == keys[2]
    for one, other in zip(*both(configs), strict=True):
        check_same(one, other, 1e-8)


def test_what_cannot_be_stacked_trains_alone_and_in_order() -> None:
    variants: list[dict[str, Any]] = [
        {},
        {"bias": True},
        {"optimizer": "muon"},
        {"precision": "float32"},
        {"train_fraction": 0.6},
        {"ridge": 0.1, "loss": "mse_samples"},
        {"other_layers": 1},
    ]
    configs = [dataclasses.replace(BASE, epochs=20, **settings) for settings in variants]
    keys = [stack_key(config) for config in configs]
    assert keys[0] == keys[4] != keys[3]
    assert [keys[i] for i in (1, 2, 5, 6)] == [None] * 4
    for one, other in zip(*both(configs), strict=True):
        check_same(one, other, 1e-5 if one.config.precision == "float32" else 1e-8)


WIDTHS = (8, 12, 16, 9, 13)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize(
    ("activation", "loss"),
    [("square", "mse_classes"), ("softplus", "mse_samples"), ("sigmoid", "cross_entropy")],
)
def test_padded_runs_have_the_losses_of_the_loop(
    optimizer: str, activation: str, loss: str
) -> None:
    """Unequal widths, to 1e-8; at two of the activations σ(0) ≠ 0 pulls at V of a padding node."""
    momentum = {"momentum": 0.9} if optimizer == "sgd" else {}
    base = dataclasses.replace(
        BASE, optimizer=optimizer, activation=activation, loss=loss, epochs=60, **momentum
    )
    ours = [{k: v for k, v in each.items() if not k.startswith("adam")} for each in DIFFERENT]
    configs = [
        dataclasses.replace(base, n_hidden=k, **settings)
        for k, settings in zip(WIDTHS, ours, strict=True)
    ]
    for one, other in zip(*both(configs), strict=True):
        assert other.first_layer.shape == (12, one.config.n_hidden)
        check_same(one, other, 1e-8)


@pytest.mark.parametrize("activation", ["square", "sigmoid"])
def test_padding_stays_exactly_zero_and_goes_with_the_widest_run(activation: str) -> None:
    """The widest run ends first: the stack narrows, and what is left is the loop's."""
    task = product_task(GROUP)
    base = dataclasses.replace(BASE, activation=activation, eval_every=5)
    settled = [
        settle(task, dataclasses.replace(base, n_hidden=k, epochs=e), 3)
        for k, e in zip((8, 16, 11), (40, 20, 30), strict=True)
    ]
    runs = [Run(task, config, 3) for config in settled]
    stack, widths = Stack(runs), set()
    for _ in stack.advance(lambda epoch, evaluated: True):
        widths.add(stack.step_state.parameters["W"].shape[2])
        for r, run in enumerate(stack.runs):
            for part in (
                *stack.step_state.parameters.values(),
                *stack.step_state.moments.values(),
            ):
                assert not part[r, :, run.config.n_hidden :].any()
                assert part[r, :, : run.config.n_hidden].any() or not stack.epoch
    assert widths == {16, 11, 8}
    for run in runs:
        (alone,) = train(GROUP, run.config, seeds=[3])
        check_same(alone, run.result(), 1e-8)


def test_a_diverging_wide_run_harms_no_narrow_one() -> None:
    base = dataclasses.replace(BASE, optimizer="sgd", epochs=40)
    configs = [
        dataclasses.replace(base, n_hidden=k, learning_rate=rate)
        for k, rate in ((16, 1e9), (9, 0.05), (16, 0.05))
    ]
    loop, stack = both(configs)
    assert stack[0].status == loop[0].status
    assert stack[0].status.startswith("diverged")
    for one, other in zip(loop[1:], stack[1:], strict=True):
        check_same(one, other, 1e-8)


def test_stacks_keep_to_half_a_width_and_to_their_bytes() -> None:
    task = product_task(GROUP)
    configs = [dataclasses.replace(BASE, n_hidden=k) for k in (64, 10, 31, 32, 64, 16, 5)]
    configs.append(dataclasses.replace(BASE, bias=True))

    def plan(limit: int) -> list[list[int]]:
        return plan_stacks(task, configs, device="cpu", limit=limit)

    assert plan(1 << 30) == [[0, 3, 4], [2, 5], [1, 6], [7]]
    two = stack_bytes(task, configs[0], 2)
    assert plan(two) == [[0, 4], [2, 3, 5], [1, 6], [7]]  # narrower runs take less
    assert all(len(members) == 1 for members in plan(1))
    split = list(train_many(GROUP, configs[:4], seeds=range(4), stacked=True, stack_bytes=two))
    assert [run.config.n_hidden for run in split] == [64, 10, 31, 32]
    for run in split:
        (alone,) = train(GROUP, run.config, seeds=[run.seed])
        check_same(alone, run, 1e-8)


def test_observers_see_each_run_of_a_stack_at_its_epochs() -> None:
    seen: dict[bool, list[Snapshot]] = {}
    configs = [dataclasses.replace(BASE, epochs=end, eval_every=10) for end in (25, 40)]
    for stacked in (False, True):
        found = seen.setdefault(stacked, [])
        runs = train_many(
            GROUP,
            configs,
            seeds=[4, 5],
            observe=found.append,
            observe_at=[0, 3, 30],
            stacked=stacked,
        )
        assert [run.seed for run in runs] == [4, 5]
        found.sort(key=lambda snapshot: (snapshot.position, snapshot.epoch))
    assert [(each.position, each.epoch) for each in seen[True]] == [
        (0, 0), (0, 3), (1, 0), (1, 3), (1, 30)
    ]  # fmt: skip
    for one, other in zip(seen[False], seen[True], strict=True):
        np.testing.assert_allclose(other.first_layer, one.first_layer, rtol=1e-8)
        np.testing.assert_array_equal(other.codes, one.codes)


def test_three_operands_of_unequal_size_stack() -> None:
    rng = np.random.default_rng(0)
    task: Task = table_task("random", rng.integers(4, size=(3, 5, 2)))
    configs = [dataclasses.replace(BASE, train_fraction=p, loss="mse_samples") for p in (0.4, 0.9)]
    for one, other in zip(*both(configs, task), strict=True):
        check_same(one, other, 1e-8)
