"""Standard output that lacks letters, is closed early or is full: no traceback, no lost line."""

import os
import subprocess
import sys

import pytest

from analyzers.cli import app


def run(*words: str, encoding: str = "utf-8", out: int = subprocess.PIPE) -> tuple[int, str, str]:
    found = subprocess.run(
        [sys.executable, "-m", "analyzers", *words],
        stdout=out,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    return found.returncode, (found.stdout or b"").decode("utf-8"), found.stderr.decode("utf-8")


@pytest.mark.parametrize("words", [("characters", "S3"), ("train", "--help")])
def test_letters_that_are_lacking_are_spelled(words: tuple[str, ...]) -> None:
    code, out, err = run(*words, encoding="ascii")
    assert (code, err) == (0, "")
    assert out.isascii()
    assert ("r2" in out) or ("s: square" in out)
    widths = {len(line) for line in out.splitlines() if line.startswith(("|", "+"))}
    assert len(widths) == 1


def test_a_reader_that_leaves_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        code, _, err = run("group", "S3", "--json", out=writing)
    finally:
        os.close(writing)
    assert (code, err) == (141, "")


def test_no_stdout_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    for words in (["group", "S3"], ["group", "S3", "--json"]):
        with pytest.raises(SystemExit) as ended:
            app(words)
        assert ended.value.code == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full device")
def test_a_full_disk_is_one_line() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        code, _, err = run("group", "S3", "--json", out=full)
    finally:
        os.close(full)
    assert code == 2
    assert err == "groupfeat: error: [Errno 28] No space left on device\n"


def test_the_stream_is_left_as_it_was() -> None:
    before = sys.stdout.errors
    app(["--version"])
    assert sys.stdout.errors == before
