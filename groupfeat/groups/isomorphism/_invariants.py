"""Colours of elements that every isomorphism keeps, as hashes comparable between groups."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["element_invariants", "mix"]

Hashes = NDArray[np.uint64]
_CHUNK = 2**20


def element_invariants(group: FiniteGroup) -> Hashes:
    """Return a colour c(g) of each element, shape (M,): c(φ(g)) = c(g) for every isomorphism φ.

    Start with element order, class size and the colours of prime powers; then add, again and
    again, the multiset {(c(h), c(gh), c([g, h])) : h} until no colour splits. Equal colours
    prove nothing; sorted colours that differ prove that two groups are not isomorphic.
    """
    classes = group.conjugacy_classes
    orders = classes.element_orders.astype(np.uint64)
    colors = mix(orders << np.uint64(32) | classes.sizes.astype(np.uint64))
    count = 0
    while count < len(found := np.unique(colors)):
        count = len(found)
        colors = mix(colors + _powers(group, colors) + _neighbours(group, colors))
    return colors[classes.labels]


def _powers(group: FiniteGroup, colors: Hashes) -> Hashes:
    """Return for each class a hash of the colours of its p-th powers, p over primes."""
    classes, table = group.conjugacy_classes, group.cayley_table
    total = np.zeros_like(colors)
    power = classes.representatives.astype(np.intp)
    for p in range(2, min(group.exponent, 256)):
        power = table[power, classes.representatives].astype(np.intp)
        if group.order % p == 0 and all(p % d for d in range(2, p)):
            total += mix(colors[classes.labels[power]] ^ np.uint64(p))
    return total


def _neighbours(group: FiniteGroup, colors: Hashes) -> Hashes:
    """Return for each class representative g the sum over h of a hash of its triple."""
    classes, table, inverse = group.conjugacy_classes, group.cayley_table, group.inverse
    of_element = colors[classes.labels]
    totals = np.empty_like(colors)
    step = max(1, _CHUNK // group.order)
    for start in range(0, len(colors), step):
        chosen = classes.representatives[start : start + step]
        products: NDArray[Any] = table[chosen]
        swapped = table[inverse[chosen]][:, inverse]
        triple = mix(of_element ^ np.uint64(1)) + mix(of_element[products] ^ np.uint64(2))
        triple += mix(of_element[table[swapped, products]] ^ np.uint64(3))
        totals[start : start + step] = mix(triple).sum(axis=1)
    return totals


def mix(values: Hashes) -> Hashes:
    """Scramble 64-bit words (splitmix64's finaliser)."""
    z = values + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
