"""``groupfeat train``: every task, every setting, and config files that repeat a run."""

import json
from dataclasses import fields
from itertools import product
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

from analyzers._cli_train_options import NO_SETTINGS
from analyzers._cli_train_request import Request, read_request
from groupfeat.groups import group_from_spec
from groupfeat.training import TrainConfig, load_checkpoint

FEW = ("--hidden", "8", "--epochs", "12", "--stop", "never")


def answer(call: Any, *words: str) -> Any:
    code, out, err = call("train", *words, "--json")
    assert code == 0, err
    return json.loads(out)


POWERS = {"square": 2, "cube": 3}


def labels_of(path: str, labels: dict[tuple[int, ...], int], size: int) -> float:
    """Return the share of right answers of a stored plain network, by one-hot sums."""
    run = load_checkpoint(path)
    right = 0
    for operands, label in labels.items():
        rows = [i * size + x for i, x in enumerate(operands)]
        hidden = run.first_layer[rows].astype(float).sum(0) ** POWERS[run.config.activation]
        right += int(np.argmax(hidden @ run.second_layer) == label)
    return right / len(labels)


S3_TABLE = group_from_spec("S3").cayley_table
WORDS = {(g, h, k): int(S3_TABLE[S3_TABLE[g, h], k]) for g, h, k in product(range(6), repeat=3)}
QUADRATIC = {(x, y): (x * x + x * y + y * y) % 7 for x, y in product(range(7), repeat=2)}
WORDED = {(i, j): (i + j) % 2 for i, j in product(range(3), repeat=2)}


@pytest.mark.parametrize(
    ("words", "labels"),
    [
        (("S3", "--operands", "3"), WORDS),
        (("--task", "x^2+x*y+y^2 mod 7"), QUADRATIC),
        (("--task-file", "{folder}/words.csv"), WORDED),
        (("--task-file", "{folder}/words.npy"), WORDED),
        (("--task-file", "{folder}/words.json"), WORDED),
    ],
    ids=["words", "expression", "csv", "npy", "json"],
)
def test_every_task_is_trained(
    call: Any, tmp_path: Path, words: tuple[str, ...], labels: dict[tuple[int, ...], int]
) -> None:
    table = np.array([[WORDED[i, j] for j in range(3)] for i in range(3)])
    np.save(tmp_path / "words.npy", table)
    text = [["even", "odd"][label] for label in table.ravel()]
    rows = [text[3 * i : 3 * i + 3] for i in range(3)]
    (tmp_path / "words.csv").write_text("\n".join(",".join(row) for row in rows))
    (tmp_path / "words.json").write_text(json.dumps(rows))
    told = [word.replace("{folder}", str(tmp_path)) for word in words]
    all_seen = ("--train-fraction", "1", *FEW, "--out", str(tmp_path / "out"))
    found = answer(call, *told, *all_seen, "--learning-rate", "0.05")
    (run,), (path,) = found["runs"], found["checkpoints"]
    assert set(found) == {"task", "runs", "checkpoints", "seconds_per_step"}
    size = 1 + max(operands[0] for operands in labels)
    assert run["train_accuracy"] == pytest.approx(labels_of(path, labels, size))
    assert run["test_accuracy"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "got none of them"),
        (("S3", "--task", "x mod 3"), "got SPEC and --task"),
        (("--task", "x mod 3", "--task-file", "t.csv"), "got --task and --task-file"),
        (("--task", "x mod 3", "--operands", "2"), "--operands is for products in a group"),
        (("S3", "--operands", "1"), "a product needs at least 2 operands, got 1"),
        (("S3", "--operands", "99"), "99 operands on S3 make 6^99 examples"),
        (("--task", "x + z mod 5"), "cannot read 'z' at place 5"),
        (("--task", "__import__('os') mod 5"), "cannot read '_' at place 1"),
        (("--task-file", "none.csv"), "cannot read a table of labels from 'none.csv'"),
        (("S3", "--runs", "1000000"), "runs must be at least 1 and at most 10000"),
        (("S3", "--epochs", "1000000000000"), "epochs must be at most 10⁹"),
        (("S3", "--epochs", "1000000000", "--eval-every", "1"), "raise eval_every (1)"),
        (("S3", "--hidden", "1000000000000"), "lower n_hidden (1000000000000)"),
        (("S3", "--hidden", "1.5"), "expected a whole number, got '1.5'"),
        (("S3", "--learning-rate", "inf"), "learning_rate must be positive, got inf"),
        (("S3", "--learning-rate", "-1"), "learning_rate must be positive, got -1"),
        (("S3", "--config", "a.yaml"), "--config takes a .toml or a .json file"),
        (("S3", "--config", "none.toml"), "cannot read --config 'none.toml': No such file"),
    ],
)
def test_what_cannot_be_is_one_clear_line(call: Any, words: tuple[str, ...], message: str) -> None:
    code, out, err = call("train", *words, "--json")
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_labels_read_are_told(call: Any, tmp_path: Path) -> None:
    """On stderr in one line, and as a key beside the answer."""
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\nb,,a\nc,a,\n")
    code, out, err = call("train", "--task-file", str(path), *FEW, "--json")
    told = {"name": "t", "examples": 7, "classes": 3, "holes": 2, "sizes": [3, 3]}
    assert (code, json.loads(out)["task"]) == (0, told)
    assert err.startswith("labels read: 9 cells (3 × 3), 3 classes, 2 holes\n")
    code, out, err = call("train", "C5", *FEW, "--json")
    told = {"name": "C5", "examples": 25, "classes": 5, "holes": 0, "sizes": [5, 5]}
    assert (code, json.loads(out)["task"]) == (0, told)
    assert "labels read" not in err


