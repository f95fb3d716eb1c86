"""The command line's contract: keys, exit codes, one clear line for bad input."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groupfeat.energy import find_maxima


def test_group(call: Any) -> None:
    code, out, _ = call("group", "S4", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["name"], found["order"], found["abelian"]) == ("S4", 24, False)
    assert sorted(found["class_sizes"]) == [1, 3, 6, 6, 8]
    assert [irrep["dim"] for irrep in found["irreps"]] == [1, 1, 2, 3, 3]
    assert set(found["irreps"][0]) == {"index", "dim", "frobenius_schur"}
    errors = found["certificate"]
    assert set(errors) == {"homomorphism_error", "unitarity_error", "orthogonality_error"}
    assert max(errors.values()) < 1e-12
    assert found["seconds"] > 0


def test_threshold(call: Any) -> None:
    code, out, _ = call("threshold", "C11", "--trials", "6", "--json")
    found = json.loads(out)
    assert code == 0
    assert found.keys() >= {"irreps", "seconds"}
    assert found["irreps"][0].keys() >= {"irreps", "dim", "n50", "low", "high", "n50_over_m_log_m"}
    first = found["irreps"][0]
    assert first["low"] <= first["n50"] <= first["high"] <= 121
    assert first["n50_over_m_log_m"] == pytest.approx(first["n50"] / (11 * np.log(11)))
    assert first["predicted"] == pytest.approx(first["n50"], rel=0.25)
    assert first["theorem_pairs"] == pytest.approx(11 * np.log(22))
    _, again, _ = call("threshold", "C11", "--trials", "6", "--json")
    assert json.loads(again)["irreps"] == found["irreps"]
    _, other, _ = call("threshold", "C11", "--trials", "6", "--json", "--seed", "1")
    assert json.loads(other)["irreps"] != found["irreps"]
    _, reached, _ = call("threshold", "C5", "--trials", "3", "--kind", "reachability", "--json")
    assert json.loads(reached)["irreps"][0]["predicted"] is None


def test_threshold_says_what_is_wrong(call: Any) -> None:
    code, out, told = call("threshold", "S3", "--variant", "cooked")
    assert (code, out) == (2, "")
    assert "variant must be one of raw, cross, ht" in told


def test_exact_characters(call: Any) -> None:
    _, out, _ = call("characters", "D5", "--exact", "--json")
    assert "-1/2 + sqrt(5)/2" in json.loads(out)["exact"][3]
    _, out, _ = call("characters", "D5", "--exact")
    assert "-1/2 + sqrt(5)/2" in out


def test_characters(call: Any) -> None:
    code, out, _ = call("characters", "Q8", "--json")
    found = json.loads(out)
    values = np.array(found["table"])
    assert code == 0
    assert values.shape == (5, 5, 2)
    assert sum(found["class_sizes"]) == 8
    assert len(found["class_representatives"]) == 5
    assert np.sum(values[:, 0, 0] ** 2) == 8


def test_maxima(call: Any) -> None:
    code, out, err = call("maxima", "S4", "--json", "--starts", "200")
    found = json.loads(out)
    assert code == 0
    assert [f["energy"] for f in found["predicted"]] == [12, 6, 4, 4]
    assert [f["flat_dim"] for f in found["predicted"]] == [0, 3, 6, 6]
    assert {f["type"] for f in found["predicted"]} == {"real"}
    assert found["unmatched"] == 0
    assert sum(c["count"] for c in found["found"]) == 200
    assert sum(c["probability"] for c in found["found"]) == pytest.approx(1)
    keys = "irreps energy count probability flat_dim isotypic_share gradient_norm matches"
    assert set(keys.split()) <= set(found["found"][0])
    assert 0 < found["unseen_probability"] < 0.05
    assert "ascent" in err


def test_maxima_on_a_share_of_the_pairs(call: Any) -> None:
    code, out, _ = call("maxima", "C7", "--json", "--starts", "20", "--train-fraction", "0.9")
    found = json.loads(out)
    assert code == 0
    assert found["predicted"] == []
    assert len(found["found"]) > 0


def test_landscape(call: Any) -> None:
    code, out, _ = call("landscape", "S3", "--json")
    found = json.loads(out)
    assert code == 0
    keys = {"irreps", "dim", "type", "energy", "flat_dim", "basin_probability"}
    assert all(keys <= set(family) for family in found["families"])
    assert sum(f["basin_probability"] for f in found["families"]) == pytest.approx(1)
    (barrier,) = found["barriers"]
    one = pytest.approx(1)
    assert barrier == {"between": [0, 1], "energy": one, "pass_energy": one, "index": 1}


def test_train_and_validate(call: Any, tmp_path: Path) -> None:
    code, out, _ = call("train", "D5", "--runs", "2", "--out", str(tmp_path / "t"), "--json")
    found = json.loads(out)
    assert code == 0
    assert [run["seed"] for run in found["runs"]] == [0, 1]
    keys = "seed epochs train_accuracy test_accuracy train_loss test_loss memorized_at"
    assert {*keys.split(), "generalized_at"} <= set(found["runs"][0])
    assert found["runs"][0]["test_accuracy"] == 1
    assert len(found["checkpoints"]) == 2
    assert found["seconds_per_step"] > 0
    kept = json.loads((tmp_path / "t" / "train.json").read_text())
    assert kept == found
    assert json.loads((tmp_path / "t" / "config.json").read_text())["versions"]["python"]

    code, out, _ = call("validate", found["checkpoints"][0], "--group", "D5", "--json")
    match = json.loads(out)
    assert code == 0
    assert match["matched_share"] >= 0.95
    assert match["missing"] == []
    assert match["accuracy"] == 1
    assert {tuple(entry["irreps"]) for entry in match["by_irrep"]} == {(1,), (2,), (3,)}
    keys = "index irreps isotypic_share rank_one_share energy_ratio"
    assert set(keys.split()) <= set(match["nodes"][0])


@pytest.mark.parametrize("name", ["net.npz", "net.safetensors"])
def test_exact_networks_validate(call: Any, tmp_path: Path, name: str) -> None:
    path = str(tmp_path / name)
    code, out, _ = call("exact", "S4", "--out", path, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["hidden"] == 64
    assert found["bound_paper"] == 358
    assert found["relative_error"] < 1e-12
    code, out, _ = call("validate", path, "--group", "S4", "--json")
    match = json.loads(out)
    assert match["accuracy"] == 1
    assert match["missing"] == []
    assert match["matched_share"] == 1


def test_all_pairs_give_no_test_metrics(call: Any) -> None:
    code, out, _ = call("train", "S3", "--train-fraction", "1", "--epochs", "50", "--json")
    (run,) = json.loads(out)["runs"]
    assert code == 0
    assert run["test_accuracy"] is None
    assert run["test_loss"] is None


def test_the_same_seed_gives_the_same_answer(call: Any) -> None:
    answers = [call("maxima", "S3", "--json", "--starts", "30", "--seed", "5")[1] for _ in "ab"]
    first, second = ({**json.loads(a), "seconds": 0} for a in answers)
    assert first == second


@pytest.mark.parametrize("arguments", [("group", "S3"), ("characters", "C3"), ("maxima", "C3")])
def test_people_get_a_table(call: Any, arguments: tuple[str, ...]) -> None:
    code, out, _ = call(*arguments)
    assert code == 0
    assert arguments[1] in out
    with pytest.raises(json.JSONDecodeError):
        json.loads(out)


def bad_table(folder: Path) -> str:
    path = folder / "loop.csv"
    path.write_text("0,1,2,3,4\n1,0,3,4,2\n2,4,0,1,3\n3,2,4,0,1\n4,3,1,2,0\n")
    return f"table:{path}"


@pytest.mark.parametrize("verb", ["maxima", "landscape", "threshold"])
def test_where_nothing_is_there_the_answer_is_empty(call: Any, verb: str) -> None:
    """E = 0 on the trivial group: no families, no maxima, and no error."""
    code, out, _ = call(verb, "C1", "--json")
    told = json.loads(out)
    assert code == 0
    lists = [value for value in told.values() if isinstance(value, list)]
    assert lists
    assert not any(lists)
    assert told.get("unmatched", 0) == 0
    assert call(verb, "C1")[0] == 0


BAD = [
    (("group", "X9"), "unknown group 'X9'; known forms"),
    (("group", "{bad_table}"), "associativity fails at (1, 1, 2): (1*1)*2 = 2 but 1*(1*2) = 4"),
    (("group", "table:none.npy"), "no file 'none.npy'"),
    (("group",), "requires an argument"),
    (("group", "S3", "--colour"), "Unknown option"),
    (("grup", "S3"), "Unknown command"),
    (("maxima", "S3", "--train-fraction", "0"), "train_fraction must be in (0, 1], got 0"),
    (("landscape", "S3", "--samples", "1"), "samples must be at least 100, got 1"),
    (
        ("landscape", "S3", "--samples", "1" + "0" * 13),
        "samples must be whole and in 1..1000000, got 1",
    ),
    (("maxima", "S3", "--starts", "0"), "starts must be at least 1, got 0"),
    (("maxima", "S3", "--starts", "many"), "expected a whole number, got 'many'"),
    (("threshold", "S3", "--trials", "1.5"), "expected a whole number, got '1.5'"),
    (("group", "S3", "--seed", "1.5"), "expected a whole number, got '1.5'"),
    (("maxima", "S3", "--starts", "9" * 13), "out of memory"),
    (("maxima", "S3", "--activation", "sine"), "unknown activation 'sine'"),
    (("train", "S3", "--train-fraction", "0"), "train_fraction must be in (0, 1], got 0"),
    (("group", "F21", "--seed", "-1"), 'Invalid value "-1" for --seed'),
    (("train", "S3", "--hidden", "9" * 15), "training needs about"),
    (("train", "S3", "--checkpoint-at", "²", "--out", "{folder}"), "takes log, log:16, every:100"),
    (("train", "S3", "--runs", "0"), "runs must be at least 1"),
    (("train", "S3", "--learning-rate", "nan"), "learning_rate must be positive"),
    (("train", "S3", "--out", "{file}/x"), "cannot write to --out"),
    (("group", "S3", "--out", "{file}/x"), "cannot write to --out"),
    (("study", "S3", "--out", "{file}/x"), "cannot write to --out"),
    (("study", "C1", "--out", "{folder}"), "the trivial group has no nontrivial irrep"),
    (("study", "S3", "--out", "{folder}", "--runs", "0"), "runs must be at least 1"),
    (("exact", "S3", "--out", "{file}/net.npz"), "cannot write"),
    (("exact", "S3", "--out", "{folder}.txt"), "expected a name in .npz or .safetensors"),
    (("validate", "none.pt", "--group", "S3"), "no file 'none.pt'"),
    (("validate", "{file}", "--group", "S3"), "cannot read"),
    (("validate", "{file}", "--group", "S3", "--first-layer", "W"), "name both layers"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_ends_in_one_clear_line(
    call: Any, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    file = tmp_path / "file"
    file.write_text("junk")
    places = {"{bad_table}": bad_table(tmp_path), "{folder}": str(tmp_path / "new")}
    told = [places.get(a, a).replace("{file}", str(file)) for a in arguments]
    code, out, err = call(*told, "--json") if "--colour" not in arguments else call(*told)
    assert code == 2
    assert out == ""
    last = err.strip().splitlines()[-1]
    assert err.count("groupfeat: error:") == 1
    assert message in last
    assert "Traceback" not in err


def test_unconverged_ascents_fail_the_check(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = partial(find_maxima, tolerance=1e-300)
    monkeypatch.setattr("analyzers.maxima.find_maxima", strict)
    code, out, _ = call("maxima", "S3", "--activation", "silu", "--starts", "10", "--json")
    found = json.loads(out)
    assert code == 1
    assert found["converged"] < 10
    assert found["unmatched"] is None


def test_a_missing_library_is_named(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cyclopts", None)
    code, out, err = call("group", "S3")
    assert (code, out) == (2, "")
    assert 'cyclopts is not installed; the command needs pip install "groupfeat[all]"' in err


def test_wide_tables_are_not_cut(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    _, out, _ = call("characters", "C23")
    assert "…" not in out
    assert out.count("ρ") == 23


def test_the_module_is_the_command() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "analyzers", "group", "X9"], capture_output=True, text=True
    )
    assert found.returncode == 2
    assert found.stdout == ""
    assert found.stderr.startswith("groupfeat: error: unknown group 'X9'")


def test_the_package_says_where_the_command_is() -> None:
    """And loads nothing for it: imports go one way."""
    found = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "groupfeat", "group", "S3"],
        capture_output=True,
        text=True,
    )
    told = [line for line in found.stderr.splitlines() if not line.startswith("import time:")]
    assert (found.returncode, found.stdout) == (2, "")
    assert told == [
        "groupfeat: error: this package is no program; the command is groupfeat, or "
        "python -m analyzers, with the same words"
    ]
    assert "| analyzers" not in found.stderr


def test_describing_a_group_needs_no_heavy_library() -> None:
    code = (
        "import sys\nfrom analyzers.cli import app\n"
        "try:\n    app(['group', 'S3', '--json'])\nexcept SystemExit: pass\n"
        "print(*[m for m in ('torch', 'matplotlib', 'numba') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[1:] == [""]
