"""``groupfeat train --device``: told before anything is written, and handed on."""

import json
from pathlib import Path
from typing import Any

import pytest

import analyzers.networks
import groupfeat.training
from analyzers._cli_train_plan import plan_runs
from analyzers._cli_train_request import Request

SMALL = ("train", "C3", "--hidden", "4", "--epochs", "20", "--json")


@pytest.mark.parametrize("device", ["cuda:99", "meta", "nonsense", "", "cpu:-5"])
def test_a_device_that_is_not_there_is_one_line_and_no_file(
    device: str, call: Any, tmp_path: Path
) -> None:
    code, _, error = call(*SMALL, "--device", device, "--out", str(tmp_path / "new"))
    assert code == 2
    assert error.count("\n") == 1
    assert f"cannot train on the device {device!r}" in error
    assert "use 'cpu', or 'cuda' where torch was built for it" in error
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_device_reaches_the_runs_and_the_config(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def heard(name: str) -> Any:
        function = getattr(analyzers.networks, name)

        def wrapped(*arguments: Any, device: str, **rest: Any) -> Any:
            told.append(f"{name} on {device}")
            return function(*arguments, device=device, **rest)

        return wrapped

    for name in ("train_many", "resume"):
        monkeypatch.setattr(analyzers.networks, name, heard(name))
    out, at = ("--out", str(tmp_path)), ("--checkpoint-at", "10")
    assert call(*SMALL, "--device", "cpu:0", *at, *out)[0] == 0
    config = tmp_path / "config.json"
    assert json.loads(config.read_text())["device"] == "cpu:0"
    assert call("train", "--config", str(config), "--seed", "1", *out, "--json")[0] == 0
    half = str(tmp_path / "run-0-at-10.safetensors")
    assert call("train", "C3", "--resume", half, "--device", "cpu:0", "--json")[0] == 0
    arms = ("train", "C3", "--preset", "zero-init-v", "--hidden", "4", "--epochs", "10")
    assert call(*arms, "--runs", "1", "--device", "cpu:0", "--json")[0] == 0
    assert call(*SMALL)[0] == 0
    many = "train_many on cpu:0"
    assert told == [many, many, "resume on cpu:0", many, "train_many on cpu"]


def test_memory_beside_another_device_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise ValueError("too little memory")

    monkeypatch.setattr(groupfeat.training, "check_device", str)
    monkeypatch.setattr(groupfeat.training, "check_memory", refused)
    with pytest.raises(ValueError, match="too little memory"):
        plan_runs(Request(spec="C3"), None, 1)
    assert plan_runs(Request(spec="C3", device="cuda"), None, 1).runs[0].seed == 0
