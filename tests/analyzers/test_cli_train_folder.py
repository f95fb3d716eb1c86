"""``groupfeat train --out`` into folders that were used before: nothing lost, nothing silent."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzers._cli_train_earlier import joined_answers
from groupfeat.training import load_checkpoint

SHORT = ("train", "S3", "--hidden", "8", "--epochs", "30", "--stop", "never", "--json")


def answer(call: Any, *words: str) -> tuple[Any, list[str]]:
    """Return the answer and the notes on stderr."""
    code, out, err = call(*words)
    assert code == 0, err
    return json.loads(out), [line for line in err.splitlines() if line.startswith("groupfeat:")]


def names_of(paths: list[str]) -> list[str]:
    return [Path(path).name for path in paths]


def test_files_of_other_runs_stay_and_are_told(call: Any, tmp_path: Path) -> None:
    out = ("--out", str(tmp_path))
    watch = ("--checkpoint-at", "5,10", "--telemetry", "scores")
    assert answer(call, *SHORT, "--runs", "3", *watch, *out)[1] == []
    before = {path.name: path.read_bytes() for path in tmp_path.glob("run-*")}
    found, notes = answer(call, *SHORT, "--seed", "1", "--checkpoint-at", "10", *out)
    assert names_of(found["checkpoints"]) == ["run-1-at-10.safetensors", "run-1.safetensors"]
    assert json.loads((tmp_path / "train.json").read_text()) == found
    shown = "run-0-at-5.safetensors, run-0-at-10.safetensors, run-0.jsonl, run-0.safetensors"
    assert notes == [
        f"groupfeat: note: in {str(tmp_path)!r} 10 files of an earlier call stay: {shown} and 6 "
        "more"
    ]
    after = {path.name: path.read_bytes() for path in tmp_path.glob("run-*")}
    assert before.keys() == after.keys()
    stay = before.keys() - set(names_of(found["checkpoints"]))
    assert len(stay) == 10
    assert {name: before[name] for name in stay} == {name: after[name] for name in stay}


def test_the_same_call_again_says_nothing(call: Any, tmp_path: Path) -> None:
    words = (*SHORT, "--checkpoint-at", "5", "--telemetry", "scores", "--out", str(tmp_path))
    one, two = answer(call, *words), answer(call, *words)
    assert one[1] == two[1] == []
    assert one[0]["runs"] == two[0]["runs"]
    assert one[0]["checkpoints"] == two[0]["checkpoints"]


def test_another_config_is_told(call: Any, tmp_path: Path) -> None:
    out = ("--out", str(tmp_path))
    answer(call, *SHORT, *out)
    _, notes = answer(call, *SHORT, "--beta", "2", *out)
    told = "config.json was of another call (beta: 1.0 there, 2.0 now), this one replaces it and"
    assert notes == [f"groupfeat: note: in {str(tmp_path)!r} {told} run-0.safetensors"]
    _, notes = answer(
        call, "train", "C5", "--preset", "zero-init-v", "--epochs", "2", "--json", *out
    )
    (note,) = notes
    assert "1 file of an earlier call stays: run-0.safetensors;" in note
    assert "(preset: None there, 'zero-init-v' now), this one replaces it" in note
    (tmp_path / "config.json").write_text('{"verb": "maxima"}')
    _, (note,) = answer(call, *SHORT, *out)
    assert "2 files of an earlier call stay: run-0-arm-0.safetensors, run-0-arm-1" in note
    assert "(verb: 'maxima' there, 'train' now), this one replaces it and run-0.safe" in note


def test_a_run_that_ends_early_leaves_later_checkpoints(call: Any, tmp_path: Path) -> None:
    """They were to be replaced, as far as could be known at the beginning."""
    out = ("--checkpoint-at", "5,400", "--out", str(tmp_path))
    words = ("train", "S3", "--train-fraction", "1", "--hidden", "64", "--epochs", "400", "--json")
    found, _ = answer(call, *words, "--stop", "never", *out)
    assert names_of(found["checkpoints"])[1] == "run-0-at-400.safetensors"
    found, notes = answer(call, *words, "--stop", "memorised", *out)
    assert found["runs"][0]["epochs"] < 400
    kept = ["run-0-at-5.safetensors", "run-0.safetensors"]
    assert names_of(found["checkpoints"]) == kept
    assert "config.json was of another call (stop: 'never' there, 'memorised' now)" in notes[0]
    assert notes[1].endswith("1 file of an earlier call stays: run-0-at-400.safetensors")
    assert len(notes) == 2


def test_other_files_are_none_of_ours(call: Any, tmp_path: Path) -> None:
    for name in ("run-x.safetensors", "run-1.npz", "notes.txt", "run-1-at-.safetensors"):
        (tmp_path / name).touch()
    assert answer(call, *SHORT, "--out", str(tmp_path))[1] == []


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four runs with checkpoints and records."""
    from analyzers.cli import app

    folder = tmp_path_factory.mktemp("four")
    words = ("--runs", "4", "--checkpoint-at", "10", "--telemetry", "scores")
    with pytest.raises(SystemExit) as ended:
        app((*SHORT, *words, "--telemetry-at", "every:10", "--out", str(folder)))
    assert ended.value.code == 0
    return folder


