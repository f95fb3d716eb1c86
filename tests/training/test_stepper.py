"""Stacks whose steps are compiled or recorded and replayed, against eager ones."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from groupfeat.groups import group_from_spec
from groupfeat.training import LOSSES, TrainConfig, TrainedRun, product_task, train_many
from groupfeat.training.many import _stepper
from groupfeat.training.many._stack import Stack
from groupfeat.training.many._stack_step import take_step
from groupfeat.training.many._train import settle
from groupfeat.training.run._progress import Run
from tests.training.miniature import Cuda
from tests.training.test_divergence import same

GROUP = group_from_spec("S3")
TASK = product_task(GROUP)
BASE = TrainConfig(n_hidden=10, epochs=90, eval_every=10, stop="never")


def trained(configs: list[TrainConfig], engine: str) -> tuple[list[TrainedRun], Stack]:
    settled = [settle(TASK, config, seed) for seed, config in enumerate(configs)]
    runs = [Run(TASK, config, seed) for seed, config in enumerate(settled)]
    stack = Stack(runs, engine)
    for _ in stack.advance(lambda epoch, due: due):
        pass
    return [run.result() for run in runs], stack


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cuda]:
    found = Cuda()
    monkeypatch.setattr(_stepper, "cuda", found)
    _stepper._side_stream.cache_clear()
    yield found
    _stepper._side_stream.cache_clear()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "gd"])
def test_a_recorded_step_is_the_step(
    optimizer: str, loss: str, cuda: Cuda, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit in stacks of one size, which what a product rounds to may hang on.

    A schedule, a lost run, one that ends early, a table that is refilled.
    """
    base = dataclasses.replace(BASE, optimizer=optimizer, loss=loss)
    configs = [
        dataclasses.replace(base, schedule="cosine", warmup_epochs=20),
        dataclasses.replace(base, n_hidden=7, epochs=30),
        dataclasses.replace(base, learning_rate=1e30),
        base,
    ]
    recorded = trained(configs, "graph")[0]
    monkeypatch.setattr(_stepper, "Replayed", lambda step, _: step)
    for one, other in zip(trained(configs, "graph")[0], recorded, strict=True):
        assert one.status == other.status
        same(one, other)
    # Recorded at its second step and, after two of four runs had left, at its second once more.
    assert [graph.replays for graph in cuda.graphs] == [29, 59]


def test_the_first_step_warms_up_on_the_stream_that_records(cuda: Cuda) -> None:
    stack = Stack([Run(TASK, settle(TASK, BASE, seed), seed) for seed in range(2)], "graph")
    for taken in range(4):
        assert stack.step_state.epoch.item() == taken
        stack._step()
    assert cuda.told == [
        "side waits for main",
        "work on side",
        "main waits for side",
        "work on side",
        "recorded",
    ]
    assert cuda.graphs[0].replays == 3


def test_a_number_that_python_works_out_would_be_seen(cuda: Cuda) -> None:
    """The miniature itself: a step that counts in Python repeats its first count."""
    total, count = torch.zeros(1), [0]

    def step() -> None:
        count[0] += 1
        total.add_(count[0])

    replayed = _stepper.Replayed(step, torch.device("cpu"))
    for _ in range(4):
        replayed()
    assert total.item() == 1 + 2 + 2 + 2


def test_slices_of_runs_that_left_stay_until_half_is_gone(cuda: Cuda) -> None:
    """Eight runs end one after the other: sizes 8, 4, 2, 1, as many recordings; eager closes up."""
    base = dataclasses.replace(BASE, precision="float64")
    configs = [dataclasses.replace(base, epochs=10 * (i + 1)) for i in range(8)]
    sizes: dict[str, list[int]] = {"graph": [], "eager": []}
    found = {}
    for engine, seen in sizes.items():
        settled = [settle(TASK, config, seed) for seed, config in enumerate(configs)]
        runs = [Run(TASK, config, seed) for seed, config in enumerate(settled)]
        stack = Stack(runs, engine)
        for _ in stack.advance(lambda epoch, due: due):
            if stack.epoch and len(stack.slots) not in seen:
                seen.append(len(stack.slots))
        found[engine] = [run.result() for run in runs]
    assert sizes == {"graph": [8, 4, 2, 1], "eager": [8, 7, 6, 5, 4, 3, 2, 1]}
    assert len(cuda.graphs) == 4
    for one, other in zip(*found.values(), strict=True):
        assert one.status == other.status
        for name, column in one.history.items():  # to rounding: the sizes differ
            np.testing.assert_allclose(other.history[name], column, rtol=1e-9)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"engine": "fast"}, "unknown engine 'fast'; known: auto, eager, compiled, graph"),
        ({"engine": "graph", "stacked": True}, "records CUDA graphs, got device='cpu'"),
        ({"engine": "compiled"}, "is for stacked runs; pass stacked=True"),
    ],
)
def test_an_engine_that_cannot_be_is_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        next(train_many(GROUP, [BASE], **settings))


def test_automatic_is_eager() -> None:
    configs = [dataclasses.replace(BASE, epochs=20)] * 2
    one, other = (
        list(train_many(GROUP, configs, seeds=[0, 1], stacked=True, engine=engine))
        for engine in ("auto", "eager")
    )
    for mine, theirs in zip(one, other, strict=True):
        same(mine, theirs)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, as inductor loads
def test_a_compiled_stack_has_the_losses_of_an_eager_one() -> None:
    """Inductor on the CPU (needs a C++ compiler): 90 epochs in double precision to 1e-9."""
    configs = [
        dataclasses.replace(BASE, precision="float64", learning_rate=rate, n_hidden=k, epochs=e)
        for rate, k, e in ((0.01, 10, 90), (0.02, 7, 90), (1e200, 10, 90), (0.01, 10, 20))
    ]
    _stepper._compiled.cache_clear()
    for one, other in zip(
        trained(configs, "eager")[0], trained(configs, "compiled")[0], strict=True
    ):
        assert (one.status, one.epochs) == (other.status, other.epochs)
        if not one.status.startswith("diverged"):
            for name, column in one.history.items():
                np.testing.assert_allclose(other.history[name], column, rtol=1e-9)


@pytest.mark.parametrize("number", [1, 2])
def test_compiled_means_the_whole_step(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step is handed to torch.compile as it is, for sizes that do not change."""
    seen: list[Any] = []

    def compile_(function: Any, **settings: Any) -> Any:
        seen.append((function, settings["dynamic"]))
        return function

    monkeypatch.setattr(torch, "compile", compile_)
    _stepper._compiled.cache_clear()
    configs = [dataclasses.replace(BASE, epochs=20)] * number
    runs = train_many(GROUP, configs, seeds=range(number), stacked=True, engine="compiled")
    found = list(runs)
    _stepper._compiled.cache_clear()
    assert seen == [(take_step, False)]
    for one, other in zip(found, trained(configs, "eager")[0], strict=True):
        same(one, other)
