"""Doors of the groups layer: what is no list of elements, table, function or family is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groupfeat.groups import (
    FiniteGroup,
    NotAGroupError,
    centralizer,
    character_table,
    convolve,
    decompose,
    fourier_transform,
    from_sympy,
    induced_character,
    induced_representation,
    irreps,
    is_normal,
    isotypic_projector,
    load_cayley_table,
    normal_closure,
    normalizer,
    quotient,
    restricted_character,
    small_group,
    subgroup_group,
    symmetric,
)

S4 = symmetric(4)
TAKES_ELEMENTS: dict[str, Callable[[Any], object]] = {
    "subgroup": S4.subgroup,
    "centralizer": lambda e: centralizer(S4, e),
    "normalizer": lambda e: normalizer(S4, e),
    "normal_closure": lambda e: normal_closure(S4, e),
    "is_normal": lambda e: is_normal(S4, e),
    "quotient": lambda e: quotient(S4, e),
    "subgroup_group": lambda e: subgroup_group(S4, e),
    "restricted_character": lambda e: restricted_character(np.ones(5), S4, e),
    "induced_character": lambda e: induced_character(np.ones(len(e)), S4, e),
    "induced_representation": lambda e: induced_representation(np.ones((len(e), 1, 1)), S4, e),
}


@pytest.mark.parametrize("door", TAKES_ELEMENTS)
@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ([0, 24], r"element 24 is not in 0\.\.23 of S4"),
        ([0, -1], r"element -1 is not in 0\.\.23 of S4"),
        ([0.5], r"list of whole numbers 0\.\.23, got float64"),
        ([np.nan], "list of whole numbers"),
        (["a"], "list of whole numbers"),
        ([[0, 1]], r"of shape \(1, 2\)"),
        ([True] + [False] * 23, "got bool"),
    ],
)
def test_elements_are_indices(door: str, elements: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TAKES_ELEMENTS[door](elements)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([[0, 1], [1]], "rows of unlike shapes"),
        ([[0, 1], [1, 1e300]], r"entry \(1, 1\) is 1e\+300"),
        ([[0, 1], [1, 10**30]], "must hold element indices, got dtype object"),
        ([[0, 1], [1, np.nan]], r"entry \(1, 1\) is nan"),
        ([[0, 1], [1, -1]], r"entry \(1, 1\) is -1"),
        ([[False, True], [True, False]], "got dtype bool"),
        (np.array([[0, 1], [1, 2**64 - 1]], dtype=np.uint64), r"is 18446744073709551615"),
    ],
)
def test_entries_of_tables(table: Any, message: str) -> None:
    with pytest.raises(NotAGroupError, match=message):
        FiniteGroup.from_cayley_table(table)


LIE = b"{'descr': '<i8', 'fortran_order': False, 'shape': (1000000000, 1000000000), }"
FILES = [
    ("head.csv", b"e,a\n0,1\n1,0\n", "'e' in 'e,a' is no whole number; .* no header"),
    ("half.csv", b"0,1\n1,0.5\n", "'0.5' in '1,0.5' is no whole number"),
    ("one.csv", b"1,0\n0,1\n", "element 1 is an identity: relabel it as 0"),
    ("deep.json", b"[" * 100_000, "maximum recursion depth"),
    ("names.json", b'{"table": [[0]], "elements": "a"}', 'list of names under "elements"'),
    ("none.json", b'{"table": [[0]], "elements": null}', 'list of names under "elements"'),
    ("zip.npy", b"PK\x03\x04 an archive", "magic string is not correct"),
    ("pickle.npy", b"\x80\x04]\x94(K\x00K\x01e.", "magic string is not correct"),
    ("lie.npy", b"\x93NUMPY\x01\x00\x76\x00" + LIE.ljust(0x75) + b"\n", "cannot read"),
    ("a" * 5000 + ".csv", None, "no file 'aaa.*…'"),
]


@pytest.mark.parametrize(("name", "content", "message"), FILES, ids=[f[0][:9] for f in FILES])
def test_files(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path = tmp_path / name if content is not None else Path(name)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        load_cayley_table(path)
    assert "\n" not in str(caught.value)
    assert "load it unsafely" not in str(caught.value)


def test_a_byte_order_mark_is_no_entry(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_bytes(b"\xef\xbb\xbf0,1\r\n1,0\r\n")
    assert load_cayley_table(path).order == 2


def test_functions_families_and_ids() -> None:
    reps = irreps(S4)
    for values in (["a"] * 24, [None] * 24):
        with pytest.raises(ValueError, match="must be numbers, got"):
            fourier_transform(values, reps)
        with pytest.raises(ValueError, match="must be numbers, got"):
            convolve(values, values, S4)
    for family, message in (
        ((7,), r"irreps 0\.\.4"),
        ((-1,), "irreps 0"),
        ((), "irreps 0"),
        ((0.5,), "whole number"),
    ):
        with pytest.raises(ValueError, match=message):
            isotypic_projector(character_table(S4), family)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"shape \(24, n, n\), got \(24, 0, 0\)"):
        decompose(np.zeros((24, 0, 0)), reps)
    with pytest.raises(ValueError, match=r"whole number, got 8\.0"):
        small_group(8.0, 1)  # type: ignore[arg-type]
    assert small_group(np.int64(8), 1).order == 8


def test_sympys_empty_group_is_trivial() -> None:
    from sympy.combinatorics import PermutationGroup

    assert from_sympy(PermutationGroup([])).order == 1
