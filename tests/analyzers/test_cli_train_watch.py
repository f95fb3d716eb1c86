"""``groupfeat train --telemetry``: what is recorded, when, and where it goes."""

import json
import sys
import types
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from analyzers._cli_train_watch import epochs_of
from groupfeat.groups import group_from_spec, irreps, real_families
from groupfeat.training import TrainConfig, load_checkpoint, train, training_pairs
from groupfeat.training import telemetry as tele

SHORT = ("train", "S3", "--hidden", "8", "--epochs", "30", "--stop", "never")
CONFIG = TrainConfig(n_hidden=8, epochs=30, stop="never")


def test_records_are_those_of_the_library(call: Any, tmp_path: Path) -> None:
    words = ("--telemetry", "all", "--telemetry-at", "0,7,30", "--runs", "2", "--seed", "3")
    code, out, _ = call(*SHORT, *words, "--out", str(tmp_path), "--json")
    found = json.loads(out)
    assert code == 0
    assert [Path(path).name for path in found["telemetry"]] == ["run-3.jsonl", "run-4.jsonl"]
    group = group_from_spec("S3")
    reps = irreps(group)
    own = tele.Telemetry(structure=True, repulsion=True, irreps=reps, each_node=True)
    list(train(group, CONFIG, seeds=(3, 4), observe=own, observe_at=(0, 7, 30)))
    for position, path in enumerate(found["telemetry"]):
        config, records = tele.read_json_lines(path)
        assert config == load_checkpoint(found["checkpoints"][position]).config.to_dict()
        assert records == json.loads(json.dumps(own.run(position)))
        stages = found["stages"][position]
        assert stages["seed"] == 3 + position
        peak = max(records, key=lambda record: record["gradient_norm"])
        assert stages["peak_at"] == peak["epoch"]


def test_every_node_is_told(call: Any, tmp_path: Path) -> None:
    words = ("--telemetry", "each-node", "--telemetry-at", "30", "--out", str(tmp_path))
    assert call(*SHORT, *words)[0] == 0
    (record,) = tele.read_json_lines(tmp_path / "run-0.jsonl")[1]
    run = load_checkpoint(tmp_path / "run-0.safetensors")
    group = group_from_spec("S3")
    reps = irreps(group)
    pairs = training_pairs(group, run.config, 0)
    nodes = tele.measure_nodes(run.first_layer, run.second_layer, reps, pairs)
    np.testing.assert_allclose(record["each_energy"], nodes.energy, rtol=1e-5)
    np.testing.assert_allclose(record["each_strength"], nodes.strength, rtol=1e-5)
    np.testing.assert_allclose(record["each_shares"], nodes.shares, atol=1e-6)
    families = real_families(reps)
    assert record["each_irrep"] == [families[k][0] for k in nodes.family]
    assert "gradient_norm" not in record


