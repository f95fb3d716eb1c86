"""Colours of pairs of elements that every isomorphism keeps: Weisfeiler–Leman of dimension 2."""

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.isomorphism._invariants import element_invariants, mix
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["PAIR_LIMIT", "group_invariant", "pair_invariants"]

Hashes = NDArray[np.uint64]

PAIR_LIMIT = 320
"""Largest order whose pairs are coloured by default: a round costs M³ products."""


def pair_invariants(group: FiniteGroup) -> Hashes:
    """Return a colour c(g, h) of each pair, shape (M, M), that every isomorphism keeps.

    Start with the colours of g, h, gh and [g, h], and with e where h = gᵉ. Then add, again and
    again, c(h, g), c(g, gh), c(gh, h), c(g, [g, h]) and the multiset {(c(g, k), c(k, h)) : k},
    until no colour splits. The multiset is hashed as Σ_k f₁(c(g, k)) f₂(c(k, h)) modulo 2⁶⁴, a
    product of matrices.

    References
    ----------
    J. Brachter, P. Schweitzer, On the Weisfeiler–Leman dimension of finite groups, LICS 2020.
    """
    table, inverse = group.cayley_table.astype(np.intp), group.inverse
    everyone = np.arange(group.order)
    single = element_invariants(group)
    commutators = table[table[np.ix_(inverse, inverse)], table]
    colors = mix(_salted(single, 1)[:, None] + _salted(single, 2))
    colors = mix(colors + _salted(single, 3)[table] + _salted(single, 4)[commutators])
    power = np.zeros_like(everyone)
    for e in range(group.exponent):
        # The last e with h = gᵉ counts: equal for all g of one order.
        colors[everyone, power] = mix(single + np.uint64(e))
        power = table[power, everyone]
    count = 0
    while count < len(np.unique(colors)):
        count = len(np.unique(colors))
        moved = _salted(colors, 5)[everyone[:, None], table] + _salted(colors, 6)[table, everyone]
        moved += _salted(colors, 11)[everyone[:, None], commutators]
        products: Hashes = _salted(colors, 7) @ _salted(colors, 8)
        colors = mix(_salted(colors, 9) + _salted(colors.T, 10) + moved + products)
    return colors


def group_invariant(colors: Hashes) -> int:
    """Return one number for all colours of a group, of elements or of pairs."""
    return int(mix(colors).sum(dtype=np.uint64))


def _salted(colors: Hashes, salt: int) -> Hashes:
    return mix(colors ^ np.uint64(salt))
