"""Checkpoints that were cut, forged, or written by another version are refused in words."""

import dataclasses
import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from groupfeat.groups import cyclic, group_from_spec
from groupfeat.training import (
    TrainConfig,
    TrainedRun,
    checkpoint_group,
    expression_task,
    load_checkpoint,
    resume,
    save_checkpoint,
    table_task,
    train,
    word_task,
)
from groupfeat.training.run import _run_files

GROUP = group_from_spec("S3")
CONFIG = TrainConfig(n_hidden=6, epochs=20, stop="never")
Arrays = dict[str, Any]
Story = dict[str, Any]


@pytest.fixture(scope="module")
def run() -> TrainedRun:
    return next(train(GROUP, CONFIG))


def forge(
    run: TrainedRun,
    folder: Path,
    change: Callable[[Arrays, Story], object],
    *,
    form: str = _run_files.FORMAT,
) -> Path:
    """Write a checkpoint that was changed by someone who also mends its checksum."""
    path = save_checkpoint(folder / "a.safetensors", run, GROUP)
    with safe_open(path, framework="numpy") as file:
        story = json.loads(file.metadata()["run"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    changed = change(arrays, story)
    told = story if not isinstance(changed, list) else changed
    if isinstance(told, dict) and "arrays_sha256" in told:
        told["arrays_sha256"] = _run_files._digest(arrays)
    save_file(arrays, path, metadata={"format": form, "run": json.dumps(told)})
    return path


STORIES: list[tuple[Callable[[Arrays, Story], object], str]] = [
    (lambda a, s: [1], "its header is not a run's"),
    (lambda a, s: s.pop("seed"), "its header lacks 'seed'"),
    (lambda a, s: s.pop("config"), "its header lacks 'config'"),
    (lambda a, s: s.update(seed="0"), "gives seed '0', expected a whole number"),
    (lambda a, s: s.update(seed=-1), "a negative seed"),
    (lambda a, s: s.update(epochs=True), "gives epochs True, expected a whole number"),
    (lambda a, s: s.update(history=[]), r"gives history \[\], expected columns"),
    (lambda a, s: s["history"].update(epoch=3), "no table of columns"),
    (lambda a, s: s["history"]["epoch"].pop(), "no table of columns"),
    (lambda a, s: s["history"]["train_loss"].__setitem__(0, "x"), "holds 'x' as train_loss"),
    (lambda a, s: s["history"]["epoch"].__setitem__(0, 99), "does not climb to epoch 20"),
    (lambda a, s: s.update(epochs=5), "does not climb to epoch 5"),
    (lambda a, s: s["config"].update(n_hidden=7), r"its W has shape \(12, 6\), its config says"),
    (lambda a, s: s["config"].update(hidden=7), "unknown setting 'hidden'"),
    (lambda a, s: s["config"].update(learning_rate=-1), "learning_rate must be positive"),
    (lambda a, s: s["config"].update(optimizer=["adam"]), "cannot read 'a.safetensors'"),
    (lambda a, s: s.pop("arrays_sha256"), "do not match their checksum"),
]
ARRAYS: list[tuple[Callable[[Arrays, Story], object], str]] = [
    (lambda a, s: a.pop("W"), "it lacks the array 'W'"),
    (lambda a, s: a.pop("V"), "it lacks the array 'V'"),
    (lambda a, s: a.update(W=a["W"].reshape(6, 12)), r"its W has shape \(6, 12\)"),
    (lambda a, s: a.update(V=a["V"][:5].copy()), r"its V has shape \(5, 6\)"),
    (lambda a, s: a.update(W=a["W"].ravel().copy()), r"its W has shape \(72,\)"),
    (lambda a, s: a.update(W=a["W"].astype(np.int64)), "its W holds int64, expected floats"),
    (lambda a, s: a.update(W_imag=a["W"].copy()), "it lacks the array 'V_imag'"),
]


@pytest.mark.parametrize(("change", "message"), STORIES + ARRAYS, ids=range(24))
def test_forged_files_are_refused(
    change: Callable[[Arrays, Story], object], message: str, run: TrainedRun, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        load_checkpoint(forge(run, tmp_path, change))


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 100, -1, -500])
def test_cut_files_are_refused(cut: int, run: TrainedRun, tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "a.safetensors", run, GROUP)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match=r"cannot read 'a\.safetensors'"):
        load_checkpoint(path)


def test_a_flipped_bit_is_noticed(run: TrainedRun, tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "a.safetensors", run, GROUP)
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="do not match their checksum"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("groupfeat-run-3", "written by a later groupfeat; .*upgrade"),
        ("groupfeat-run-x", "is no groupfeat run"),
        ("pt", "is no groupfeat run"),
    ],
)
def test_other_versions(form: str, message: str, run: TrainedRun, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        load_checkpoint(forge(run, tmp_path, lambda a, s: None, form=form))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a, s: a.pop("optimizer.W.m"), r"W\.m is absent, expected float32 \(12, 6\)"),
        (
            lambda a, s: a.update({"optimizer.V.v": a["optimizer.V.v"].T.copy()[:3]}),
            r"V\.v is float32 \(3, 6\), expected float32 \(6, 6\)",
        ),
        (lambda a, s: a.update({"optimizer.X.m": a["V"]}), r"X\.m is float32 .*expected none"),
        (lambda a, s: s["config"].update(precision="float64"), "V is float32 .*expected float64"),
        (lambda a, s: s["config"].update(bias=True), "bias is absent"),
        (lambda a, s: s["config"].update(embedding=10**12), "training needs about"),
        (lambda a, s: s.update(history={}), "history lacks its epochs"),
    ],
    ids=range(7),
)
def test_what_does_not_fit_is_read_but_not_resumed(
    change: Callable[[Arrays, Story], object], message: str, run: TrainedRun, tmp_path: Path
) -> None:
    stored = load_checkpoint(forge(run, tmp_path, change))
    with pytest.raises(ValueError, match=message):
        resume(stored, GROUP, epochs=30)


def test_a_table_that_changed_is_noticed(tmp_path: Path) -> None:
    labels = np.arange(16).reshape(4, 4) % 3
    task = table_task("mine", labels)
    path = save_checkpoint(tmp_path / "a.safetensors", next(train(task, CONFIG)), task)
    assert load_checkpoint(path, task).group_name == "mine"
    for other in (table_task("mine", labels[::-1]), cyclic(4)):
        with pytest.raises(ValueError, match="was trained on mine, whose labels are not those of"):
            load_checkpoint(path, other)


def test_other_tasks_name_no_group(tmp_path: Path) -> None:
    for task in (expression_task("x*y + 1 mod 5"), word_task(cyclic(3), 3)):
        config = dataclasses.replace(CONFIG, activation="cube")
        path = save_checkpoint(tmp_path / "a.safetensors", next(train(task, config)), task)
        with pytest.raises(ValueError, match="not on products gh of a group"):
            checkpoint_group(path)


def test_a_full_disk_keeps_the_older_file(run: TrainedRun, tmp_path: Path) -> None:
    path, limits = tmp_path / "a.safetensors", resource.getrlimit(resource.RLIMIT_FSIZE)
    save_checkpoint(path, run, GROUP)
    before = path.read_bytes()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"cannot write .*; an older file is kept"):
            save_checkpoint(path, run, GROUP)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]
    same = dataclasses.replace(load_checkpoint(path))
    assert np.array_equal(same.first_layer, run.first_layer)
