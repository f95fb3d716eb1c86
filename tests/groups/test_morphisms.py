"""Isomorphisms, automorphisms and checked homomorphisms."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groupfeat.groups import (
    FiniteGroup,
    automorphism_group,
    automorphisms,
    center,
    check_homomorphism,
    cyclic,
    from_permutations,
    group_from_spec,
    isomorphism,
    number_of_small_groups,
    quotient,
    semidirect_product,
    small_group,
)
from tests.strategies import groups, relabelled

DATA = Path(__file__).parent / "data" / "automorphism_orders.txt"
HARD = Path(__file__).parent / "data" / "automorphism_orders_hard.txt"


def is_homomorphism_by_definition(
    group: FiniteGroup, other: FiniteGroup, images: list[int]
) -> bool:
    """Check φ(xy) = φ(x)φ(y) for all pairs."""
    return all(
        images[group.cayley_table[x, y]] == other.cayley_table[images[x], images[y]]
        for x in range(group.order)
        for y in range(group.order)
    )


def automorphisms_by_definition(group: FiniteGroup) -> set[tuple[int, ...]]:
    """Try all bijections that keep the identity."""
    return {
        (0, *rest)
        for rest in permutations(range(1, group.order))
        if is_homomorphism_by_definition(group, group, [0, *rest])
    }


@pytest.mark.parametrize("spec", ["C1", "C2", "C5", "S3", "C6", "2x2", "C7"])
def test_automorphisms_by_definition(spec: str) -> None:
    group = group_from_spec(spec)
    found = automorphisms(group)
    assert found[0].tolist() == list(range(group.order))
    assert {tuple(row) for row in found.tolist()} == automorphisms_by_definition(group)
    assert len(found) == automorphism_group(group).order


def test_orders_of_automorphism_groups_are_gaps() -> None:
    rows = [line for line in DATA.read_text().splitlines() if not line.startswith("#")]
    assert len(rows) == 32
    for row in rows:
        order, numbers = row.split(":")
        n, known = int(order), [int(word) for word in numbers.split()]
        assert len(known) == number_of_small_groups(n)
        mine = [automorphism_group(small_group(n, i)).order for i in range(1, len(known) + 1)]
        assert mine == known, f"order {n}"


def hard_groups() -> list[tuple[int, ...]]:
    lines = HARD.read_text(encoding="utf-8").splitlines()
    return [tuple(map(int, line.split())) for line in lines if not line.startswith("#")]


@pytest.mark.parametrize(("order", "index", "automorphisms"), hard_groups())
def test_hard_automorphism_groups_and_isomorphisms(
    order: int, index: int, automorphisms: int
) -> None:
    group = small_group(order, index)
    assert automorphism_group(group).order == automorphisms
    other = relabelled(group, index)
    images = isomorphism(other, group)
    assert images is not None
    assert check_homomorphism(other, group, images).tolist() == images.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("order", range(33, 129))
def test_every_group_to_order_128_is_isomorphic_to_a_copy(order: int) -> None:
    """Every one up to order 127; of 128 every twentieth."""
    for index in range(1, number_of_small_groups(order) + 1, 20 if order == 128 else 1):
        group = small_group(order, index)
        images = isomorphism(relabelled(group, index), group)
        assert images is not None
        assert len(set(images.tolist())) == order
        # Inner automorphisms are automorphisms.
        inner = order // len(center(group))
        assert automorphism_group(group).order % inner == 0


# Textbook orders: Rotman, An Introduction to the Theory of Groups (1995), ch. 7 for S_n and A_n;
# |GL(n, p)| for elementary abelian groups; PΓL(2, q) for PSL(2, q).
@pytest.mark.parametrize(
    ("spec", "order"),
    [
        ("Q8", 24),
        ("2x2x2", 168),
        ("3x3", 48),
        ("2x2x2x2x2x2", 20158709760),
        ("C35", 24),
        ("D7", 42),
        ("S5", 120),
        ("S6", 1440),
        ("A6", 1440),
        ("PSL(2,7)", 336),
        ("PSL(2,8)", 1512),
        ("Heis(3)", 432),
    ],
)
def test_textbook_automorphism_groups(spec: str, order: int) -> None:
    group = group_from_spec(spec)
    found = automorphism_group(group)
    assert found.order == order
    for row in found.generators:
        check_homomorphism(group, group, row)
        assert len(set(row.tolist())) == group.order


@pytest.mark.parametrize(("spec", "same"), [("Q8", "S4"), ("2x2x2", "GL(3,2)"), ("A4", "S4")])
def test_automorphism_groups_are_groups(spec: str, same: str) -> None:
    found = from_permutations(automorphism_group(group_from_spec(spec)).generators)
    assert isomorphism(found, group_from_spec(same)) is not None


def test_an_automorphism_acts() -> None:
    """The holomorph of C5 is AGL(1, 5)."""
    normal, acting = cyclic(5), cyclic(4)
    powers = [[pow(2, h, 5) * n % 5 for n in range(5)] for h in range(4)]
    rows = {tuple(row) for row in automorphisms(normal).tolist()}
    assert rows == {tuple(row) for row in powers}
    holomorph = semidirect_product(normal, acting, powers)
    assert isomorphism(holomorph, group_from_spec("AGL(1,5)")) is not None


@settings(deadline=None, max_examples=40)
@given(groups(max_order=64), st.integers(0, 2**32 - 1))
def test_relabelled_copies_are_isomorphic(group: FiniteGroup, seed: int) -> None:
    other = relabelled(group, seed)
    images = isomorphism(group, other)
    assert images is not None
    assert sorted(images.tolist()) == list(range(group.order))
    assert np.array_equal(images[group.cayley_table], other.cayley_table[np.ix_(images, images)])


@pytest.mark.parametrize("order", [8, 12, 16, 24, 27, 32])
def test_small_groups_are_pairwise_different(order: int) -> None:
    found = [small_group(order, i) for i in range(1, number_of_small_groups(order) + 1)]
    same = [
        (i, j)
        for i, group in enumerate(found)
        for j, other in enumerate(found)
        if i <= j and (isomorphism(group, other) is not None) != (i == j)
    ]
    assert not same


# ATLAS (1985), introduction, and textbook isomorphisms; explicit maps this time.
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("GL(2,2)", "S3"),
        ("PSL(2,4)", "A5"),
        ("PSL(2,5)", "PSL(2,4)"),
        ("PSL(2,9)", "A6"),
        ("GL(3,2)", "PSL(2,7)"),
        ("SL(2,3)", "SmallGroup(24,3)"),
        ("Heis(3)", "SmallGroup(27,3)"),
        ("C2wrC2", "D4"),
        ("AGL(1,5)", "F20"),
        ("pres:a,b|a^2,b^3,(a*b)^5", "A5"),
        ("C15", "3x5"),
    ],
)
def test_constructions_are_isomorphic(first: str, second: str) -> None:
    group, other = group_from_spec(first), group_from_spec(second)
    images = isomorphism(group, other)
    assert images is not None
    assert check_homomorphism(group, other, images) is not images
    assert np.array_equal(images[group.cayley_table], other.cayley_table[np.ix_(images, images)])


@pytest.mark.parametrize(
    ("first", "second"),
    [("D4", "Q8"), ("C9", "3x3"), ("C4", "C5"), ("D52", "Dic26"), ("S5", "SL(2,5)")],
)
def test_different_groups_are_not_isomorphic(first: str, second: str) -> None:
    assert isomorphism(group_from_spec(first), group_from_spec(second)) is None


@settings(deadline=None, max_examples=25)
@given(groups(max_order=24), st.data())
def test_checked_homomorphisms(group: FiniteGroup, data: st.DataObject) -> None:
    normal = group.subgroup([int(c) for c in np.flatnonzero(group.element_orders == 2)])
    other, images = quotient(group, normal)
    assert check_homomorphism(group, other, images).tolist() == images.tolist()
    changed = images.copy()
    changed[data.draw(st.integers(0, group.order - 1))] = data.draw(st.integers(0, other.order - 1))
    if is_homomorphism_by_definition(group, other, changed.tolist()):
        check_homomorphism(group, other, changed)
    else:
        with pytest.raises(ValueError, match="no homomorphism"):
            check_homomorphism(group, other, changed)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([0, 1, 0], r"shape \(4,\), got int64 \(3,\)"),
        ([0.0, 1.0, 0.0, 1.0], "whole numbers"),
        ([0, 1, 2, 1], r"φ\(2\) = 2 is not in 0\.\.1 of C2"),
        ([1, 1, 1, 1], r"φ\(0\) = 1, expected the identity"),
        ([0, 1, 1, 0], r"φ\(1\*1\) = 1 but φ\(1\)\*φ\(1\) = 0"),
    ],
)
def test_what_is_no_homomorphism(images: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_homomorphism(cyclic(4), cyclic(2), images)


def test_too_many_automorphisms_are_not_listed() -> None:
    with pytest.raises(ValueError, match="9999360 automorphisms > max_count=50000"):
        automorphisms(group_from_spec("2x2x2x2x2"))
