"""Optimisers against torch's own, where numbers are large, nearly one, or matrices oblong."""

from typing import Any

import numpy as np
import pytest
import torch

from groupfeat.groups import group_from_spec
from groupfeat.training import TrainConfig, train_many
from groupfeat.training.run._optimizers import Optimizer

DTYPES = {"float32": torch.float32, "float64": torch.float64}


def drawn(dtype: torch.dtype, **shapes: tuple[int, int]) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return {
        name: torch.randn(shape, generator=generator, dtype=dtype) for name, shape in shapes.items()
    }


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
@pytest.mark.parametrize(
    ("precision", "size"), [("float32", 1e20), ("float32", 1e30), ("float64", 1e160)]
)
def test_adam_stays_finite_where_the_gradient_is(
    optimizer: str, precision: str, size: float
) -> None:
    """(1 − β₂)g² fits where g² does not; where it does not fit either, the step is 0 as torch's."""
    parts = {"V": torch.ones(1, 70, dtype=DTYPES[precision])}
    config = TrainConfig(optimizer=optimizer, precision=precision, weight_decay=0.0)
    ours, twin = Optimizer(parts, config), parts["V"].clone()
    kind = torch.optim.Adam if optimizer == "adam" else torch.optim.AdamW
    theirs = kind([twin], lr=config.learning_rate, weight_decay=0.0)
    for epoch in (1, 2):
        twin.grad = torch.full_like(twin, size)
        ours.step({"V": twin.grad.clone()}, epoch)
        theirs.step()
        assert parts["V"].isfinite().all()
        torch.testing.assert_close(parts["V"], twin, rtol=1e-6, atol=0)


@pytest.mark.parametrize("beta", [0.999, 0.99999, 1 - 1e-8])
def test_a_beta_near_one_keeps_its_digits_in_float32(beta: float) -> None:
    """After one step v = (1 − β₂)g², in float32 as in float64."""
    parts = drawn(torch.float32, V=(2, 35))
    config = TrainConfig(adam_beta2=beta, weight_decay=0.0)
    optimizer, before = Optimizer(parts, config), parts["V"].clone()
    gradient = torch.linspace(-3, 4, 70).reshape(2, 35)
    optimizer.step({"V": gradient}, 1)
    expected = (1 - beta) * gradient.double() ** 2
    np.testing.assert_allclose(optimizer.state["V.v"].numpy(), expected.numpy(), rtol=1e-6)
    moved = (parts["V"] - before) / -config.learning_rate
    torch.testing.assert_close(moved, gradient.sign(), rtol=1e-3, atol=0)


def test_a_loop_and_a_stack_survive_the_same_start() -> None:
    """Weights of 1e5 give gradients near 1e20; neither way of training calls them infinite."""
    config = TrainConfig(
        n_hidden=12, epochs=20, stop="never", init="normal", init_scale=1e5, weight_decay=1e-3
    )
    group = group_from_spec("S3")
    loop, stack = (
        list(train_many(group, [config, config], seeds=[2, 3], stacked=stacked))
        for stacked in (False, True)
    )
    assert [run.epochs for run in loop] == [run.epochs for run in stack] == [20, 20]
    for mine, theirs in zip(loop, stack, strict=True):
        np.testing.assert_allclose(mine.first_layer, theirs.first_layer, rtol=1e-5)


@pytest.mark.parametrize("hidden", [4, 12, 40])
@pytest.mark.parametrize("precision", DTYPES)
def test_muon_steps_as_torch_does_on_linear_layers(hidden: int, precision: str) -> None:
    """Seven steps of W (12 inputs), a further layer and V, against `torch.optim.Muon` on the
    matrices as `torch.nn.Linear` holds them, (out, in), and AdamW on V; torch works in bfloat16.
    """
    parts = drawn(DTYPES[precision], W=(12, hidden), V=(6, hidden), U1=(hidden, hidden))
    before = {name: part.clone() for name, part in parts.items()}
    config = TrainConfig(
        optimizer="muon",
        learning_rate=0.02,
        fallback_rate=0.005,
        weight_decay=1.0,
        precision=precision,
        other_layers=1,
        n_hidden=hidden,
    )
    ours = Optimizer(parts, config)
    twins = {name: part.T.contiguous() for name, part in before.items()}
    theirs: list[Any] = [
        torch.optim.Muon([twins["W"], twins["U1"]], lr=0.02, weight_decay=1.0),
        torch.optim.AdamW([twins["V"]], lr=0.005, weight_decay=1.0),
    ]
    for epoch in range(1, 8):
        gradients = drawn_gradients(before, epoch)
        for name, twin in twins.items():
            twin.grad = gradients[name].T.contiguous()
        ours.step(gradients, epoch)
        for optimizer in theirs:
            optimizer.step()
    for name, twin in twins.items():
        mine, moved = parts[name] - before[name], twin.T - before[name]
        assert float((mine - moved).norm() / moved.norm()) < (0.02 if name != "V" else 1e-5)


def drawn_gradients(like: dict[str, torch.Tensor], epoch: int) -> dict[str, torch.Tensor]:
    """Return gradients that drift, so that momentum shows."""
    generator = torch.Generator().manual_seed(epoch)
    return {
        name: part
        + epoch * torch.randn(part.shape, generator=generator, dtype=torch.float64).to(part)
        for name, part in like.items()
    }


def test_muons_momentum_is_nesterovs() -> None:
    """After the first step the direction is that of (1 − μ²)g either way; after the second the
    update is orthogonalised (1 − μ)g + μm, by the singular vectors of numpy."""
    parts = drawn(torch.float64, W=(5, 5))
    config = TrainConfig(optimizer="muon", muon_momentum=0.6, weight_decay=0.0, precision="float64")
    ours = Optimizer(parts, config)
    momentum = np.zeros((5, 5))
    for epoch in (1, 2, 3):
        before = parts["W"].numpy().copy()
        gradient = drawn_gradients({"W": parts["W"]}, epoch)["W"]
        momentum = 0.6 * momentum + 0.4 * gradient.numpy()
        ours.step({"W": gradient}, epoch)
        step = (before - parts["W"].numpy()) / config.learning_rate
        left, values, right = np.linalg.svd(0.4 * gradient.numpy() + 0.6 * momentum)
        values = values / (np.linalg.norm(values) + 1e-7)
        for _ in range(5):
            values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
        np.testing.assert_allclose(step, (left * values) @ right, rtol=1e-9, atol=1e-10)
