"""The observer's records against autograd through the whole network, and against the run itself."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from groupfeat.groups import group_from_spec, irreps
from groupfeat.training import Snapshot, TrainConfig, train, word_task
from groupfeat.training import telemetry as tele
from tests.training import oracles

GROUP = group_from_spec("S3")
BASE = TrainConfig(n_hidden=12, epochs=30, weight_decay=0.01, precision="float64", beta=1.5)


def watched(config: TrainConfig, epochs: list[int], **options: Any) -> tuple[Any, list[Snapshot]]:
    telemetry, snapshots = tele.Telemetry(**options), list[Snapshot]()

    def observe(snapshot: Snapshot) -> None:
        telemetry(snapshot)
        snapshots.append(snapshot)

    list(train(GROUP, config, observe=observe, observe_at=epochs))
    return telemetry, snapshots


def gradient_by_autograd(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """Return −∂loss/∂h, h the last hidden layer, from the loss as one writes it in torch."""
    caught: list[Tensor] = []
    loss_of_answer = oracles.loss_of_answer

    def catch(answer: Tensor, y: Tensor, loss: str) -> Tensor:
        answer.requires_grad_().retain_grad()
        caught.append(answer)
        return loss_of_answer(answer, y, loss)

    monkeypatch.setattr(oracles, "loss_of_answer", catch)
    parts = {
        name: torch.from_numpy(np.array(part)).requires_grad_()
        for name, part in snapshot.run.parameters.items()
    }
    assert snapshot.pairs is not None
    oracles.variant_loss(parts, snapshot.pairs, snapshot.config).backward()  # type: ignore[no-untyped-call]
    monkeypatch.undo()
    second = parts["V"].T
    if snapshot.config.complex_weights:
        second = torch.cat([second, parts["V_imag"].T])
    assert caught[0].grad is not None
    return -snapshot.config.beta * caught[0].grad @ second.T.detach()


VARIANTS: list[dict[str, Any]] = [
    {},
    {"loss": "mse_samples", "learning_rate": 0.003},
    {"loss": "cross_entropy"},
    {"loss": "stablemax"},
    {"bias": True},
    {"bias": True, "loss": "cross_entropy", "activation": "relu"},
    {"other_layers": 2, "activation": "relu"},
    {"other_layers": 1, "residual": False, "activation": "tanh"},
    {"embedding": 5, "activation": "gelu"},
    {"batch_norm": True, "activation": "relu"},
    {"complex_weights": True},
    {"optimizer": "muon"},
    {"train_fraction": 0.01},
    {"train_fraction": 0.01, "loss": "mse_samples"},
    {"train_fraction": 1.0},
    {"n_hidden": 1},
    {"n_hidden": 1, "train_fraction": 0.01, "complex_weights": True},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_gradient_norm_is_autograds(
    variant: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(BASE, **variant)
    telemetry, (snapshot,) = watched(config, [20])
    gradient = gradient_by_autograd(snapshot, monkeypatch)
    n = len(snapshot.codes)
    scale = {"mse_classes": n / 2, "mse_samples": 1}.get(config.loss, n)
    (record,) = telemetry.records
    assert record["gradient_norm"] == pytest.approx(scale * float(gradient.norm()), rel=1e-8)
    plain = config.loss.startswith("mse") and config.optimizer == "adam" and not config.bias
    assert (record["gradient_cosine_ridge"] is not None) is plain


@pytest.mark.parametrize("loss", ["mse_samples", "mse_classes"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_theory_ridge_makes_the_ridge_weights_stationary(loss: str, optimizer: str) -> None:
    """At V of `solve_ridge` the gradient of loss + (λ/2)‖V‖² is 0, by autograd."""
    config = dataclasses.replace(BASE, loss=loss, optimizer=optimizer)
    _, (snapshot,) = watched(config, [0])
    pairs, eta = snapshot.pairs, tele.theory_ridge(snapshot.config, len(snapshot.codes))
    assert pairs is not None
    assert eta is not None
    centre = "samples" if loss == "mse_samples" else "classes"
    features = tele.layer_features(snapshot.first_layer, pairs, centre=centre)
    best = torch.from_numpy(tele.solve_ridge(features, eta, beta=1.5)).requires_grad_()
    first = torch.from_numpy(np.array(snapshot.first_layer))
    total = oracles.loss_by_definition(first, best, pairs, "square", loss, 1.5)
    (total + 0.005 * best.square().sum()).backward()  # type: ignore[no-untyped-call]
    assert best.grad is not None
    assert float(best.grad.abs().max()) < 1e-10


def test_no_ridge_where_there_is_no_such_loss() -> None:
    def ridge(**settings: Any) -> float | None:
        return tele.theory_ridge(dataclasses.replace(BASE, **settings), 10)

    assert ridge() == pytest.approx(0.05)
    assert ridge(loss="mse_samples", ridge=0.3, beta=1.0) == 0.3
    for settings in (
        {"weight_decay": 0.0},
        {"optimizer": "adamw"},
        {"optimizer": "muon"},
        {"loss": "cross_entropy"},
    ):
        assert ridge(**settings) is None


@pytest.mark.parametrize("centre", ["samples", "classes"])
def test_records_equal_the_pure_functions(centre: str) -> None:
    reps = irreps(GROUP)
    config = dataclasses.replace(BASE, loss=f"mse_{centre}", learning_rate=0.003)
    telemetry, snapshots = watched(
        config, [0, 7, 30], structure=True, repulsion=True, irreps=reps, keep_nodes=True
    )
    for record, snapshot in zip(telemetry.records, snapshots, strict=True):
        pairs = snapshot.pairs
        assert pairs is not None
        features = tele.layer_features(snapshot.first_layer, pairs, centre=centre)
        eta = 0.01 if centre == "samples" else 0.01 * len(pairs) / 2
        found = tele.measure_gradient(features, snapshot.second_layer, ridge=eta, beta=1.5)
        assert record["gradient_norm"] == pytest.approx(found.norm)
        assert record["gradient_cosine_lazy"] == pytest.approx(found.cosine_lazy)
        assert record["gradient_cosine_ridge"] == pytest.approx(found.cosine_ridge)
        assert record["gradient_ridge_norm"] == pytest.approx(found.ridge_norm)
        centred = tele.layer_features(snapshot.first_layer, pairs)
        gram, kernel = tele.measure_gram(centred), tele.measure_kernel(centred)
        assert record["gram_off_diagonal"] == pytest.approx(gram.frobenius)
        assert record["kernel_off_diagonal_max"] == pytest.approx(kernel.maximum)
        nodes = tele.measure_nodes(snapshot.first_layer, snapshot.second_layer, reps, pairs)
        assert nodes.summary() == {key: record[key] for key in nodes.summary()}
        repulsion = tele.measure_repulsion(features, eta, families=nodes.family)
        assert record["repulsion_within"] == pytest.approx(repulsion.within_family)
    kept = telemetry.nodes[0]
    assert [epoch for epoch, _ in kept] == [0, 7, 30]
    assert kept[0][1].shares.shape == (12, 3)


def test_steps_follow_the_weights() -> None:
    telemetry, snapshots = watched(BASE, [0, 5, 11, 20])
    w = [snapshot.first_layer for snapshot in snapshots]
    v = [snapshot.second_layer for snapshot in snapshots]
    rows = telemetry.records
    assert "first_layer_step" not in rows[0]
    assert rows[1]["first_layer_turn"] is None
    for i in (2, 3):
        wanted = tele.measure_step(w[i - 1], w[i], w[i - 1] - w[i - 2])
        assert rows[i]["first_layer_turn"] == pytest.approx(wanted.turn)
        assert rows[i]["first_layer_step"] == pytest.approx(wanted.size)
        moved = tele.measure_step(v[i - 1], v[i]).cosine
        assert rows[i]["second_layer_cosine"] == pytest.approx(moved)


def test_scores_between_evaluations_are_those_of_an_evaluation() -> None:
    telemetry, _ = watched(dataclasses.replace(BASE, eval_every=10), [7, 20])
    (run,) = train(GROUP, dataclasses.replace(BASE, eval_every=1, settle_epochs=100))
    for record in telemetry.records:
        for name in ("train_accuracy", "test_accuracy", "train_loss", "test_loss"):
            assert record[name] == pytest.approx(run.history[name][record["epoch"]])


def test_runs_are_kept_apart_and_streamed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with tele.JsonLines(path, BASE.to_dict()) as stream:
        telemetry = tele.Telemetry(irreps=irreps(GROUP), structure=True, sinks=(stream,))
        list(train(GROUP, BASE, seeds=(3, 4), observe=telemetry, observe_at=(0, 10, 20)))
    config, records = tele.read_json_lines(path)
    assert config == BASE.to_dict()
    assert records == json.loads(json.dumps(telemetry.records))
    assert [(r["position"], r["seed"], r["epoch"]) for r in records] == [
        (i, 3 + i, e) for i in (0, 1) for e in (0, 10, 20, 30)
    ]
    alone = tele.Telemetry(irreps=irreps(GROUP), structure=True)
    list(train(GROUP, BASE, seeds=(4,), observe=alone, observe_at=(0, 10, 20)))
    assert alone.run() == [{**record, "position": 0} for record in telemetry.run(1)]
    levels = {"accuracy": 0.3, "settle_epochs": None, "history": None}
    assert telemetry.stages(1, **levels) == tele.stage_boundaries(telemetry.run(1), accuracy=0.3)
    assert telemetry.stages(2) == tele.stage_boundaries([])


def test_without_a_test_set_or_a_group_columns_are_absent() -> None:
    telemetry = tele.Telemetry(irreps=irreps(GROUP), repulsion=True)
    config = dataclasses.replace(BASE, train_fraction=1.0, weight_decay=0.0, epochs=3)
    config = dataclasses.replace(config, activation="cube")  # x² is refused on words of three
    list(train(word_task(GROUP, 3), config, observe=telemetry, observe_at=(3,)))
    (record,) = telemetry.records
    assert "test_accuracy" not in record
    assert "nodes_alive" not in record
    assert not any(name.startswith("repulsion") for name in record)
    assert record["gradient_norm"] > 0


def test_observing_does_not_change_the_run() -> None:
    (plain,) = train(GROUP, BASE)
    (seen,) = train(GROUP, BASE, observe=tele.Telemetry(structure=True), observe_at=range(31))
    assert np.array_equal(plain.first_layer, seen.first_layer)