def test_a_resumed_run_goes_on_in_its_file(call: Any, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    words = ("--telemetry", "gradient", "--telemetry-at", "every:5")
    assert call(*SHORT, *words, "--out", str(whole))[0] == 0
    assert call(*SHORT, *words, "--checkpoint-at", "12", "--out", str(parts))[0] == 0
    told, cut = parts / "run-0.jsonl", str(parts / "run-0-at-12.safetensors")
    told.write_bytes(b"".join(told.read_bytes().splitlines(keepends=True)[:4]) + b'{"epo')
    code, out, _ = call("train", "S3", "--resume", cut, *words, "--out", str(parts), "--json")
    assert code == 0
    assert tele.read_json_lines(told) == tele.read_json_lines(whole / "run-0.jsonl")
    assert json.loads(out)["runs"][0]["epochs"] == 30
    words = ("--telemetry", "gradient", "--telemetry-at", "every:1000")
    assert call("train", "S3", "--resume", cut, *words, "--out", str(tmp_path / "end"))[0] == 0
    (last,) = tele.read_json_lines(tmp_path / "end" / "run-0.jsonl")[1]
    assert last["epoch"] == 30
    code, _, err = call(*SHORT, "--beta", "2", "--telemetry", "all", "--out", str(parts))
    assert code == 2
    assert "'run-0.jsonl' records another config (beta: 1.0 there, 2.0 now)" in err


def test_a_run_given_more_epochs_goes_on_in_its_file(call: Any, tmp_path: Path) -> None:
    words = ("--telemetry", "gradient", "--telemetry-at", "every:10")
    assert call(*SHORT, *words, "--out", str(tmp_path / "a"))[0] == 0
    cut, more = str(tmp_path / "a" / "run-0.safetensors"), ("--epochs", "60")
    assert call("train", "S3", "--resume", cut, *more, *words, "--out", str(tmp_path / "a"))[0] == 0
    longer = ("60" if word == "30" else word for word in SHORT)
    assert call(*longer, *words, "--out", str(tmp_path / "b"))[0] == 0
    told, whole = (tele.read_json_lines(tmp_path / name / "run-0.jsonl") for name in "ab")
    assert told == whole
    assert (told[0]["epochs"], told[1][-1]["epoch"]) == (60, 60)
    code, _, err = call(*SHORT, *words, "--out", str(tmp_path / "a"))
    assert code == 2
    assert "'run-0.jsonl' records another config (epochs: 60 there, 30 now)" in err


GROKS = ("train", "C5", "--hidden", "32", "--epochs", "200", "--stop", "never", "--seed", "1")


def test_stages_are_told_as_the_runs_are(call: Any, tmp_path: Path) -> None:
    """Also where records are few, and where the run went on in another folder after them."""
    words = ("--telemetry", "gradient", "--telemetry-at", "every:70", "--json")
    out = ("--checkpoint-at", "130", "--out", str(tmp_path / "a"))
    code, told, _ = call(*GROKS, *words, *out)
    assert code == 0
    whole = json.loads(told)
    cut = str(tmp_path / "a" / "run-1-at-130.safetensors")
    code, told, _ = call("train", "C5", "--resume", cut, *words, "--out", str(tmp_path / "b"))
    assert code == 0
    for answer, since in ((whole, 0), (json.loads(told), 140)):
        (stages,), (run,) = answer["stages"], answer["runs"]
        for name in ("memorized_at", "generalized_at"):
            assert stages[name] == run[name] == whole["runs"][0][name]
        assert 0 < run["memorized_at"] < 130
        assert stages["accuracy"] == TrainConfig().stop_accuracy
        assert stages["settle_epochs"] == TrainConfig().settle_epochs
        assert stages["records_from"] == since
    code, told, _ = call(*GROKS, *words[:-1], "--out", str(tmp_path / "c"))
    title = "stages: accuracies as the runs tell them, peak and features by the records"
    assert title in " ".join(told.split())


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_end_of_a_run_is_recorded_once(call: Any, tmp_path: Path, workers: str) -> None:
    """A run that settles at 113, say; of checkpoints on the way only those asked for are kept."""
    settles = ("--train-fraction", "1", "--settle-epochs", "13", "--hidden", "64", "--runs", "2")
    words = ("--telemetry", "scores", "--telemetry-at", "0", "--checkpoint-at", "5")
    out = ("--out", str(tmp_path), "--workers", workers, "--json")
    code, told, _ = call("train", "S3", *settles, *words, *out)
    assert code == 0
    for run in json.loads(told)["runs"]:
        assert run["epochs"] % 10 == 3
        records = tele.read_json_lines(tmp_path / f"run-{run['seed']}.jsonl")[1]
        assert [record["epoch"] for record in records] == [0, run["epochs"]]
        assert records[-1]["train_loss"] == run["train_loss"]
    assert len(list(tmp_path.glob("run-*-at-*.safetensors"))) == 2


@pytest.mark.parametrize(
    ("words", "epochs"),
    [
        ("every:30", (0, 30, 60, 90)),
        ("every:1000", (0,)),
        ("5, 3,100", (5, 3, 100)),
        ("log:1", (0, 1, 10, 100)),
        ("log", None),
    ],
)
def test_epochs_are_read(words: str, epochs: tuple[int, ...] | None) -> None:
    from groupfeat.training import log_epochs

    assert epochs_of(words, "--at", 100) == (epochs or log_epochs(100))
    rest = tuple(epoch for epoch in epochs_of(words, "--at", 100) if epoch > 2)
    assert epochs_of(words, "--at", 100, 2) == rest


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("5,5", "names an epoch twice"),
        ("101", "names epoch 101, expected 0 to 100; change the list or --epochs"),
        ("-5", "or epochs from 0 on"),
        ("5,", "or epochs from 0 on"),
        ("", "or epochs from 0 on"),
        ("every", "or epochs from 0 on"),
        ("every:0", "a number of at least 1 after every:"),
        ("log:0", "a number of at least 1 after log:"),
        ("log:", "a number of at least 1 after log:"),
        ("log:x", "or epochs from 0 on"),
        ("every:-1", "or epochs from 0 on"),
    ],
)
def test_epochs_that_never_come_are_refused(words: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"--at .*{message}"):
        epochs_of(words, "--at", 100)


