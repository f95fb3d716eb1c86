"""Records of runs that were killed and resumed are those of runs that never paused."""

import shutil
import signal
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from groupfeat.training.telemetry import read_json_lines

SHORT = ("train", "S3", "--hidden", "8", "--epochs", "30", "--stop", "never")
AT = ("--telemetry-at", "every:5", "--checkpoint-at", "every:5")
ALL = ("--telemetry", "all", *AT)
STEPS = [f"{layer}_layer_{what}" for layer in ("first", "second") for what in ("step", "cosine")]
TURNS = ["first_layer_turn", "second_layer_turn"]
KILLED = """
import os, signal, sys
import groupfeat.training as training
from analyzers.cli import app
save = training.save_checkpoint
def save_and_die(path, run, group):
    if run.epochs == 20 and sys.argv[1] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    save(path, run, group)
    if run.epochs == 20:
        os.kill(os.getpid(), signal.SIGKILL)
    return path
training.save_checkpoint = save_and_die
app(sys.argv[2:])
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of two runs that never paused."""
    from analyzers.cli import app

    folder = tmp_path_factory.mktemp("whole")
    with pytest.raises(SystemExit):
        app([*SHORT, "--runs", "2", *ALL, "--out", str(folder)])
    return folder


def lines(folder: Path, seed: int = 1) -> list[bytes]:
    return (folder / f"run-{seed}.jsonl").read_bytes().splitlines(keepends=True)


