"""Streams survive a crash, refuse to mix configs, and load heavy packages only when asked."""

import json
import math
import resource
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from groupfeat.training import telemetry as tele

CONFIG = {"n_hidden": 8, "ridge": None}
ROWS = [{"position": 0, "seed": 1, "epoch": e, "loss": 1 / (1 + e)} for e in range(3)]


def write(path: Path, rows: list[dict[str, Any]], config: dict[str, Any] = CONFIG) -> None:
    with tele.JsonLines(path, config) as stream:
        for row in rows:
            stream(row)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write(path, ROWS[:2])
    write(path, ROWS[2:])
    assert tele.read_json_lines(path) == (CONFIG, ROWS)
    assert len(path.read_text().splitlines()) == 4


def test_every_record_can_be_read_before_the_next(tmp_path: Path) -> None:
    stream = tele.JsonLines(tmp_path / "a.jsonl", CONFIG)
    for count, row in enumerate(ROWS, 1):
        stream(row)
        assert tele.read_json_lines(stream.path)[1] == ROWS[:count]
    stream.close()


def test_every_cut_of_the_file_can_be_read_and_continued(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write(path, ROWS)
    content = path.read_bytes()
    head = content.index(b"\n") + 1
    for cut in range(0, len(content), 3):
        path.write_bytes(content[:cut])
        if cut >= head:
            whole = content[:cut].count(b"\n") - 1
            assert tele.read_json_lines(path) == (CONFIG, ROWS[:whole])
        write(path, ROWS)
        assert tele.read_json_lines(path) == (CONFIG, ROWS)


def test_nothing_of_a_cut_off_line_stays_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write(path, ROWS[:1])
    path.write_bytes(path.read_bytes() + b'{"loss": ' + b"9" * 500)
    write(path, ROWS[1:])
    assert tele.read_json_lines(path) == (CONFIG, ROWS)
    assert b"99" not in path.read_bytes()


def test_a_resumed_run_replaces_what_it_trains_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    again = [{**row, "loss": 7.0} for row in ROWS[1:]]
    write(path, [*ROWS, *again, {"note": 1}, {"note": 1}])
    assert tele.read_json_lines(path)[1] == [ROWS[0], *again, {"note": 1}, {"note": 1}]


def test_two_configs_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write(path, ROWS)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"another config \(n_hidden: 8 there, 9 now\)"):
        tele.JsonLines(path, {**CONFIG, "n_hidden": 9})
    assert path.read_bytes() == before


def test_a_run_given_more_epochs_goes_on_in_its_file(tmp_path: Path) -> None:
    """The first line tells the new number, the records stay, and the old number is refused."""
    path, short, long = tmp_path / "a.jsonl", {**CONFIG, "epochs": 2}, {**CONFIG, "epochs": 9}
    write(path, ROWS[:2], short)
    path.write_bytes(path.read_bytes() + b'{"cut')
    write(path, ROWS[2:], long)
    assert tele.read_json_lines(path) == (long, ROWS)
    assert len(path.read_bytes().splitlines()) == 4
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"another config \(epochs: 9 there, 2 now\)"):
        tele.JsonLines(path, short)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.jsonl"]


