"""Named families, products and specifications."""

from math import factorial

import numpy as np
import pytest

from groupfeat.groups import (
    FiniteGroup,
    cyclic,
    dicyclic,
    direct_product,
    from_permutations,
    group_from_spec,
    metacyclic,
    semidirect_product,
    symmetric,
)
from tests.groups.oracles import closure_of_permutations

# Spec, order, number of classes, number of elements of each order (textbook values).
FACTS = [
    ("C12", 12, 12, {1: 1, 2: 1, 3: 2, 4: 2, 6: 2, 12: 4}),
    ("Z6", 6, 6, {1: 1, 2: 1, 3: 2, 6: 2}),
    ("2x2x2", 8, 8, {1: 1, 2: 7}),
    ("D1", 2, 2, {1: 1, 2: 1}),
    ("D5", 10, 4, {1: 1, 2: 5, 5: 4}),
    ("D6", 12, 6, {1: 1, 2: 7, 3: 2, 6: 2}),
    ("Q8", 8, 5, {1: 1, 2: 1, 4: 6}),
    ("Q16", 16, 7, {1: 1, 2: 1, 4: 10, 8: 4}),
    ("Dic3", 12, 6, {1: 1, 2: 1, 3: 2, 4: 6, 6: 2}),
    ("Dic5", 20, 8, {1: 1, 2: 1, 4: 10, 5: 4, 10: 4}),
    ("S4", 24, 5, {1: 1, 2: 9, 3: 8, 4: 6}),
    ("A5", 60, 5, {1: 1, 2: 15, 3: 20, 5: 24}),
    ("S5", 120, 7, {1: 1, 2: 25, 3: 20, 4: 30, 5: 24, 6: 20}),
    ("F21", 21, 5, {1: 1, 3: 14, 7: 6}),
    ("F20", 20, 5, {1: 1, 2: 5, 4: 10, 5: 4}),
    ("C2xS3", 12, 6, {1: 1, 2: 7, 3: 2, 6: 2}),
    ("perm:(1,2,3)(4,5);(1,2)", 12, 6, {1: 1, 2: 7, 3: 2, 6: 2}),
]


@pytest.mark.parametrize(("spec", "order", "classes", "orders"), FACTS)
def test_family_facts(spec: str, order: int, classes: int, orders: dict[int, int]) -> None:
    group = group_from_spec(spec)
    FiniteGroup.from_cayley_table(group.cayley_table)
    assert (group.order, len(group.conjugacy_classes)) == (order, classes)
    assert len(group.subgroup(group.generators)) == order
    assert dict(zip(*np.unique(group.element_orders, return_counts=True), strict=True)) == orders
    assert len(group.element_names) == order == len(set(group.element_names))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_permutations_against_one_at_a_time(n: int) -> None:
    generators = [tuple(np.roll(np.arange(n), -1)), (1, 0, *range(2, n))][: max(1, min(2, n - 1))]
    group = from_permutations(generators)
    assert group.order == len(closure_of_permutations(generators)) == factorial(n)


def test_product_of_permutations_is_composition() -> None:
    group = symmetric(3)
    first, second = group.element_names.index("(1,2)"), group.element_names.index("(2,3)")
    # (gh)(i) = g(h(i)): 1 → 1 → 2, 2 → 3 → 3, 3 → 2 → 1.
    assert group.element_names[group.cayley_table[first, second]] == "(1,2,3)"


def test_semidirect_product_of_an_inversion_is_dihedral() -> None:
    c5, c2 = cyclic(5), cyclic(2)
    action = np.array([np.arange(5), -np.arange(5) % 5])
    group = semidirect_product(c5, c2, action)
    FiniteGroup.from_cayley_table(group.cayley_table)
    assert sorted(group.element_orders) == sorted(group_from_spec("D5").element_orders)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ([[0, 1, 2], [0, 1, 1]], "action of element 1 is no bijection"),
        ([[0, 1, 2], [1, 0, 2]], r"element 1 is no automorphism: φ\(0\*0\) = 1 but"),
        ([[0, 2, 1], [0, 1, 2]], r"no homomorphism: φ of 0\*1 differs"),
        ([[0, 1, 2]], r"shape \(2, 3\), got"),
        ([[0, 1, 2], [0, 1, 5]], r"must be elements 0\.\.2"),
    ],
)
def test_bad_actions_are_refused(action: list[list[int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        semidirect_product(cyclic(3), cyclic(2), action)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("X9", r"unknown group 'X9'; known forms: C23"),
        ("C2xX", "unknown group 'X' in 'C2xX'"),
        ("", "unknown group ''"),
        ("C0", "Cn needs n >= 1, got 0"),
        ("D0", "Dn needs n >= 1"),
        ("Dic0", "Dicn needs n >= 1"),
        ("S0", "Sn needs n >= 1, got 0"),
        ("Q12", "n = 8, 16, 32"),
        ("F8", "needs order p"),
        ("S9", "has order 362880 > 8000: its Cayley table .* with max_order=362880"),
        ("C100xC100", "order 10000 > 8000"),
        ("perm:(1,1)", "point 1 stands twice"),
        ("perm:(0,1)", "count from 1"),
        ("perm:12", r"expected cycles such as"),
        ("perm:(1,99999)", "points up to 1000"),
        ("perm:(1,2,3,4,5,6,7,8,9,10);(1,2)", "more than 8000 elements"),
    ],
)
def test_bad_specs_are_refused_in_one_line(spec: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        group_from_spec(spec)
    assert "\n" not in str(caught.value)


def test_bad_generators_are_refused() -> None:
    with pytest.raises(ValueError, match="generator 1 is no permutation"):
        from_permutations([[1, 0, 2], [0, 0, 1]])
    with pytest.raises(ValueError, match="must be whole numbers"):
        from_permutations([[0.5, 1.0]])
    with pytest.raises(ValueError, match=r"multiplier\^2 = 1 mod 7"):
        metacyclic(7, 2, 2)
    with pytest.raises(ValueError, match="at least one factor"):
        direct_product()


def test_dicyclic_two_is_the_quaternion_group() -> None:
    assert np.array_equal(dicyclic(2).cayley_table, group_from_spec("Q8").cayley_table)
