"""Groups that sympy holds: permutation groups and finitely presented ones."""

from typing import Any

from groupfeat.groups.construct._permutations import from_permutations
from groupfeat.groups.construct._presentations import from_presentation
from groupfeat.groups.table._closure import MAX_ORDER, check_order
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["from_sympy"]


def from_sympy(group: Any, *, name: str = "", max_order: int = MAX_ORDER) -> FiniteGroup:
    """Return sympy's ``PermutationGroup`` or ``FpGroup`` as a group; (gh)(i) = g(h(i)).

    sympy's product of permutations p*q applies p first, so it is our qp; the elements and their
    cycles are the same.

    Raises
    ------
    TypeError
        If ``group`` is neither.
    ValueError
        If the group is larger than ``max_order``.

    Examples
    --------
    >>> from sympy.combinatorics.named_groups import AlternatingGroup
    >>> from groupfeat.groups import from_sympy
    >>> from_sympy(AlternatingGroup(4)).order
    12
    """
    from sympy.combinatorics.fp_groups import FpGroup
    from sympy.combinatorics.perm_groups import PermutationGroup

    if isinstance(group, PermutationGroup):
        title = name or f"<sympy group of degree {group.degree}>"
        check_order(int(group.order()), max_order, title)
        images = [generator.array_form for generator in group.generators]
        return from_permutations(images if group.degree else [[0]], name=title, max_order=max_order)
    if isinstance(group, FpGroup):
        return from_presentation(_presentation(group), name=name, max_order=max_order)
    raise TypeError(
        f"expected sympy's PermutationGroup or FpGroup, got {type(group).__name__}; for matrices "
        "take from_matrices or from_complex_matrices"
    )


def _presentation(group: Any) -> str:
    letters = {symbol: f"g{i}" for i, symbol in enumerate(group.free_group.symbols, start=1)}
    words = [
        "*".join(f"{letters[symbol]}^{power}" for symbol, power in relator.array_form) or "1"
        for relator in group.relators
    ]
    return ",".join(letters.values()) + "|" + ",".join(words)
