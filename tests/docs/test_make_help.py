"""``make help`` tells every target in a line."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_target_has_a_line() -> None:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    found = subprocess.run(
        ["make", "help"], capture_output=True, text=True, check=True, cwd=ROOT, env=outside
    )
    told = dict(line.split(maxsplit=1) for line in found.stdout.splitlines())
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(told) == set(phony.split())
    assert len(told) > 10
    assert found.stderr == ""


def test_targets_that_are_no_files_are_declared() -> None:
    text = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE)) == set(phony.split())
