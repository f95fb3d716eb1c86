"""Gradients of every variant against autograd on the layers as written, and against numpy."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from groupfeat.energy import ACTIVATIONS, sample_pairs
from groupfeat.groups import group_from_spec
from groupfeat.training import LOSSES, TrainConfig, pair_loss, product_task, train
from groupfeat.training.network._hidden import NetSpec
from groupfeat.training.network._model import Composer, initial_parameters
from groupfeat.training.network._network import PairTensors, layer_gradients
from groupfeat.training.run._ridge import ridge_solution
from groupfeat.training.setup._config_checks import POLYNOMIALS
from tests.training.oracles import (
    loss_by_definition,
    numpy_variant_loss,
    one_hot,
    variant_loss,
)

GROUP = group_from_spec("D5")
TASK = product_task(GROUP)
PAIRS = sample_pairs(GROUP, 0.7, rng=0)
DATA = PairTensors.of(PAIRS, torch.float64)
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "beta": {"beta": 1.7},
    "bias": {"bias": True},
    "batch_norm": {"batch_norm": True},
    "embedding": {"embedding": 5},
    "complex": {"complex_weights": True},
    "complex_embedding": {"complex_weights": True, "embedding": 4},
    "deep": {"other_layers": 2},
    "deep_plain": {"other_layers": 1, "residual": False},
    "all": {"embedding": 6, "bias": True, "other_layers": 1, "beta": 0.6},
}


def random_start(config: TrainConfig, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return parameters with no zero left among biases, shifts and scales."""
    generator = torch.Generator().manual_seed(seed)
    parts = initial_parameters(TASK, config, seed)
    return {
        name: part + 0.3 * torch.randn(part.shape, generator=generator, dtype=part.dtype)
        for name, part in parts.items()
    }


def found_gradients(
    parts: dict[str, torch.Tensor], config: TrainConfig
) -> tuple[float, dict[str, torch.Tensor]]:
    spec = NetSpec(
        config.activation, config.loss, config.beta, config.residual, config.complex_weights
    )
    composer = Composer(TASK, config, DATA)
    return composer.gradients(parts, lambda layers: layer_gradients(layers, DATA, spec))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_of_every_variant(activation: str, loss: str, variant: str) -> None:
    settings = VARIANTS[variant]
    if settings.get("complex_weights") and activation not in POLYNOMIALS:
        with pytest.raises(ValueError, match="complex weights need a polynomial activation"):
            TrainConfig(activation=activation, **settings)
        return
    config = TrainConfig(
        activation=activation, loss=loss, n_hidden=12, precision="float64", **settings
    )
    parts = random_start(config)
    value, gradients = found_gradients(parts, config)
    leaves = {name: part.clone().requires_grad_() for name, part in parts.items()}
    expected = variant_loss(leaves, PAIRS, config)
    theirs = dict(zip(leaves, torch.autograd.grad(expected, list(leaves.values())), strict=True))
    assert value == pytest.approx(float(expected.detach()), rel=1e-11)
    assert set(gradients) == set(parts)
    for name, gradient in theirs.items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-9, atol=1e-10)
    check_against_numpy(parts, gradients, value, config)


def check_against_numpy(
    parts: dict[str, torch.Tensor],
    gradients: dict[str, torch.Tensor],
    value: float,
    config: TrainConfig,
) -> None:
    """Compare with the slope of the numpy loss along one random direction."""
    rng, step = np.random.default_rng(1), 1e-6
    arrays = {name: part.numpy() for name, part in parts.items()}
    way = {name: rng.standard_normal(part.shape) for name, part in arrays.items()}
    assert numpy_variant_loss(arrays, PAIRS, config) == pytest.approx(value, rel=1e-10)
    ends = [
        numpy_variant_loss(
            {name: part + sign * step * way[name] for name, part in arrays.items()}, PAIRS, config
        )
        for sign in (1, -1)
    ]
    slope = (ends[0] - ends[1]) / (2 * step)
    mine = sum(float((gradients[name].numpy() * way[name]).sum()) for name in arrays)
    size = sum(float((gradients[name].numpy() ** 2).sum()) for name in arrays) ** 0.5
    assert slope == pytest.approx(mine, rel=2e-5, abs=1e-5 * size)


def test_batch_norm_at_evaluation_uses_the_training_pairs() -> None:
    config = TrainConfig(n_hidden=7, batch_norm=True, precision="float64")
    parts = random_start(config)
    layers = Composer(TASK, config, DATA).layers(parts)
    x, _ = one_hot(PAIRS, torch.float64)
    hidden = x @ layers.first
    torch.testing.assert_close(hidden.mean(0), parts["shift"], rtol=1e-10, atol=1e-10)
    raw = (x @ parts["W"]).std(0, unbiased=False)
    torch.testing.assert_close(
        hidden.std(0, unbiased=False), parts["scale"].abs() * raw / (raw**2 + 1e-5).sqrt()
    )


