"""Products in bfloat16: the rounding bit by bit, gradients beside float64, whole runs."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from groupfeat.energy import ACTIVATIONS, sample_pairs
from groupfeat.groups import cyclic, group_from_spec
from groupfeat.training import PairTensors, TrainConfig, train, train_many, word_task
from groupfeat.training.kernels import _hidden as kernels
from groupfeat.training.many._stack_plan import stack_key
from groupfeat.training.network import _network
from groupfeat.training.network._hidden import Layers, NetSpec, Workspace
from groupfeat.training.network._network import layer_gradients
from tests.training.oracles import loss_by_definition

LINEAR = kernels.CODES["linear"]
WORST = 0.012
"""Relative error of a gradient that the tests allow: 3 × 2⁻⁸, for one or two operands' rounding."""


def rounded(values: torch.Tensor) -> torch.Tensor:
    """Return values + 0 in bfloat16, as the compiled loop writes them."""
    first = torch.stack([values, torch.zeros_like(values)]).numpy()
    out = torch.empty(1, len(values), dtype=torch.bfloat16)
    left, right = np.array([0]), np.array([1])
    kernels.fill_features(LINEAR, first, left, right, out.view(torch.uint16).numpy())
    return out[0]


def patterns(bits: np.ndarray[Any, np.dtype[np.uint32]]) -> torch.Tensor:
    return torch.from_numpy(bits.view(np.float32).copy())


def test_numbers_are_rounded_as_torch_rounds_them() -> None:
    """Any bits at all: normal and subnormal numbers, ties both ways, infinities, NaN."""
    rng = np.random.default_rng(0)
    upper = np.arange(2**16, dtype=np.uint32) << 16
    chosen = [upper + low for low in (0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF)]
    chosen += [rng.integers(0, 2**32, 20_000, dtype=np.uint32)]
    values = patterns(np.concatenate(chosen).astype(np.uint32))
    values = values[:: 1 if kernels.compiled() else 97]
    with np.errstate(invalid="ignore"):  # some NaN are of the signalling kind
        found, expected = rounded(values), torch.from_numpy(values.numpy() + 0).to(torch.bfloat16)
    assert torch.equal(found.isnan(), expected.isnan())
    kept = ~expected.isnan()
    assert torch.equal(found.view(torch.int16)[kept], expected.view(torch.int16)[kept])
    subnormal = (values.abs() < torch.finfo(torch.float32).tiny) & (values != 0)
    assert found[subnormal].count_nonzero() > 100 // (1 if kernels.compiled() else 97)


def test_bits_are_read_as_the_numbers_they_are() -> None:
    numbers = patterns(np.arange(2**16, dtype=np.uint32)[:: 1 if kernels.compiled() else 97] << 16)
    back = numbers.to(torch.bfloat16)[None]
    first, found = np.zeros((2, len(numbers)), np.float32), np.zeros((2, len(numbers)), np.float32)
    left, right, scale = np.array([0]), np.array([1]), np.float32(1)
    bits = back.view(torch.uint16).numpy()
    kernels.pull_back(LINEAR, scale, first, left, right, bits, found)
    np.testing.assert_array_equal(found[0], numbers.numpy())