@pytest.mark.parametrize(
    ("there", "now", "told"),
    [
        ({"epochs": 2}, {"epochs": 9, "n_hidden": 9}, "epochs: 2 there, 9 now"),
        ({"epochs": 2}, {}, "epochs: 2 there, None now"),
        ({}, {"epochs": 9}, "epochs: None there, 9 now"),
        ({"epochs": "2"}, {"epochs": 9}, "epochs: '2' there, 9 now"),
        ({"epochs": 2, "schedule": "cosine"}, {"epochs": 9, "schedule": "cosine"}, "epochs: 2"),
    ],
    ids=str,
)
def test_more_epochs_excuse_nothing_else(
    there: dict[str, Any], now: dict[str, Any], told: str, tmp_path: Path
) -> None:
    """Under a schedule that ends with its epochs a run with more of them is another run."""
    path = tmp_path / "a.jsonl"
    write(path, ROWS, CONFIG | there)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"another config .{told}"):
        tele.JsonLines(path, CONFIG | now)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("upto", "left"), [(-1, 0), (0, 1), (1, 2), (2, 3), (9, 3), (None, 3)], ids=str
)
def test_records_after_a_checkpoint_are_dropped(
    upto: int | None, left: int, tmp_path: Path
) -> None:
    """Checking changes nothing; a cut-off line goes with them."""
    path = tmp_path / "a.jsonl"
    write(path, [*ROWS[:2], ROWS[0], ROWS[2]], {**CONFIG, "epochs": 2})
    path.write_bytes(before := path.read_bytes() + b'{"cut')
    for epochs in (2, 3):
        config = {**CONFIG, "epochs": epochs}
        tele.JsonLines.check(path, config, upto=upto)
        assert path.read_bytes() == before
        tele.JsonLines(path, config, upto=upto).close()
        found, records = tele.read_json_lines(path)
        assert found == config
        assert sorted(records, key=lambda record: int(record["epoch"])) == ROWS[:left]
        path.write_bytes(before)


def test_what_has_no_epoch_stays_unless_all_begins_anew(tmp_path: Path) -> None:
    path, rows = tmp_path / "a.jsonl", [{"note": 1}, {"epoch": "2"}, ROWS[2]]
    write(path, rows)
    tele.JsonLines(path, CONFIG, upto=1).close()
    assert tele.read_json_lines(path)[1] == rows[:2]
    tele.JsonLines(path, CONFIG, upto=-1).close()
    assert tele.read_json_lines(path) == (CONFIG, [])


def test_a_damaged_file_is_not_taken_on_from_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write(path, ROWS)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(before := b"".join([*lines[:2], b"{half\n", lines[3]]))
    for ask in (tele.JsonLines, tele.JsonLines.check):
        with pytest.raises(ValueError, match=r"'a\.jsonl' is damaged in line 3; cut it there, or"):
            ask(path, CONFIG, upto=2)
    assert path.read_bytes() == before
    tele.JsonLines(path, CONFIG, upto=-1).close()
    assert tele.read_json_lines(path) == (CONFIG, [])


def test_a_check_refuses_what_the_file_refuses(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    tele.JsonLines.check(path, CONFIG)
    assert not path.exists()
    write(path, ROWS)
    with pytest.raises(ValueError, match="another config"):
        tele.JsonLines.check(path, {**CONFIG, "n_hidden": 9})
    path.write_bytes(b"no json\n")
    with pytest.raises(ValueError, match="is no telemetry file"):
        tele.JsonLines.check(path, CONFIG)


def test_a_first_line_that_cannot_be_replaced_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    write(path, ROWS, CONFIG | {"epochs": 2})
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        tele.JsonLines(path, CONFIG | {"epochs": 9})
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.jsonl"]


OURS = b'{"format":"groupfeat-telemetry-1"'


@pytest.mark.parametrize(
    "content",
    [
        b"no json\n",
        b'{"a": 1}\n',
        b"cut",
        b"[1]\n",
        b"[" * 100_000 + b"\n",
        b"\xff\xfe\n",
        OURS + b"}\n",
        OURS + b',"config":3}\n',
        OURS.replace(b"-1", b"-2") + b',"config":{}}\n',
    ],
    ids=range(9),
)
def test_other_files_are_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"'a\.jsonl' is no telemetry file"):
        tele.JsonLines(path, CONFIG)
    with pytest.raises(ValueError, match="is no telemetry file"):
        tele.read_json_lines(path)
    assert path.read_bytes() == content


def test_a_first_line_tells_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for content, message in (
        (OURS + b"}\n", "its first line holds no config"),
        (OURS.replace(b"-1", b"-2") + b"}\n", "tells 'groupfeat-telemetry-2'; read it with that"),
        (OURS, "it holds no whole line"),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            tele.read_json_lines(path)


@pytest.mark.parametrize("line", [b"{half", b"3", b'{"epoch":1}\xff', b"", b"[" * 100_000])
def test_damage_leaves_what_stands_before_it(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write(path, ROWS)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], line + b"\n", lines[3]]))
    with pytest.raises(ValueError, match="damaged in line 4; damaged='stop' reads the 2 records"):
        tele.read_json_lines(path)
    assert tele.read_json_lines(path, damaged="stop") == (CONFIG, ROWS[:2])
    with pytest.raises(ValueError, match="damaged must be 'refuse' or 'stop', got 'skip'"):
        tele.read_json_lines(path, damaged="skip")