@pytest.mark.parametrize("hidden", [20, 100])
def test_ridge_is_the_closed_form_on_either_side(hidden: int) -> None:
    """K below and above n = 70: V equals the K × K formula, and no gradient is left at V."""
    config = TrainConfig(n_hidden=hidden, loss="mse_samples", ridge=0.3, precision="float64")
    parts = initial_parameters(TASK, config, 0)
    spec = NetSpec("square", "mse_samples")
    layers = Composer(TASK, config, DATA).layers(parts)
    found = ridge_solution(layers, DATA, spec, 0.3).numpy().T
    x, y = (part.numpy() for part in one_hot(PAIRS, torch.float64))
    features = (x @ parts["W"].numpy()) ** 2
    features -= features.mean(0)
    gram = features.T @ features + 0.3 * np.eye(hidden)
    expected = np.linalg.solve(gram, features.T @ (y - y.mean(0)))
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)
    solved = layers._replace(second=torch.from_numpy(found.T.copy()))
    left = layer_gradients(solved, DATA, spec)[1].second + 0.3 * solved.second
    assert float(left.abs().max()) < 1e-9


def test_ridge_steps_follow_the_gradient_at_the_solved_v() -> None:
    """Two GD steps with V solved for, against autograd through the solve with V's ridge term."""
    config = TrainConfig(
        n_hidden=12,
        loss="mse_samples",
        ridge=0.5,
        optimizer="gd",
        learning_rate=0.01,
        weight_decay=0.0,
        epochs=2,
        precision="float64",
        train_fraction=0.7,
    )
    (run,) = train(GROUP, config, seeds=[0])
    x, y = one_hot(PAIRS, torch.float64)
    centre = torch.eye(len(PAIRS), dtype=torch.float64) - 1 / len(PAIRS)
    w = initial_parameters(TASK, config, 0)["W"]
    for _ in range(2):
        w = w.detach().requires_grad_()
        features = centre @ (x @ w) ** 2
        gram = features.T @ features + 0.5 * torch.eye(12, dtype=torch.float64)
        v = torch.linalg.solve(gram, features.T @ (centre @ y))
        total = 0.5 * (centre @ y - features @ v).square().sum() + 0.25 * v.square().sum()
        w = w - 0.01 * torch.autograd.grad(total, w)[0]
    torch.testing.assert_close(torch.tensor(run.first_layer), w.detach(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kind", ["node", "total"])
def test_weight_norms_are_kept(kind: str) -> None:
    config = TrainConfig(n_hidden=9, weight_norm=kind, epochs=15, precision="float64")
    (run,) = train(GROUP, config, seeds=[3])
    start = initial_parameters(TASK, config, 3)["W"].numpy()
    axis = 0 if kind == "node" else None
    np.testing.assert_allclose(
        np.linalg.norm(run.first_layer, axis=axis), np.linalg.norm(start, axis=axis), rtol=1e-12
    )
    free = dataclasses.replace(config, weight_norm="free")
    (loose,) = train(GROUP, free, seeds=[3])
    assert abs(np.linalg.norm(loose.first_layer) / np.linalg.norm(start) - 1) > 1e-3


def test_any_torch_optimiser_can_drive_the_hand_written_gradients() -> None:
    """L-BFGS through `pair_loss`, twice the loss, against the same through plain autograd."""
    ends = []
    for ours in (True, False):
        parts = initial_parameters(TASK, TrainConfig(n_hidden=8, precision="float64"), 0)
        w, v = parts["W"].requires_grad_(), parts["V"].T.contiguous().requires_grad_()
        optimizer = torch.optim.LBFGS([w, v], lr=0.1, max_iter=5)

        def closure(
            w: torch.Tensor = w,
            v: torch.Tensor = v,
            ours: bool = ours,
            optimizer: torch.optim.Optimizer = optimizer,
        ) -> torch.Tensor:
            optimizer.zero_grad()
            if ours:
                loss = pair_loss(w, v, DATA, activation="square", loss="mse_classes")
            else:
                loss = loss_by_definition(w, v, PAIRS, "square", "mse_classes", 1.0)
            (2 * loss).backward()
            return 2 * loss

        for _ in range(3):
            optimizer.step(closure)  # type: ignore[no-untyped-call]
        ends.append((w.detach(), v.detach()))
    for mine, theirs in zip(*ends, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-7, atol=1e-9)
