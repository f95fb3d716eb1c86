"""A step of a stack: static tensors, nothing read by the host, a lost run held bit for bit."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils import _pytree
from torch.utils._python_dispatch import TorchDispatchMode

from groupfeat.energy import ACTIVATIONS
from groupfeat.groups import group_from_spec
from groupfeat.training import LOSSES, TrainConfig, product_task
from groupfeat.training.many import _stack_network
from groupfeat.training.many._stack import Stack
from groupfeat.training.many._stack_step import TABLE_STEPS, StepState, step_numbers, take_step
from groupfeat.training.many._train import settle
from groupfeat.training.run._optimizers import rate_factor
from groupfeat.training.run._progress import Run
from groupfeat.training.run._updates import (
    ADAM_STILL,
    GD_STILL,
    adam_numbers,
    adam_update,
    gd_update,
)
from tests.training.miniature import tensors_of
from tests.training.test_stack import both, check_same

TASK = product_task(group_from_spec("S3"))
BASE = TrainConfig(n_hidden=10, epochs=200, stop="never")
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adam": {},
    "adamw": {},
    "sgd": {},
    "momentum": {"optimizer": "sgd", "momentum": 0.9},
    "gd": {},
}


def config_of(name: str, **settings: Any) -> TrainConfig:
    return dataclasses.replace(BASE, **{"optimizer": name, **OPTIMIZERS[name], **settings})


def stack_of(configs: list[TrainConfig], seeds: list[int] | None = None) -> Stack:
    seeds = seeds or list(range(len(configs)))
    settled = [settle(TASK, config, seed) for config, seed in zip(configs, seeds, strict=True)]
    return Stack([Run(TASK, each, seed) for each, seed in zip(settled, seeds, strict=True)])


def on(state: StepState, make: Callable[[Tensor], Tensor]) -> StepState:
    found: StepState = _pytree.tree_map_only(Tensor, make, state)
    return found


class Capturing(TorchDispatchMode):
    """Refuses what a CUDA graph cannot hold: values read by the host, tensors made of them.

    And what adds in no fixed order on a GPU (`scatter_add_` adds one number a place in our losses).
    """

    HOST = (
        "_local_scalar_dense", "nonzero", "masked_select", "unique", "_unique2", "is_nonzero",
        "equal", "bincount", "lift_fresh", "repeat_interleave", "unique_consecutive", "argwhere",
    )  # fmt: skip
    UNORDERED = ("index_add_", "index_add", "index_put_", "index_put", "scatter_reduce_", "put_")

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name, tensors = func.overloadpacket.__name__, tensors_of((args, kwargs))
        assert name not in self.HOST, f"{name} needs the host"
        assert name not in self.UNORDERED, f"{name} adds in no fixed order"
        assert len({part.device for part in tensors}) <= 1, f"{name} crosses devices"
        masks = [part.dtype == torch.bool for part in tensors]
        assert not (name.startswith("index") and any(masks)), f"{name} by a mask has no fixed size"
        found = func(*args, **(kwargs or {}))
        assert {part.device for part in tensors_of(found)} <= {
            part.device for part in tensors
        } or not tensors
        return found


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("widths", [(10, 10), (10, 7)])
def test_no_step_needs_the_host(optimizer: str, widths: tuple[int, int]) -> None:
    """On tensors without data, where a value that is read or one of a CPU's raises, too."""
    for loss in LOSSES:
        configs = [config_of(optimizer, n_hidden=k, loss=loss) for k in widths]
        state = stack_of(configs).step_state
        assert (state.padding is None) == (widths == (10, 10))
        bare = on(state, lambda part: part.to("meta"))
        for activation in ACTIVATIONS:
            with Capturing():
                take_step(bare._replace(spec=bare.spec._replace(activation=activation)))


def test_what_needs_the_host_is_seen() -> None:
    flag, row = torch.tensor([True, False]), torch.arange(2.0)
    for needy in (
        row.sum().item,
        lambda: float(row[0]),
        lambda: bool(flag.any()),
        lambda: row[flag],
        lambda: torch.nonzero(row),
        lambda: row.unique(),
        lambda: row + torch.tensor([1.0, 2.0]),
        lambda: row.to("meta"),
        lambda: torch.equal(row, row),
        lambda: row.index_add_(0, torch.zeros(2, dtype=torch.long), row.clone()),
    ):
        with pytest.raises(AssertionError), Capturing():
            needy()
    bare = row.to("meta")
    for needy in (bare.cpu, bare.tolist, lambda: bare + row):
        with pytest.raises((NotImplementedError, RuntimeError)):
            needy()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_tensor_of_the_state_stays_where_it_is(optimizer: str) -> None:
    stack = stack_of([config_of(optimizer, n_hidden=k, loss="mse_samples") for k in (10, 7)])
    state = stack.step_state
    before = [part.data_ptr() for part in tensors_of(state)]
    assert len(before) >= 20
    for _ in range(TABLE_STEPS + 3):
        stack._step()
    assert stack.step_state is state
    assert [part.data_ptr() for part in tensors_of(state)] == before
    assert state.epoch.item() == TABLE_STEPS + 3


