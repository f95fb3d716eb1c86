"""Runs that lose their numbers: named at once, alone, and never shown to an observer."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from groupfeat.energy import sample_pairs
from groupfeat.groups import group_from_spec
from groupfeat.training import PairTensors, Snapshot, TrainConfig, TrainedRun, train, train_many
from groupfeat.training.network._hidden import Layers, NetSpec, Workspace
from groupfeat.training.run._ridge import ridge_gradients
from groupfeat.training.telemetry import Telemetry
from tests.training.oracles import one_hot

GROUP = group_from_spec("S3")
CONFIG = TrainConfig(n_hidden=12, epochs=60, stop="never", weight_decay=1e-3)
RIDGE = dataclasses.replace(CONFIG, loss="mse_samples", ridge=1e-3)


def same(a: TrainedRun, b: TrainedRun) -> None:
    np.testing.assert_array_equal(a.first_layer, b.first_layer)
    np.testing.assert_array_equal(a.second_layer, b.second_layer)
    np.testing.assert_equal((a.history, a.status), (b.history, b.status))


def test_a_ridge_run_that_diverges_ends_alone() -> None:
    bad = dataclasses.replace(RIDGE, optimizer="sgd", learning_rate=1e12, init_scale=5.0)
    first, lost, second = train_many(GROUP, [RIDGE, bad, RIDGE])
    assert lost.status.startswith("diverged: loss is not finite at epoch")
    assert lost.epochs < 60
    assert first.epochs == 60
    same(first, second)


def test_a_ridge_that_rounding_swallows_is_named() -> None:
    """With σ linear F̃ has rank 10 < n = 29: F̃F̃ᵀ + ηI is singular to rounding."""
    tiny = dataclasses.replace(
        RIDGE, activation="linear", n_hidden=40, init_scale=1e6, ridge=1e-9, precision="float64"
    )
    lost, fine = train_many(GROUP, [tiny, RIDGE])
    assert "ridge 1e-09 may be lost in rounding: raise it" in lost.status
    assert lost.history["epoch"] == [0]
    assert fine.epochs == 60


@pytest.mark.parametrize("stacked", [False, True])
def test_no_observer_sees_a_run_without_numbers(stacked: bool) -> None:
    """Watched at every epoch or never, a diverging run ends at the same epoch with one history."""
    bad = dataclasses.replace(CONFIG, optimizer="sgd", learning_rate=10.0, init_scale=1.0)
    good = dataclasses.replace(CONFIG, optimizer="sgd")
    seen: list[Snapshot] = []
    watched, plain = (
        list(train_many(GROUP, [bad, good], stacked=stacked, **told))
        for told in ({"observe": seen.append, "observe_at": range(61)}, {})
    )
    for mine, theirs in zip(watched, plain, strict=True):
        same(mine, theirs)
    assert watched[0].status.startswith("diverged: loss is not finite at epoch")
    assert 2 < watched[0].epochs < 10  # between evaluations
    assert all(np.isfinite(s.second_layer).all() for s in seen)
    assert max(s.epoch for s in seen if s.position == 0) == watched[0].epochs - 1
    assert [s.epoch for s in seen if s.position == 1] == [*range(61)]


def test_telemetry_of_a_diverging_run_leaves_the_others() -> None:
    bad = dataclasses.replace(CONFIG, optimizer="sgd", learning_rate=10.0, init_scale=1.0)
    telemetry = Telemetry()
    lost, fine = train_many(GROUP, [bad, CONFIG], observe=telemetry, observe_at=range(60))
    assert (lost.status[:8], fine.epochs) == ("diverged", 60)
    assert len(telemetry.run(1)) == 61  # the last epoch too


@pytest.mark.parametrize("stacked", [False, True])
def test_a_run_dead_at_the_start_has_one_row_and_no_snapshot(stacked: bool) -> None:
    dead = dataclasses.replace(CONFIG, init_scale=1e30)
    seen: list[Snapshot] = []
    lost, fine = train_many(
        GROUP, [dead, CONFIG], stacked=stacked, observe=seen.append, observe_at=[0]
    )
    assert lost.history["epoch"] == [0]
    assert lost.status.startswith("diverged: loss is not finite at epoch 0")
    assert [s.position for s in seen] == [1]
    assert fine.epochs == 60


@pytest.mark.parametrize(
    "change", [{"stop": "memorised", "stop_accuracy": 0.01}, {"settle_epochs": 0}]
)
def test_a_stack_takes_no_step_where_a_loop_takes_none(change: dict[str, Any]) -> None:
    """A run that has reached its goal before the first step stays at epoch 0 either way."""
    config = dataclasses.replace(CONFIG, stop="settled", stop_accuracy=0.01)
    done = dataclasses.replace(config, **change)
    loop, stack = (
        list(train_many(GROUP, [done, CONFIG, done], stacked=stacked)) for stacked in (False, True)
    )
    assert [run.epochs for run in loop] == [0, 60, 0]
    assert [run.epochs for run in stack] == [0, 60, 0]
    np.testing.assert_array_equal(loop[0].first_layer, stack[0].first_layer)


def closed_form(run: TrainedRun, snapshot: Snapshot) -> np.ndarray[Any, Any]:
    """Return V by the K × K formula in float64."""
    pairs, w = snapshot.pairs, run.first_layer.astype(float)
    assert pairs is not None
    features = (w[pairs.left] + w[pairs.right + 6]) ** 2
    features -= features.mean(0)
    gram = features.T @ features + run.config.ridge * np.eye(features.shape[1])
    found: np.ndarray[Any, Any] = np.linalg.solve(gram, features.T @ np.eye(6)[pairs.target])
    return found


def test_every_snapshot_of_a_ridge_run_holds_the_v_of_its_w() -> None:
    """On and off the grid of evaluations; Adam keeps nothing of V, and watching changes nothing."""
    config = dataclasses.replace(RIDGE, ridge=0.05, learning_rate=0.05, n_hidden=24, epochs=25)
    config = dataclasses.replace(config, precision="float64")
    seen: list[Snapshot] = []
    (run,) = train(GROUP, config, observe=seen.append, observe_at=range(0, 26, 5))
    assert [s.epoch for s in seen] == [0, 5, 10, 15, 20, 25]
    for snapshot in seen:
        expected = closed_form(snapshot.run, snapshot)
        np.testing.assert_allclose(snapshot.second_layer, expected, rtol=1e-7, atol=1e-10)
        assert not snapshot.run.optimizer_state["V.m"].any()
    same(run, next(iter(train(GROUP, config))))


@pytest.mark.parametrize("ridge", [1e-6, 1e-2, 1.0])
def test_ridge_gradients_in_float32_are_those_of_float64(ridge: float) -> None:
    """n = 317 < K = 1024, where the residual is η of the labels; the oracle is a pseudo-inverse's
    twin: R = η(F̃F̃ᵀ + ηI)⁻¹Ỹ by eigenvalues, and ∂J/∂W = −Xᵀ(RVᵀ ⊙ 2XW) written out."""
    pairs = sample_pairs(group_from_spec("C23"), 0.6, rng=0)
    data = PairTensors.of(pairs, torch.float64)
    first = torch.randn(46, 1024, generator=torch.Generator().manual_seed(0))
    layers, spec = Layers(first, torch.zeros(23, 1024)), NetSpec("square", "mse_samples")
    loss, found = ridge_gradients(layers, data, spec, ridge, Workspace())
    assert found.first.dtype == torch.float32

    w, (x, y) = first.double().numpy(), (part.numpy() for part in one_hot(pairs, torch.float64))
    features, targets = (x @ w) ** 2, y - y.mean(0)
    features -= features.mean(0)
    values, vectors = np.linalg.eigh(features @ features.T)
    turned = vectors.T @ targets
    answer = vectors @ (turned / (values.clip(0) + ridge)[:, None])
    expected = -2 * x.T @ ((ridge * answer @ (features.T @ answer).T) * (x @ w))
    mine = found.first.double().numpy()
    assert loss == pytest.approx(0.5 * float((ridge * answer * ridge * answer).sum()), rel=1e-3)
    assert np.linalg.norm(mine - expected) < 1e-3 * np.linalg.norm(expected)
