"""``groupfeat train`` under odd values and signals: one line, or a sane result; work is kept."""

import json
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from groupfeat.training import load_checkpoint
from groupfeat.training.telemetry import read_json_lines

HUGE = "9" * 400
WHOLE = ("runs", "workers", "seed", "hidden", "eval-every", "embedding", "operands")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        *(((f"--{name}", HUGE), "expected a whole number below 2⁶³") for name in WHOLE),
        *(((f"--{name}", "9" * 5000), "expected a whole number, got") for name in WHOLE[:2]),
        (("--operands", str(2**62)), "operands on S3 make 6^4611686018427387904 examples"),
        (("--embedding", str(10**15)), "lower embedding (1000000000000000)"),
        (("--other-layers", str(10**15)), "lower other_layers (1000000000000000)"),
        (("--hidden", str(10**15)), "lower n_hidden (1000000000000000)"),
        (("--out", ""), "expected the name of a folder, got ''"),
        (("--tensorboard", ""), "--tensorboard needs a name, got ''"),
        (("--wandb", ""), "--wandb needs a name, got ''"),
        (("--seed", str(2**63 - 2), "--runs", "3"), "seed and the 2 after it must be in [0, 2⁶³)"),
        (("--hidden", "4", "--hidden", "5"), "--hidden specified multiple times"),
        (("--resume", ""), "'.' is a folder"),
        (("--telemetry", "", "--out", "{out}"), "--telemetry knows no ''"),
        (("--out", "{out}/file"), "cannot write to --out"),
        (("--learning-rate", "nan"), "learning_rate must be positive, got nan"),
        (("--train-fraction", "1e-400"), "train_fraction must be in (0, 1], got 0.0"),
    ],
)
def test_odd_values_are_one_line(
    call: Any, words: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    code, out, err = call("train", "S3", *(word.replace("{out}", str(tmp_path)) for word in words))
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert len(err) < 400


@pytest.mark.parametrize("setting", ["n_hidden", "epochs", "warmup_epochs"])
def test_huge_numbers_in_a_file(call: Any, tmp_path: Path, setting: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps({setting: 10**400}))
    code, _, err = call("train", "S3", "--config", str(file))
    assert code == 2
    assert f"{setting} must be " in err
    assert "below 2⁶³, got a number of 1329 bits" in err


def test_the_last_seed(call: Any) -> None:
    few = ("--hidden", "4", "--epochs", "2", "--seed", str(2**63 - 1))
    code, out, _ = call("train", "S3", *few, "--json")
    assert (code, json.loads(out)["runs"][0]["seed"]) == (0, 2**63 - 1)


def kill_when(path: Path, number: signal.Signals) -> threading.Thread:
    """Send this process a signal once ``path`` exists, or after a minute."""

    def wait() -> None:
        end = time.monotonic() + 60
        while not path.exists() and time.monotonic() < end:
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("number", "told", "code"),
    [(signal.SIGINT, "interrupted", 130), (signal.SIGTERM, "terminated", 143)],
)
def test_a_signal_ends_workers_and_leaves_what_is_done(
    call: Any, tmp_path: Path, number: signal.Signals, told: str, code: int
) -> None:
    """Two arms on two workers, minutes long; what is on the disk can be read and asked for anew."""
    torch.set_num_threads(1)
    words = ("C5", "--preset", "depth", "--hidden", "8", "--stop", "never", "--epochs", "1000000")
    watch = ("--telemetry", "scores", "--telemetry-at", "0,5", "--checkpoint-at", "5")
    heard = signal.getsignal(signal.SIGTERM)
    thread = kill_when(tmp_path / "run-0-arm-0-at-5.safetensors", number)
    ended, out, err = call(
        "train", *words, *watch, "--workers", "2", "--out", str(tmp_path), "--json"
    )
    thread.join()
    assert signal.getsignal(signal.SIGTERM) == heard
    assert (ended, out) == (code, "")
    assert err.splitlines()[-1] == f"groupfeat: {told}; finished files are kept"
    assert "Traceback" not in err
    assert not multiprocessing.active_children()
    assert load_checkpoint(tmp_path / "run-0-arm-0-at-5.safetensors").epochs == 5
    assert read_json_lines(tmp_path / "run-0-arm-0.jsonl")[1][0]["epoch"] == 0
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]
    config = json.loads((tmp_path / "config.json").read_text())
    assert (config["preset"], config["n_hidden"]) == ("depth", 8)
