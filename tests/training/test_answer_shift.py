"""Accuracy under mse_samples: of answers up to the constant over samples that the loss sees."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from groupfeat.energy import sample_pairs
from groupfeat.groups import FiniteGroup, cyclic, group_from_spec
from groupfeat.training import (
    LOSSES,
    PairTensors,
    TrainConfig,
    TrainedRun,
    evaluate,
    load_checkpoint,
    load_network,
    network_accuracy,
    save_checkpoint,
    train,
    train_many,
)
from groupfeat.training.baselines._paired import _accuracy, paired_layers
from groupfeat.training.network._hidden import NetSpec
from groupfeat.training.network._network import answer_shift, measure
from groupfeat.training.run._stored import check_shift
from groupfeat.training.telemetry import Telemetry

THEORY = TrainConfig(
    n_hidden=40, loss="mse_samples", epochs=60, eval_every=20, stop="never", precision="float64"
)
RIDGE = dataclasses.replace(THEORY, ridge=0.1)


def answers(run: TrainedRun, group: FiniteGroup) -> tuple[np.ndarray, np.ndarray]:
    """Return Ŷ (M², M) of a network with σ = x², and which pairs it was trained on."""
    w = run.first_layer
    x = w[: group.order, None] + w[None, group.order :]
    found = run.config.beta * (x * x).reshape(-1, w.shape[1]) @ run.second_layer
    pairs = sample_pairs(group, run.config.train_fraction, rng=run.config.pair_seed)
    seen = np.zeros(group.order**2, dtype=bool)
    seen[pairs.left * group.order + pairs.right] = True
    return np.real(found), seen


@pytest.mark.parametrize("spec", ["C5", "S3", "C11"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"ridge": 0.1},
        {"ridge": 0.1, "batch_norm": True},
        {"batch_norm": True},
        {"bias": True, "ridge": 1e-3},
        {"complex_weights": True, "beta": 1.5},
        {"embedding": 4, "ridge": 0.01},
    ],
    ids=str,
)
def test_accuracy_is_that_of_answers_with_the_intercept(
    spec: str, settings: dict[str, Any]
) -> None:
    """Against least squares with an intercept: Ȳ − Ŷ̄ over the training pairs, on both sets."""
    group = group_from_spec(spec)
    (run,) = train(group, dataclasses.replace(THEORY, **settings), seeds=[1])
    found, seen = answers(run, group)
    labels = np.eye(group.order)[group.cayley_table.ravel()]
    shift = (labels - found)[seen].mean(0)
    right = (found + shift).argmax(1) == group.cayley_table.ravel()
    assert run.last("train_accuracy") == right[seen].mean()
    assert run.last("test_accuracy") == right[~seen].mean()
    assert run.answer_shift is not None
    np.testing.assert_allclose(run.answer_shift, shift, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("spec", ["C5", "S3", "C11"])
@pytest.mark.parametrize("ridge", [1e-3, 0.1])
def test_ridge_on_normalised_features_fits_what_its_loss_says(spec: str, ridge: float) -> None:
    """At K > n the loss is next to nothing: every training pair is answered, and it lasts."""
    config = dataclasses.replace(RIDGE, ridge=ridge, batch_norm=True, n_hidden=128)
    for run in train(group_from_spec(spec), config, seeds=[0, 1]):
        assert max(run.history["train_loss"]) < 0.1
        assert run.history["train_accuracy"] == [1.0] * 4
        assert run.status in ("memorised", "generalised")
        assert run.memorized_at == 20


@pytest.mark.parametrize("loss", LOSSES)
def test_a_constant_node_is_seen_by_neither_loss_nor_accuracy(loss: str) -> None:
    """Under mse_samples; the other losses see it."""
    pairs = PairTensors.of(sample_pairs(cyclic(7), 0.6, rng=0), torch.float64)
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(14, 20, generator=generator, dtype=torch.float64)
    second = torch.randn(20, 7, generator=generator, dtype=torch.float64)
    told = {"activation": "square", "loss": loss}
    before = evaluate(first, second, pairs, **told)
    constant = 100 * torch.arange(7, dtype=torch.float64)[None]
    wider = torch.cat([first, torch.ones(14, 1).double()], 1), torch.cat([second, constant])
    after = evaluate(*wider, pairs, **told)
    assert (after == pytest.approx(before)) == (loss == "mse_samples")


def test_a_stack_and_telemetry_see_the_same_accuracies() -> None:
    """Of runs with other pairs and widths; telemetry between two evaluations too."""
    configs = [
        dataclasses.replace(THEORY, n_hidden=k, train_fraction=p) for k, p in ((24, 0.8), (17, 0.4))
    ]
    group = cyclic(11)
    telemetry = Telemetry(gradient=False, steps=False)
    ways: list[list[TrainedRun]] = [
        list(train_many(group, configs, seeds=[3, 4], stacked=stacked, **told))
        for stacked, told in (
            (False, {}),
            (True, {}),
            (True, {"observe": telemetry, "observe_at": [50]}),
        )
    ]
    often = [dataclasses.replace(config, eval_every=50) for config in configs]
    for i, run in enumerate(train_many(group, often, seeds=[3, 4])):
        (seen,) = (each for each in telemetry.run(i) if each["epoch"] == 50)
        at = run.history["epoch"].index(50)
        for way in ways[1:]:
            assert way[i].history["test_accuracy"] == ways[0][i].history["test_accuracy"]
            assert way[i].history["train_accuracy"] == ways[0][i].history["train_accuracy"]
            np.testing.assert_allclose(way[i].answer_shift, ways[0][i].answer_shift, rtol=1e-6)
        for name in ("train_accuracy", "test_accuracy"):
            assert seen[name] == run.history[name][at]


@pytest.mark.parametrize("settings", [{}, {"ridge": 0.1}, {"ridge": 0.01, "batch_norm": True}])
def test_a_file_answers_as_the_run_did(settings: dict[str, Any], tmp_path: Path) -> None:
    group = cyclic(11)
    (run,) = train(group, dataclasses.replace(THEORY, **settings), seeds=[0])
    path = save_checkpoint(tmp_path / "run.safetensors", run, group)
    kept = load_checkpoint(path)
    np.testing.assert_array_equal(kept.answer_shift, run.answer_shift)
    seen = answers(run, group)[1]
    train_share, test_share = run.last("train_accuracy"), run.last("test_accuracy")
    assert train_share is not None
    assert test_share is not None
    whole = (train_share * seen.sum() + test_share * (~seen).sum()) / seen.size
    assert network_accuracy(load_network(path, group), group, "square") == pytest.approx(whole)
    (other,) = train(group, dataclasses.replace(THEORY, loss="mse_classes"))
    assert other.answer_shift is None
    assert load_checkpoint(save_checkpoint(path, other, group)).answer_shift is None


@pytest.mark.parametrize("shift", [np.zeros(4), np.zeros((1, 3)), np.zeros(3, dtype=int)])
def test_a_shift_that_does_not_fit_is_refused(shift: np.ndarray) -> None:
    with pytest.raises(
        ValueError, match=r"its answer_shift is .*, expected floats of shape \(3,\)"
    ):
        check_shift(shift, np.zeros((5, 3)))


def test_paired_networks_are_judged_likewise() -> None:
    """On the training pairs as `evaluate` does; on others with the training pairs' constant."""
    seen = sample_pairs(cyclic(7), 0.5, rng=0)
    sets = [PairTensors.of(pairs, torch.float64) for pairs in (seen, seen.complement()) if pairs]
    generator = torch.Generator().manual_seed(0)
    first, second = (
        torch.randn(rows, 9, generator=generator, dtype=torch.float64) for rows in (14, 7)
    )
    layers, spec = paired_layers(first, second), NetSpec("square", "mse_samples")
    told = {"activation": "square", "loss": "mse_samples"}
    train_share = evaluate(layers.first, layers.second.T, sets[0], **told)[0]
    assert _accuracy(first, second, sets[0], sets[0], spec) == train_share
    shift = answer_shift(layers, sets[0], spec)
    test_share = measure(layers, sets[1], spec, shift=shift)[0]
    assert _accuracy(first, second, *sets, spec) == test_share
    assert test_share != measure(layers, sets[1], spec)[0]
    assert train_share != measure(layers, sets[0], spec)[0]
