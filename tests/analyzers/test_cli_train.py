"""``groupfeat train``: options, checkpoints on the way, resume, refusals."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from groupfeat.training import load_checkpoint

SHORT = ("train", "S3", "--hidden", "16", "--epochs", "60", "--stop", "never")


def test_a_resumed_run_ends_where_the_straight_one_does(call: Any, tmp_path: Path) -> None:
    whole, rest = tmp_path / "whole", tmp_path / "rest"
    code, out, _ = call(*SHORT, "--out", str(whole), "--checkpoint-at", "20,45", "--json")
    assert code == 0
    names = ["run-0-at-20", "run-0-at-45", "run-0"]
    paths = json.loads(out)["checkpoints"]
    assert [Path(path).name for path in paths] == [f"{name}.safetensors" for name in names]
    code, out, _ = call("train", "S3", "--resume", paths[0], "--out", str(rest), "--json")
    assert code == 0
    answer = json.loads(out)
    assert answer["runs"][0]["epochs"] == 60
    ends = [load_checkpoint(path) for path in (paths[2], answer["checkpoints"][0])]
    assert np.array_equal(ends[0].first_layer, ends[1].first_layer)
    code, out, _ = call("train", "S3", "--resume", paths[2], "--epochs", "70", "--json")
    assert (code, json.loads(out)["runs"][0]["epochs"]) == (0, 70)


def test_every_option_reaches_the_config(call: Any, tmp_path: Path) -> None:
    options = {
        "optimizer": "muon", "fallback_rate": 0.02, "muon_momentum": 0.9, "other_layers": 1,
        "loss": "stablemax", "schedule": "cosine", "warmup_epochs": 3, "embedding": 4,
        "weight_norm": "node", "eval_every": 7, "pair_seed": 8, "init_seed": 9,
        "stop_accuracy": 0.9,
    }  # fmt: skip
    words = [w for k, v in options.items() for w in (f"--{k.replace('_', '-')}", str(v))]
    code, out, _ = call(*SHORT, *words, "--bias", "--out", str(tmp_path), "--json")
    assert code == 0
    config = load_checkpoint(json.loads(out)["checkpoints"][0]).config.to_dict()
    assert {name: config[name] for name in options} == options
    assert config["bias"] is True


def test_checkpoints_on_a_logarithmic_scale(call: Any, tmp_path: Path) -> None:
    code, _, _ = call(*SHORT, "--out", str(tmp_path), "--checkpoint-at", "log")
    assert code == 0
    assert {"run-0-at-0.safetensors", "run-0-at-60.safetensors"} <= {
        path.name for path in tmp_path.iterdir()
    }


def test_a_folder_to_resume_from_tells_what_is_in_it(call: Any, tmp_path: Path) -> None:
    told = ("--resume", str(tmp_path))
    code, out, err = call("train", "S3", *told)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "is a folder; it holds no checkpoint" in err
    for seed in (10, 2, 0):
        (tmp_path / f"run-{seed}.safetensors").touch()
    (tmp_path / "run-0-at-7.safetensors").touch()
    (tmp_path / "config.json").touch()
    names = ("run-0-at-7", "run-0", "run-2", "run-10")
    assert ", ".join(f"{name}.safetensors" for name in names) in call("train", "S3", *told)[2]
    for epoch in range(100, 130):
        (tmp_path / f"run-0-at-{epoch}.safetensors").touch()
    err = call("train", "S3", *told)[2]
    assert err.count(".safetensors") == 20
    assert err.endswith("and 14 more\n")


def test_workers_write_what_one_process_writes(call: Any, tmp_path: Path) -> None:
    """Checkpoints on the way and at the end, telemetry, progress: the same files and numbers."""
    torch.set_num_threads(1)
    told = {}
    for workers in ("1", "2"):
        words = (
            "--runs",
            "3",
            "--workers",
            workers,
            "--checkpoint-at",
            "20",
            "--telemetry",
            "scores",
        )
        code, out, _ = call(*SHORT, *words, "--out", str(tmp_path / workers), "--json")
        assert code == 0
        told[workers] = json.loads(out)
    assert told["1"]["runs"] == told["2"]["runs"]
    names = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "2").iterdir())
    assert sum(name.endswith(".safetensors") for name in names) == 6
    for name in names:
        one, other = (tmp_path / workers / name for workers in ("1", "2"))
        if name.endswith(".jsonl"):
            assert one.read_text() == other.read_text()
        if name.endswith(".safetensors"):
            runs = [load_checkpoint(path) for path in (one, other)]
            assert np.array_equal(runs[0].first_layer, runs[1].first_layer)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--checkpoint-at", "5"), "--checkpoint-at needs --out"),
        (("--workers", "0"), "--workers must be at least 1, got 0"),
        (("--checkpoint-at", "5,x", "--out", "{out}"), "--checkpoint-at takes log, log:16"),
        (("--resume", "{out}/none"), "cannot read 'none'"),
        (("--resume", "{out}/none", "--runs", "2"), "--resume goes on with one run"),
        (("--complex-weights", "--activation", "relu"), "need a polynomial activation"),
        (("--ridge", "0.1"), "ridge solves for V under the loss mse_samples"),
        (("--momentum", "0.9"), "momentum is SGD's"),
    ],
)
def test_refusals_are_one_clear_line(
    call: Any, words: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    code, out, err = call(*SHORT, *(word.replace("{out}", str(tmp_path)) for word in words))
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
