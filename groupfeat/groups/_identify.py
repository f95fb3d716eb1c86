"""Identify a group in the SmallGroups Library."""

from functools import lru_cache

import numpy as np

from groupfeat.groups._finite_group import FiniteGroup
from groupfeat.groups._invariants import element_invariants
from groupfeat.groups._morphisms import isomorphism
from groupfeat.groups._small_groups import number_of_small_groups, small_group

__all__ = ["identify"]

MAX_ORDER = 255


def identify(group: FiniteGroup) -> tuple[int, int]:
    """Return (order, index) with ``group`` isomorphic to SmallGroup(order, index).

    Invariants of the elements leave few candidates; an isomorphism decides among them. The
    invariants of all groups of one order are computed once and kept.

    Raises
    ------
    ValueError
        If the order is above 255.

    Examples
    --------
    >>> from groupfeat.groups import dihedral, identify
    >>> identify(dihedral(4))
    (8, 3)
    """
    order = group.order
    if order > MAX_ORDER:
        raise ValueError(f"groups of order up to {MAX_ORDER} are identified, got order {order}")
    wanted = _fingerprint(group)
    candidates = [i for i, known in enumerate(_fingerprints(order), start=1) if known == wanted]
    for index in candidates[:-1]:
        if isomorphism(group, small_group(order, index)) is not None:
            return order, index
    # Every group of the order is in the library, so the last candidate needs no test.
    return order, candidates[-1]


def _fingerprint(group: FiniteGroup) -> bytes:
    return np.sort(element_invariants(group)).tobytes()


@lru_cache(maxsize=4)
def _fingerprints(order: int) -> tuple[bytes, ...]:
    found = range(1, number_of_small_groups(order) + 1)
    return tuple(_fingerprint(small_group(order, index)) for index in found)
