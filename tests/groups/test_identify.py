"""SmallGroup ids are found again after relabelling."""

import pytest

from groupfeat.groups import group_from_spec, identify, number_of_small_groups, small_group
from tests.strategies import relabelled


@pytest.mark.parametrize("order", [8, 16, 24, 36, 48, 60, 81])
def test_every_small_group_is_identified_after_relabelling(order: int) -> None:
    for index in range(1, number_of_small_groups(order) + 1):
        assert identify(relabelled(small_group(order, index), index)) == (order, index)


@pytest.mark.slow
@pytest.mark.parametrize("order", [64, 96])
def test_large_orders_are_identified(order: int) -> None:
    for index in range(1, number_of_small_groups(order) + 1, 40):
        assert identify(relabelled(small_group(order, index), index)) == (order, index)


def test_large_orders_are_refused_by_identify() -> None:
    with pytest.raises(ValueError, match="order up to 255 are identified, got order 256"):
        identify(group_from_spec("C256"))