def cut(folder: Path, upto: int, *more: bytes) -> None:
    """Leave the header and the records up to an epoch, every five, in the file of run 1."""
    kept = lines(folder)[: 2 + upto // 5]
    (folder / "run-1.jsonl").write_bytes(b"".join([*kept, *more]))


def go_on(call: Any, folder: Path, epoch: int, *words: str, out: Path | None = None) -> None:
    start = str(folder / f"run-1-at-{epoch}.safetensors")
    code, _, err = call("train", "S3", "--resume", start, *words, "--out", str(out or folder))
    assert code == 0, err


@pytest.mark.parametrize("upto", [5, 10, 15, 20, 30])
@pytest.mark.parametrize("half", [b"", b'{"position":1,"se'], ids=["", "half a line"])
def test_the_file_is_that_of_a_run_that_never_paused(
    call: Any, whole: Path, tmp_path: Path, upto: int, half: bytes
) -> None:
    """To the byte, from epoch 15: with its record or without, and with later ones."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    cut(tmp_path, upto, half)
    go_on(call, tmp_path, 15, *ALL)
    if upto == 5:  # an earlier record that was lost stays so
        assert [record["epoch"] for record in records(tmp_path)] == [0, 5, 15, 20, 25, 30]
    else:
        assert lines(tmp_path) == lines(whole)


def records(folder: Path) -> list[dict[str, Any]]:
    return read_json_lines(folder / "run-1.jsonl")[1]


@pytest.mark.parametrize("beside", ["none", "of another run", "damaged"])
@pytest.mark.parametrize("lost", [False, True])
def test_what_lies_not_beside_the_checkpoint_is_absent_for_once(
    call: Any, whole: Path, tmp_path: Path, beside: str, lost: bool
) -> None:
    """The turn after the checkpoint's record; where that was lost, its step and its turn too."""
    for name in ("run-1.jsonl", "run-1-at-15.safetensors"):
        shutil.copy(whole / name, tmp_path / name)
    strange = tmp_path / "run-1-at-10.safetensors"
    if beside == "of another run":
        shutil.copy(whole / "run-0-at-10.safetensors", strange)
    if beside == "damaged":
        strange.write_bytes((whole / strange.name).read_bytes()[:-9])
    cut(tmp_path, 10 if lost else 15)
    go_on(call, tmp_path, 15, *ALL)
    wanted = records(whole)
    wanted[4] |= dict.fromkeys(TURNS)
    if lost:
        for name in (*STEPS, *TURNS):
            del wanted[3][name]
    assert records(tmp_path) == wanted


def test_a_checkpoint_between_records_loses_no_more_than_a_step(
    call: Any, whole: Path, tmp_path: Path
) -> None:
    """At 15, with records at 0, 10, 20, 30: the weights of 10 and 0 lie beside it, or do not."""
    words = ("--telemetry", "all", "--telemetry-at", "every:10")
    straight = tmp_path / "straight"
    assert call(*SHORT, "--seed", "1", *words, "--out", str(straight))[0] == 0
    for name, left in (("all", "*"), ("own", "run-1-at-15*")):
        folder = tmp_path / name
        folder.mkdir()
        for path in whole.glob(left):
            shutil.copy(path, folder)
        (folder / "run-1.jsonl").write_bytes(b"".join(lines(straight)[:3]))
        go_on(call, folder, 15, *words)
    assert records(tmp_path / "all") == records(straight)
    wanted = records(straight)
    wanted[2] = {k: v for k, v in wanted[2].items() if k not in (*STEPS, *TURNS)}
    wanted[3] |= dict.fromkeys(TURNS)
    assert records(tmp_path / "own") == wanted


def test_in_another_folder_records_begin_with_the_checkpoints(
    call: Any, whole: Path, tmp_path: Path
) -> None:
    go_on(call, whole, 15, *ALL, out=tmp_path)
    wanted = [record | {"position": 0} for record in records(whole)[3:]]
    wanted[0] = {k: v for k, v in wanted[0].items() if k not in (*STEPS, *TURNS)}
    wanted[1] |= dict.fromkeys(TURNS)
    assert records(tmp_path) == wanted


def test_a_list_may_name_the_checkpoints_epoch(call: Any, whole: Path, tmp_path: Path) -> None:
    words = ("--telemetry", "scores", "--telemetry-at")
    go_on(call, whole, 15, *words, "15,20", out=tmp_path)
    assert [record["epoch"] for record in records(tmp_path)] == [15, 20, 30]
    start = str(whole / "run-1-at-15.safetensors")
    code, _, err = call("train", "S3", "--resume", start, *words, "10,20", "--out", str(tmp_path))
    assert code == 2
    assert "names epoch 10, expected 15 to 30 (the checkpoint is at 15)" in err


def test_a_run_that_begins_begins_its_file(call: Any, whole: Path, tmp_path: Path) -> None:
    """Records of another grid do not stay between its own."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    words = ("--telemetry", "all", "--telemetry-at", "every:15", "--seed", "1")
    assert call(*SHORT, *words, "--out", str(tmp_path))[0] == 0
    assert [record["epoch"] for record in records(tmp_path)] == [0, 15, 30]
    assert lines(tmp_path, 0) == lines(whole, 0)


def test_a_call_that_is_refused_leaves_the_files(
    call: Any, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    start = str(whole / "run-1-at-15.safetensors")
    asked = ("--resume", start, "--epochs", "60", *ALL, "--wandb", "mine", "--out", str(tmp_path))
    for words in (("train", "S3", *asked), (*SHORT, *ALL, "--wandb", "x", "--out", str(tmp_path))):
        code, _, err = call(*words)
        assert (code, "wandb is not installed" in err) == (2, True)
        assert lines(tmp_path) == lines(whole)


def test_other_places_are_told_the_same_position(
    call: Any, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run 1 of a call, resumed alone, goes on as run-1 on the board, not over run-0."""
    told: list[tuple[str, int]] = []

    class Writer:
        def __init__(self, _: str) -> None: ...

        def add_scalar(self, name: str, _: float, epoch: int) -> None:
            told.append((name, epoch))

        def flush(self) -> None: ...

        close = flush

    board = types.ModuleType("torch.utils.tensorboard")
    board.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", board)
    for name in ("run-1.jsonl", "run-1-at-15.safetensors"):
        shutil.copy(whole / name, tmp_path / name)
    go_on(call, tmp_path, 15, *ALL, "--tensorboard", "board")
    assert {name.partition("/")[0] for name, _ in told} == {"run-1"}
    assert {epoch for _, epoch in told} == {20, 25, 30}


def test_a_damaged_file_is_refused_before_any_step(call: Any, whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    cut(tmp_path, 5, b"{half\n", lines(whole)[3])
    before = lines(tmp_path)
    start = str(tmp_path / "run-1-at-15.safetensors")
    code, out, err = call("train", "S3", "--resume", start, *ALL, "--out", str(tmp_path))
    assert (code, out) == (2, "")
    assert "'run-1.jsonl' is damaged in line 4; cut it there, or choose another path" in err
    assert lines(tmp_path) == before


@pytest.mark.parametrize(("moment", "last"), [("before", 15), ("after", 20)])
def test_a_killed_run_goes_on(
    call: Any, whole: Path, tmp_path: Path, moment: str, last: int
) -> None:
    """By SIGKILL, before or after the checkpoint at 20: the record of 20 is there by then."""
    words = (*SHORT, "--seed", "1", *ALL, "--out", str(tmp_path))
    ended = subprocess.run([sys.executable, "-c", KILLED, moment, *words], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert [record["epoch"] for record in records(tmp_path)] == [0, 5, 10, 15, 20]
    assert (tmp_path / "run-1-at-20.safetensors").exists() is (last == 20)
    go_on(call, tmp_path, last, *ALL)
    assert records(tmp_path) == [record | {"position": 0} for record in records(whole)]
