"""Hypothesis strategies: groups of many kinds, products and random relabellings included."""

from functools import lru_cache

import numpy as np
from hypothesis import strategies as st

from groupfeat.groups import (
    FiniteGroup,
    automorphisms,
    cyclic,
    direct_product,
    group_from_spec,
    semidirect_product,
)

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

NORMAL = ["C3", "C4", "C5", "C7", "C8", "C9", "2x2", "S3", "D4", "Q8", "3x3", "2x2x2"]


def relabelled(group: FiniteGroup, seed: int) -> FiniteGroup:
    """Return an isomorphic copy whose elements, the identity apart, are shuffled."""
    shuffled = 1 + np.random.default_rng(seed).permutation(group.order - 1)
    new_of = np.concatenate([[0], shuffled]).astype(np.intp)
    old_of = np.argsort(new_of)
    table = new_of[group.cayley_table[np.ix_(old_of, old_of)]]
    return FiniteGroup.from_cayley_table(table, name=f"{group.name} relabelled")


@lru_cache(maxsize=32)
def actions(spec: str) -> tuple[np.ndarray, ...]:
    """Return the powers of every automorphism α of a group: row h is α^h, one period."""
    found = []
    for alpha in automorphisms(group_from_spec(spec)):
        rows = [np.arange(len(alpha))]
        while not np.array_equal(image := alpha[rows[-1]], rows[0]):
            rows.append(image)
        found.append(np.array(rows))
    return tuple(found)


def semidirect(spec: str, i: int, repeats: int) -> FiniteGroup:
    """Return N ⋊ C_k, a generator of C_k acting by automorphism i, k a multiple of its order."""
    action = actions(spec)[i]
    acting = cyclic(repeats * len(action))
    return semidirect_product(group_from_spec(spec), acting, np.tile(action, (repeats, 1)))


def semidirect_choices(spec: str, max_order: int) -> list[tuple[str, int, int]]:
    """Return the arguments of `semidirect` with a faithful action or one of kernel 2."""
    sizes = enumerate(action.size for action in actions(spec))
    return [(spec, i, r) for i, size in sizes for r in (1, 2) if i and r * size <= max_order]


@st.composite
def semidirect_products(draw: st.DrawFn, max_order: int = 100) -> FiniteGroup:
    """Return N ⋊ C_k of order up to ``max_order`` ≥ 6, any automorphism acting but the identity."""
    choices = [found for spec in NORMAL if (found := semidirect_choices(spec, max_order))]
    return semidirect(*draw(st.sampled_from(draw(st.sampled_from(choices)))))


@st.composite
def groups(draw: st.DrawFn, max_order: int = 100) -> FiniteGroup:
    """Return a family member, a direct or semidirect product, or any with elements relabelled."""
    kind = draw(st.sampled_from(["family", "direct", "semidirect"]))
    if kind == "semidirect" and max_order >= 6:
        group = draw(semidirect_products(max_order=max_order))
    else:
        group = group_from_spec(draw(st.sampled_from(SMALL)))
    factors = [spec for spec in SMALL if group_from_spec(spec).order * group.order <= max_order]
    if kind == "direct" and factors:
        group = direct_product(group, group_from_spec(draw(st.sampled_from(factors))))
    if draw(st.booleans()):
        group = relabelled(group, draw(st.integers(0, 2**32 - 1)))
    return group