@pytest.fixture
def used(four: Path, tmp_path: Path) -> Path:
    return shutil.copytree(four, tmp_path / "used")


def test_config_json_stays_the_recipe_of_its_folder(call: Any, used: Path, tmp_path: Path) -> None:
    recipe = (used / "config.json").read_bytes()
    before = json.loads((used / "train.json").read_text())
    (used / "run-1.jsonl").unlink()
    start = str(used / "run-1.safetensors")
    words = ("train", "S3", "--resume", start, "--epochs", "40", "--json", "--out", str(used))
    found, notes = answer(call, *words)
    assert notes == []
    assert (used / "config.json").read_bytes() == recipe
    went_on = {"seed": 1, "checkpoint": start, "from_epoch": 30}
    assert found["resumed"] == [{**went_on, "epochs_before": 30, "epochs_now": 40}]
    after = json.loads((used / "train.json").read_text())
    assert after["resumed"] == found["resumed"]
    assert [run["epochs"] for run in after["runs"]] == [30, 40, 30, 30]
    assert after["runs"][1] == found["runs"][0]
    assert [after["runs"][k] for k in (0, 2, 3)] == [before["runs"][k] for k in (0, 2, 3)]
    for name in ("checkpoints", "telemetry"):
        assert names_of(after[name]) == names_of(before[name])
    assert after["stages"] == before["stages"]
    again, _ = answer(call, "train", "--config", str(used / "config.json"), "--json",
                      "--out", str(tmp_path / "again"))  # fmt: skip
    assert again["runs"] == before["runs"]


def test_what_a_resumed_run_did_is_told_in_its_own_file(
    call: Any, used: Path, tmp_path: Path
) -> None:
    (used / "run-1.jsonl").unlink()
    start = str(used / "run-1.safetensors")
    words = ("train", "S3", "--resume", start, "--json", "--out", str(used), "--epochs")
    answer(call, *words, "40")
    second, notes = answer(call, *words, "50")
    assert notes == []
    assert json.loads((used / "train.json").read_text())["resumed"] == second["resumed"]
    told = json.loads((used / "run-1-resumed.json").read_text())
    assert [each["epochs_now"] for each in told["resumed"]] == [40, 50]
    assert (told["answer"], told["epochs"], told["verb"]) == (second, 50, "train")
    repeated = ("train", "--config", str(used / "run-1-resumed.json"), "--epochs", "60", "--json")
    found, _ = answer(call, *repeated)
    assert (found["runs"][0]["seed"], found["runs"][0]["epochs"]) == (1, 60)
    answer(call, *SHORT, "--seed", "1", "--out", str(used))
    assert not (used / "run-1-resumed.json").exists()


def test_records_of_a_resumed_run_replace_those_of_its_later_epochs(call: Any, used: Path) -> None:
    """Run 1 was at position 1 of its call; alone it is at 0."""
    from groupfeat.training.telemetry import read_json_lines

    config, records = read_json_lines(used / "run-1.jsonl")
    words = ("--telemetry", "scores", "--telemetry-at", "every:10", "--out", str(used), "--json")
    start = str(used / "run-1-at-10.safetensors")
    answer(call, "train", "S3", "--resume", start, *words)
    assert read_json_lines(used / "run-1.jsonl") == (config, records)
    assert (used / "run-1.jsonl").read_text().count("\n") == 1 + len(records)


def test_records_that_end_before_the_run_does_are_told(call: Any, used: Path) -> None:
    words = ("train", "S3", "--resume", str(used / "run-1.safetensors"), "--out", str(used))
    longer = (*words, "--epochs", "50", "--json")
    told = "run-1.jsonl ends before this call: nothing is recorded without --telemetry"
    assert any(told in line for line in answer(call, *longer)[1])
    start = str(used / "run-2.safetensors")
    recorded = ("train", "S3", "--resume", start, "--out", str(used), "--epochs", "50", "--json")
    assert not answer(call, *recorded, "--telemetry", "scores")[1]


