"""The status against the columns: what is reached, lost, or lost in a loss that rose."""

import dataclasses
import itertools
from typing import Any

import pytest

from groupfeat.groups import cyclic, group_from_spec
from groupfeat.training import TrainConfig, TrainedRun, product_task, resume, train
from groupfeat.training.many._train import settle
from groupfeat.training.run._outcome import Lasting, lasting_columns, outcome
from groupfeat.training.run._progress import Run

VARIANTS: dict[str, dict[str, Any]] = {
    "complex": {"complex_weights": True},
    "bias": {"bias": True},
    "norm": {"batch_norm": True},
    "embedding": {"embedding": 6},
    "deep": {"other_layers": 1, "activation": "relu"},
    "ridge": {"loss": "mse_samples", "ridge": 0.01},
    "node": {"weight_norm": "node"},
    "drop": {"dead_nodes": "drop"},
    "momentum": {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.3},
    "muon": {"optimizer": "muon", "learning_rate": 0.02},
    "schedule": {"schedule": "cosine", "warmup_epochs": 20},
    "bfloat16": {"precision": "bfloat16"},
    "theory": {"loss": "mse_samples"},
    "entropy": {"loss": "cross_entropy"},
}
BASE = TrainConfig(n_hidden=32, epochs=120, settle_epochs=30)


def pairs_of_variants() -> list[TrainConfig]:
    """Return every two variants together that a config accepts."""
    found = []
    for a, b in itertools.combinations(VARIANTS.values(), 2):
        try:
            found.append(dataclasses.replace(BASE, **{**a, **b}))
        except ValueError:
            continue
    return found


def check_consistent(run: TrainedRun) -> None:
    """Hold the status against the last accuracies, the epochs and the losses."""
    goal = run.config.stop_accuracy
    train_share, test_share = run.last("train_accuracy"), run.last("test_accuracy")
    assert train_share is not None
    assert test_share is not None
    word = run.status.partition(":")[0]
    if word == "diverged":
        return
    fits = "memorised" if train_share >= goal else "not fitted"
    assert word == ("generalised" if test_share >= goal else fits)
    assert run.memorized_at is not None or train_share < goal
    assert run.generalized_at is not None or test_share < goal
    if word == "generalised":
        return
    lost = [
        f"{name} from epoch {since}, lost at"
        for name, since, last in (
            ("generalised", run.generalized_at, test_share),
            ("memorised", run.memorized_at, train_share),
        )
        if since is not None and last < goal
    ]
    assert ("lost at" in run.status) == bool(lost)
    assert not lost or lost[0] in run.status
    losses = run.history["train_loss"]
    assert word != "not fitted" or losses[-1] > 0.1 * losses[0]


@pytest.mark.parametrize("spec", ["C5", "S3"])
def test_pairs_of_variants_contradict_nothing(spec: str) -> None:
    group, configs, fitted = group_from_spec(spec), pairs_of_variants(), 0
    assert len(configs) > 50
    for config in configs:
        (run,) = train(group, config)
        check_consistent(run)
        fitted += run.memorized_at is not None
    assert fitted > len(configs) / 2


def test_an_accuracy_that_lasted_and_was_lost_is_told() -> None:
    """A rate at which AdamW throws the network back after it had fitted for 90 steps."""
    rates = {"learning_rate": 1.0, "weight_decay": 0.012}
    config = TrainConfig(n_hidden=32, optimizer="adamw", epochs=200, settle_epochs=50, **rates)
    (run,) = train(cyclic(5), config)
    assert run.memorized_at is not None
    said = f"not fitted: memorised from epoch {run.memorized_at}, lost at "
    assert run.status.startswith(said)
    assert run.status.endswith("; lower learning_rate")
    check_consistent(run)


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_a_loss_that_rises_without_end_is_told(optimizer: str) -> None:
    """It stays finite: no divergence, and the run is not cut short."""
    rates = {"learning_rate": 1e3, "weight_decay": 5e-4}
    config = TrainConfig(n_hidden=32, optimizer=optimizer, epochs=60, **rates)
    (run,) = train(cyclic(23), config)
    assert run.epochs == 60
    first, peak = run.history["train_loss"][0], max(run.history["train_loss"])
    at = run.history["epoch"][run.history["train_loss"].index(peak)]
    said = f"loss rose from {first:.3g} to {peak:.3g} by epoch {at}; lower learning_rate"
    assert run.status == f"not fitted: {said}"


