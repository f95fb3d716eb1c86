"""Hypothesis strategies: groups of many kinds, products and random relabellings included."""

import numpy as np
from hypothesis import strategies as st

from groupfeat.groups import FiniteGroup, direct_product, group_from_spec

SMALL = [
    "C1",
    "C2",
    "C3",
    "C4",
    "C7",
    "C12",
    "2x2",
    "S3",
    "D4",
    "D5",
    "Q8",
    "Dic3",
    "A4",
    "F21",
    "S4",
]


def relabelled(group: FiniteGroup, seed: int) -> FiniteGroup:
    """Return an isomorphic copy whose elements, the identity apart, are shuffled."""
    shuffled = 1 + np.random.default_rng(seed).permutation(group.order - 1)
    new_of = np.concatenate([[0], shuffled]).astype(np.intp)
    old_of = np.argsort(new_of)
    table = new_of[group.cayley_table[np.ix_(old_of, old_of)]]
    return FiniteGroup.from_cayley_table(table, name=f"{group.name} relabelled")


@st.composite
def groups(draw: st.DrawFn, max_order: int = 100) -> FiniteGroup:
    """Return a family member, a product of two, or either with its elements relabelled."""
    group = group_from_spec(draw(st.sampled_from(SMALL)))
    factors = [spec for spec in SMALL if group_from_spec(spec).order * group.order <= max_order]
    if factors and draw(st.booleans()):
        group = direct_product(group, group_from_spec(draw(st.sampled_from(factors))))
    if draw(st.booleans()):
        group = relabelled(group, draw(st.integers(0, 2**32 - 1)))
    return group
