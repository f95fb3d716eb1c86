"""Complex weights under Muon and with V solved for, against complex arithmetic written out."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from groupfeat.groups import cyclic
from groupfeat.training import Snapshot, TrainConfig, product_task, train
from groupfeat.training.network._model import initial_parameters
from groupfeat.training.run._optimizers import orthogonalized
from tests.training.oracles import one_hot, variant_loss

GROUP = cyclic(7)
CONFIG = TrainConfig(
    n_hidden=18,
    complex_weights=True,
    precision="float64",
    weight_decay=0.01,
    train_fraction=0.8,
    stop="never",
    eval_every=1,
)


@pytest.mark.parametrize("shape", [(5, 8), (8, 5), (6, 6), (1, 4), (4, 1)])
def test_a_complex_matrix_keeps_its_singular_vectors(shape: tuple[int, int]) -> None:
    """U(Uᴴ A' V)Vᴴ = A' with a real diagonal of the quintic's values, by numpy's SVD."""
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    found = orthogonalized(torch.from_numpy(matrix)).resolve_conj().numpy()
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    values /= np.linalg.norm(matrix) + 1e-7
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    np.testing.assert_allclose(left.conj().T @ found @ right.conj().T, np.diag(values), atol=1e-9)
    assert (values > 0.6).all()
    assert (values < 1.3).all()


def numpy_muon(parts: dict[str, torch.Tensor], pairs: object, steps: int) -> np.ndarray:
    """Return complex W after Muon's steps (rate 0.05, momentum 0.95), V left at its start."""
    moved, w = 0.0, parts["W"].numpy() + 1j * parts["W_imag"].numpy()
    for _ in range(steps):
        leaves = {name: part.clone().requires_grad_() for name, part in parts.items()}
        leaves["W"] = torch.from_numpy(w.real.copy()).requires_grad_()
        leaves["W_imag"] = torch.from_numpy(w.imag.copy()).requires_grad_()
        variant_loss(leaves, pairs, CONFIG).backward()  # type: ignore[arg-type, no-untyped-call]
        pull = leaves["W"].grad.numpy() + 1j * leaves["W_imag"].grad.numpy()  # type: ignore[union-attr]
        moved = 0.95 * moved + 0.05 * pull
        left, values, right = np.linalg.svd(0.05 * pull + 0.95 * moved, full_matrices=False)
        values /= np.linalg.norm(values) + 1e-7
        for _ in range(5):
            values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
        w = w * (1 - 0.05 * 0.01) - 0.05 * math.sqrt(18 / 14) * (left * values) @ right
    return w


def test_muon_takes_a_complex_w_as_one_matrix() -> None:
    config = replace(CONFIG, optimizer="muon", learning_rate=0.05, fallback_rate=1e-99, epochs=3)
    seen: list[Snapshot] = []
    (run,) = train(GROUP, config, observe=seen.append, observe_at=(0,))
    start = initial_parameters(product_task(GROUP), CONFIG, 0)
    found = numpy_muon(start, seen[0].pairs, 3)
    np.testing.assert_allclose(run.first_layer, found, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("hidden", [9, 40])
def test_ridge_solves_for_a_complex_v(hidden: int) -> None:
    """2K below and above n = 39: no gradient of J + (η/2)‖V‖² is left at V, by autograd."""
    config = replace(CONFIG, n_hidden=hidden, loss="mse_samples", ridge=0.3, epochs=2)
    seen: list[Snapshot] = []
    list(train(GROUP, config, observe=seen.append, observe_at=(0, 2)))
    for snapshot in seen:
        parts = {
            name: torch.from_numpy(np.array(part)).requires_grad_()
            for name, part in snapshot.run.parameters.items()
        }
        assert snapshot.pairs is not None
        penalty = parts["V"].square().sum() + parts["V_imag"].square().sum()
        total = variant_loss(parts, snapshot.pairs, config) + 0.15 * penalty
        total.backward()  # type: ignore[no-untyped-call]
        for name in ("V", "V_imag"):
            gradient = parts[name].grad
            assert gradient is not None
            assert float(gradient.abs().max()) < 1e-9
        x, y = one_hot(snapshot.pairs, torch.complex128)
        w, v = (np.array(part) for part in (snapshot.first_layer, snapshot.second_layer))
        answer = torch.from_numpy(np.real((x.numpy() @ w) ** 2 @ v))
        gap = (y.real - answer) - (y.real - answer).mean(0)
        at = snapshot.run.history["epoch"].index(snapshot.epoch)
        loss = snapshot.run.history["train_loss"][at]
        assert loss == pytest.approx(float(0.5 * gap.square().sum()), rel=1e-9)


def test_complex_ridge_and_muon_learn() -> None:
    variants: list[dict[str, Any]] = [
        {"optimizer": "muon"},
        {"loss": "mse_samples", "ridge": 0.01},
    ]
    for settings in variants:
        base = TrainConfig(n_hidden=32, complex_weights=True, epochs=200, weight_decay=1e-4)
        (run,) = train(cyclic(5), replace(base, **settings))
        assert run.last("train_accuracy") == 1
