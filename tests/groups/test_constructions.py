"""Matrix groups, wreath products, presentations, subgroups and quotients."""

from math import gcd, prod

import numpy as np
import pytest
from hypothesis import given, settings

from groupfeat.groups import (
    FiniteGroup,
    center,
    character_table,
    derived_series,
    derived_subgroup,
    from_matrices,
    from_presentation,
    group_from_spec,
    is_normal,
    is_solvable,
    normal_closure,
    quotient,
    subgroup_group,
)
from tests.strategies import groups


def fingerprint(group: FiniteGroup) -> tuple[object, ...]:
    """Invariants that tell the groups below apart."""
    table = character_table(group)
    classes = group.conjugacy_classes
    pairs = zip(classes.sizes.tolist(), classes.element_orders.tolist(), strict=True)
    types = zip(table.dims.tolist(), table.frobenius_schur.tolist(), strict=True)
    return group.order, sorted(pairs), sorted(types), derived_series(group), len(center(group))


# Exceptional isomorphisms (Conway et al., ATLAS, introduction) and textbook ones.
SAME = [
    ("GL(2,2)", "S3"),
    ("SL(2,4)", "A5"),
    ("PSL(2,4)", "A5"),
    ("PSL(2,5)", "A5"),
    ("PSL(2,3)", "A4"),
    ("PSL(2,9)", "A6"),
    ("PSL(3,2)", "PSL(2,7)"),
    ("GL(3,2)", "PSL(2,7)"),
    ("SL(2,3)", "SmallGroup(24,3)"),
    ("GL(2,3)", "SmallGroup(48,29)"),
    ("SL(2,5)", "SmallGroup(120,5)"),
    ("AGL(1,5)", "F20"),
    ("AGL(1,4)", "A4"),
    ("AGL(1,3)", "S3"),
    ("Heis(2)", "D4"),
    ("Heis(3)", "SmallGroup(27,3)"),
    ("C2wrC2", "D4"),
    ("C2wrC3", "C2xA4"),
    ("S3wrC2", "SmallGroup(72,40)"),
    ("pres:a,b|a^2,b^3,(a*b)^5", "A5"),
    ("pres:a,b|a^2,b^3,(a*b)^4", "S4"),
    ("pres:i,j|i^4,i^2=j^2,j^-1*i*j=i^-1", "Q8"),
    ("pres:r,s|r^7,s^2,s*r*s=r^-1", "D7"),
    ("pres:a,b|a^2,b^3,[a,b]", "C6"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_constructions_agree(first: str, second: str) -> None:
    group = group_from_spec(first)
    FiniteGroup.from_cayley_table(group.cayley_table)
    assert fingerprint(group) == fingerprint(group_from_spec(second))


@pytest.mark.parametrize(("n", "q"), [(1, 7), (2, 3), (2, 4), (2, 5), (3, 2), (2, 8)])
def test_orders_of_matrix_groups(n: int, q: int) -> None:
    general = prod(q**n - q**i for i in range(n))
    special = general // (q - 1)
    assert group_from_spec(f"SL({n},{q})").order == special
    assert group_from_spec(f"PSL({n},{q})").order == special // gcd(n, q - 1)
    if general <= 3600:
        group = group_from_spec(f"GL({n},{q})")
        assert group.order == general
        assert len(center(group)) == q - 1


def test_matrices_multiply_as_matrices() -> None:
    group = group_from_spec("SL(2,5)")
    matrices = np.array([eval_free(name) for name in group.element_names])
    products = matrices[:, None] @ matrices[None] % 5
    assert np.array_equal(products, matrices[group.cayley_table])
    assert np.all(np.round(np.linalg.det(matrices)) % 5 == 1)


def eval_free(name: str) -> list[list[int]]:
    """Read "[[1, 2], [3, 4]]"."""
    numbers = [int(part.strip("[] ")) for part in name.split(",")]
    return [numbers[:2], numbers[2:]]


def test_wreath_product_moves_copies() -> None:
    group = group_from_spec("C2wrC3")
    x = group.element_names.index("(((1,0),0),0)")
    t = group.element_names.index("(((0,0),0),1)")
    conjugate = group.cayley_table[group.cayley_table[t, x], group.inverse[t]]
    assert group.element_names[conjugate] in ("(((0,1),0),0)", "(((0,0),1),0)")
    assert group.element_orders[group.cayley_table[x, t]] == 6


@settings(deadline=None, max_examples=30)
@given(groups(max_order=48))
def test_centre_and_derived_subgroup_by_definition(group: FiniteGroup) -> None:
    table, inverse = group.cayley_table, group.inverse
    commuting = [g for g in range(group.order) if np.array_equal(table[g], table[:, g])]
    assert center(group).tolist() == commuting
    swapped = inverse[table.T]
    commutators = np.unique(table[swapped, table])
    assert derived_subgroup(group).tolist() == group.subgroup(commutators.tolist()).tolist()
    linear = int(np.sum(character_table(group).dims == 1))
    assert len(derived_subgroup(group)) * linear == group.order


@settings(deadline=None, max_examples=30)
@given(groups(max_order=48))
def test_quotients_are_groups(group: FiniteGroup) -> None:
    for normal in (
        center(group),
        derived_subgroup(group),
        normal_closure(group, [group.order - 1]),
    ):
        found, projection = quotient(group, normal)
        FiniteGroup.from_cayley_table(found.cayley_table)
        assert found.order * len(normal) == group.order
        products = found.cayley_table[np.ix_(projection, projection)]
        assert np.array_equal(projection[group.cayley_table], products)
    assert quotient(group, derived_subgroup(group))[0].is_abelian


def test_subgroups_are_embedded() -> None:
    group = group_from_spec("S4")
    found, members = subgroup_group(group, derived_subgroup(group).tolist())
    assert fingerprint(found) == fingerprint(group_from_spec("A4"))
    products = group.cayley_table[np.ix_(members, members)]
    assert np.array_equal(members[found.cayley_table], products)


@pytest.mark.parametrize(("spec", "solvable"), [("S4", True), ("A5", False), ("SL(2,5)", False)])
def test_solvability(spec: str, solvable: bool) -> None:
    assert is_solvable(group_from_spec(spec)) is solvable


def test_a_subgroup_that_is_not_normal_has_no_quotient() -> None:
    group = group_from_spec("S3")
    flip = group.element_names.index("(1,2)")
    assert not is_normal(group, [0, flip])
    with pytest.raises(ValueError, match="2 elements are no normal subgroup of S3"):
        quotient(group, [0, flip])


@pytest.mark.parametrize(
    ("generators", "q", "message"),
    [
        ([[[1, 1], [1, 1]]], 5, "generator 0 is singular"),
        ([[[1, 7], [0, 1]]], 5, r"whole numbers 0\.\.4"),
        ([[1, 0], [0, 1]], 5, r"shape \(r, n, n\)"),
        ([[[1, 0], [0, 1]]], 6, "prime power q <= 4096, got 6"),
        ([[[1, 0], [0, 1]]], 1, "prime power"),
    ],
)
def test_bad_matrices_are_refused(generators: list[object], q: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_matrices(generators, q)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("GL(5,3)", "order 475566474240 > 8000"),
        ("AGL(2,3)", "n = 1 only"),
        ("GL(2)", "unknown group"),
        ("C2wrS4", r"order \d+ > 8000"),
        ("pres:a|b", "'b' is no generator"),
        ("pres:a", r"expected generators\|relators"),
        ("pres:a,a|a^2", "stands twice"),
        ("pres:a|a^", "got 'the end'"),
        ("pres:a|(a", r"expected '\)'"),
        ("pres:a|a^9999999", "whole exponent"),
        ("pres:a|a^9999", "more than 500 letters"),
        ("pres:a|a+a", "cannot read"),
        ("pres:a|a a", "unexpected 'a'"),
    ],
)
def test_bad_specs_are_refused(spec: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        group_from_spec(spec)


def test_an_infinite_group_is_noticed() -> None:
    # The triangle group (2, 3, 7): its abelian image is trivial.
    with pytest.raises(ValueError, match="defines more than 400 cosets: the group is infinite"):
        from_presentation("a,b|a^2,b^3,(a*b)^7", max_order=100)
    with pytest.raises(ValueError, match=r"more than|has order"):
        from_presentation("a|a^90", max_order=80)
