"""Stacks on a GPU: ``make check-gpu``. Without one, on graphs in miniature."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from groupfeat.groups import group_from_spec
from groupfeat.training import Task, TrainConfig, TrainedRun, product_task, train_many
from groupfeat.training.many import _stepper
from groupfeat.training.many._stack import Stack
from groupfeat.training.many._train import settle
from groupfeat.training.run._progress import Run
from tests.training.miniature import Cuda


@dataclass(frozen=True)
class Place:
    """Where the checks run, and on what: the GPU's runs are those of the benchmarks."""

    device: str
    spec: str
    runs: int
    hidden: int
    epochs: int

    @property
    def task(self) -> Task:
        return product_task(group_from_spec(self.spec))

    def configs(self, **settings: Any) -> list[TrainConfig]:
        config = TrainConfig(
            n_hidden=self.hidden, train_fraction=0.6, epochs=self.epochs, stop="never"
        )
        return [dataclasses.replace(config, **settings)] * self.runs

    def stack(self, configs: list[TrainConfig], engine: str) -> Stack:
        settled = [settle(self.task, config, seed) for seed, config in enumerate(configs)]
        runs = (
            Run(self.task, config, seed, device=self.device) for seed, config in enumerate(settled)
        )
        return Stack(list(runs), engine)


MINIATURE = pytest.param(Place("cpu", "C7", 3, 16, 20), id="miniature")
ON_GPU = pytest.param(Place("cuda", "C23", 32, 256, 100), marks=pytest.mark.gpu, id="gpu")


@pytest.fixture(params=[MINIATURE, ON_GPU])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    found: Place = request.param
    _stepper._side_stream.cache_clear()
    if found.device == "cpu":
        monkeypatch.setattr(_stepper, "cuda", Cuda())
    elif not torch.cuda.is_available():
        pytest.fail(f"no CUDA device is seen by torch {torch.__version__}")
    yield found
    _stepper._side_stream.cache_clear()


def finished(stack: Stack) -> list[TrainedRun]:
    runs = stack.runs
    for _ in stack.advance(lambda epoch, due: due):
        pass
    return [run.result() for run in runs]


def distance(one: TrainedRun, other: TrainedRun) -> float:
    """Return how far W is from another's, over its norm."""
    gap = np.linalg.norm(one.first_layer - other.first_layer)
    return float(gap / np.linalg.norm(other.first_layer))


@pytest.mark.parametrize("settings", [{}, {"loss": "mse_samples", "optimizer": "adamw"}])
@pytest.mark.parametrize("engine", ["eager", "graph"])
def test_answers_are_those_of_a_loop_on_the_cpu(
    place: Place, engine: str, settings: dict[str, Any]
) -> None:
    """In single precision. On a CPU, 32 runs of C23 over 100 epochs, K 256, loop and stack differ
    by 6e-4 of a loss and 3e-5 of W in rounding; a GPU may differ ten times as much."""
    configs = place.configs(**settings)
    here = finished(place.stack(configs, engine))
    for one, other in zip(
        train_many(place.task, configs, seeds=range(place.runs)), here, strict=True
    ):
        assert distance(other, one) < 3e-4
        for name, column in one.history.items():
            if name.endswith("loss"):
                np.testing.assert_allclose(other.history[name], column, rtol=6e-3)
            else:  # an answer or two may fall on the other side
                np.testing.assert_allclose(other.history[name], column, atol=0.01)


def test_a_single_run_has_the_answers_of_the_cpu(place: Place) -> None:
    """Without a stack, as every variant of the network trains on a GPU."""
    config = place.configs(loss="mse_samples")[0]
    (one,) = train_many(place.task, [config], seeds=[0])
    (other,) = train_many(place.task, [config], seeds=[0], device=place.device, stacked=False)
    assert distance(other, one) < 3e-4
    np.testing.assert_allclose(other.history["test_loss"], one.history["test_loss"], rtol=6e-3)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_replays_are_eager_steps(place: Place, optimizer: str) -> None:
    configs = place.configs(optimizer=optimizer)
    runs = [finished(place.stack(configs, engine)) for engine in ("eager", "graph")]
    for one, other in zip(*runs, strict=True):
        assert distance(other, one) < (3e-4 if place.device == "cuda" else 1e-12)


def test_replays_have_the_same_bits_twice(place: Place) -> None:
    first, second = (finished(place.stack(place.configs(), "graph")) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.first_layer, other.first_layer)
        np.testing.assert_array_equal(one.second_layer, other.second_layer)


def test_a_lost_run_is_held_by_the_graph(place: Place) -> None:
    configs = place.configs()
    configs[1] = dataclasses.replace(configs[1], learning_rate=1e30, n_hidden=place.hidden - 1)
    stack, without = (place.stack(some, "graph") for some in (configs, place.configs()))
    state, held = stack.step_state, []
    for _ in range(8):
        stack._step()
        without._step()
        held.append(state.parameters["W"][1].cpu())
    assert state.lost_at.tolist() == [-1, 1, *[-1] * (place.runs - 2)]
    assert not state.alive[1].any()
    assert torch.equal(held[0].nan_to_num(), held[-1].nan_to_num())
    mine, theirs = (each.step_state.parameters["W"][0] for each in (stack, without))
    assert torch.equal(mine, theirs)
    lost = finished(place.stack(configs, "graph"))[1]
    assert lost.status == "diverged: loss is not finite at epoch 1; lower learning_rate"
    assert lost.history["epoch"] == [0, 1]


def test_a_stack_is_recorded_anew_when_half_of_it_has_left(place: Place) -> None:
    ends = [5] + [9] * (place.runs // 2) + [place.epochs] * (place.runs - place.runs // 2 - 1)
    configs = [
        dataclasses.replace(config, epochs=end)
        for config, end in zip(place.configs(), ends, strict=True)
    ]
    stack, graphs = place.stack(configs, "graph"), []
    for _ in stack.advance(lambda epoch, due: due):
        graph = getattr(stack.take_step, "graph", None)
        if graph is not None and graph not in graphs:
            graphs.append(graph)
    assert len(graphs) == 2
    assert [run.epoch for run in stack.runs] == []
    again, eager = (finished(place.stack(configs, engine)) for engine in ("graph", "eager"))
    for one, other, end in zip(again, eager, ends, strict=True):
        assert one.epochs == other.epochs == end
        assert distance(one, other) < 3e-4


@pytest.mark.parametrize("place", [ON_GPU], indirect=True)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, as inductor loads
def test_a_compiled_stack_on_the_gpu(place: Place) -> None:
    """Inductor's kernels, recorded: takes a minute to compile."""
    runs = [finished(place.stack(place.configs(), engine)) for engine in ("eager", "compiled")]
    for one, other in zip(*runs, strict=True):
        assert distance(other, one) < 3e-4
