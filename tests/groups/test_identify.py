"""SmallGroup ids are found again after relabelling; colours of pairs are invariants."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groupfeat.groups import (
    FiniteGroup,
    group_from_spec,
    identify,
    number_of_small_groups,
    small_group,
)
from groupfeat.groups.isomorphism import _identify as room
from groupfeat.groups.isomorphism._pair_invariants import pair_invariants
from tests.strategies import groups, relabelled


def identified(order: int, step: int) -> list[tuple[int, int]]:
    """Return the ids that are not found again after relabelling."""
    tried = [(order, i) for i in range(1, number_of_small_groups(order) + 1, step)]
    return [(n, i) for n, i in tried if identify(relabelled(small_group(n, i), i)) != (n, i)]


@pytest.mark.parametrize("order", range(1, 64))
def test_small_groups_are_identified_after_relabelling(order: int) -> None:
    assert not identified(order, 1 + number_of_small_groups(order) // 20)


# Neighbours that share the colours of elements; in 243 and 200 weaker colours of pairs failed.
HARD = [(81, 3), (100, 10), (128, 43), (128, 44), (128, 457), (128, 476), (128, 2328)]
HARD += [(192, 13), (192, 14), (200, 18), (243, 43), (243, 47), (255, 1)]


@pytest.mark.parametrize(("order", "index"), HARD)
def test_hard_groups_are_identified(order: int, index: int) -> None:
    assert identify(relabelled(small_group(order, index), 1)) == (order, index)


def test_no_two_groups_share_both_fingerprints() -> None:
    """With the count of groups (OEIS A000001) this makes `identify` a proof."""
    total = 0
    for order in range(1, room.MAX_ORDER + 1):
        keys = list(zip(*(part.tolist() for part in room._known(order)), strict=True))
        assert len(set(keys)) == len(keys) == number_of_small_groups(order)
        total += len(keys)
    assert total == 7012
    assert len(room._stored()) == total + sum(
        len(room.shared(room._known(n)[0])) for n in range(1, room.MAX_ORDER + 1)
    )


@pytest.mark.slow
@pytest.mark.parametrize("order", range(1, 256))
def test_every_group_to_order_255_is_identified(order: int) -> None:
    assert not identified(order, 1)


@settings(deadline=None, max_examples=25)
@given(groups(max_order=48), st.data())
def test_colors_of_pairs_are_invariants(group: FiniteGroup, data: st.DataObject) -> None:
    """Conjugation is an automorphism; a relabelling is an isomorphism."""
    colors, table = pair_invariants(group), group.cayley_table
    g = data.draw(st.integers(0, group.order - 1))
    moved = table[table[g], group.inverse[g]]
    assert np.array_equal(colors[np.ix_(moved, moved)], colors)
    seed = data.draw(st.integers(0, 2**32 - 1))
    other = pair_invariants(relabelled(group, seed))
    assert np.array_equal(np.sort(other, axis=None), np.sort(colors, axis=None))


def test_a_group_with_unknown_invariants_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "element_fingerprint", lambda group: -1)
    with pytest.raises(ArithmeticError, match="S3 has the invariants of no group of order 6"):
        identify(group_from_spec("S3"))


def test_large_orders_are_refused_by_identify() -> None:
    with pytest.raises(ValueError, match="order up to 255 are identified, got order 256"):
        identify(group_from_spec("C256"))
