"""Absurd specs end in one short line, without the work or the memory that they ask for."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groupfeat.groups import FiniteGroup, from_presentation, group_from_spec, semidirect_product
from groupfeat.groups import cyclic as c

ABSURD = [
    ("S99", r"S99 has more than 10\^18 elements"),
    ("S999999", r"S999999 has more than 10\^18 elements"),
    ("A999999", r"more than 10\^18 elements"),
    ("C0", "Cn needs n >= 1, got 0"),
    ("C100000", "has order 100000 > 8000.* max_order=100000"),
    ("GL(2,6)", "prime power q <= 4096, got 6"),
    ("GL(3,7)", "order 33784128 > 8000"),
    ("GL(999999,2)", r"more than 10\^18 elements"),
    ("PSL(20,4093)", r"more than 10\^18 elements"),
    ("AGL(1,4096)", "order 16773120 > 8000"),
    ("Heis(4093)", "order 68568592357 > 8000"),
    ("C2wrC999", r"more than 10\^18 elements"),
    ("x".join(["C2"] * 3000), r"C2xC2.*… has more than 10\^18 elements"),
    ("perm:(1,2", r"expected cycles such as \(1,2,3\)\(4,5\), got '\(1,2'"),
    ("perm:(1 2)", r"expected cycles .* got '\(1 2\)'"),
    ("C2 3", "unknown group 'C2 3'"),
    ("C\u0665", "unknown group"),
    ("pres:a|", "infinite group: no relator bounds the order of 'a'"),
    ("pres:a,b|a^2", "no relator bounds the order of 'b' .* add relators such as b\\^2"),
    ("pres:a,b|a^2*b^3,a^4*b^6", "no relator bounds the order of 'b'"),
    ("pres:a|" + "*".join(["a"] * 5000), "a word of more than 500 letters"),
    ("pres:" + ",".join(f"a{i}" for i in range(500)) + "|a1", "up to 50 generators, got 500"),
    ("(" * 60 + "C2" + ")" * 60, "nest too deep"),
    ("a" * 100000, "unknown group 'aaaa.*…'; known forms"),
]


@pytest.mark.parametrize(("spec", "message"), ABSURD, ids=range(len(ABSURD)))
def test_absurd_specs_are_refused_at_little_cost(spec: str, message: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message) as caught:
            group_from_spec(spec)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert peak < 2**24


def test_a_table_that_is_no_square_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("0,1\n1,0\n0,1\n")
    with pytest.raises(ValueError, match=r"row 0 has 2 entries, expected 3 \(a square\)"):
        group_from_spec(f"table:{file}")


PIECES = ["C", "S", "GL", "(", ")", ",", "x", "wr", "2", "3", "0", "7", " ", "perm:", "pres:", "|"]
PIECES += ["a", "b", "^", "*", "[", "]", "=", "-", ";", "table:", "SmallGroup", "Q8", "F21", "\n"]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_any_text_is_a_group_or_refused_in_one_line(text: str) -> None:
    told = ""
    try:
        found: FiniteGroup | None = group_from_spec(text)
    except ValueError as error:
        found, told = None, str(error)
    assert "\n" not in told
    assert found is None or found.cayley_table[0, 0] == 0


@pytest.mark.parametrize(
    ("text", "order"), [("a,b|a^3,b^2,(a*b)^2", 6), ("a,b|a^2=b^3,b^2=a^3", 5), ("a|a", 1)]
)
def test_presentations_with_a_finite_abelian_image_pass(text: str, order: int) -> None:
    assert from_presentation(text).order == order


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ([[0, 1, 2], [0, 2, 3]], r"elements 0\.\.2, but action\[1, 2\] is 3"),
        ([[0, 2, 1], [0, 1, 2]], r"φ of 0\*1 differs from φ_0 after φ_1 at element 1|0\*"),
        ([[0, 1, 2], [1, 2, 0]], r"element 1 is no automorphism: φ\(0\*0\) = 1 but φ\(0\)\*φ\(0\)"),
    ],
)
def test_first_offenders_of_an_action(action: list[list[int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        semidirect_product(c(3), c(2), action)
