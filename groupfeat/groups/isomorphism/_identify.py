"""Identify a group in the SmallGroups Library."""

from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.construct._small_groups import number_of_small_groups
from groupfeat.groups.isomorphism._invariants import element_invariants
from groupfeat.groups.isomorphism._pair_invariants import group_invariant, pair_invariants
from groupfeat.groups.table._finite_group import FiniteGroup
from groupfeat.groups.table._kinds import check_group

__all__ = ["MAX_ORDER", "element_fingerprint", "identify", "pair_fingerprint", "shared"]

MAX_ORDER = 255

Fingerprints = NDArray[np.uint32]


def identify(group: FiniteGroup) -> tuple[int, int]:
    """Return (order, index) with ``group`` isomorphic to SmallGroup(order, index).

    Colours of elements, then colours of pairs are compared with those of all groups of the
    order, which are stored. No two of the 7,012 groups of order up to 255 share both, and every
    group of the order is among them, so equal colours decide.

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
    check_group(group)
    order = group.order
    if order > MAX_ORDER:
        raise ValueError(f"groups of order up to {MAX_ORDER} are identified, got order {order}")
    elements, pairs = _known(order)
    found = np.flatnonzero(elements == element_fingerprint(group))
    if len(found) > 1:
        found = found[pairs[found] == pair_fingerprint(group)]
    if len(found) != 1:
        raise ArithmeticError(f"{group.name} has the invariants of no group of order {order}")
    return order, int(found[0]) + 1


def element_fingerprint(group: FiniteGroup) -> int:
    """Return 32 bits that isomorphic groups share, from the colours of their elements."""
    return group_invariant(element_invariants(group)) >> 32


def pair_fingerprint(group: FiniteGroup) -> int:
    """Return 32 bits that isomorphic groups share, from the colours of their pairs."""
    return group_invariant(pair_invariants(group)) >> 32


def shared(values: Fingerprints) -> NDArray[np.intp]:
    """Return the places whose value occurs again."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.flatnonzero(counts[place] > 1)


@lru_cache(maxsize=4)
def _known(order: int) -> tuple[Fingerprints, Fingerprints]:
    """Return both fingerprints of the groups of an order; of pairs where elements are not enough.

    The file holds for each order the fingerprints of elements of all its groups, then those of
    pairs of the groups that share the first.
    """
    stored = _stored()
    start = 0
    for n in range(1, order + 1):
        elements = stored[start : start + number_of_small_groups(n)]
        start += len(elements)
        places = shared(elements)
        pairs = np.zeros_like(elements)
        pairs[places] = stored[start : start + len(places)]
        start += len(places)
    return elements, pairs


@lru_cache(maxsize=1)
def _stored() -> Fingerprints:
    source = files("groupfeat.groups").joinpath("data/small_group_fingerprints.npy")
    with source.open("rb") as stream:
        found: Fingerprints = np.load(stream, allow_pickle=False)
    return found
