"""Centralisers, normalisers and commutator subgroups by definition."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groupfeat.groups import (
    FiniteGroup,
    centralizer,
    commutator_subgroup,
    group_from_spec,
    normalizer,
)
from tests.strategies import groups


@settings(deadline=None, max_examples=30)
@given(groups(max_order=48), st.data())
def test_centralizers_and_normalizers_by_definition(
    group: FiniteGroup, data: st.DataObject
) -> None:
    table, inverse = group.cayley_table, group.inverse
    everyone = range(group.order)
    chosen = data.draw(st.lists(st.integers(0, group.order - 1), max_size=2))
    members = set(group.subgroup(chosen).tolist())
    assert centralizer(group, chosen).tolist() == [
        g for g in everyone if all(table[g, x] == table[x, g] for x in members)
    ]
    assert normalizer(group, chosen).tolist() == [
        g for g in everyone if {int(table[table[g, x], inverse[g]]) for x in members} == members
    ]
    other = data.draw(st.lists(st.integers(0, group.order - 1), max_size=2))
    commutators = {
        int(table[table[inverse[x], inverse[y]], table[x, y]])
        for x in members
        for y in group.subgroup(other).tolist()
    }
    expected = group.subgroup(sorted(commutators)).tolist()
    assert commutator_subgroup(group, chosen, other).tolist() == expected


def test_elements_outside_are_refused() -> None:
    with pytest.raises(ValueError, match=r"element 6 is not in 0\.\.5 of S3"):
        centralizer(group_from_spec("S3"), [6])
