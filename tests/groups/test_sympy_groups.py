"""Groups that sympy holds."""

import pytest
from sympy.combinatorics import Permutation, PermutationGroup
from sympy.combinatorics.fp_groups import FpGroup
from sympy.combinatorics.free_groups import free_group
from sympy.combinatorics.named_groups import AlternatingGroup, SymmetricGroup

from groupfeat.groups import FiniteGroup, from_sympy, group_from_spec, isomorphism


def same(first: FiniteGroup, second: FiniteGroup | str) -> bool:
    FiniteGroup.from_cayley_table(first.cayley_table)
    other = group_from_spec(second) if isinstance(second, str) else second
    return isomorphism(first, other) is not None


def test_groups_of_sympy() -> None:
    assert same(from_sympy(SymmetricGroup(4)), "S4")
    assert same(from_sympy(AlternatingGroup(5)), "A5")
    assert from_sympy(PermutationGroup([Permutation([0, 1, 2])])).order == 1
    free, a, b = free_group("a,b")
    assert same(from_sympy(FpGroup(free, [a**2, b**3, (a * b) ** 4])), "S4")
    assert from_sympy(FpGroup(free, [a**2, b**3, a * b * a**-1 * b])).order == 6
    with pytest.raises(ValueError, match="order 40320 > 8000"):
        from_sympy(SymmetricGroup(8))
    with pytest.raises(TypeError, match="PermutationGroup or FpGroup, got str"):
        from_sympy("S4")


def test_products_of_sympy_are_reversed() -> None:
    p, q = Permutation([1, 2, 0]), Permutation([1, 0, 2])
    group = from_sympy(PermutationGroup([p, q]))
    first, second = group.generators
    product = group.element_names[group.cayley_table[second, first]]
    assert product == "".join(f"({','.join(str(i + 1) for i in c)})" for c in (p * q).cyclic_form)