def test_odd_epochs_are_kept(tmp_path: Path) -> None:
    rows = [{"epoch": [1]}, {"epoch": {"a": 1}}, {"epoch": "2"}, {"epoch": [1], "loss": 0}]
    write(tmp_path / "a.jsonl", rows)
    assert tele.read_json_lines(tmp_path / "a.jsonl")[1] == rows[1:]


def test_a_full_disk_is_told_with_the_file(tmp_path: Path) -> None:
    """Writes beyond a limit on file sizes fail as on a full disk; what was written stays whole."""
    path, limits = tmp_path / "a.jsonl", resource.getrlimit(resource.RLIMIT_FSIZE)
    stream = tele.JsonLines(path, CONFIG)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, limits[1]))
    try:
        with pytest.raises(OSError, match="too large") as caught:
            list(map(stream, ({"epoch": row, "loss": 0.5} for row in range(100))))
        with pytest.raises(OSError, match="too large"):
            stream.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.filename == str(path)
    records = tele.read_json_lines(path)[1]
    assert 3 < len(records) < 30
    assert [record["epoch"] for record in records] == list(range(len(records)))


def test_damage_is_told_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write(path, ROWS)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[1], b"{half\n", lines[3]]))
    with pytest.raises(ValueError, match="damaged in line 3"):
        tele.read_json_lines(path)


def test_what_json_cannot_say_is_null(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write(path, [{"epoch": 0, "loss": math.nan, "all": [math.inf, {"x": -math.inf}, (1, True)]}])
    assert "NaN" not in path.read_text()
    (row,) = tele.read_json_lines(path)[1]
    assert row == {"epoch": 0, "loss": None, "all": [None, {"x": None}, [1, True]]}
    json.loads(path.read_text().splitlines()[1], parse_constant=pytest.fail)


class Fake:
    """Stands for a SummaryWriter or a wandb run and notes what it is told."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.told: list[Any] = [("init", args, options)]

    def add_scalar(self, *args: Any) -> None:
        self.told.append(args)

    def log(self, values: dict[str, Any]) -> None:
        self.told.append(values)

    def flush(self) -> None: ...

    def close(self) -> None:
        self.told.append("closed")

    finish = close


RECORD = {
    "position": 2,
    "seed": 5,
    "epoch": 40,
    "gradient_norm": 0.5,
    "nodes_alive": 3,
    "turn": None,
    "loss": math.nan,
    "status": "running",
    "flag": True,
}


def test_tensorboard_gets_scalars(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Fake  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    sink = tele.TensorBoardSink(tmp_path)
    sink(RECORD)
    sink.close()
    assert sink._writer.told == [
        ("init", (str(tmp_path),), {}),
        ("run-2/gradient_norm", 0.5, 40),
        ("run-2/nodes_alive", 3.0, 40),
        "closed",
    ]


def test_wandb_gets_values(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("wandb")
    module.init = Fake  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", module)
    sink = tele.WandbSink("grokking", CONFIG, mode="offline")
    sink(RECORD)
    sink.close()
    assert sink._run.told == [
        ("init", (), {"project": "grokking", "config": CONFIG, "mode": "offline"}),
        {"run-2/gradient_norm": 0.5, "run-2/nodes_alive": 3.0, "epoch": 40},
        "closed",
    ]


@pytest.mark.parametrize(
    ("make", "package", "module"),
    [
        (lambda: tele.TensorBoardSink("x"), "tensorboard", "torch.utils.tensorboard"),
        (lambda: tele.WandbSink("x"), "wandb", "wandb"),
    ],
)
def test_a_missing_package_is_told_in_one_line(
    make: Any, package: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModuleNotFoundError) as caught:
        make()
    assert str(caught.value) == f"{package} is not installed; pip install {package}"
    assert caught.value.name == package
