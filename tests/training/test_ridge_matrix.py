"""Gradients through V's closed form for every combination of variants that a config accepts."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from groupfeat.groups import group_from_spec
from groupfeat.training import Task, TrainConfig, product_task, table_task, word_task
from groupfeat.training.network._hidden import NetSpec, Workspace
from groupfeat.training.network._model import Composer, initial_parameters
from groupfeat.training.network._network import PairTensors
from groupfeat.training.run._ridge import ridge_gradients, ridge_solution
from tests.training.oracles import operand_features

RIDGE = 0.3
TASKS = {
    "pairs": product_task(group_from_spec("D5")),
    "words": word_task(group_from_spec("S3"), 3),
    "unequal": table_task("three", np.random.default_rng(0).integers(4, size=(3, 5, 2))),
}
PARTS: tuple[tuple[dict[str, Any], ...], ...] = (
    ({}, {"bias": True}, {"batch_norm": True}),
    ({}, {"embedding": 4}),
    ({}, {"complex_weights": True}),
    ({}, {"other_layers": 1}, {"other_layers": 2, "residual": False}),
)


def accepted() -> list[dict[str, Any]]:
    """Return the settings of every combination that is not refused."""
    found = []
    for parts in itertools.product(*PARTS):
        settings = {name: value for part in parts for name, value in part.items()}
        try:
            TrainConfig(loss="mse_samples", ridge=RIDGE, **settings)
        except ValueError:
            continue
        found.append(settings)
    return found


def solved_by_definition(
    leaves: dict[str, Tensor], task: Task, codes: np.ndarray, config: TrainConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """Return ½‖P⊥(Y − FV)‖², that plus ½η‖V‖², and V = (F̃ᵀF̃ + ηI)⁻¹F̃ᵀỸ, differentiable."""
    features = operand_features(leaves, task, codes, config)
    if config.complex_weights:  # Re(FV) = [Re F | −Im F][Re V; Im V]
        features = torch.cat([features.real, -features.imag], 1)
    y = functional.one_hot(torch.from_numpy(task.targets(codes)), task.n_classes).double()
    features, wanted = features - features.mean(0), y - y.mean(0)
    gram = features.T @ features + RIDGE * torch.eye(features.shape[1], dtype=torch.float64)
    v = torch.linalg.solve(gram, features.T @ wanted)
    fit = 0.5 * (wanted - features @ v).square().sum()
    return fit, fit + 0.5 * RIDGE * v.square().sum(), v


def test_what_is_accepted() -> None:
    """Real networks take all, complex ones an embedding alone."""
    assert len(accepted()) == 3 * 2 * 3 + 2


@pytest.mark.parametrize("hidden", [8, 72], ids=["K<n", "K>n"])
@pytest.mark.parametrize("activation", ["square", "gelu"])
@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("settings", accepted(), ids=str)
def test_ridge_gradients_of_every_combination(
    settings: dict[str, Any], name: str, activation: str, hidden: int
) -> None:
    """Of all that is trained, V apart, by autograd through the solve; through either matrix."""
    task = TASKS[name]
    if settings.get("embedding") and len(set(task.sizes)) > 1:
        with pytest.raises(ValueError, match="operands share one embedding"):
            Composer(task, TrainConfig(**settings), None)  # type: ignore[arg-type]
        return
    if settings.get("complex_weights") and activation == "gelu":
        with pytest.raises(ValueError, match="complex weights need a polynomial activation"):
            TrainConfig(activation=activation, **settings)
        return
    config = TrainConfig(
        n_hidden=hidden, activation=activation, loss="mse_samples", ridge=RIDGE, **settings
    )
    config = config.from_dict({**config.to_dict(), "precision": "float64"})
    codes = task.sample(0.3 if name == "words" else 0.5, rng=0)
    data = PairTensors.of_codes(task, codes, torch.float64)
    assert (len(data) < hidden) == (hidden == 72)
    generator = torch.Generator().manual_seed(1)
    parts = {
        key: part + 0.1 * torch.randn(part.shape, generator=generator, dtype=part.dtype)
        for key, part in initial_parameters(task, config, 0).items()
    }
    spec = NetSpec(activation, "mse_samples", 1.0, config.residual, config.complex_weights)
    composer = Composer(task, config, data)
    loss, found = composer.gradients(
        parts, lambda layers: ridge_gradients(layers, data, spec, RIDGE, Workspace())
    )
    leaves = {key: part.clone().requires_grad_() for key, part in parts.items() if key[0] != "V"}
    fit, total, v = solved_by_definition(leaves, task, codes, config)
    assert loss == pytest.approx(float(fit.detach()), rel=1e-6, abs=1e-12)
    mine = ridge_solution(composer.layers(parts), data, spec, RIDGE).T
    torch.testing.assert_close(mine, v.detach(), rtol=1e-6, atol=1e-8)
    theirs = torch.autograd.grad(total, list(leaves.values()))
    assert set(found) - set(leaves) == {key for key in parts if key[0] == "V"}
    for key, gradient in zip(leaves, theirs, strict=True):
        size = float(gradient.abs().max())
        torch.testing.assert_close(found[key], gradient, rtol=1e-6, atol=1e-6 * max(size, 1e-3))
