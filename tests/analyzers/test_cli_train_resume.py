"""``groupfeat train --resume``: after a kill, of arms, beside a recipe, and with nothing to do."""

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzers._cli_train_request import Request
from analyzers._cli_train_resume import going_on, still_ahead
from groupfeat.groups import group_from_spec
from groupfeat.training import TrainConfig, load_checkpoint, product_task, train
from groupfeat.training.telemetry import read_json_lines

SHORT = ("train", "S3", "--hidden", "8", "--epochs", "30", "--stop", "never", "--json")
WATCH = ("--telemetry", "scores", "--telemetry-at", "every:5")
TWO = (*SHORT, "--runs", "2", "--checkpoint-at", "3,12,22", *WATCH)

DYING = """
import os, signal
import groupfeat.training as training
save = training.save_checkpoint
def dying(path, *rest):
    if path.name == "run-1-at-22.safetensors":
        os.kill(os.getpid(), signal.SIGKILL)
    return save(path, *rest)
training.save_checkpoint = dying
from analyzers.cli import app
app()
"""


def answer(call: Any, *words: str) -> Any:
    code, out, err = call(*words)
    assert code == 0, err
    return json.loads(out)


def refusal(call: Any, *words: str) -> str:
    code, out, err = call(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    return str(err)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two runs, the second ended by SIGKILL: at its third checkpoint."""
    folder = tmp_path_factory.mktemp("killed")
    words = (*TWO, "--out", str(folder))
    told = subprocess.run([sys.executable, "-c", DYING, *words], capture_output=True, check=False)
    assert told.returncode == -signal.SIGKILL, told.stderr
    return folder


@pytest.mark.parametrize("with_config", [True, False])
def test_a_killed_run_goes_on_in_its_folder(
    call: Any, killed: Path, tmp_path: Path, with_config: bool
) -> None:
    """From its last checkpoint; there are records of later epochs."""
    whole, cut = tmp_path / "whole", shutil.copytree(killed, tmp_path / "cut")
    answer(call, *TWO, "--out", str(whole))
    assert not (cut / "train.json").exists()
    assert not (cut / "run-1.safetensors").exists()
    assert [r["epoch"] for r in read_json_lines(cut / "run-1.jsonl")[1]] == [0, 5, 10, 15, 20]
    recipe = (cut / "config.json").read_bytes()
    assert recipe == (whole / "config.json").read_bytes()
    source = ("--config", str(cut / "config.json")) if with_config else ("S3", *WATCH)
    start = ("--resume", str(cut / "run-1-at-12.safetensors"))
    found = answer(call, "train", *source, *start, "--json", "--out", str(cut))
    assert [(run["seed"], run["epochs"]) for run in found["runs"]] == [(1, 30)]
    ends = [load_checkpoint(folder / "run-1.safetensors") for folder in (whole, cut)]
    assert np.array_equal(ends[0].first_layer, ends[1].first_layer)
    assert ends[0].history == ends[1].history
    records = [read_json_lines(folder / "run-1.jsonl") for folder in (whole, cut)]
    assert records[0] == records[1]
    assert (cut / "config.json").read_bytes() == recipe
    assert json.loads((cut / "train.json").read_text()) == found
    assert (cut / "run-1-at-22.safetensors").exists() is with_config
    again = answer(call, "train", "--config", str(cut / "config.json"), "--json", "--out", str(cut))
    assert [run["seed"] for run in again["runs"]] == [0, 1]


def test_more_epochs_in_its_own_folder(call: Any, tmp_path: Path) -> None:
    """Checkpoint, records and answer are those of the longer run; the recipe is the shorter's."""
    whole, two = tmp_path / "whole", tmp_path / "two"
    answer(call, *TWO, "--out", str(two))
    answer(call, *(("40" if word == "30" else word) for word in TWO), "--out", str(whole))
    end = ("--resume", str(two / "run-1.safetensors"), "--epochs", "40")
    found = answer(call, "train", "S3", *end, *WATCH, "--json", "--out", str(two))
    assert found["stages"] == json.loads((whole / "train.json").read_text())["stages"][1:]
    records = [read_json_lines(folder / "run-1.jsonl") for folder in (whole, two)]
    assert records[0] == records[1]
    assert {record["position"] for record in records[1][1]} == {1}
    ends = [load_checkpoint(folder / "run-1.safetensors") for folder in (whole, two)]
    assert np.array_equal(ends[0].first_layer, ends[1].first_layer)
    assert json.loads((two / "config.json").read_text())["epochs"] == 30
    told = json.loads((two / "train.json").read_text())["resumed"]
    assert [(each["seed"], each["epochs_before"], each["epochs_now"]) for each in told] == [
        (1, 30, 40)
    ]


def test_a_recipe_never_shortens_a_run(call: Any, tmp_path: Path) -> None:
    """The run was given more epochs than its folder's config.json tells, and broken off."""
    out = ("--out", str(tmp_path))
    answer(call, *SHORT, "--checkpoint-at", "10", *out)
    longer = ("--epochs", "50", "--checkpoint-at", "20,35")
    answer(call, "train", "S3", "--resume", str(tmp_path / "run-0-at-10.safetensors"), *longer,
           "--json", *out)  # fmt: skip
    for at in (20, 35):
        start = ("--resume", str(tmp_path / f"run-0-at-{at}.safetensors"))
        config = ("--config", str(tmp_path / "config.json"))
        found = answer(call, "train", *config, *start, "--json", "--out", str(tmp_path / "b"))
        assert found["runs"][0]["epochs"] == 50
        fewer = ("--json", "--epochs", "40", "--out", str(tmp_path / "b"))
        told = answer(call, "train", *config, *start, *fewer)
        assert told["runs"][0]["epochs"] == 40
    file = tmp_path / "longer.toml"
    file.write_text('spec = "S3"\nepochs = 60\ncheckpoint_at = "10"\n')
    found = answer(
        call, "train", "--config", str(file), *start, "--json", "--out", str(tmp_path / "c")
    )
    assert found["runs"][0]["epochs"] == 60
    assert len(found["checkpoints"]) == 1
    told = tmp_path / "c" / "run-0-resumed.json"
    again = answer(call, "train", "--config", str(told), "--json", "--out", str(tmp_path / "d"))
    assert (again["runs"], len(again["checkpoints"])) == (found["runs"], 1)
    err = refusal(call, "train", "S3", *start, "--checkpoint-at", "10,40", *out)
    assert "--checkpoint-at names epoch 10, expected 36 to 50" in err


def test_epochs_of_a_recipe_that_are_passed() -> None:
    """Only those that a config file lists, beside a checkpoint of the command line."""
    file = Request(checkpoint_at="3, 12,40", telemetry_at="5,10", runs=4)
    told = Request(resume="a").over(file)
    ahead = still_ahead(told, 12, 60)
    assert (ahead.checkpoint_at, ahead.telemetry_at, ahead.runs) == ("40", "60", None)
    assert still_ahead(told, 40, 60).checkpoint_at is None
    assert still_ahead(told, 2, 60).checkpoint_at == "3,12,40"
    assert still_ahead(told, 3, 60).checkpoint_at == "12,40"
    assert [still_ahead(told, at, 60).telemetry_at for at in (5, 10)] == ["5,10", "10"]
    strict = Request(resume="a", checkpoint_at="3").over(file)
    assert still_ahead(strict, 12, 60).checkpoint_at == "3"
    own = Request().over(replace(file, resume="a"))
    assert still_ahead(own, 12, 60) == own
    spaced = Request(resume="a").over(Request(checkpoint_at="log:4"))
    assert still_ahead(spaced, 12, 60).checkpoint_at == "log:4"


def test_an_arm_goes_on_in_its_own_files(call: Any, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    words = ("train", "C5", "--preset", "zero-init-v", "--hidden", "8", "--json", *WATCH)
    words = (*words, "--epochs", "30", "--stop", "never", "--checkpoint-at", "12")
    before = answer(call, *words, "--out", str(whole))
    answer(call, *words, "--out", str(cut))
    (cut / "run-0-arm-1.safetensors").unlink()
    start = ("--resume", str(cut / "run-0-arm-1-at-12.safetensors"))
    found = answer(call, "train", "C5", *start, *WATCH, "--json", "--out", str(cut))
    assert [Path(p).name for p in found["checkpoints"]] == ["run-0-arm-1.safetensors"]
    assert [Path(p).name for p in found["telemetry"]] == ["run-0-arm-1.jsonl"]
    assert (found["runs"][0]["arm"], found["stages"][0]["arm"]) == (1, 1)
    assert sorted(p.name for p in cut.iterdir()) == sorted(
        [*(p.name for p in whole.iterdir()), "run-0-arm-1-resumed.json"]
    )
    ends = [load_checkpoint(folder / "run-0-arm-1.safetensors") for folder in (whole, cut)]
    assert np.array_equal(ends[0].first_layer, ends[1].first_layer)
    after = json.loads((cut / "train.json").read_text())
    assert (after["runs"], after["arms"]) == (before["runs"], before["arms"])
    longer = ("--epochs", "45", "--json", "--out", str(cut))
    end = ("--resume", str(cut / "run-0-arm-1.safetensors"))
    answer(call, "train", "C5", *end, *longer)
    after = json.loads((cut / "train.json").read_text())
    assert [run["epochs"] for run in after["runs"]] == [30, 45]
    assert after["arms"][1]["test_loss"] == after["runs"][1]["test_loss"]
    assert after["arms"][1]["test_loss"] != before["arms"][1]["test_loss"]
    err = refusal(call, "train", "--config", str(cut / "config.json"), *start)
    assert "one of its runs goes on by 'train GROUP --resume FILE', without the preset" in err


def test_a_name_of_another_seed_is_no_arm(call: Any, tmp_path: Path) -> None:
    answer(call, *SHORT, "--checkpoint-at", "10", "--out", str(tmp_path))
    file = tmp_path / "run-4-arm-2.safetensors"
    (tmp_path / "run-0-at-10.safetensors").rename(file)
    found = answer(
        call, "train", "S3", "--resume", str(file), "--json", "--out", str(tmp_path / "b")
    )
    assert Path(found["checkpoints"][0]).name == "run-0.safetensors"


def test_what_is_said_again_does_no_harm(call: Any, tmp_path: Path) -> None:
    answer(call, *SHORT, "--seed", "2", "--checkpoint-at", "10", "--out", str(tmp_path))
    start = ("--resume", str(tmp_path / "run-2-at-10.safetensors"), "--json")
    again = ("--runs", "1", "--seed", "2", "--hidden", "8", "--epochs", "30", "--stop", "never")
    more = ("--learning-rate", "0.01", "--no-bias", "--pair-seed", "2", "--workers", "2")
    found = answer(call, "train", "S3", *start, *again, *more)
    assert found["runs"] == answer(call, "train", "S3", *start)["runs"]
    assert "got --runs 2" in refusal(call, "train", "S3", *start, "--runs", "2")
    assert "seed is 2 there, got 3" in refusal(call, "train", "S3", *start, "--seed", "3")


@pytest.mark.parametrize(
    ("settings", "words", "message"),
    [
        ((), (), "is at epoch 30 of 30; to train it longer, say --epochs with more than 30"),
        ((), ("--epochs", "20"), "is at epoch 30 and --epochs is 20; to train it longer, say"),
        (
            ("--schedule", "cosine"),
            (),
            "is at epoch 30 of 30; its cosine schedule ends there: to train longer",
        ),
        (
            ("--stop", "memorised", "--stop-accuracy", "0.5"),
            ("--epochs", "90"),
            "ended at epoch {epochs} by its rule stop='memorised', and more epochs do not change "
            "that; to train longer, train anew with --stop never",
        ),
    ],
)
def test_nothing_left_to_do_is_one_line(
    call: Any, tmp_path: Path, settings: tuple[str, ...], words: tuple[str, ...], message: str
) -> None:
    """The folder is left as it was."""
    short = SHORT if "--stop" not in settings else (*SHORT[:6], "--json")
    found = answer(call, *short, *settings, "--out", str(tmp_path))
    message = message.format(epochs=found["runs"][0]["epochs"])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    start = ("--resume", str(tmp_path / "run-0.safetensors"))
    err = refusal(call, "train", "S3", *start, *words, "--out", str(tmp_path))
    assert f"nothing is left to do: 'run-0.safetensors' {message}" in err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("status", ["memorised", "memorised: generalised from epoch 5, lost at 8"])
def test_a_rule_that_ended_a_run_is_known_by_any_status_but_running(status: str) -> None:
    task = product_task(group_from_spec("S3"))
    config = TrainConfig(n_hidden=16, epochs=50, stop="memorised", stop_accuracy=0.5)
    (run,) = train(task, config)
    assert run.epochs < 50
    ended = replace(run, status=status)
    with pytest.raises(ValueError, match=r"ended at epoch .* by its rule stop='memorised'"):
        going_on(Request(resume="a.safetensors"), ended, task)
    paused = replace(run, status="running")
    assert going_on(Request(resume="a.safetensors"), paused, task) == run.config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("--optimizer", "gd", "--learning-rate", "1e30"), "resume an earlier checkpoint"),
        (("--schedule", "linear"), "the linear schedule ends at epoch 30"),
    ],
)
def test_a_run_that_cannot_go_on_leaves_the_folder(
    call: Any, tmp_path: Path, settings: tuple[str, ...], message: str
) -> None:
    answer(call, *SHORT, *settings, "--checkpoint-at", "0", "--out", str(tmp_path))
    name = "run-0-at-0" if "linear" in settings else "run-0"
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    start = ("--resume", str(tmp_path / f"{name}.safetensors"), "--epochs", "60")
    assert message in refusal(call, "train", "S3", *start, "--out", str(tmp_path))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
