"""Checkpoints, strangers' files, and files that must not run."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors

from groupfeat.groups import FiniteGroup, group_from_spec
from groupfeat.training import (
    TrainConfig,
    TrainedRun,
    checkpoint_group,
    load_checkpoint,
    load_network,
    network_accuracy,
    save_checkpoint,
    train,
)

GROUP = group_from_spec("S3")


@pytest.fixture(scope="module")
def run() -> TrainedRun:
    config = TrainConfig(train_fraction=0.9, n_hidden=64, epochs=600, settle_epochs=0)
    return next(iter(train(GROUP, config, seeds=[0])))


def test_checkpoints_come_back_whole(run: TrainedRun, tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "a.safetensors", run, GROUP)
    again = load_checkpoint(path)
    assert np.array_equal(again.first_layer, run.first_layer)
    assert np.array_equal(again.second_layer, run.second_layer)
    assert (again.config, again.seed, again.status) == (run.config, run.seed, run.status)
    assert again.history == run.history
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_failed_write_leaves_the_old_file(
    run: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_checkpoint(tmp_path / "a.safetensors", run, GROUP)
    before = path.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("groupfeat.training.run._run_files.save_file", fail)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(path, run, GROUP)
    assert path.read_bytes() == before


def write_as(kind: str, run: TrainedRun, folder: Path) -> Path:
    w, v = run.first_layer, run.second_layer
    path = folder / f"net{kind}"
    if kind == ".npz":
        np.savez(path, W=w, V=v)
    elif kind == ".safetensors":
        save_file({"W": np.ascontiguousarray(w), "V": np.ascontiguousarray(v)}, path)
    else:
        tensors = {"W.weight": torch.tensor(w.T.copy()), "V.weight": torch.tensor(v.T.copy())}
        content = tensors if kind == ".pt" else {"epoch": 3, "model": tensors}
        torch.save(content, path)
    return path


@pytest.mark.parametrize("kind", [".npz", ".safetensors", ".pt", ".pth"])
def test_every_layout_gives_the_same_network(kind: str, run: TrainedRun, tmp_path: Path) -> None:
    network = load_network(write_as(kind, run, tmp_path), GROUP)
    np.testing.assert_array_equal(network.first_layer, run.first_layer)
    np.testing.assert_array_equal(network.second_layer, run.second_layer)


def test_our_checkpoint_tells_its_activation(run: TrainedRun, tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "a.safetensors", run, GROUP)
    network = load_network(path, GROUP)
    assert network.activation == "square"
    seen = run.config.train_fraction
    train_accuracy, test_accuracy = run.last("train_accuracy"), run.last("test_accuracy")
    assert train_accuracy is not None
    assert test_accuracy is not None
    right = round(seen * 36) * train_accuracy + (36 - round(seen * 36)) * test_accuracy
    assert network_accuracy(network, GROUP, "square") == pytest.approx(right / 36)


def test_named_arrays(run: TrainedRun, tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    np.savez(path, first=run.first_layer, second=run.second_layer)
    network = load_network(path, GROUP, arrays=("first", "second"))
    assert network.first_layer.shape == (12, 64)
    with pytest.raises(ValueError, match=r"no array 'third'; it holds first \(12, 64\), second"):
        load_network(path, GROUP, arrays=("first", "third"))
    with pytest.raises(ValueError, match=r"first \(12, 64\), second \(64, 6\); expected W and V"):
        load_network(path, GROUP)


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (group_from_spec("C6"), "is of S3, whose Cayley table is not C6's"),
        (group_from_spec("S4"), "is of S3"),
    ],
)
def test_another_group_is_refused(
    group: FiniteGroup, message: str, run: TrainedRun, tmp_path: Path
) -> None:
    path = save_checkpoint(tmp_path / "a.safetensors", run, GROUP)
    with pytest.raises(ValueError, match=message):
        load_network(path, group)


def test_wrong_shapes_are_refused(run: TrainedRun, tmp_path: Path) -> None:
    path = write_as(".npz", run, tmp_path)
    with pytest.raises(ValueError, match=r"does not fit S4 of order 24: expected real W \(48, K\)"):
        load_network(path, group_from_spec("S4"))


class Evil:
    """Unpickling this would leave a file behind."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.flag,)


@pytest.mark.parametrize("kind", [".pt", ".pth", ".bin", ".npz", ".safetensors"])
def test_a_pickled_object_is_refused_without_running(kind: str, tmp_path: Path) -> None:
    flag, path = tmp_path / "ran", tmp_path / f"evil{kind}"
    if kind == ".npz":
        np.savez(path, W=np.array([Evil(flag)], dtype=object), V=np.ones(1))
    elif kind == ".pt":
        torch.save({"W.weight": Evil(flag)}, path)
    else:
        path.write_bytes(pickle.dumps({"W.weight": Evil(flag)}))
    with pytest.raises(ValueError, match=r"cannot read 'evil.* safely"):
        load_network(path, GROUP)
    assert not flag.exists()


@pytest.mark.parametrize(
    ("story", "message"),
    [
        ([1], "its header is not a run's"),
        ({"config": None}, "its header is not a run's"),
        ({"config": {"activation": ["x"]}}, "names the activation"),
        ({"config": {"beta": "2"}}, "beta must be a number, got '2'"),
    ],
)
def test_a_forged_header_is_refused(story: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    header = {"format": "groupfeat-run-2", "run": json.dumps(story)}
    save_file({"W": np.ones((12, 3)), "V": np.ones((3, 6))}, path, metadata=header)
    for read in (checkpoint_group, lambda file: load_network(file, GROUP)):
        with pytest.raises(ValueError, match=message):
            read(path)


@pytest.mark.parametrize("kind", [".pt", ".safetensors"])
def test_half_precision_is_read(kind: str, run: TrainedRun, tmp_path: Path) -> None:
    for dtype, step in ((torch.bfloat16, 2**-8), (torch.float16, 2**-11)):
        path = tmp_path / f"net{kind}"
        layers = {"W": torch.tensor(run.first_layer), "V": torch.tensor(run.second_layer)}
        halves = {name: layer.to(dtype) for name, layer in layers.items()}
        (torch.save if kind == ".pt" else save_tensors)(halves, path)
        found = load_network(path, GROUP)
        np.testing.assert_allclose(found.first_layer, run.first_layer, rtol=step, atol=1e-7)


@pytest.mark.parametrize("dtype", ["U3", [("x", "f8")]])
def test_arrays_that_are_no_numbers_are_refused(dtype: object, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", W=np.zeros((12, 3), dtype), V=np.ones((3, 6)))
    with pytest.raises(ValueError, match="where weights are expected"):
        load_network(tmp_path / "a.npz", GROUP)


def test_missing_and_foreign_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no file"):
        load_network(tmp_path / "none.pt", GROUP)
    path = tmp_path / "a.safetensors"
    save_file({"W": np.ones(2)}, path)
    with pytest.raises(ValueError, match="is no groupfeat run"):
        load_checkpoint(path)
