"""The tables of docs/experiments.md are those of the stored runs."""

import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_tables_are_those_of_the_data(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["preset_tables.py"])
    runpy.run_path(str(ROOT / "examples/preset_tables.py"), run_name="__main__")
    printed = capsys.readouterr().out.strip().split("\n\n")
    page = (ROOT / "docs/experiments.md").read_text(encoding="utf-8")
    assert len(printed) == 2
    assert all(table in page for table in printed)


def test_tables_of_tasks_are_those_of_the_data(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command of the script has its runs, and the page shows them."""
    monkeypatch.setattr("sys.argv", ["task_tables.py"])
    told = runpy.run_path(str(ROOT / "examples/task_tables.py"), run_name="__main__")
    printed = capsys.readouterr().out.strip().split("\n\n")
    page = (ROOT / "docs/experiments.md").read_text(encoding="utf-8")
    assert len(printed) == len(told["COMMANDS"])
    assert all(table in page for table in printed)
    for name, commands in told["COMMANDS"].items():
        assert [row["command"] for row in told["held"][name]] == commands


def test_a_task_table_runs_its_commands() -> None:
    run = runpy.run_path(str(ROOT / "examples/task_tables.py"))["run"]
    row = run('--task "x*y mod 5" --hidden 8 --epochs 20 --runs 2 --train-fraction 1')
    assert len(row["train_accuracy"]) == 2
    assert row["test_accuracy"] == [None, None]


def test_answers_are_joined_by_seed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two answers that share a seed: three runs, of the shared one the later."""
    row = {"task": "C5", "settings": {}, "epochs": 10, "train_accuracy": 1.0, "memorized_at": 5}
    row |= {"half_at": None, "generalized_at": None, "test_accuracy": 0.0}
    words = []
    for name, losses in (("a", {0: 1.0, 1: 9.0}), ("b", {1: 2.0, 2: 3.0})):
        runs = [row | {"seed": seed, "test_loss": loss} for seed, loss in losses.items()]
        (tmp_path / name).write_text(json.dumps({"preset": "default", "runs": runs}))
        words.append(str(tmp_path / name))
    store = tmp_path / "store.json"
    monkeypatch.setattr("sys.argv", ["preset_tables.py", "--store", str(store), *words])
    runpy.run_path(str(ROOT / "examples/preset_tables.py"), run_name="__main__")
    assert "| default, C5 | defaults | 3 | 0 | 5 | – | – | 0 | 2 |" in capsys.readouterr().out
    (arm,) = json.loads(store.read_text())["arms"]
    assert (arm["seed"], arm["test_loss"]) == ([0, 1, 2], [1.0, 2.0, 3.0])
