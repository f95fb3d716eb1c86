"""Misspelt specifications: the suggestion is a group that exists, and the one that was meant."""

import re

import pytest

from groupfeat.groups import group_from_spec


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("s4", "S4"),
        ("D_5", "D5"),
        ("C2×C3", "C2xC3"),
        ("C2*C3", "C2xC3"),
        ("C2^3", "C2xC2xC2"),
        ("V4", "C2xC2"),
        ("dic5", "Dic5"),
        ("gl(2,3)", "GL(2,3)"),
        ("c2^2 × s3", "C2xC2xS3"),
    ],
)
def test_what_was_meant_is_suggested(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match=rf"did you mean {re.escape(meant)}\? known forms: "):
        group_from_spec(text)
    assert group_from_spec(meant).order > 1


@pytest.mark.parametrize("text", ["X9", "C2^13", "C2^99", "hello", "C", "x", "C2^3^4", "C2×"])
def test_what_resembles_nothing_gets_no_suggestion(text: str) -> None:
    with pytest.raises(ValueError, match="unknown group") as told:
        group_from_spec(text)
    assert "did you mean" not in str(told.value)


def test_a_number_beyond_any_table_is_told() -> None:
    with pytest.raises(ValueError, match="its number is far beyond any table"):
        group_from_spec("C99999999999999999999")


def test_a_table_without_a_file_is_told() -> None:
    with pytest.raises(ValueError, match="table: needs the name of a file"):
        group_from_spec("table:")
