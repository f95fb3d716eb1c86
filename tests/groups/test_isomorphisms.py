"""Isomorphisms and automorphism groups: against textbook orders, by definition, and refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groupfeat.groups import (
    FiniteGroup,
    automorphism_group,
    automorphisms,
    check_homomorphism,
    group_from_spec,
    identify,
    isomorphism,
    number_of_small_groups,
    small_group,
)
from tests.strategies import groups, relabelled


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


@settings(deadline=None, max_examples=30)
@given(groups(max_order=60), st.integers(0, 2**32 - 1))
def test_a_relabelled_group_is_isomorphic(group: FiniteGroup, seed: int) -> None:
    other = relabelled(group, seed)
    images = isomorphism(group, other)
    assert images is not None
    assert np.array_equal(np.sort(images), np.arange(group.order))
    assert np.array_equal(images[group.cayley_table], other.cayley_table[np.ix_(images, images)])


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("Q8", "SmallGroup(8,4)", True),
        ("A5", "PSL(2,5)", True),
        ("D4", "Q8", False),
        ("C4", "2x2", False),
        ("SmallGroup(16,5)", "C8xC2", True),
        ("SmallGroup(16,6)", "C8xC2", False),
        ("D52", "Dic26", False),
        ("S3", "C7", False),
    ],
)
def test_known_pairs(first: str, second: str, same: bool) -> None:
    assert (isomorphism(group_from_spec(first), group_from_spec(second)) is not None) is same


# Orders from textbooks: |GL(4,2)| = 20160, Aut(S6) = 1440 (the exceptional one), Aut(D_n) = n·φ(n).
AUTOMORPHISMS = {"Q8": 24, "2x2x2": 168, "2x2x2x2": 20160, "S6": 1440, "D5": 20, "C12": 4, "A4": 24}


@pytest.mark.parametrize(("spec", "order"), AUTOMORPHISMS.items())
def test_orders_of_automorphism_groups(spec: str, order: int) -> None:
    assert automorphism_group(group_from_spec(spec)).order == order


@pytest.mark.parametrize("spec", ["Q8", "S3", "2x2x2", "F21"])
def test_every_automorphism_is_one_and_counted_once(spec: str) -> None:
    group = group_from_spec(spec)
    found = automorphisms(group)
    assert len(np.unique(found, axis=0)) == len(found) == automorphism_group(group).order
    for image in found:
        check_homomorphism(group, group, image)
        assert len(np.unique(image)) == group.order


def test_a_map_that_is_no_homomorphism_is_refused_by_place() -> None:
    group = group_from_spec("C4")
    with pytest.raises(ValueError, match="1"):
        check_homomorphism(group, group, [0, 1, 1, 3])
