"""Checkpoints on the way, resuming, observers, dropped nodes."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from groupfeat.groups import cyclic, group_from_spec
from groupfeat.training import (
    Snapshot,
    TrainConfig,
    TrainedRun,
    check_resume,
    checkpoint_writer,
    load_checkpoint,
    load_network,
    log_epochs,
    resume,
    save_checkpoint,
    train,
    train_many,
)

GROUP = group_from_spec("S3")
CONFIG = TrainConfig(n_hidden=24, epochs=200, stop="never", weight_decay=1e-3)
KINDS: dict[str, dict[str, Any]] = {
    "adam": {},
    "adamw": {"optimizer": "adamw"},
    "sgd": {"optimizer": "sgd", "momentum": 0.9, "warmup_epochs": 120},
    "gd": {"optimizer": "gd", "weight_norm": "node"},
    "muon": {"optimizer": "muon", "other_layers": 1, "loss": "cross_entropy"},
    "cosine": {"schedule": "cosine", "embedding": 4, "bias": True},
    "norm": {"batch_norm": True, "activation": "relu"},
    "complex": {"complex_weights": True, "weight_norm": "total"},
    "ridge": {"ridge": 1e-3, "loss": "mse_samples"},
    "complex ridge": {"ridge": 1e-3, "loss": "mse_samples", "complex_weights": True},
    "complex muon": {"optimizer": "muon", "complex_weights": True},
    "float64": {"precision": "float64", "loss": "stablemax"},
    "bfloat16": {"precision": "bfloat16"},
}


def same(a: TrainedRun, b: TrainedRun) -> None:
    assert np.array_equal(a.first_layer, b.first_layer)
    assert np.array_equal(a.second_layer, b.second_layer)
    for mine, theirs in ((a.parameters, b.parameters), (a.optimizer_state, b.optimizer_state)):
        assert set(mine) == set(theirs)
        assert all(np.array_equal(mine[name], theirs[name]) for name in mine)
    assert (a.history, a.status, a.epochs) == (b.history, b.status, b.epochs)
    assert (a.config, a.seed) == (b.config, b.seed)
    assert (a.memorized_at, a.generalized_at) == (b.memorized_at, b.generalized_at)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pause", [0, 103])
def test_a_resumed_run_is_the_run_that_never_paused(kind: str, pause: int, tmp_path: Path) -> None:
    """200 epochs at once, against a checkpoint at ``pause`` read back and trained on."""
    config, written = dataclasses.replace(CONFIG, **KINDS[kind]), list[Path]()
    write = checkpoint_writer(tmp_path, written)
    (straight,) = train(GROUP, config, seeds=[5], observe=write, observe_at=[pause])
    (path,) = written
    assert path.name == f"run-5-at-{pause}.safetensors"
    paused = load_checkpoint(path)
    assert (paused.status, paused.epochs) == ("running", pause)
    same(resume(paused, GROUP), straight)
    same(load_checkpoint(save_checkpoint(tmp_path / "end.safetensors", straight, GROUP)), straight)


def test_a_finished_run_can_be_given_more_epochs() -> None:
    (short,) = train(GROUP, dataclasses.replace(CONFIG, epochs=100), seeds=[5])
    (straight,) = train(GROUP, CONFIG, seeds=[5])
    same(resume(short, GROUP, epochs=200), straight)


def test_a_run_that_settled_keeps_its_stopping_rule() -> None:
    """Paused after it generalised, the resumed run stops at the same epoch as the straight one."""
    config = TrainConfig(train_fraction=0.95, epochs=2000, settle_epochs=100)
    seen: list[Snapshot] = []

    def late(snapshot: Snapshot) -> None:
        if snapshot.run.generalized_at is not None:
            seen.append(snapshot)

    runs = list(train(GROUP, config, seeds=range(3), observe=late))
    ended = next(run for run in runs if run.epochs < config.epochs)
    paused = next(s for s in seen if s.seed == ended.seed and s.epoch < ended.epochs)
    same(resume(paused.run, GROUP), ended)


@pytest.mark.parametrize(
    ("change", "epochs", "message"),
    [
        ({}, None, "is at epoch 200; ask for more epochs"),
        ({"parameters": {}}, 300, "holds no optimiser state"),
        ({"status": "diverged: loss is not finite"}, 300, "diverged.*resume an earlier checkpoint"),
        ({"group_name": "C6"}, 300, "was trained on C6, got S3"),
        (
            {"config": dataclasses.replace(CONFIG, schedule="cosine")},
            300,
            "cosine schedule ends at epoch 200",
        ),
    ],
)
def test_runs_that_cannot_go_on_are_refused(
    change: dict[str, Any], epochs: int | None, message: str
) -> None:
    (run,) = train(GROUP, CONFIG, seeds=[5])
    for way in (resume, check_resume):
        with pytest.raises(ValueError, match=message):
            way(dataclasses.replace(run, **change), GROUP, epochs=epochs)


def test_the_config_that_a_run_goes_on_with() -> None:
    (run,) = train(GROUP, dataclasses.replace(CONFIG, epochs=20), seeds=[5])
    assert check_resume(run, GROUP, epochs=30) == dataclasses.replace(run.config, epochs=30)


def test_observers_see_copies_at_the_epochs_asked_for() -> None:
    seen: list[Snapshot] = []
    config = dataclasses.replace(CONFIG, epochs=30)
    runs = list(train(GROUP, config, seeds=[3, 4], observe=seen.append, observe_at=[0, 7, 30]))
    assert [(s.position, s.seed, s.epoch) for s in seen] == [
        (p, seed, e) for p, seed in enumerate((3, 4)) for e in (0, 7, 30)
    ]
    assert np.array_equal(seen[2].first_layer, runs[0].first_layer)
    assert not np.array_equal(seen[1].first_layer, seen[2].first_layer)
    assert all(not s.first_layer.flags.writeable for s in seen)
    pairs = seen[0].pairs
    assert pairs is not None
    assert len(pairs) == round(0.8 * 36)
    assert seen[0].config.pair_seed == 3


def test_observing_changes_nothing_and_the_default_is_every_evaluation() -> None:
    seen: list[Snapshot] = []
    config = dataclasses.replace(CONFIG, epochs=35)
    (plain,) = train(GROUP, config, seeds=[1])
    (watched,) = train(GROUP, config, seeds=[1], observe=seen.append)
    same(plain, watched)
    assert [s.epoch for s in seen] == [0, 10, 20, 30, 35]


def test_log_epochs_are_distinct_and_end_at_the_end() -> None:
    for epochs in (1, 2, 9, 1000, 12345):
        found = log_epochs(epochs)
        assert found[0] == 0
        assert found[-1] == epochs
        assert sorted(set(found)) == list(found)
    with pytest.raises(ValueError, match="must be at least 1, got 0"):
        log_epochs(0)


def test_one_flipped_byte_is_noticed(tmp_path: Path) -> None:
    (run,) = train(GROUP, dataclasses.replace(CONFIG, epochs=5), seeds=[5])
    path = save_checkpoint(tmp_path / "a.safetensors", run, GROUP)
    content = bytearray(path.read_bytes())
    content[-50] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"cannot read 'a\.safetensors'.*do not match"):
        load_checkpoint(path)


def test_a_header_that_is_no_story_is_refused(tmp_path: Path) -> None:
    for story in ("{", "[]", "{}", json.dumps({"config": {"optimizer": "adam", "x": 1}})):
        path = tmp_path / "a.safetensors"
        save_file({"W": np.ones(2)}, path, metadata={"format": "groupfeat-run-2", "run": story})
        with pytest.raises(ValueError, match=r"cannot read 'a\.safetensors'"):
            load_checkpoint(path)


def test_the_first_format_still_loads_and_cannot_be_resumed(tmp_path: Path) -> None:
    """A file as the first release wrote it: W, V and a config of the first fields only."""
    (run,) = train(GROUP, dataclasses.replace(CONFIG, epochs=5), seeds=[5])
    config = {"n_hidden": 24, "optimizer": "adam", "momentum": 0.5, "epochs": 5}
    keys = ("seed", "status", "epochs", "memorized_at", "generalized_at", "history")
    story = {"group": "S3", "config": config, **{key: getattr(run, key) for key in keys}}
    path = tmp_path / "old.safetensors"
    save_file(
        {"W": np.array(run.first_layer), "V": np.array(run.second_layer)},
        path,
        metadata={"format": "groupfeat-run-1", "run": json.dumps(story)},
    )
    old = load_checkpoint(path)
    assert np.array_equal(old.first_layer, run.first_layer)
    assert (old.config.n_hidden, old.config.momentum, old.history) == (24, 0.0, run.history)
    assert load_network(path, GROUP).first_layer.shape == (12, 24)
    with pytest.raises(ValueError, match="holds no optimiser state"):
        resume(old, GROUP, epochs=10)


@pytest.mark.parametrize(
    ("kind", "readable"),
    [("adam", True), ("norm", True), ("muon", False), ("complex", False), ("cosine", False)],
)
def test_only_a_whole_two_layer_network_is_offered_as_one(
    kind: str, readable: bool, tmp_path: Path
) -> None:
    config = dataclasses.replace(CONFIG, epochs=3, **KINDS[kind])
    (run,) = train(GROUP, config, seeds=[5])
    path = save_checkpoint(tmp_path / "a.safetensors", run, GROUP)
    with safe_open(path, framework="numpy") as file:
        assert ("W" in set(file.keys())) is readable
    if kind in ("muon", "complex"):
        with pytest.raises(ValueError, match="validate reads networks of two real layers"):
            load_network(path, GROUP)
    else:  # an output bias is read from its own array
        assert load_network(path, GROUP).first_layer.shape == (12, 24)


def test_dropped_nodes_change_nothing_and_stay_out() -> None:
    """On Z11 most nodes die; without them W and V stay what they are to rounding.

    Products of another width round otherwise on some processors; 1500 steps make 1e-8 of it.
    """
    config = TrainConfig(n_hidden=48, epochs=1500, stop="never", precision="float64")
    (whole,) = train(cyclic(11), config, seeds=[2])
    seen: list[Snapshot] = []
    drop = dataclasses.replace(config, dead_nodes="drop")
    (fewer,) = train(cyclic(11), drop, seeds=[2], observe=seen.append, observe_at=[1333])
    dead = ~fewer.first_layer.any(0)
    assert 5 < dead.sum() < 48
    np.testing.assert_allclose(fewer.first_layer, whole.first_layer, atol=1e-7)
    np.testing.assert_allclose(
        fewer.second_layer[~dead], whole.second_layer[~dead], rtol=1e-6, atol=1e-7
    )
    for name, mine in fewer.history.items():
        np.testing.assert_allclose(mine, whole.history[name], rtol=1e-5, atol=1e-8)
    same(resume(seen[0].run, cyclic(11)), fewer)


def test_configs_that_differ_in_everything_train_side_by_side() -> None:
    """Each run is bit for bit what it is alone; one diverges and harms no other."""
    base = dataclasses.replace(CONFIG, epochs=60)
    changes: list[dict[str, Any]] = [
        {"learning_rate": 0.001, "train_fraction": 0.5},
        {"optimizer": "sgd", "learning_rate": 1e6, "init": "normal", "init_scale": 5.0},
        {"n_hidden": 7, "weight_decay": 0.0, "alpha": 0.1, "epochs": 33},
        {"optimizer": "muon", "loss": "cross_entropy", "precision": "float64"},
    ]
    configs = [dataclasses.replace(base, **change) for change in changes]
    together = list(train_many(GROUP, configs, seeds=[4, 5, 6, 7]))
    assert [run.status.startswith("diverged") for run in together] == [False, True, False, False]
    for seed, config, run in zip((4, 5, 6, 7), configs, together, strict=True):
        (alone,) = train(GROUP, config, seeds=[seed])
        if not run.status.startswith("diverged"):
            same(alone, run)
    with pytest.raises(ValueError, match="a seed for each of 4 configs, got 1"):
        list(train_many(GROUP, configs, seeds=[1]))


def test_pairs_and_weights_have_seeds_of_their_own() -> None:
    config = dataclasses.replace(CONFIG, epochs=1, pair_seed=9)
    seen: list[Snapshot] = []
    list(train(GROUP, config, seeds=[1, 2], observe=seen.append, observe_at=[0]))
    assert np.array_equal(seen[0].codes, seen[1].codes)
    assert not np.array_equal(seen[0].first_layer, seen[1].first_layer)
    list(
        train(
            GROUP,
            dataclasses.replace(config, pair_seed=None, init_seed=3),
            seeds=[1, 2],
            observe=seen.append,
            observe_at=[0],
        )
    )
    assert not np.array_equal(seen[2].codes, seen[3].codes)
    assert np.array_equal(seen[2].first_layer, seen[3].first_layer)
