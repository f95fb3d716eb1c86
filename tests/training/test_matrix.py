"""Gradients and losses where features of training meet: operands, stacks, ridge, 300 epochs."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from groupfeat.energy import ACTIVATIONS, sample_pairs
from groupfeat.groups import cyclic, group_from_spec
from groupfeat.training import (
    LOSSES,
    Task,
    TrainConfig,
    product_task,
    table_task,
    train,
    train_many,
    training_pairs,
    word_task,
)
from groupfeat.training.network._hidden import Layers, NetSpec, Workspace
from groupfeat.training.network._model import Composer, initial_parameters
from groupfeat.training.network._network import PairTensors, layer_gradients
from groupfeat.training.run._ridge import ridge_gradients
from tests.training import oracles
from tests.training.oracles import (
    initial_weights,
    loss_by_definition,
    loss_of_answer,
    one_hot,
    operand_features,
    train_by_definition,
    variant_loss,
)

GROUP = group_from_spec("D5")
PAIRS = sample_pairs(GROUP, 0.7, rng=0)
UNEQUAL = table_task("three", np.random.default_rng(0).integers(4, size=(3, 5, 2)))
WORDS = word_task(group_from_spec("S3"), 3)


def spec_of(config: TrainConfig) -> NetSpec:
    return NetSpec(
        config.activation, config.loss, config.beta, config.residual, config.complex_weights
    )


def start_of(task: Task, config: TrainConfig) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        name: part + 0.3 * torch.randn(part.shape, generator=generator, dtype=part.dtype)
        for name, part in initial_parameters(task, config, 0).items()
    }


def check(found: dict[str, Tensor], leaves: dict[str, Tensor], expected: Tensor) -> None:
    theirs = torch.autograd.grad(expected, list(leaves.values()))
    assert set(found) == set(leaves)
    for name, gradient in zip(leaves, theirs, strict=True):
        torch.testing.assert_close(found[name], gradient, rtol=1e-9, atol=1e-10)


def operands_loss(
    parts: dict[str, Tensor], task: Task, codes: np.ndarray, config: TrainConfig
) -> Tensor:
    """Return the loss of k operands as one would write it."""
    hidden, second = operand_features(parts, task, codes, config), parts["V"].T
    if config.complex_weights:
        second = torch.complex(second, parts["V_imag"].T)
    answer = config.beta * (hidden @ second)
    answer = answer.real if config.complex_weights else answer
    y = functional.one_hot(torch.from_numpy(task.targets(codes)), task.n_classes).double()
    return loss_of_answer(answer + parts.get("output_bias", 0), y, config.loss)


def check_operands(task: Task, config: TrainConfig) -> None:
    codes = task.sample(0.8, rng=0)
    data = PairTensors.of_codes(task, codes, torch.float64)
    parts = start_of(task, config)
    value, found = Composer(task, config, data).gradients(
        parts, lambda layers: layer_gradients(layers, data, spec_of(config))
    )
    leaves = {name: part.clone().requires_grad_() for name, part in parts.items()}
    expected = operands_loss(leaves, task, codes, config)
    assert value == pytest.approx(float(expected.detach()), rel=1e-11)
    check(found, leaves, expected)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_of_three_operands_of_unequal_size(activation: str, loss: str) -> None:
    check_operands(
        UNEQUAL,
        TrainConfig(n_hidden=7, activation=activation, loss=loss, beta=1.3, precision="float64"),
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    "settings",
    [
        {"bias": True},
        {"batch_norm": True},
        {"embedding": 4},
        {"complex_weights": True},
        {"other_layers": 1},
        {"embedding": 4, "batch_norm": True, "other_layers": 1},
    ],
    ids=str,
)
def test_gradients_of_three_operands_and_variants(settings: dict[str, Any], loss: str) -> None:
    check_operands(
        WORDS,
        TrainConfig(n_hidden=7, activation="cube", loss=loss, precision="float64", **settings),
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    "settings",
    [
        {"batch_norm": True, "embedding": 5, "other_layers": 2},
        {"batch_norm": True, "other_layers": 1, "residual": False, "beta": 0.6},
        {"bias": True, "embedding": 4, "other_layers": 2, "residual": False},
    ],
    ids=["norm-embedding-deep", "norm-plain", "bias-embedding-plain"],
)
def test_gradients_of_variants_together(
    settings: dict[str, Any], activation: str, loss: str
) -> None:
    config = TrainConfig(
        activation=activation, loss=loss, n_hidden=9, precision="float64", **settings
    )
    task, data = product_task(GROUP), PairTensors.of(PAIRS, torch.float64)
    parts = start_of(task, config)
    value, found = Composer(task, config, data).gradients(
        parts, lambda layers: layer_gradients(layers, data, spec_of(config))
    )
    leaves = {name: part.clone().requires_grad_() for name, part in parts.items()}
    expected = variant_loss(leaves, PAIRS, config)
    assert value == pytest.approx(float(expected.detach()), rel=1e-11)
    check(found, leaves, expected)


@pytest.mark.parametrize("hidden", [12, 90])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_ridge_gradients_of_every_activation(activation: str, hidden: int) -> None:
    """K below and above n = 70: W's gradient through the solve, with V's own ridge term."""
    config = TrainConfig(
        n_hidden=hidden, activation=activation, loss="mse_samples", ridge=0.3, precision="float64"
    )
    data = PairTensors.of(PAIRS, torch.float64)
    parts = start_of(product_task(GROUP), config)
    layers = Layers(parts["W"], parts["V"])
    loss, found = ridge_gradients(layers, data, spec_of(config), 0.3, Workspace())
    x, y = one_hot(PAIRS, torch.float64)
    centre = torch.eye(len(PAIRS), dtype=torch.float64) - 1 / len(PAIRS)
    w = parts["W"].clone().requires_grad_()
    features, wanted = centre @ oracles._SIGMA[activation](x @ w), centre @ y
    gram = features.T @ features + 0.3 * torch.eye(hidden, dtype=torch.float64)
    v = torch.linalg.solve(gram, features.T @ wanted)
    fit = 0.5 * (wanted - features @ v).square().sum()
    (expected,) = torch.autograd.grad(fit + 0.15 * v.square().sum(), w)
    assert loss == pytest.approx(float(fit.detach()), rel=1e-8)
    torch.testing.assert_close(found.first, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_two_steps_of_a_padded_stack_by_autograd(activation: str, loss: str) -> None:
    """Gradient descent on W and V as written, two networks of 6 and 9 nodes."""
    base = TrainConfig(
        activation=activation,
        loss=loss,
        optimizer="gd",
        learning_rate=0.05,
        weight_decay=0.1,
        epochs=2,
        stop="never",
        precision="float64",
        beta=0.8,
        init_scale=1.0,
    )
    configs = [dataclasses.replace(base, n_hidden=k) for k in (6, 9)]
    runs = list(train_many(GROUP, configs, seeds=[3, 4], stacked=True))
    for run, config, seed in zip(runs, configs, (3, 4), strict=True):
        pairs = training_pairs(GROUP, config, seed)
        layers = list(initial_weights(10, config, seed, torch.float64))
        for _ in range(2):
            layers = [part.detach().requires_grad_() for part in layers]
            value = loss_by_definition(*layers, pairs, activation, loss, 0.8)
            pulls = torch.autograd.grad(value, layers)
            layers = [
                part - 0.05 * (pull + 0.1 * part) for part, pull in zip(layers, pulls, strict=True)
            ]
        for mine, theirs in zip((run.first_layer, run.second_layer), layers, strict=True):
            torch.testing.assert_close(torch.tensor(mine), theirs.detach(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("loss", LOSSES)
def test_300_epochs_on_z23_alone_among_others_and_stacked(loss: str) -> None:
    """One plain torch loop a run; the same losses three ways, the stack padded to 24 nodes."""
    base = TrainConfig(
        loss=loss,
        epochs=300,
        eval_every=25,
        stop="never",
        precision="float64",
        weight_decay=1e-4,
        learning_rate=0.003,
    )
    group = cyclic(23)
    configs = [
        dataclasses.replace(base, n_hidden=k, train_fraction=p) for k, p in ((24, 0.8), (17, 0.5))
    ]
    ways = [
        list(train_many(group, configs, seeds=[4, 9], stacked=stacked)) for stacked in (False, True)
    ]
    ways.append(
        [
            run
            for config, seed in zip(configs, (4, 9), strict=True)
            for run in train(group, config, seeds=[seed])
        ]
    )
    for i, (config, seed) in enumerate(zip(configs, (4, 9), strict=True)):
        start = initial_weights(23, config, seed, torch.float64)
        expected = train_by_definition(*start, training_pairs(group, config, seed), config, 300)
        for runs in ways:
            history = runs[i].history
            assert history["epoch"] == list(range(0, 301, 25))
            np.testing.assert_allclose(
                history["train_loss"], [expected[int(e)] for e in history["epoch"]], rtol=1e-6
            )


def test_a_warm_up_may_last_all_epochs() -> None:
    assert TrainConfig(epochs=5, warmup_epochs=5).warmup_epochs == 5
    with pytest.raises(ValueError, match=r"warmup_epochs must be at most epochs \(5\), got 6"):
        TrainConfig(epochs=5, warmup_epochs=6)
