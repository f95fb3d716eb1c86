"""The door to character tables: which road a group takes, and the checks at its end."""

import numpy as np

from groupfeat.groups.characters._abelian import abelian_table
from groupfeat.groups.characters._character_table import CharacterTable
from groupfeat.groups.characters._class_algebra import class_algebra_table
from groupfeat.groups.characters._induced import induced_table
from groupfeat.groups.table._finite_group import FiniteGroup
from groupfeat.groups.table._kinds import check_group

__all__ = ["character_table"]

_ATTEMPTS = 8
_TOLERANCE = 1e-9


def character_table(group: FiniteGroup, *, rng: int | np.random.Generator = 0) -> CharacterTable:
    """Return all irreducible characters of ``group``.

    Abelian groups: by extending characters along a chain of subgroups, in whole
    numbers. Groups whose degrees are 1 and n and that have an abelian normal
    subgroup of index n (dihedral, dicyclic, Frobenius, Heisenberg, …): linear
    characters likewise, the others induced from that subgroup. The rest: the
    eigenvectors of a random Hermitian element of the centre of the group algebra
    are the characters; the eigenvalue multiplicities of every ρ(g) are then
    rounded to integers, which makes the values exact. The result is checked
    (whole degrees, Σd² = M, orthogonality) and tried again with other random
    numbers when a check fails.

    Raises
    ------
    ArithmeticError
        If no attempt passes its checks.

    References
    ----------
    I. M. Isaacs, Character Theory of Finite Groups (1976), chapters 5 and 6, for
    induced characters; J. D. Dixon, High speed computation of group characters,
    Numer. Math. 10 (1967), for the eigenvectors.
    """
    check_group(group)
    generator = np.random.default_rng(rng)
    exact = abelian_table if group.is_abelian else induced_table
    table = exact(group)
    if table is not None and table.orthogonality_error < _TOLERANCE:
        return table
    for _ in range(0 if group.is_abelian else _ATTEMPTS):
        table = class_algebra_table(group, generator)
        if table is not None and table.orthogonality_error < _TOLERANCE:
            return table
    raise ArithmeticError(
        f"character table of {group.name} (order {group.order}, "
        f"{len(group.conjugacy_classes)} classes) failed its checks; pass another rng"
    )
