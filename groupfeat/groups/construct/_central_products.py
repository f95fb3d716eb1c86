"""Central products and the extraspecial groups made of them."""

from collections.abc import Mapping
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.construct._families import dicyclic, dihedral, metacyclic
from groupfeat.groups.construct._matrix_groups import heisenberg
from groupfeat.groups.construct._products import direct_product
from groupfeat.groups.structure._subgroups import center, quotient
from groupfeat.groups.table._arguments import whole_number
from groupfeat.groups.table._closure import MAX_ORDER, check_order
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["central_product", "extraspecial"]


def central_product(
    first: FiniteGroup,
    second: FiniteGroup,
    amalgamated: Mapping[int, int] | None = None,
    *,
    name: str = "",
    max_order: int = MAX_ORDER,
) -> FiniteGroup:
    """Return A ∘ B = (A × B)/⟨(z, w⁻¹)⟩, central elements z of A identified with w of B.

    An element is named (a,b) after its first pair in the order of the direct product.

    Parameters
    ----------
    first, second
        A and B.
    amalgamated
        ``{z: w}``: generators of a central subgroup of A and their partners in B. It may be
        left out if both centres have order 2.
    name
        Name of the group.
    max_order
        Refuse a larger A × B.

    Raises
    ------
    ValueError
        If some z or w is not central, or z ↦ w is no isomorphism between the subgroups that
        they generate.

    Examples
    --------
    >>> from groupfeat.groups import central_product, group_from_spec, isomorphism
    >>> d4, q8 = group_from_spec("D4"), group_from_spec("Q8")
    >>> isomorphism(central_product(d4, d4), central_product(q8, q8)) is not None
    True
    """
    title = name or f"{first.name}o{second.name}"
    check_order(first.order * second.order, max_order, f"{first.name}x{second.name}")
    pairs = _identified(first, second, amalgamated)
    both = direct_product(first, second, max_order=max_order)
    chosen = [z * second.order + int(second.inverse[w]) for z, w in pairs.items()]
    normal = both.subgroup(chosen)
    for side, kept in ((first, normal // second.order), (second, normal % second.order)):
        if len(np.unique(kept)) < len(normal):
            raise ValueError(
                f"{dict(pairs)} extends to no isomorphism between central subgroups: an element "
                f"other than the identity would be trivial in the other factor than {side.name}"
            )
    found, projection = quotient(both, normal)
    least = np.unique(projection, return_index=True)[1]
    names = [both.element_names[g] for g in least]
    return FiniteGroup._trusted(title, found.cayley_table, found.generators, names)


def extraspecial(p: int, n: int = 1, sign: str = "+", *, max_order: int = MAX_ORDER) -> FiniteGroup:
    """Return the extraspecial group p^{1+2n} of type ``"+"`` or ``"-"``.

    For p = 2 type + is a central product of n copies of D4, and in type − one is Q8. For odd p
    type + is one of n copies of Heis(p) (exponent p), and in type − one is C_{p²} ⋊ C_p.

    Raises
    ------
    ValueError
        If p is no prime, n < 1, the sign is neither, or the order is above ``max_order``.

    References
    ----------
    J. H. Conway et al., ATLAS of Finite Groups (1985), §5.2; B. Huppert, Endliche Gruppen I
    (1967), III.13.

    Examples
    --------
    >>> from groupfeat.groups import extraspecial
    >>> len(extraspecial(2, 2, "-").conjugacy_classes), extraspecial(3, 1, "-").exponent
    (17, 9)
    """
    p, n = whole_number(p, "p of an extraspecial group"), whole_number(n, "n of p^(1+2n)")
    if p < 2 or any(p % d == 0 for d in range(2, int(p**0.5) + 1)):
        raise ValueError(f"extraspecial groups need a prime p, got {p}")
    if n < 1 or sign not in ("+", "-"):
        raise ValueError(f'expected n >= 1 and sign "+" or "-", got n={n}, sign={sign!r}')
    name = f"{p}^{{1+{2 * n}}}_{sign}"
    check_order(p ** (1 + 2 * n), max_order, name)
    plus = dihedral(4) if p == 2 else heisenberg(p)
    minus = plus
    if sign == "-":
        minus = dicyclic(2) if p == 2 else metacyclic(p * p, p, 1 + p)
    found = reduce(_glue, [minus] + [plus] * (n - 1))
    return FiniteGroup._trusted(name, found.cayley_table, found.generators, found.labels)


def _glue(first: FiniteGroup, second: FiniteGroup) -> FiniteGroup:
    """Identify two centres of the same prime order."""
    z, w = int(center(first)[1]), int(center(second)[1])
    return central_product(first, second, {z: w}, max_order=first.order * second.order)


def _identified(
    first: FiniteGroup, second: FiniteGroup, amalgamated: Mapping[int, int] | None
) -> Mapping[int, int]:
    centers: list[NDArray[np.intp]] = [center(first), center(second)]
    if amalgamated is None:
        if any(len(elements) != 2 for elements in centers):
            raise ValueError(
                f"{first.name} and {second.name} have centres of order {len(centers[0])} and "
                f"{len(centers[1])}; say which elements agree, amalgamated={{z: w}}"
            )
        return {int(centers[0][1]): int(centers[1][1])}
    sides = zip(
        (first, second), centers, (list(amalgamated), list(amalgamated.values())), strict=True
    )
    for group, elements, chosen in sides:
        for z in chosen:
            if z not in elements:
                raise ValueError(f"element {z} is not in the centre of {group.name}")
    return amalgamated