def test_a_file_that_is_no_table_of_labels(call: Any, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("0 1 2\n1 2 0\n2 0 1\n")
    code, out, err = call("train", "--task-file", str(path), *FEW, "--out", str(tmp_path / "o"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "'t.csv': its cells are not parted by commas: '0 1 2' in row 1, column 1" in err


def test_words_are_learned_at_the_defaults(call: Any) -> None:
    found = answer(call, "C7", "--operands", "3", "--settle-epochs", "0")
    assert found["runs"][0]["test_accuracy"] >= 0.995
    assert found["task"] == {
        "name": "C7^3", "examples": 343, "classes": 7, "holes": 0, "sizes": [7, 7, 7]
    }  # fmt: skip


def test_what_an_activation_cannot_hold_is_told(call: Any, tmp_path: Path) -> None:
    words = ("train", "S3", "--operands", "3", "--activation", "square", "--out")
    code, out, err = call(*words, str(tmp_path / "o"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "activation 'square' takes at most 2 operands together, and no 2 of the 3" in err
    x, y, z = np.indices((3, 3, 3))
    np.save(tmp_path / "t.npy", (x * y + z) % 3)
    words = ("train", "--task-file", str(tmp_path / "t.npy"), *FEW, "--json")
    code, out, err = call(*words, "--activation", "square")
    assert code == 0
    assert json.loads(out)["task"]["captured"] == pytest.approx(5 / 9)
    assert "note: activation square does not take 3 operands together; it can hold a share" in err
    assert "captured" not in answer(call, *words[1:-1])["task"]


def test_options_and_settings_are_the_same() -> None:
    """A setting that the command line lacks, or one that says another default, fails here."""
    own = {"n_hidden" if f.name == "hidden" else f.name: f.name for f in fields(NO_SETTINGS)}
    assert {f.name for f in fields(TrainConfig)} == {*own, "task"}
    hints = get_type_hints(type(NO_SETTINGS), include_extras=True)
    for setting in fields(TrainConfig):
        if setting.name != "task":
            shown = [p.show_default for p in getattr(hints[own[setting.name]], "__metadata__", ())]
            default = None if setting.default is None else str(setting.default)
            assert (shown or [None]) == [default], setting.name


def test_every_setting_arrives(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option is given another value than the default and is found in the config."""
    caught: list[Request] = []

    def catch(request: Request, *_: object) -> None:
        caught.append(request)
        raise ValueError("caught")

    monkeypatch.setattr("analyzers._cli_training.train_networks", catch)
    wanted: dict[str, Any] = {}
    words: list[str] = []
    for setting in fields(TrainConfig):
        name, default = setting.name, setting.default
        option = "--hidden" if name == "n_hidden" else f"--{name.replace('_', '-')}"
        if name == "task":
            continue
        if isinstance(default, bool):
            wanted[name] = not default
            words.append(option if not default else option.replace("--", "--no-"))
            continue
        if isinstance(default, str):
            wanted[name] = "another"
        elif isinstance(default, int) or name.endswith("_seed"):
            wanted[name] = 7
        else:
            wanted[name] = 0.125
        words += [option, str(wanted[name])]
    assert call("train", "S3", *words)[0] == 2
    assert caught[0].settings == wanted


def test_a_written_config_repeats_the_run(call: Any, tmp_path: Path) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    told = ("--task", "x*y mod 5", "--runs", "2", "--seed", "3", *FEW, "--init", "normal")
    paths = answer(call, *told, "--out", str(first))["checkpoints"]
    config = str(first / "config.json")
    for path, copy in zip(
        paths, answer(call, "--config", config, "--out", str(again))["checkpoints"], strict=True
    ):
        one, two = load_checkpoint(path), load_checkpoint(copy)
        assert (one.config, one.seed) == (two.config, two.seed)
        assert np.array_equal(one.first_layer, two.first_layer)
    assert json.loads((again / "config.json").read_text()) == json.loads(Path(config).read_text())


def test_the_command_line_stands_before_the_file(call: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('spec = "C5"\noperands = 3\nn_hidden = 4\nepochs = 9\nbias = true\nruns = 2\n')
    words = ("--config", str(file), "--epochs", "5", "--no-bias", "--out", str(tmp_path / "o"))
    found = answer(call, *words)
    run = load_checkpoint(found["checkpoints"][0])
    assert (len(found["runs"]), run.group_name, run.epochs) == (2, "C5^3", 5)
    assert (run.config.n_hidden, run.config.bias) == (4, False)
    file.write_text('spec = "C5"\noperands = 3\nn_hidden = 4\nepochs = 5\n')
    other = answer(call, "--task", "x mod 3", "--config", str(file), "--out", str(tmp_path / "o"))
    assert load_checkpoint(other["checkpoints"][0]).group_name == "x mod 3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hiden = 3", "holds an unknown key 'hiden'; known: activation, adam_beta1"),
        ('verb = "maxima"', "is of the verb 'maxima'"),
        ('n_hidden = "many"', "n_hidden must be an int, got 'many'"),
        ("n_hidden = true", "n_hidden must be an int, got True"),
        ("spec = 3", "spec must be text, got 3"),
        ("runs = true", "runs must be a whole number, got True"),
        ("runs = 0", "runs must be at least 1"),
        ("seed = -1", "seed must be in [0, 2⁶³), got -1"),
        ("ridge = 0.1", "ridge solves for V under the loss mse_samples"),
        ("[settings]\nn_hidden = 3", "holds an unknown key 'settings'"),
        ("n_hidden = ", "cannot read --config"),
        ("\udc80", "cannot read --config"),
    ],
)
def test_a_bad_file_is_refused(call: Any, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "a.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    code, out, err = call("train", "S3", "--config", str(file))
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize("content", ["[1]", "[" * 100_000, '{"a": NaN}', "7"])
def test_junk_json_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(content)
    with pytest.raises(ValueError, match="config"):
        read_request(str(file))
