"""What groups, characters and irreps look like in a terminal and in a notebook."""

import numpy as np
import pytest

from groupfeat.groups import (
    FiniteGroup,
    character_table,
    cyclic,
    format_value,
    group_from_spec,
    irreps,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2, "2"),
        (-0.0, "0"),
        (1j, "i"),
        (-1j, "-i"),
        (0.5 - 0.25j, "0.5-0.25i"),
        (1 + 1j, "1+i"),
        (np.exp(2j * np.pi / 3), "-0.5+0.866i"),
        (2.5j, "2.5i"),
    ],
)
def test_values(value: complex, text: str) -> None:
    assert format_value(complex(value)) == text


def test_a_character_table_prints_as_a_table() -> None:
    table = character_table(group_from_spec("S3"))
    lines = str(table).splitlines()
    assert len(lines) == 4
    assert lines[3].split() == ["ρ2", "2", "0", "-1"]
    assert len({len(line) for line in lines}) == 1
    assert repr(table) == "CharacterTable(S3: degrees 1, 1, 2)"


def test_long_lists_are_cut() -> None:
    assert "… (40 in all)" in repr(character_table(cyclic(40)))


def test_html_shows_the_facts_and_escapes_names() -> None:
    group = group_from_spec("Q8")
    found = irreps(group)
    assert "quaternionic" in found._repr_html_()
    assert "<td>1, 1, 2, 2, 2</td>" in group._repr_html_()
    assert found.table._repr_html_().count("<tr>") == 6
    assert "Irreps(Q8: dimensions 1, 1, 1, 1, 2; homomorphism error" in repr(found)
    named = FiniteGroup.from_cayley_table([[0]], name="<script>")
    assert "<script>" not in named._repr_html_()