def test_a_folder_of_its_own_is_a_recipe_too(call: Any, used: Path, tmp_path: Path) -> None:
    """Resumed into a fresh folder: config.json trains the same run from its beginning."""
    fresh, again = tmp_path / "fresh", tmp_path / "again"
    words = ("train", "S3", "--resume", str(used / "run-2-at-10.safetensors"), "--json")
    found, notes = answer(call, *words, "--epochs", "40", "--out", str(fresh))
    assert notes == []
    assert json.loads((fresh / "train.json").read_text()) == found
    names = ["config.json", "run-2-resumed.json", "run-2.safetensors", "train.json"]
    assert sorted(path.name for path in fresh.iterdir()) == names
    told = ("train", "--config", str(fresh / "config.json"), "--json", "--out", str(again))
    assert answer(call, *told)[0]["runs"] == found["runs"]
    ends = [load_checkpoint(folder / "run-2.safetensors") for folder in (fresh, again)]
    assert ends[0].config == ends[1].config
    assert np.array_equal(ends[0].first_layer, ends[1].first_layer)
    other, _ = answer(call, *told[:4], "--seed", "7", "--out", str(tmp_path / "b"))
    assert other["runs"][0]["seed"] == 7
    end = load_checkpoint(other["checkpoints"][0])
    assert (end.config.pair_seed, end.config.init_seed) == (7, 7)


def test_a_visit_leaves_the_recipe_of_others(call: Any, used: Path, tmp_path: Path) -> None:
    """A checkpoint resumed into a folder of another experiment."""
    other = tmp_path / "other"
    answer(call, "train", "C5", *SHORT[2:], "--seed", "1", "--runs", "2", "--out", str(other))
    before = [(other / name).read_bytes() for name in ("config.json", "train.json")]
    words = ("train", "S3", "--resume", str(used / "run-1-at-10.safetensors"), "--json")
    found, (note,) = answer(call, *words, "--out", str(other))
    assert (
        "in " + repr(str(other)) + " 1 file of an earlier call stays: run-2.safetensors; " in note
    )
    assert "config.json is of another call (spec: 'C5' there, 'S3' now) and stays; " in note
    assert note.endswith("run-1-resumed.json tells of this call, which replaces run-1.safetensors")
    assert [(other / name).read_bytes() for name in ("config.json", "train.json")] == before
    assert json.loads((other / "run-1-resumed.json").read_text())["answer"] == found


@pytest.mark.parametrize("content", ["{", "[]", '{"verb": "maxima"}', '{"verb":"train","x":1}'])
def test_a_config_that_is_no_recipe_stays(
    call: Any, used: Path, tmp_path: Path, content: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "config.json").write_text(content)
    words = ("train", "S3", "--resume", str(used / "run-1-at-10.safetensors"), "--json")
    _, (note,) = answer(call, *words, "--out", str(folder))
    assert "and stays; run-1-resumed.json tells of this call" in note
    assert (folder / "config.json").read_text() == content


def test_a_resumed_story_in_place_of_a_recipe_is_replaced(
    call: Any, used: Path, tmp_path: Path
) -> None:
    """As earlier versions left it."""
    told = json.loads((used / "config.json").read_text())
    start = str(used / "run-1-at-10.safetensors")
    (used / "config.json").write_text(json.dumps({**told, "resume": start, "runs": None}))
    answer(call, "train", "S3", "--resume", start, "--json", "--out", str(used))
    told = json.loads((used / "config.json").read_text())
    assert (told["resume"], told["seed"], told["runs"]) == (None, 1, 1)


def test_another_verb_leaves_the_recipe(call: Any, used: Path) -> None:
    recipe = (used / "config.json").read_bytes()
    answer(call, "group", "S3", "--json", "--out", str(used))
    assert (used / "config.json").read_bytes() == recipe
    assert json.loads((used / "group-config.json").read_text())["verb"] == "group"


def test_answers_are_joined_by_arm_and_seed() -> None:
    setting = {"settings": {"alpha": 1.0}, "test_loss": None}
    marks = dict.fromkeys(("memorized_at", "half_at", "generalized_at", "test_accuracy"))
    rows = [{"seed": seed, "arm": arm, **setting, **marks} for arm in (0, 1) for seed in (3, 12)]
    older = {"runs": rows, "arms": [], "checkpoints": ["a/run-12.safetensors"], "preset": "depth"}
    newer = {
        "runs": [{"seed": 3, "arm": 1, "half_at": 9}],
        "checkpoints": ["b/run-3.safetensors", "b/run-12.safetensors"],
        "resumed": [{"seed": 3, "arm": 1}],
    }
    found = joined_answers(older, newer)
    assert [row["half_at"] for row in found["runs"]] == [None, None, 9, None]
    assert (found["preset"], found["resumed"]) == ("depth", newer["resumed"])
    assert found["checkpoints"] == ["a/run-3.safetensors", "a/run-12.safetensors"]
    assert (found["arms"][0]["runs"], found["arms"][0]["half_at"]) == (4, 9)
    added = joined_answers({"runs": [{"seed": 5}]}, {"runs": [{"seed": 2}]})
    assert [row["seed"] for row in added["runs"]] == [2, 5]
    for junk in (
        {},
        {"runs": 3},
        {"runs": [7]},
        {"runs": [{"seed": "x"}]},
        {"runs": [], "stages": 1},
        {"runs": [], "checkpoints": [3]},
    ):
        assert joined_answers(junk, newer) == newer
