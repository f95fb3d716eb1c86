"""Telemetry of the smallest tasks, of runs that overflow, and of ridges that rounding swallows."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from groupfeat.groups import cyclic, irreps
from groupfeat.training import TrainConfig, table_task, train, word_task
from groupfeat.training import telemetry as tele

CONFIG = TrainConfig(n_hidden=6, epochs=8, stop="never", eval_every=5)
EVERYTHING: dict[str, Any] = {"structure": True, "repulsion": True, "each_node": True}


def records(order: int, **settings: Any) -> tuple[list[dict[str, Any]], str]:
    group = cyclic(order)
    telemetry = tele.Telemetry(**EVERYTHING, irreps=irreps(group))
    config = dataclasses.replace(CONFIG, **settings)
    (run,) = train(group, config, observe=telemetry, observe_at=range(9))
    return telemetry.records, run.status


def numbers(record: dict[str, Any]) -> list[float]:
    flat = [v for v in record.values() if isinstance(v, int | float)]
    lists = [v for v in record.values() if isinstance(v, list)]
    return flat + [float(x) for v in lists for x in np.ravel(np.array(v, dtype=float))]


@pytest.mark.parametrize("order", [1, 2, 5])
@pytest.mark.parametrize("hidden", [1, 6])
@pytest.mark.parametrize("fraction", [0.01, 1.0])
@pytest.mark.parametrize("loss", ["mse_samples", "mse_classes", "cross_entropy"])
def test_the_smallest_runs_give_numbers(
    order: int, hidden: int, fraction: float, loss: str
) -> None:
    """Against G_F, F̃ᵀF̃ and F̃F̃ᵀ written out as matrices."""
    group = cyclic(order)
    telemetry = tele.Telemetry(**EVERYTHING, irreps=irreps(group))
    config = dataclasses.replace(CONFIG, n_hidden=hidden, train_fraction=fraction, loss=loss)
    snapshots: list[Any] = []
    observe_both = lambda snapshot: (telemetry(snapshot), snapshots.append(snapshot))  # noqa: E731
    list(train(group, config, observe=observe_both, observe_at=(0, 8)))
    for record, snapshot in zip(telemetry.records, snapshots, strict=True):
        assert all(math.isfinite(value) for value in numbers(record))
        assert ("test_loss" in record) is (len(snapshot.codes) < order**2)
        w, v = (part.astype(float) for part in (snapshot.first_layer, snapshot.second_layer))
        pairs = snapshot.pairs
        f = (w[pairs.left] + w[pairs.right + order]) ** 2
        y = np.eye(order)[pairs.target]
        if loss == "cross_entropy":
            odds = np.exp(f @ v)
            rest = y - odds / odds.sum(1, keepdims=True)
        elif loss == "mse_samples":
            rest = (y - f @ v) - (y - f @ v).mean(0)
        else:
            rest = (y - f @ v) - (y - f @ v).mean(1, keepdims=True)
        norm = float(np.linalg.norm(rest @ v.T))
        assert record["gradient_norm"] == pytest.approx(norm, rel=1e-6, abs=1e-9)
        centred = f - f.mean(0)
        for name, a in (("gram", centred.T @ centred), ("kernel", centred @ centred.T)):
            off = np.linalg.norm(a - np.diag(np.diag(a))) / max(float(np.linalg.norm(a)), 1e-300)
            assert record[f"{name}_off_diagonal"] == pytest.approx(off, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("optimizer", ["adam", "gd", "muon"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("rate", [1e3, 1e15, 1e30, 1e38])
def test_a_run_that_overflows_leaves_no_false_number(
    optimizer: str, precision: str, rate: float
) -> None:
    """Every value is finite, absent or null; the run goes on to its own end."""
    settings = {"optimizer": optimizer, "precision": precision, "learning_rate": rate}
    found, status = records(5, activation="cube", **settings)
    assert "gradient_norm" in found[0]
    assert all(math.isfinite(value) for record in found for value in numbers(record))
    if rate > 1e15 and (precision, optimizer) != ("float64", "adam"):  # there all fits
        assert status.startswith("diverged")


def test_one_run_that_overflows_harms_no_other() -> None:
    group = cyclic(5)
    configs = [dataclasses.replace(CONFIG, learning_rate=rate) for rate in (0.01, 1e30, 0.01)]
    telemetry = tele.Telemetry(**EVERYTHING, irreps=irreps(group))
    from groupfeat.training import train_many

    runs = list(train_many(group, configs, observe=telemetry, observe_at=range(9)))
    assert [run.status.startswith("diverged") for run in runs] == [False, True, False]
    last = [{**record, "position": 0} for record in telemetry.run(2)]
    assert last == telemetry.run(0)
    assert len(last) == 9


@pytest.mark.parametrize("settings", [{"n_hidden": 64}, {"n_hidden": 6, "train_fraction": 0.1}])
def test_a_ridge_that_is_lost_leaves_its_numbers_out(settings: dict[str, Any]) -> None:
    """n = 20, K = 64 and n = 2, K = 6: F̃F̃ᵀ is singular, and η = 1e-30 is no help."""
    tiny, _ = records(5, weight_decay=1e-30, loss="mse_samples", **settings)
    fair, _ = records(5, weight_decay=1e-3, loss="mse_samples", **settings)
    assert tiny[0]["gradient_norm"] == fair[0]["gradient_norm"]
    assert tiny[0]["gradient_cosine_ridge"] is None
    assert fair[0]["gradient_cosine_ridge"] is not None
    assert "repulsion_pairs" not in tiny[0]
    assert "repulsion_pairs" in fair[0]


def test_a_lost_ridge_is_refused_where_it_is_asked_for() -> None:
    features = tele.given_features(np.ones((4, 3)), [0, 1, 0, 1], 2, centre="classes")
    for solve in (tele.solve_ridge, tele.interaction_matrix):
        with pytest.raises(tele.LostRidgeError, match=r"ridge 1e-14 is lost .* norm² 4"):
            solve(features, 1e-14)
        solve(features, 1e-6)


@pytest.mark.parametrize(
    "task", [table_task("t", np.arange(4)), table_task("c", np.zeros((3, 3), int)),
             word_task(cyclic(2), 3)], ids=["one operand", "one class", "words"]
)  # fmt: skip
def test_other_tasks_have_no_nodes_but_numbers(task: Any) -> None:
    telemetry = tele.Telemetry(**EVERYTHING, irreps=irreps(cyclic(2)))
    config = dataclasses.replace(CONFIG, activation="cube" if len(task.sizes) > 2 else "square")
    list(train(task, config, observe=telemetry, observe_at=(0, 8)))
    for record in telemetry.records:
        assert all(math.isfinite(value) for value in numbers(record))
        assert {"gradient_norm", "gram_off_diagonal", "repulsion_pairs"} <= set(record)
        assert "nodes_alive" not in record


@pytest.mark.parametrize(("order", "hidden"), [(5, 1), (1, 4)])
def test_a_snapshot_is_a_copy_however_small(order: int, hidden: int) -> None:
    """A transposed row is contiguous, and would be the training's own memory if not copied."""
    seen: list[Any] = []
    config = dataclasses.replace(CONFIG, n_hidden=hidden, loss="cross_entropy", learning_rate=0.1)
    list(train(cyclic(order), config, observe=seen.append, observe_at=(0, 8)))
    first, last = seen
    assert np.array_equal(first.second_layer, first.run.parameters["V"].T)
    assert not np.array_equal(first.second_layer, last.second_layer)
    assert not np.shares_memory(first.second_layer, last.second_layer)