def test_a_loss_that_rose_and_fell_leaves_the_status_alone() -> None:
    """A catapult: up beyond five times the first loss within a few steps, then down to a fit."""
    config = TrainConfig(n_hidden=32, learning_rate=0.3, init_scale=1.0, epochs=400, eval_every=1)
    (run,) = train(cyclic(5), config)
    losses = run.history["train_loss"]
    assert max(losses) > 5 * losses[0]
    assert run.status in ("memorised", "generalised")


def told(train_shares: list[float], test_shares: list[float], losses: list[float]) -> str:
    history = {
        "epoch": [10.0 * i for i in range(len(losses))],
        "train_accuracy": train_shares,
        "test_accuracy": test_shares,
        "train_loss": losses,
    }
    return outcome(history, lasting_columns(history, 1.0, 10), "advice")


@pytest.mark.parametrize(
    ("shares", "losses", "status"),
    [
        (([0, 0], [0, 0]), [1, 2], "not fitted"),
        (([0, 0], [0, 0]), [1, 2.01], "not fitted: loss rose from 1 to 2.01 by epoch 10; advice"),
        (
            ([0, 0, 0], [0, 0, 0]),
            [1, 9, 1],
            "not fitted: loss rose from 1 to 9 by epoch 10; advice",
        ),
        (([0, 1], [0, 0]), [1, 9], "memorised"),
        (([0, 0], [0, 1]), [1, 9], "generalised"),
        (
            ([0, 1, 1, 0], [0] * 4),
            [1, 9, 1, 1],
            "not fitted: memorised from epoch 10, lost at 30; advice",
        ),
        (([0, 1, 0], [0] * 3), [1, 1, 1], "not fitted"),  # a touch
        (
            ([0, 1, 1, 1], [0, 1, 1, 0]),
            [1] * 4,
            "memorised: generalised from epoch 10, lost at 30; advice",
        ),
        (
            ([0, 1, 1, 0, 0], [0, 1, 1, 1, 0]),
            [1] * 5,
            "not fitted: generalised from epoch 10, lost at 40; advice",
        ),
        (([0, 1, 1, 0, 1], [0] * 5), [1] * 5, "memorised"),  # lost and found
        (
            ([0, 1, 1, 0, 1, 0], [0] * 6),
            [1] * 6,
            "not fitted: memorised from epoch 10, lost at 50; advice",
        ),
    ],
)
def test_the_rules_of_a_status(
    shares: tuple[list[float], list[float]], losses: list[float], status: str
) -> None:
    assert told(*shares, losses) == status


@pytest.mark.parametrize("steps", [0, 10, 20, 25])
def test_rows_one_by_one_tell_what_the_whole_column_tells(steps: int) -> None:
    """Every column of up to seven marks, against the rules looked up in the whole of it."""
    for length in range(1, 8):
        epochs = [10 * i for i in range(length)]
        for good in itertools.product([False, True], repeat=length):
            found = Lasting(0.5, steps)
            for epoch, holds in zip(epochs, good, strict=True):
                found.add(epoch, float(holds))
            starts = []
            for i in range(1, length):
                held = len(list(itertools.takewhile(bool, good[i:])))
                fresh = held and (i == 1 or not good[i - 1])
                if fresh and (i + held == length or epochs[i + held - 1] - epochs[i] >= steps):
                    starts.append(i)
            assert found.since == (epochs[starts[0]] if starts else None)
            run = len(list(itertools.takewhile(bool, reversed(good))))
            assert found.held == (epochs[length - run] if run else None)


@pytest.mark.parametrize("stop", ["settled", "memorised", "never"])
def test_the_end_by_rows_is_the_end_by_the_history(stop: str) -> None:
    """Before every step, and in the middle of a run that goes on from a file."""
    config = TrainConfig(
        n_hidden=24, epochs=150, eval_every=7, settle_epochs=40, stop=stop, train_fraction=1.0
    )
    task = product_task(cyclic(5))
    run = Run(task, settle(task, config, 0), 0)
    seen = []
    for _ in run.advance(lambda epoch, due: due):
        good = [value >= config.stop_accuracy for value in run.history["train_accuracy"]]
        held = len(list(itertools.takewhile(bool, reversed(good))))
        since = run.history["epoch"][len(good) - held] if held else None
        ends = {"settled": 40, "memorised": run.epoch - (since or 0), "never": 10**6}[stop]
        assert run.end == (150 if since is None else min(150, since + ends))
        seen.append(run.end)
    assert stop == "never" or len(set(seen)) > 1
    whole = run.result()
    half = dataclasses.replace(config, epochs=max(run.epoch // 2, 1))
    (first,) = train(task, half)
    again = resume(first, task, epochs=150)
    assert (again.epochs, again.history) == (whole.epochs, whole.history)
