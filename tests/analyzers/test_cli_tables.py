"""Tables in any width: no word is cut, lines keep to the width where words let them."""

from contextlib import redirect_stdout
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers._cli_output import Outcome, show
from analyzers._cli_tables import fitted, table

WORDS = st.lists(st.text("abcρ²0", min_size=1, max_size=14), max_size=6).map(" ".join)
VALUES = st.one_of(WORDS, st.integers(), st.floats(allow_nan=False), st.none())


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[object]]]:
    heads = draw(st.lists(WORDS, min_size=1, max_size=7))
    row = st.lists(VALUES, min_size=len(heads), max_size=len(heads))
    return heads, draw(st.lists(row, max_size=4))


@given(tables(), st.integers(1, 130), st.booleans())
@settings(deadline=None)
def test_columns_hold_their_words(
    drawn: tuple[list[str], list[list[object]]], width: int, parts: bool
) -> None:
    heads, rows = drawn
    whole = table("t", heads, rows)
    found = fitted(whole, width, parts=parts)
    assert [head for part in found for head in part.columns[1:]] == heads[1:]
    for part in found:
        for i, held in enumerate(part.widths):
            words = " ".join([part.columns[i], *(row[i] for row in part.rows)]).split()
            assert held >= max(map(len, words), default=1)
        if parts and part.outer_width > width:  # two columns have no room side by side
            assert len(part.columns) <= 2
    if not parts:
        assert len(found) == 1


def printed(heads: list[str], rows: list[list[object]]) -> list[str]:
    with redirect_stdout(StringIO()) as out:
        show(Outcome("v", {}, {}, (table("t", heads, rows),)))
    return out.getvalue().splitlines()


@given(drawn=tables())
@settings(deadline=None, max_examples=30)
def test_every_word_is_printed(drawn: tuple[list[str], list[list[object]]]) -> None:
    """In 40 columns, or as many as the widest words need."""
    heads, rows = drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "40")
        lines = printed(heads, rows)
    assert "…" not in "".join(lines)
    cells = [cell for row in table("t", heads, rows).rows for cell in row]
    told = "\n".join(lines)
    assert all(word in told for cell in cells for word in cell.split())


def test_parts_repeat_the_first_column(monkeypatch: pytest.MonkeyPatch) -> None:
    heads = ["", *(f"class{i}" for i in range(6))]
    rows: list[list[object]] = [["ρ0", *range(6)], ["ρ1", *(-0.2225 for _ in range(6))]]
    monkeypatch.setenv("COLUMNS", "40")
    lines = printed(heads, rows)
    assert max(map(len, lines)) <= 40
    assert sum("ρ1" in line for line in lines) == 2
    assert sum(line.count("-0.2225") for line in lines) == 6
    assert lines[0].strip() == "t"
    monkeypatch.delenv("COLUMNS")
    assert sum("ρ1" in line for line in printed(heads, rows)) == 1


def test_long_texts_fold_where_no_width_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    rule = "every start is matched and every family seen; one start outside refutes " * 3
    lines = printed(["claim", "measured", "rule"], [["no other maximum", rule, rule]])
    assert max(map(len, lines)) <= 120
    assert any("no other maximum" in line for line in lines)
    assert " ".join(lines).count("refutes") == 6


@pytest.mark.parametrize("told", ["0", "1", "many", "-3"])
def test_odd_widths_print_all(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    monkeypatch.setenv("COLUMNS", told)
    lines = printed(["irreps", "energy"], [["ρ1,ρ2", 1.98439407]])
    assert any("1.98439" in line for line in lines)
    assert any("ρ1,ρ2" in line for line in lines)
