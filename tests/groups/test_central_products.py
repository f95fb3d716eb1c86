"""Central products and extraspecial groups."""

import pytest

from groupfeat.groups import (
    FiniteGroup,
    center,
    central_product,
    derived_subgroup,
    extraspecial,
    group_from_spec,
    isomorphism,
)


def same(first: FiniteGroup, second: FiniteGroup | str) -> bool:
    FiniteGroup.from_cayley_table(first.cayley_table)
    other = group_from_spec(second) if isinstance(second, str) else second
    return isomorphism(first, other) is not None


def test_central_products() -> None:
    d4, q8, c4 = (group_from_spec(spec) for spec in ("D4", "Q8", "C4"))
    assert same(central_product(d4, d4), central_product(q8, q8))
    assert isomorphism(central_product(d4, d4), central_product(d4, q8)) is None
    # The Pauli group: SmallGroup(16, 13).
    pauli = central_product(c4, d4, {2: int(center(d4)[1])})
    assert same(pauli, "SmallGroup(16,13)")
    assert same(pauli, central_product(c4, q8, {2: int(center(q8)[1])}))
    # Over the trivial subgroup it is the direct product.
    assert same(central_product(d4, q8, {}), "D4xQ8")


def test_partners_become_one_element() -> None:
    """In C9 ∘ Heis(3) the cube of a generator of C9 is its partner, not the partner's inverse."""
    heisenberg = group_from_spec("Heis(3)")
    z = int(center(heisenberg)[1])
    group = central_product(group_from_spec("C9"), heisenberg, {3: z})
    g = group.element_names.index(f"(1,{heisenberg.element_names[0]})")
    cube = group.cayley_table[g, group.cayley_table[g, g]]
    assert group.element_names[cube] == f"(0,{heisenberg.element_names[z]})"


# Class count p^{2n} + p - 1 and one irrep of degree pⁿ for each nontrivial central character
# (Huppert, Endliche Gruppen I, V.16.14); ids from GAP.
@pytest.mark.parametrize(
    ("p", "n", "sign", "index"),
    [
        (2, 1, "+", 3),
        (2, 1, "-", 4),
        (2, 2, "+", 49),
        (2, 2, "-", 50),
        (3, 1, "+", 3),
        (3, 1, "-", 4),
        (5, 1, "-", 4),
        (2, 3, "+", 2326),
        (2, 3, "-", 2327),
    ],
)
def test_extraspecial_groups(p: int, n: int, sign: str, index: int) -> None:
    group = extraspecial(p, n, sign)
    assert group.order == p ** (1 + 2 * n)
    assert len(group.conjugacy_classes) == p ** (2 * n) + p - 1
    assert center(group).tolist() == derived_subgroup(group).tolist()
    assert same(group, f"SmallGroup({group.order},{index})")


def test_bad_central_products_are_refused() -> None:
    d4, c4 = group_from_spec("D4"), group_from_spec("C4")
    z = int(center(d4)[1])
    with pytest.raises(ValueError, match="centres of order 4 and 2; say which"):
        central_product(c4, d4)
    with pytest.raises(ValueError, match="element 1 is not in the centre of D4"):
        central_product(c4, d4, {1: 1})
    with pytest.raises(ValueError, match="extends to no isomorphism"):
        central_product(c4, d4, {1: z})
    with pytest.raises(ValueError, match="extends to no isomorphism"):
        central_product(c4, d4, {0: z})
    with pytest.raises(ValueError, match="prime p, got 4"):
        extraspecial(4)
    with pytest.raises(ValueError, match="n >= 1 and sign"):
        extraspecial(3, 1, "*")
    with pytest.raises(ValueError, match="order 32768 > 8000"):
        extraspecial(2, 7)
