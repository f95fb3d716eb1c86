"""The strategy of semidirect products: groups, and more than families and direct products."""

from hypothesis import given, settings

from groupfeat.groups import FiniteGroup, identify
from tests.groups.oracles import is_group_by_definition
from tests.strategies import NORMAL, semidirect, semidirect_choices, semidirect_products


@settings(deadline=None, max_examples=15)
@given(semidirect_products(max_order=32))
def test_semidirect_products_are_groups(group: FiniteGroup) -> None:
    assert is_group_by_definition(group.cayley_table)


def test_the_strategy_reaches_more_than_families() -> None:
    reached = {
        identify(semidirect(*choice)) for spec in NORMAL for choice in semidirect_choices(spec, 32)
    }
    # C3 : C4 by inversion, F20, then M16, SD16 and C4 : C4, by GAP's ids.
    assert {(12, 1), (20, 3), (16, 6), (16, 8), (16, 4)} <= reached
    assert len({index for order, index in reached if order == 16}) >= 7
