"""Tables of labels: what surely is no table of labels is refused with its place."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groupfeat.training import load_table_task, table_task

CORNERED = "0,1,2\n1,2,0\n"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "", "it is empty: expected rows of labels"),
        ("a.csv", "\n\n  \n", "it is empty"),
        ("a.json", "[]", "it is empty"),
        ("a.json", '{"table": [[], []]}', "it is empty"),
        ("a.csv", "0 1 2\n1 2 0\n", "not parted by commas: '0 1 2' in row 1, .* by spaces; write"),
        ("a.csv", "0;1\n1;0\n", "'0;1' in row 1, column 1 seems .* by semicolons"),
        ("a.csv", "0\t1\n1\t0\n", "by tabs"),
        ("a.csv", "0,1\n1,-2\n", "0 or more, or -1 for no example, got -2 in row 2, column 2"),
        ("a.json", "[[0, 1], [-3, 0]]", "got -3 in row 2, column 1"),
        ("a.json", "[[[0, 1], [0, -3]]]", "got -3 in cell 1, 2, 2"),
        ("a.csv", "0,1\n0.5,1\n", "numbers with a point: '0.5' in row 2, column 1; number"),
        ("a.csv", "0,1e3\n2,1\n", "numbers with a point: '1e3' in row 1, column 2"),
        ("a.csv", "a,b\nb,.5\n", r"numbers with a point: '\.5' in row 2, column 2"),
        ("a.csv", "0,1\n2,NaN\n", "no number: 'NaN' in row 2, column 2; .* an empty cell, or -1"),
        ("a.json", "[[0, 1], [1, 2.0]]", r"numbers with a point: 2\.0 in row 2, column 2"),
        ("a.json", "[[0, 1], [1, true]]", "true or false: True in row 2, column 2"),
        ("a.json", '[[0, 1], [{"a": 1}, 2]]', "names and values: .* in row 2, column 1"),
        ("a.csv", "a,b,c\n" + CORNERED, "row 1 seems to hold names of .* 'a' in row 1, column 1"),
        ("a.csv", ",b,c\n" + CORNERED, "row 1 seems to hold names .* 'b' in row 1, column 2"),
        ("a.csv", "g h,0,1\n0,0,1\n1,1,0\n", "row 1 seems .* 'g h' in row 1, column 1; remove"),
        ("a.csv", "x,0,1\ny,1,0\n", "row 1 and column 1 seem to hold names"),
        ("a.csv", ",0,1\ny,1,0\nz,0,1\n", "column 1 seems .* 'y' in row 2, column 1"),
        ("a.csv", ",x,y\nx,1,0\ny,0,1\n", "row 1 and column 1 seem"),
        ("a.json", '[["x", "y"], [0, 1]]', "row 1 seems to hold names"),
        ("a.csv", "0,1\n2\n", "rows differ in length: row 2 has 1, row 1 has 2"),
        ("a.json", "[[0, 1], 2]", "rows differ in length: row 2 has 1, row 1 has 2"),
        ("a.json", "[0, [1, 2]]", "rows differ in length"),
        ("a.json", "7", "rows differ in length, or are none: 7"),
        ("a.csv", f"0,{10**30}\n", "go up to 2⁶³"),
    ],
)
def test_what_is_no_table_of_labels(name: str, content: str, told: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=told):
        load_table_task(tmp_path / name)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (np.zeros((0, 3), int), "it is empty"),
        (np.array([[0.0, 1.0]]), r"got numbers with a point in shape \(1, 2\); number the answers"),
        (np.array([[True]]), "got true or false"),
        (np.array(3), "whole numbers or texts, got int64"),
        (np.array([[0, 1], [0, -2]]), "got -2 in row 2, column 2"),
    ],
)
def test_arrays_in_files(table: Any, told: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", table)
    with pytest.raises(ValueError, match=told):
        load_table_task(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("content", "labels"),
    [
        ("red,blue\nblue,red\n", [[1, 0], [0, 1]]),
        ("light red,blue\nblue,\n", [[1, 0], [0, -1]]),
        ("e,a,1\na,1,e\n1,e,a\n", [[2, 1, 0], [1, 0, 2], [0, 2, 1]]),
        ("inf,0\n0,inf\n", [[1, 0], [0, 1]]),
        ("a,-1\n-2,a\n", [[1, -1], [0, 1]]),
        ("0,+1\n01,-1\n", [[0, 1], [1, -1]]),
        ("red\nblue\nred\n", [[1], [0], [1]]),
        ("a,b\n0,1\n", None),
    ],
)
def test_texts_stay_labels(content: str, labels: list[list[int]] | None, tmp_path: Path) -> None:
    """Texts in the body too are labels; names of columns over numbers are not."""
    path = tmp_path / "a.csv"
    path.write_text(content, encoding="utf-8")
    if labels is None:
        with pytest.raises(ValueError, match="row 1 seems"):
            load_table_task(path)
    else:
        assert load_table_task(path).labels.tolist() == labels


@pytest.mark.parametrize(
    "table",
    [
        [["b", ""], ["-1", "a"]],
        [[2, -1], [0, 1]],
        [["a", "b", "c"]],
        [[[0, 1], [1, -1]], [[1, 0], [0, 0]]],
    ],
)
def test_arrays_and_files_agree(table: list[Any], tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array(table))
    (tmp_path / "a.json").write_text(json.dumps(table))
    here = table_task("a", table)
    files = [load_table_task(tmp_path / name) for name in ("a.npy", "a.json")]
    if np.array(table).ndim == 2:
        (tmp_path / "a.csv").write_text("\n".join(",".join(map(str, row)) for row in table))
        files.append(load_table_task(tmp_path / "a.csv"))
    for found in files:
        assert found.labels.tolist() == here.labels.tolist()
        assert (found.n_classes, len(found), found.digest) == (
            here.n_classes,
            len(here),
            here.digest,
        )


def test_null_is_no_example(tmp_path: Path) -> None:
    for content, labels in (("[[0, null], [4, 0]]", [[0, -1], [1, 0]]),
                            ('[["b", null], ["a", "b"]]', [[1, -1], [0, 1]])):  # fmt: skip
        (tmp_path / "a.json").write_text(content)
        assert load_table_task(tmp_path / "a.json").labels.tolist() == labels


def test_classes_that_do_not_occur(tmp_path: Path) -> None:
    """Numbers in an array are classes; in a file they are labels, numbered anew."""
    table = [[0, 4], [4, 0]]
    np.save(tmp_path / "a.npy", np.array(table))
    assert table_task("a", table).n_classes == 5
    assert load_table_task(tmp_path / "a.npy").n_classes == 2
    with pytest.raises(ValueError, match="got -2 in row 1, column 2; number the answers from 0"):
        table_task("a", [[0, -2]])
    with pytest.raises(ValueError, match="hold no example"):
        table_task("a", [["", "-1"]])
    with pytest.raises(ValueError, match=r"labels must be classes 0\.\.1, .* got 0\.\.2"):
        table_task("a", [["a", "b", "c"]], n_classes=2)