def bits(parts: dict[str, Tensor], run: int) -> list[Tensor]:
    """Return a run's parts as whole numbers, so that −0 is not 0 and NaN is NaN."""
    return [part[run].view(torch.int32).clone() for part in parts.values()]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("rate", [1e15, 1e39])
def test_a_lost_run_is_held_bit_for_bit_and_harms_no_other(optimizer: str, rate: float) -> None:
    """With a rate of 1e39 weights (and moments) are infinite where it is held.

    The others are those beside a run that is not lost: how products round may hang on the size of
    a stack, on its content it must not.
    """
    fine = [config_of(optimizer, learning_rate=r, weight_decay=1e-2) for r in (0.01, 0.02)]
    bad = dataclasses.replace(fine[0], learning_rate=rate, init_scale=8.0, n_hidden=9)
    calm = dataclasses.replace(fine[0], n_hidden=9)
    stack, without = (stack_of([fine[0], each, fine[1]], [4, 5, 6]) for each in (bad, calm))
    state, seen = stack.step_state, []
    for _ in range(90):
        seen.append((bits(state.parameters, 1), bits(state.moments, 1)))
        stack._step()
        without._step()
    at = int(state.lost_at[1])
    assert state.lost_at.tolist() == [-1, at, -1]
    assert state.alive.flatten().tolist() == [True, False, True]
    assert 0 < at < 60
    for parts, held in zip((state.parameters, state.moments), seen[at], strict=True):
        for now, then in zip(bits(parts, 1), held, strict=True):
            assert torch.equal(now, then)
    assert not torch.equal(seen[at][0][0], seen[at - 1][0][0])
    assert rate == 1e15 or not state.parameters["W"][1].isfinite().all()
    assert without.step_state.alive.all()
    for run in (0, 2):
        for parts, others in (
            (state.parameters, without.step_state.parameters),
            (state.moments, without.step_state.moments),
        ):
            for now, then in zip(bits(parts, run), bits(others, run), strict=True):
                assert torch.equal(now, then)


@pytest.mark.parametrize("adam", [True, False])
def test_a_held_step_changes_no_bit(adam: bool) -> None:
    """Whatever stands there: zeros of either sign, infinities, no number at all."""
    odd = torch.tensor([0.0, -0.0, 1.5, -2e-38, torch.inf, -torch.inf, torch.nan])
    parts = [part.clone() for part in torch.meshgrid(odd, odd, odd, indexing="ij")]
    parts[2].abs_()  # a mean of squares
    parameter, *moments = (part.clone() for part in parts)
    gradient, held = odd.flip(0).expand_as(parameter), torch.ones(7, 1, 1, dtype=torch.bool)
    if adam:
        adam_update(parameter, gradient, *moments, ADAM_STILL, held)
    else:
        gd_update(parameter, gradient, moments[0], *GD_STILL, held)
    for now, then in zip((parameter, *moments), parts, strict=True):
        assert torch.equal(now.view(torch.int32), then.view(torch.int32))


def test_numbers_of_a_block_of_steps_are_those_of_each_step() -> None:
    configs = [
        settle(TASK, config_of("adam", learning_rate=0.01), 0),
        settle(TASK, config_of("adam", schedule="cosine", warmup_epochs=70, adam_beta2=0.9), 0),
        settle(TASK, config_of("adam", schedule="linear", weight_decay=0.3, epochs=150), 0),
    ]
    found = step_numbers(configs, range(65, 129), True)
    for t in (65, 71, 128):
        for r, config in enumerate(configs):
            expected = adam_numbers(
                coupled=True,
                rate=rate_factor(config, t) * config.learning_rate,
                decay=config.weight_decay,
                beta1=config.adam_beta1,
                beta2=config.adam_beta2,
                epsilon=config.adam_epsilon,
                epoch=t,
            )
            np.testing.assert_allclose(found[t - 65, :, r], expected, rtol=1e-14)


def test_examples_in_several_chunks_have_the_losses_of_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_stack_network, "CPU_ENTRIES", 1)
    base = dataclasses.replace(BASE, epochs=30, eval_every=1, precision="float64")
    configs = [
        dataclasses.replace(base, train_fraction=p, loss="mse_samples", activation=name)
        for p in (0.7, 1.0)
        for name in ("tanh",)
    ]
    for one, other in zip(*both(configs, group_from_spec("C13")), strict=True):
        check_same(one, other, 1e-8)


@pytest.mark.parametrize(
    ("optimizer", "loss", "activation"),
    [("adam", "mse_classes", "square"), ("momentum", "stablemax", "sigmoid")],
)
def test_a_traced_step_is_the_step(optimizer: str, loss: str, activation: str) -> None:
    """The whole step is one graph without a break, whose steps are eager's bit for bit."""
    configs = [config_of(optimizer, n_hidden=k, loss=loss, activation=activation) for k in (10, 7)]
    configs.append(dataclasses.replace(configs[0], learning_rate=1e30))
    eager, traced = stack_of(configs), stack_of(configs)
    step = torch.compile(take_step, fullgraph=True, dynamic=False, backend="aot_eager")
    for _ in range(5):
        eager._step()
        step(traced.step_state)
    assert eager.step_state.lost_at[2] > 0
    for one, other in zip(tensors_of(eager.step_state), tensors_of(traced.step_state), strict=True):
        assert torch.equal(one.nan_to_num(), other.nan_to_num())