def network(order: int, hidden: int, *, common: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return W and V; ``common``: what every class's answer has of the first of all features."""
    generator = torch.Generator().manual_seed(0)
    first = 0.5 * torch.randn(2 * order, hidden, generator=generator)
    second = torch.randn(hidden, order, generator=generator) / hidden
    return first, second + common / hidden


def errors(
    first: torch.Tensor, second: torch.Tensor, fraction: float, **settings: Any
) -> tuple[float, ...]:
    """Return the relative errors of both gradients beside autograd in float64."""
    pairs = sample_pairs(cyclic(second.shape[1]), fraction, rng=0)
    spec = NetSpec(rounded=True, **settings)
    layers = Layers(first, second.T.contiguous())
    loss, found = layer_gradients(layers, PairTensors.of(pairs, torch.float32), spec)
    exact = [part.double().requires_grad_() for part in (first, second)]
    value = loss_by_definition(
        *exact, pairs, settings["activation"], settings["loss"], settings.get("beta", 1.0)
    )
    assert loss == pytest.approx(float(value.detach()), rel=0.01)
    gradients = torch.autograd.grad(value, exact)
    return tuple(
        float((mine - theirs).norm() / theirs.norm())
        for mine, theirs in zip((found.first, found.second.T), gradients, strict=True)
    )


@pytest.fixture(params=["loops", "torch"])
def road(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to compute: compiled loops where there are any, and torch."""
    if request.param == "torch":
        monkeypatch.setattr(_network, "is_plain", lambda *_: False)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", ["mse_classes", "mse_samples"])
@pytest.mark.usefixtures("road")
def test_gradients_are_near_those_in_double_precision(
    activation: str, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one chunk and in several, whose products are rounded one by one."""
    for entries in (_network._CHUNK_ENTRIES, 1):
        monkeypatch.setattr(_network, "_CHUNK_ENTRIES", entries)
        found = errors(*network(23, 96), 0.6, activation=activation, loss=loss, beta=1.3)
        assert max(found) < WORST
        assert min(found) > 1e-4  # it is not float32


@pytest.mark.parametrize("loss", ["mse_classes", "mse_samples"])
@pytest.mark.usefixtures("road")
def test_what_the_loss_cannot_see_is_not_rounded_into_it(loss: str) -> None:
    """Answers of 30 for every class, whose own rounding is a hundred times the residuals'."""
    first, second = network(23, 96, common=60.0 if loss == "mse_classes" else 0.0)
    if loss == "mse_samples":  # a constant over samples: features of one and the same value
        first[:, 0], second[0] = 2.0, 8.0
    found = errors(first, second, 0.6, activation="square", loss=loss)
    assert max(found) < WORST


def test_both_roads_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = PairTensors.of(sample_pairs(cyclic(31), 0.7, rng=0), torch.float32)
    first, second = network(31, 40)
    layers, work = Layers(first, second.T.contiguous()), Workspace()
    for loss in ("mse_classes", "mse_samples"):
        spec = NetSpec("cube", loss, 0.8, rounded=True)
        with monkeypatch.context() as patched:
            patched.setattr(_network, "is_plain", lambda *_: False)
            value, expected = layer_gradients(layers, pairs, spec)
        again, found = layer_gradients(layers, pairs, spec, work)
        assert again == pytest.approx(value, rel=1e-5)
        for mine, theirs in zip(found[:2], expected[:2], strict=True):
            torch.testing.assert_close(
                mine, theirs, rtol=1e-4, atol=1e-4 * float(theirs.abs().max())
            )


CONFIG = TrainConfig(precision="bfloat16", n_hidden=24, epochs=40, eval_every=10)


def test_weights_state_and_evaluation_stay_in_single_precision() -> None:
    """The first row of the history is float32's, bit for bit; what follows is not."""
    group = group_from_spec("S3")
    plain = dataclasses.replace(CONFIG, precision="float32")
    (run,), (other,) = train(group, CONFIG), train(group, plain)
    arrays = (run.first_layer, run.second_layer, *run.optimizer_state.values())
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    assert run.history["train_loss"][0] == other.history["train_loss"][0]
    assert run.history["train_loss"][-1] != other.history["train_loss"][-1]
    assert run.history["train_loss"][-1] == pytest.approx(other.history["train_loss"][-1], rel=0.01)


def test_it_generalises() -> None:
    config = TrainConfig(precision="bfloat16", settle_epochs=0, stop_accuracy=0.99)
    (run,) = train(cyclic(23), config)
    assert run.status == "generalised"
    assert run.epochs < 1000


@pytest.mark.parametrize("settings", [{"batch_norm": True}, {"embedding": 5}], ids=str)
def test_variants_that_amount_to_two_layers(settings: dict[str, Any]) -> None:
    (run,) = train(cyclic(7), dataclasses.replace(CONFIG, **settings))
    assert run.last("train_loss") < run.history["train_loss"][0]  # type: ignore[operator]


def test_dead_nodes_leave() -> None:
    """Products of other widths follow one another in one run's buffers."""
    config = dataclasses.replace(CONFIG, dead_nodes="drop", epochs=600, stop="never")
    (run,) = train(cyclic(7), config)
    assert 0 < np.count_nonzero(run.first_layer.any(0)) < 24
    assert run.last("train_accuracy") == 1


def test_three_operands() -> None:
    config = dataclasses.replace(CONFIG, epochs=100, activation="cube", weight_decay=4e-4)
    (run,) = train(word_task(cyclic(5), 3), config)
    assert run.last("train_loss") < run.history["train_loss"][0]  # type: ignore[operator]


def test_a_nan_ends_the_run() -> None:
    config = dataclasses.replace(CONFIG, optimizer="gd", learning_rate=1e30)
    (run,) = train(cyclic(7), config)
    assert run.status.startswith("diverged: loss is not finite")


def test_runs_train_alone_and_are_not_stacked() -> None:
    assert stack_key(CONFIG) is None
    one, other = (
        list(train_many(cyclic(7), [CONFIG] * 2, seeds=[0, 1], stacked=stacked))
        for stacked in (False, True)
    )
    for mine, theirs in zip(one, other, strict=True):
        assert np.array_equal(mine.first_layer, theirs.first_layer)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "cross_entropy"}, "squared losses, got loss='cross_entropy'; set precision"),
        ({"complex_weights": True}, "complex_weights is not offered with precision='bfloat16'"),
        ({"bias": True}, "bias is not offered"),
        ({"other_layers": 1}, "other_layers is not offered"),
        ({"ridge": 0.1, "loss": "mse_samples"}, "ridge solves and steps in float64"),
    ],
)
def test_what_it_is_not_offered_for(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainConfig(precision="bfloat16", **settings)
