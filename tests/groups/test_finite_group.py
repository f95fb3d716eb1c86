"""Axioms, the checking door, subgroups and classes."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groupfeat.groups import FiniteGroup, NotAGroupError, group_from_spec, load_cayley_table
from tests.groups.oracles import classes_by_definition, is_group_by_definition
from tests.strategies import groups

LOOP_OF_ORDER_5 = [
    [0, 1, 2, 3, 4],
    [1, 0, 3, 4, 2],
    [2, 4, 0, 1, 3],
    [3, 2, 4, 0, 1],
    [4, 3, 1, 2, 0],
]


@settings(deadline=None, max_examples=30)
@given(groups(max_order=24))
def test_axioms_hold(group: FiniteGroup) -> None:
    assert is_group_by_definition(group.cayley_table)


@settings(deadline=None, max_examples=40)
@given(groups())
def test_inverses_orders_and_generators(group: FiniteGroup) -> None:
    everyone = np.arange(group.order)
    assert np.all(group.cayley_table[everyone, group.inverse] == 0)
    assert np.all(group.order % group.element_orders == 0)
    assert len(group.subgroup(group.generators)) == group.order
    power = np.zeros(group.order, dtype=int)
    for _ in range(group.exponent):
        power = group.cayley_table[power, everyone]
    assert np.all(power == 0)
    assert group.is_abelian == np.array_equal(group.cayley_table, group.cayley_table.T)


@settings(deadline=None, max_examples=30)
@given(groups(max_order=60))
def test_classes_are_the_orbits_of_conjugation(group: FiniteGroup) -> None:
    classes = group.conjugacy_classes
    found = {frozenset(np.flatnonzero(classes.labels == j).tolist()) for j in range(len(classes))}
    assert found == classes_by_definition(group)
    assert classes.sizes.tolist() == np.bincount(classes.labels).tolist()
    assert classes.representatives[0] == 0


@settings(deadline=None, max_examples=60)
@given(groups(max_order=24), st.data())
def test_one_wrong_entry_is_refused(group: FiniteGroup, data: st.DataObject) -> None:
    if group.order < 2:
        return
    index = st.integers(0, group.order - 1)
    g, h, shift = data.draw(index), data.draw(index), data.draw(st.integers(1, group.order - 1))
    table = np.array(group.cayley_table)
    table[g, h] = (table[g, h] + shift) % group.order
    with pytest.raises(NotAGroupError):
        FiniteGroup.from_cayley_table(table)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            LOOP_OF_ORDER_5,
            r"associativity fails at \(1, 1, 2\): \(1\*1\)\*2 = 2 but 1\*\(1\*2\) = 4",
        ),
        ([[1, 0], [0, 1]], r"identity fails: .* 0\*0 = 1; element 1 is an identity"),
        ([[0, 1], [1, 1]], r"inverses fail \(no Latin square\): row 1 repeats 1: 1\*0 = 1\*1 = 1"),
        (
            [[0, 1, 2], [1, 2, 0], [2, 1, 0]],
            r"inverses fail \(no Latin square\): column 1 repeats 1: 0\*1 = 2\*1 = 1",
        ),
        ([[0, 1, 2], [1, 2, 0]], r"square array, got shape \(2, 3\)"),
        (
            [[0, 1], [1, 2]],
            r"closure fails: entry \(1, 1\) is 2, expected an element index in 0..1",
        ),
        ([[0.0, 1.0], [1.0, 0.5]], r"entry \(1, 1\) is 0.5, expected a whole number"),
        ([["e", "a"], ["a", "e"]], "must hold element indices"),
        ([], "non-empty square array"),
    ],
)
def test_refusals_name_axiom_and_place(table: list[list[float]], message: str) -> None:
    with pytest.raises(NotAGroupError, match=message):
        FiniteGroup.from_cayley_table(table)


def test_a_checked_table_is_a_copy_and_read_only() -> None:
    mine = np.array([[0, 1], [1, 0]])
    group = FiniteGroup.from_cayley_table(mine)
    mine[0, 0] = 1
    assert group.cayley_table[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        group.cayley_table[0, 0] = 1


def test_wrong_number_of_names_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 2 element names, got 1"):
        FiniteGroup.from_cayley_table([[0, 1], [1, 0]], element_names=["e"])


def test_subgroup_outside_is_refused() -> None:
    with pytest.raises(ValueError, match=r"element 7 is not in 0\.\.5 of S3"):
        group_from_spec("S3").subgroup([7])


@pytest.mark.parametrize("kind", [".npy", ".csv", ".json"])
def test_tables_survive_files(tmp_path: Path, kind: str) -> None:
    table = group_from_spec("Q8").cayley_table
    path = tmp_path / f"q8{kind}"
    if kind == ".npy":
        np.save(path, table)
    elif kind == ".csv":
        np.savetxt(path, table, fmt="%d", delimiter=",")
    else:
        path.write_text(json.dumps({"table": table.tolist(), "elements": list("ABCDEFGH")}))
    group = load_cayley_table(path)
    assert np.array_equal(group.cayley_table, table)
    assert group_from_spec(f"table:{path}").order == 8
    assert group.element_names[:2] == (("A", "B") if kind == ".json" else ("0", "1"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "0", r"must end in \.npy, \.csv or \.json"),
        ("a.csv", "0,1\n1", "row 1 has 1 entries, expected 2"),
        ("a.csv", "0,x\n1,0", "cannot read a Cayley table"),
        ("a.json", '{"rows": []}', 'expected a key "table"'),
        ("a.json", "[[0, 1], 3]", "expected a list of rows"),
        ("a.json", "[[0, 1], [1, 1]]", r"'a\.json' is no group: inverses fail"),
        ("a.npy", "junk", "cannot read a Cayley table"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        load_cayley_table(path)


def test_a_pickled_array_is_refused_without_running(tmp_path: Path) -> None:
    path, flag = tmp_path / "evil.npy", tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (Path(flag),)  # type: ignore[return-value]

    np.save(path, np.array([[Evil()]], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="cannot read a Cayley table"):
        load_cayley_table(path)
    assert not flag.exists()


def test_missing_file_is_named() -> None:
    with pytest.raises(ValueError, match=r"no file 'nowhere\.npy'"):
        group_from_spec("table:nowhere.npy")
