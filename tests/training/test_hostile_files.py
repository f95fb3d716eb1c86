"""Files and settings made to mislead: each is refused in words, quickly, and nothing is lost."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from analyzers.storage import write_json
from groupfeat.groups import cyclic
from groupfeat.training import (
    TrainConfig,
    TrainedRun,
    checkpoint_writer,
    load_checkpoint,
    load_network,
    load_table_task,
    resume,
    save_checkpoint,
    save_layers,
    train,
    train_many,
)
from groupfeat.training.run import _run_files

GROUP = cyclic(5)
CONFIG = TrainConfig(n_hidden=8, epochs=20, stop="never")
HUGE = 10**400


@pytest.fixture(name="run", scope="module")
def _run() -> TrainedRun:
    return next(train(GROUP, CONFIG))


def forged(
    run: TrainedRun, path: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]
) -> Path:
    """Write a checkpoint changed by someone who mends its checksums."""
    save_checkpoint(path, run, GROUP)
    with safe_open(path, framework="numpy") as file:
        header = dict(file.metadata())
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    story = json.loads(header["run"])
    change(story, arrays)
    story["arrays_sha256"] = _run_files._digest(arrays)
    header["run"] = json.dumps(story)
    header["run_sha256"] = _run_files._text_digest(header["run"])
    save_file(arrays, path, metadata=header)
    return path


@pytest.mark.parametrize("name", ["learning_rate", "eval_every", "settle_epochs", "beta", "epochs"])
def test_a_number_beyond_all_bounds_is_refused_in_words(
    name: str, run: TrainedRun, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f"{name} must be below 2⁶³"):
        TrainConfig(**{name: HUGE})
    path = forged(run, tmp_path / "a.safetensors", lambda s, _: s["config"].update({name: HUGE}))
    with pytest.raises(ValueError, match=f"{name} must be below 2⁶³"):
        load_checkpoint(path)


def test_a_header_whose_beta_is_beyond_all_bounds_names_no_network(
    run: TrainedRun, tmp_path: Path
) -> None:
    path = forged(run, tmp_path / "a.safetensors", lambda s, _: s["config"].update(beta=HUGE))
    with pytest.raises(ValueError, match="beta must be below"):
        load_network(path, GROUP)


def test_numpy_scalars_are_plain_numbers() -> None:
    config = TrainConfig(
        n_hidden=np.int64(4),  # type: ignore[arg-type]
        learning_rate=np.float64(0.01),
        bias=np.bool_(True),  # type: ignore[arg-type]
    )
    assert config == TrainConfig(n_hidden=4, learning_rate=0.01, bias=True)
    assert json.loads(json.dumps(config.to_dict()))["n_hidden"] == 4


def test_layers_that_the_file_lacks_are_not_drawn(
    run: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = forged(
        run, tmp_path / "a.safetensors", lambda s, _: s["config"].update(other_layers=100)
    )

    def drawn(*_: object) -> None:
        raise AssertionError("layers were drawn")

    monkeypatch.setattr("groupfeat.training.run._stored.initial_parameters", drawn)
    with pytest.raises(ValueError, match="it has 0 other layers, other_layers says 100"):
        resume(load_checkpoint(many), GROUP, epochs=40)


@pytest.mark.parametrize("read", [load_checkpoint, lambda path: load_network(path, GROUP)])
def test_a_later_format_is_not_guessed_at(
    read: Callable[[Path], object], run: TrainedRun, tmp_path: Path
) -> None:
    path = save_checkpoint(tmp_path / "a.safetensors", run, GROUP)
    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        header = dict(file.metadata()) | {"format": "groupfeat-run-3"}
    save_file(arrays, path, metadata=header)
    with pytest.raises(ValueError, match="upgrade groupfeat"):
        read(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s, _: s["history"].update(epoch=[0, float("nan"), 20]), "does not climb"),
        (lambda s, _: s["history"].update(epoch=[float("-inf"), 0, 20]), "does not climb"),
        (lambda s, _: s["history"].update(epoch=[0, 10, 10, 20][1:]), "does not climb"),
        (lambda s, _: s["history"].update(epoch=[0, 10, 21]), "does not climb"),
        (lambda s, _: s["history"].update(epoch=[0, 10, HUGE]), "history holds"),
        (lambda s, _: s.update(memorized_at=-5), "gives memorized_at -5, beyond its epochs"),
        (lambda s, _: s.update(generalized_at=21), "gives generalized_at 21, beyond"),
    ],
)
def test_a_history_that_cannot_be_is_refused(
    change: Callable[..., object], words: str, run: TrainedRun, tmp_path: Path
) -> None:
    assert run.history["epoch"] == [0, 10, 20]
    with pytest.raises(ValueError, match=words):
        load_checkpoint(forged(run, tmp_path / "a.safetensors", change))


def test_negative_mean_squares_are_not_gone_on_from(run: TrainedRun, tmp_path: Path) -> None:
    path = forged(
        run, tmp_path / "a.safetensors", lambda _, a: a["optimizer.W.v"].__setitem__((0, 0), -1)
    )
    with pytest.raises(ValueError, match=r"negative mean squares in W\.v"):
        resume(load_checkpoint(path), GROUP, epochs=40)


def written(kind: str, run: TrainedRun, path: Path) -> Path:
    if kind == ".json":
        return write_json(path.with_suffix(kind), {"a": 1})
    if kind == "run":
        return save_checkpoint(path.with_suffix(".safetensors"), run, GROUP)
    return save_layers(path.with_suffix(kind), run.first_layer, run.second_layer)


@pytest.mark.parametrize("kind", ["run", ".npz", ".safetensors", ".json"])
@pytest.mark.parametrize(("mask", "mode"), [(0o077, 0o600), (0o022, 0o644), (0o027, 0o640)])
def test_a_file_has_the_mode_that_the_umask_leaves(
    kind: str, mask: int, mode: int, run: TrainedRun, tmp_path: Path
) -> None:
    before = os.umask(mask)
    try:
        path = written(kind, run, tmp_path / "a")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", ["run", ".npz", ".safetensors", ".json"])
def test_no_planted_link_is_followed(
    kind: str, run: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even one that knows the neighbour's name beforehand."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    monkeypatch.setattr("secrets.token_hex", lambda _: "known")
    name = "a.safetensors" if kind == "run" else f"a{kind}"
    (tmp_path / f".{name}.known.part").symlink_to(victim)
    with pytest.raises((OSError, ValueError), match=r"cannot write|exists"):
        written(kind, run, tmp_path / "a")
    assert victim.read_text() == "precious"


def test_two_runs_of_one_seed_do_not_share_a_checkpoint(tmp_path: Path) -> None:
    write = checkpoint_writer(tmp_path)
    with pytest.raises(ValueError, match="runs 0 and 1 both have the seed 0"):
        list(train_many(GROUP, [CONFIG, CONFIG], observe=write, observe_at=[20]))
    assert [path.name for path in tmp_path.iterdir()] == ["run-0-at-20.safetensors"]
    again = tmp_path / "again"
    seeds = checkpoint_writer(again)
    list(train_many(GROUP, [CONFIG] * 2, seeds=[0, 1], observe=seeds, observe_at=[20]))
    assert len(list(again.iterdir())) == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"beta": 1e300}, "at epoch 0; no step was taken: lower init_scale, alpha or beta"),
        ({"weight_decay": 1e300, "optimizer": "gd"}, "lower weight_decay"),
        ({"learning_rate": 1e30, "optimizer": "gd", "weight_decay": 0.0}, "lower learning_rate"),
    ],
)
def test_advice_on_divergence_names_what_did_it(settings: dict[str, Any], words: str) -> None:
    (run,) = train(GROUP, TrainConfig(n_hidden=4, epochs=12, eval_every=1, **settings))
    assert run.status.startswith("diverged: loss is not finite")
    assert run.status.endswith(words)


@pytest.mark.parametrize("name", ["embedding", "other_layers"])
def test_a_lack_of_memory_is_told_of_the_setting_that_costs_it(name: str) -> None:
    with pytest.raises(ValueError, match=rf"lower {name} \({10**12}\)"):
        next(train(GROUP, TrainConfig(n_hidden=4, **{name: 10**12})))


def test_devices_are_names_or_torchs_own() -> None:
    one, other = (next(train(GROUP, CONFIG, device=d)) for d in ("cpu", torch.device("cpu")))
    assert one.history == other.history
    with pytest.raises(ValueError, match="cannot train on the device 'meta'"):
        next(train(GROUP, CONFIG, device="meta"))


def test_a_spreadsheets_byte_order_mark_is_no_label(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("0,1,2\n1,2,0\n2,0,1\n".encode("utf-8-sig"))
    assert load_table_task(path).labels.tolist() == [[0, 1, 2], [1, 2, 0], [2, 0, 1]]


def test_a_quoted_cell_is_one_cell(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('"a,b",c\nc, "a,b"\n')
    task = load_table_task(path)
    assert (task.sizes, task.n_classes, task.labels.tolist()) == ((2, 2), 2, [[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", b"0;1;2\n1;2;0\n2;0;1\n", "not parted by commas"),
        ("t.csv", b"0\t1\n1\t0\n", "not parted by commas"),
        ("t.csv", b'0,"1\n', "cannot read a table of labels"),
        ("t.json", b"[" * 100_000 + b"]" * 100_000, "cannot read a table of labels"),
    ],
)
def test_tables_that_cannot_be_read(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        load_table_task(path)


def test_an_array_of_terabytes_in_a_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.npy"
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(
            stream, {"descr": "<i8", "fortran_order": False, "shape": (10**11, 2)}
        )
    with pytest.raises(ValueError, match="cannot read a table of labels"):
        load_table_task(path)