def test_a_checkpoints_epoch_bounds_what_follows() -> None:
    with pytest.raises(ValueError, match=r"epoch 20, expected 41 to 100 \(the checkpoint is at 40"):
        epochs_of("20,50", "--at", 100, 40)
    with pytest.raises(ValueError, match="asks for 1000000001 epochs, more than 100000"):
        epochs_of("every:1", "--at", 10**9)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--telemetry", "all"), "--telemetry needs --out, --tensorboard or --wandb"),
        (("--telemetry-at", "log", "--out", "{out}"), "--telemetry-at needs --telemetry"),
        (("--telemetry", "gradients", "--out", "{out}"), "--telemetry knows no 'gradients'; known"),
        (("--telemetry", "nodes", "--complex-weights", "--out", "{out}"), "needs real weights"),
        (("--telemetry", "nodes", "--operands", "3", "--out", "{out}"), "needs products gh"),
        (("--checkpoint-at", "31", "--out", "{out}"), "--checkpoint-at names epoch 31"),
        (("--checkpoint-at", "3,3", "--out", "{out}"), "names an epoch twice"),
        (("--checkpoint-at=-3", "--out", "{out}"), "or epochs from 0 on"),
    ],
)
def test_refusals(call: Any, words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    code, out, err = call(*SHORT, *(word.replace("{out}", str(tmp_path)) for word in words))
    assert (code, out) == (2, "")
    assert message in err


class FakeWriter:
    """Notes scalars; stands for TensorBoard's writer and for a run of Weights & Biases."""

    told: ClassVar[list[Any]] = []

    def __init__(self, *_: Any, **options: Any) -> None:
        self.told.append(options.get("project", "writer"))

    def add_scalar(self, name: str, value: float, epoch: int) -> None:
        self.told.append((name, epoch))

    def log(self, values: dict[str, Any]) -> None:
        self.told.append(sorted(values))

    def flush(self) -> None: ...

    def close(self) -> None:
        self.told.append("closed")

    finish = close


def test_other_places(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board, wandb = types.ModuleType("torch.utils.tensorboard"), types.ModuleType("wandb")
    board.SummaryWriter = FakeWriter  # type: ignore[attr-defined]
    wandb.init = FakeWriter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", board)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setattr(FakeWriter, "told", told := [])
    words = ("--tensorboard", str(tmp_path), "--wandb", "mine", "--telemetry-at", "10")
    code, out, _ = call(*SHORT, *words, "--json")
    assert code == 0
    assert "telemetry" not in json.loads(out)
    scores = [f"run-0/{a}_{b}" for a in ("test", "train") for b in ("accuracy", "loss")]
    assert told[:2] == ["writer", "mine"]
    assert sorted(told[2:6]) == [(name, 10) for name in scores]
    assert sorted(told[7:11]) == [(name, 30) for name in scores]
    assert [*told[6:7], *told[11:]] == [*[["epoch", *scores]] * 2, "closed", "closed"]


def test_a_missing_package_is_one_line(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    code, out, err = call(*SHORT, "--wandb", "mine")
    assert (code, out) == (2, "")
    assert "wandb is not installed" in err
