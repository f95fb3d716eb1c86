"""What people read: text as it stands, tables in any width, interruptions without a traceback."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzers import _cli_verbs_energy
from analyzers._cli_output import Bar, Outcome, show, table
from analyzers.cli import app

COMMUTING = "pres:a,b|a^2,b^2,[a,b]"


def test_brackets_and_colons_stand_as_they_are(call: Any, tmp_path: Path) -> None:
    _, out, _ = call("group", COMMUTING)
    assert out.startswith(f"{COMMUTING}: order 4")
    path = tmp_path / "ex[red]:smile:.npz"
    _, out, _ = call("exact", "S3", "--out", str(path))
    assert f"written to {path}" in out
    assert path.is_file()
    (tmp_path / "s[").mkdir()
    file = tmp_path / "s[" / "b].csv"
    file.write_text("0,1\n1,0\n")
    code, out, _ = call("maxima", f"table:{file}", "--starts", "3")
    assert code == 0
    assert "[" in out
    code, out, _ = call("characters", f"table:{file}")
    assert code == 0


def test_every_cell_and_title_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    odd = "[/b] [red]x[/red] :smile:"
    show(Outcome("v", {}, {}, (odd, table(odd, (odd, "n"), [(odd, 1)]))))
    assert capsys.readouterr().out.count(odd) == 4


def test_texts_wrap_in_a_narrow_window_and_numbers_do_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [("a text of many short words that may well be folded", 123456789.125)]
    monkeypatch.setenv("COLUMNS", "40")
    show(Outcome("v", {}, {}, (table("t", ("words", "number"), rows),)))
    narrow = capsys.readouterr().out
    assert max(map(len, narrow.splitlines())) <= 40
    assert "1.23457e+08" in narrow
    monkeypatch.delenv("COLUMNS")
    show(Outcome("v", {}, {}, (table("t", ("words", "number"), rows), "word " * 40)))
    wide = capsys.readouterr().out
    assert rows[0][0] in wide
    assert "word " * 39 in wide


def test_an_interrupt_in_compiled_code_is_an_interrupt(
    call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def climb(*_: object) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as stop:
            raise SystemError("CPUDispatcher returned a result with an exception set") from stop

    monkeypatch.setattr(_cli_verbs_energy, "find_thresholds", climb)
    code, out, err = call("threshold", "S3")
    assert (code, out) == (130, "")
    assert err == "groupfeat: interrupted; finished files are kept\n"

    def fail(*_: object) -> None:
        raise SystemError("another")

    monkeypatch.setattr(_cli_verbs_energy, "find_thresholds", fail)
    with pytest.raises(SystemError, match="another"):
        call("threshold", "S3")


def test_an_interrupt_while_libraries_load(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Loading:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            if name == "analyzers._cli_mistakes":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "analyzers._cli_mistakes", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Loading, *sys.meta_path])
    code, out, err = call("group", "S3")
    assert (code, out) == (130, "")
    assert err == "groupfeat: interrupted; finished files are kept\n"


def test_no_place_for_compiled_code_is_one_line(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def search(*_: object) -> None:
        raise RuntimeError("cannot cache function 'f': no locator available for file 'f.py'")

    monkeypatch.setattr(_cli_verbs_energy, "search_maxima", search)
    code, out, err = call("maxima", "S3")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "set NUMBA_CACHE_DIR to a folder that can be written" in err


def test_barriers_name_their_irreps(call: Any) -> None:
    _, out, _ = call("landscape", "S3")
    assert "ρ1 – ρ2" in out


def test_thresholds_say_what_was_counted(call: Any) -> None:
    _, out, _ = call("threshold", "C3", "--trials", "1")
    assert "pairs that keep each family of C3 in half of the trials" in out
    assert "one trial: no bounds" in out


def test_help_names_the_group_as_it_is_given(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call("group")
    assert code == 2
    assert "SPEC requires an argument" in err
    assert call("group", "--spec", "S3")[0] == 2
    app(["train", "--help"])
    assert "groupfeat train [SPEC] [OPTIONS]" in capsys.readouterr().out


def headings(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, list[str]]:
    """Return the first words under each heading of a help text."""
    app([*words, "--help"])
    found: dict[str, list[str]] = {}
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("╭─"):
            name = line.strip("╭─╮ ")
            found[name] = []
        elif line.startswith("│ ") and not line.startswith("│  "):
            found[name].append(line.split()[1])
    return found


def test_help_tells_the_options_of_train_under_headings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    found = headings(capsys, "train")
    told = "Arguments, Task, Network, Training, Runs, Checkpoints and telemetry, Output"
    assert list(found) == told.split(", ")
    assert {"--task", "--task-file", "--preset"} <= {*found["Task"]}
    assert {"--hidden", "--activation", "--other-layers"} <= {*found["Network"]}
    assert {"--learning-rate", "--epochs", "--train-fraction"} <= {*found["Training"]}
    assert {"--runs", "--seed", "--init-seed"} <= {*found["Runs"]}
    assert {"--json", "--out"} == {*found["Output"]}


def test_help_tells_the_verbs_in_the_order_of_the_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    verbs = [
        "group",
        "characters",
        "maxima",
        "landscape",
        "threshold",
        "train",
        "validate",
        "exact",
        "study",
    ]
    assert headings(capsys)["Commands"][:9] == verbs


def test_characters_hold_no_rounding_of_zeros(call: Any) -> None:
    for spec in ("S3", "S4xC3"):
        table = np.array(json.loads(call("characters", spec, "--json")[1])["table"])
        assert not ((table != 0) & (abs(table) < 1e-12)).any()


def test_a_zero_network_answers_nothing(call: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "zero.npz")
    np.savez(path, W=np.zeros((6, 4)), V=np.zeros((4, 3)))
    found = json.loads(call("validate", path, "--group", "C3", "--json")[1])
    assert found["accuracy"] == 0
    assert {entry["excluded_accuracy"] for entry in found["logits"]["by_irrep"]} == {0}


def test_a_bar_shared_by_workers_takes_a_line_a_title(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar() as bar:
        for step in range(1, 200):
            bar.follow(step % 2, step, 200)
        bar.follow(2, 1, 200)
    err = capsys.readouterr().err
    assert err.count("\n") == 3
    assert all(f"seed {seed}" in err for seed in (0, 1, 2))
    assert "1/200" in err.splitlines()[-1]
