"""What configs, checkpoints and matches promise, each broken once to see it fail."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from groupfeat.energy import predicted_families, sample_family
from groupfeat.groups import Irreps, group_from_spec, irreps, real_families
from groupfeat.training import (
    MatchThresholds,
    TrainConfig,
    TrainedRun,
    load_checkpoint,
    load_network,
    match_nodes,
    save_checkpoint,
    train,
)
from tests.training.oracles import initial_weights

GROUP = group_from_spec("S3")


def short_run(**settings: object) -> TrainedRun:
    config = dataclasses.replace(TrainConfig(n_hidden=8, epochs=20), **settings)
    return next(iter(train(GROUP, config, seeds=[1])))


def test_initial_weights_follow_their_scheme_and_scales() -> None:
    config = TrainConfig(n_hidden=4096, init="normal", init_scale=2.0, alpha=0.25)
    first, second = initial_weights(6, config, 0, torch.float64)
    assert float(first.std()) == pytest.approx(2.0, rel=0.02)
    assert float(second.std()) == pytest.approx(0.25, rel=0.02)
    assert float(first.abs().max()) > 3 * 2.0
    config = dataclasses.replace(config, init="linear")
    first, second = initial_weights(6, config, 0, torch.float64)
    for layer, bound in ((first, 2 / np.sqrt(12)), (second, 0.25 / np.sqrt(4096))):
        assert 0.99 * bound < float(layer.abs().max()) <= bound
        assert float(layer.std()) == pytest.approx(bound / np.sqrt(3), rel=0.02)


def test_generalisation_must_last() -> None:
    """A run stops `settle_epochs` after the start of its last stretch, not of its first."""
    settle = 30
    config = TrainConfig(train_fraction=0.9, epochs=1500, settle_epochs=settle)
    broken = 0
    for run in train(GROUP, config, seeds=range(6)):
        good = np.array(run.history["test_accuracy"]) >= config.stop_accuracy
        if run.epochs == config.epochs:
            continue
        lasting = np.flatnonzero(~good)[-1] + 1
        assert run.epochs == run.history["epoch"][lasting] + settle
        broken += bool(good[:lasting].any())
    assert broken


@pytest.mark.parametrize("name", ["n_hidden", "epochs", "eval_every", "settle_epochs"])
@pytest.mark.parametrize("value", [8.5, True, "8", None])
def test_counts_must_be_whole(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name} must be an int, got {value!r}"):
        dataclasses.replace(TrainConfig(), **{name: value})


@pytest.mark.parametrize("name", ["learning_rate", "alpha", "weight_decay", "train_fraction"])
def test_numbers_must_be_numbers(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a number, got '0.1'"):
        dataclasses.replace(TrainConfig(), **{name: "0.1"})


def test_seeds_may_come_from_numpy(tmp_path: Path) -> None:
    (run,) = train(GROUP, TrainConfig(n_hidden=8, epochs=20), seeds=np.arange(1, 2))  # type: ignore[arg-type]
    assert np.array_equal(run.first_layer, short_run().first_layer)
    assert load_checkpoint(save_checkpoint(tmp_path / "a.safetensors", run, GROUP)).seed == 1


def test_weights_that_blow_up_in_the_last_step_are_named() -> None:
    config = {"optimizer": "sgd", "learning_rate": 1e30, "epochs": 1, "init": "normal"}
    run = short_run(**config, init_scale=10.0)
    assert run.status == "diverged: loss is not finite at epoch 1; lower learning_rate"


def test_checkpoints_keep_apart_when_memorised_and_when_generalised(tmp_path: Path) -> None:
    run = dataclasses.replace(short_run(), memorized_at=3, generalized_at=7)
    again = load_checkpoint(save_checkpoint(tmp_path / "a.safetensors", run, GROUP))
    assert (again.memorized_at, again.generalized_at) == (3, 7)


@pytest.mark.parametrize("step", ["os.replace", "groupfeat.training.run._run_files.save_file"])
def test_an_interrupted_write_leaves_the_old_file_and_no_other(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_checkpoint(tmp_path / "a.safetensors", short_run(), GROUP)
    before = path.read_bytes()

    def fail(*args: object, **_: object) -> None:
        if step != "os.replace":
            Path(str(args[1])).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail) if step == "os.replace" else monkeypatch.setattr(
        step, fail
    )
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(path, short_run(epochs=30), GROUP)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_run_is_not_saved_under_another_group(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="trained on S3, got C6; pass that"):
        save_checkpoint(tmp_path / "a.safetensors", short_run(), group_from_spec("C6"))
    assert not list(tmp_path.iterdir())


def test_absent_and_damaged_checkpoints_are_refused(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "a.safetensors", short_run(), GROUP)
    path.write_bytes(path.read_bytes()[:-100])
    for name in ("a.safetensors", "none.safetensors"):
        with pytest.raises(ValueError, match=f"cannot read '{name}'.*expected a groupfeat run"):
            load_checkpoint(tmp_path / name)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(value: float, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, W=np.ones((12, 4)), V=np.full((4, 6), value))
    with pytest.raises(ValueError, match="holds NaN or infinite weights"):
        load_network(path, GROUP)


LOOSE = MatchThresholds(share=0.5, rank_one=0.0, energy=0.0)


def blocks_of(spec: str, seed: int) -> tuple[Irreps, list[NDArray[np.float64]]]:
    reps = irreps(group_from_spec(spec))
    families = predicted_families(reps)
    return reps, [sample_family(f, reps, count=2, rng=seed) for f in families]


def test_blocks_on_different_irreps_do_not_match_whatever_the_other_thresholds() -> None:
    reps, points = blocks_of("C7", 0)
    mixed = np.concatenate([3 * points[0][0, :7], 0.8 * points[1][0, 7:]])
    for w, matched in ((mixed, 0), (points[0][0], 1)):
        assert match_nodes(w[:, None], np.ones((1, 7)), reps, thresholds=LOOSE).matched == matched


def test_a_node_of_rank_two_does_not_match_by_default() -> None:
    """Two rank-one units of one irrep: share 1, energy 0.8, rank-one share below 0.9."""
    reps = irreps(group_from_spec("S4"))
    position = next(i for i, f in enumerate(real_families(reps)[1:]) if reps[f[0]].dim == 3)
    matrices = np.real(reps[real_families(reps)[1:][position][0]].matrices())
    strong, weak = 0.95, np.sqrt(1 - 0.95**2)
    block = np.tensordot(matrices, np.diag([strong, weak, 0.0]), 2)
    w = np.concatenate([block, block])[:, None]
    second = np.ones((1, 24))
    (node,) = match_nodes(w, second, reps).nodes
    assert node.isotypic_share == pytest.approx(1)
    assert node.rank_one_share == pytest.approx(0.95**2)
    exact = MatchThresholds(rank_one=0.91, energy=0.5)
    assert match_nodes(w, second, reps, thresholds=exact).matched == 0
    assert match_nodes(w, second, reps, thresholds=dataclasses.replace(exact, rank_one=0.9)).matched
