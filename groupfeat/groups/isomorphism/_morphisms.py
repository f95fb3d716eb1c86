"""Homomorphisms, isomorphisms and automorphisms."""

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups.isomorphism._homomorphism_search import (
    Colors,
    Stage,
    candidates,
    choose_stages,
    color,
    extend,
    first_extension,
)
from groupfeat.groups.isomorphism._invariants import element_invariants
from groupfeat.groups.table._finite_group import FiniteGroup
from groupfeat.groups.table._kinds import check_group

__all__ = [
    "AutomorphismGroup",
    "automorphism_group",
    "automorphisms",
    "check_homomorphism",
    "isomorphism",
]

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class AutomorphismGroup:
    """Aut(G) by generators and order; an automorphism α is an array (M,), α[g] the image of g.

    Parameters
    ----------
    group
        G.
    generators
        Generators of Aut(G), shape (r, M).
    transversals
        Arrays (n_i, M); every automorphism is one product α₁α₂…, α_i a row of the i-th.
    """

    group: FiniteGroup
    generators: Indices
    transversals: tuple[Indices, ...]

    def __post_init__(self) -> None:
        for array in (self.generators, *self.transversals):
            array.setflags(write=False)

    @property
    def order(self) -> int:
        """|Aut(G)|, the product of the lengths of the basic orbits."""
        return prod(len(rows) for rows in self.transversals)


def check_homomorphism(group: FiniteGroup, other: FiniteGroup, images: ArrayLike) -> Indices:
    """Return ``images`` (M,) as indices once φ(xy) = φ(x)φ(y) is checked in full.

    It is enough that φ(x s) = φ(x) φ(s) for all x and every generator s.

    Raises
    ------
    ValueError
        If the shape is wrong, an image is no element of ``other``, or a product is not kept;
        the message names the first offenders.

    Examples
    --------
    >>> from groupfeat.groups import check_homomorphism, cyclic
    >>> check_homomorphism(cyclic(4), cyclic(2), [0, 1, 0, 1]).tolist()
    [0, 1, 0, 1]
    """
    phi = np.asarray(images)
    if phi.shape != (group.order,) or phi.dtype.kind not in "iu":
        raise ValueError(
            f"images must be whole numbers of shape ({group.order},), got {phi.dtype} {phi.shape}"
        )
    outside = np.flatnonzero((phi < 0) | (phi >= other.order))
    if len(outside):
        g = int(outside[0])
        raise ValueError(f"φ({g}) = {phi[g]} is not in 0..{other.order - 1} of {other.name}")
    if phi[0] != 0:
        raise ValueError(f"φ is no homomorphism: φ(0) = {phi[0]}, expected the identity 0")
    for s in group.generators:
        expected = other.cayley_table[phi, phi[s]]
        broken = np.flatnonzero(phi[group.cayley_table[:, s]] != expected)
        if len(broken):
            x = int(broken[0])
            raise ValueError(
                f"φ is no homomorphism: φ({x}*{s}) = {phi[group.cayley_table[x, s]]} "
                f"but φ({x})*φ({s}) = {expected[x]}"
            )
    return phi.astype(np.intp)


def isomorphism(group: FiniteGroup, other: FiniteGroup) -> Indices | None:
    """Return φ (M,) with φ(xy) = φ(x)φ(y), one to one, or None when there is none.

    Elements, and up to order 320 pairs of elements, are coloured by invariants; images of a few
    generators are tried among elements of their colours, and every partial map is checked on
    the subgroup it reaches.

    Examples
    --------
    >>> from groupfeat.groups import group_from_spec, isomorphism
    >>> isomorphism(group_from_spec("GL(2,2)"), group_from_spec("S3")) is not None
    True
    >>> isomorphism(group_from_spec("D4"), group_from_spec("Q8")) is None
    True
    """
    check_group(group)
    check_group(other)
    if group.order != other.order or group.is_abelian != other.is_abelian:
        return None
    plain = element_invariants(group), element_invariants(other)
    if not np.array_equal(np.sort(plain[0]), np.sort(plain[1])):
        return None
    colors = color(group), color(other)
    if not np.array_equal(np.sort(colors[0].elements), np.sort(colors[1].elements)):
        return None
    stages = choose_stages(group, colors[0])
    start = np.zeros(group.order, dtype=np.intp)
    return first_extension(stages, group, other, colors, start)


def automorphism_group(group: FiniteGroup) -> AutomorphismGroup:
    """Return generators and order of Aut(G), by a chain of stabilisers of generators of G.

    From the last generator s_j of G to the first: the automorphisms that fix s₁ … s_{j-1} are
    those that fix s_j too, and one for each further point of the orbit of s_j, each found by a
    search. |Aut(G)| is the product of the orbits' lengths.

    References
    ----------
    C. C. Sims' method; D. F. Holt, B. Eick, E. A. O'Brien, Handbook of Computational Group
    Theory (2005), §4.4 (stabiliser chains).

    Examples
    --------
    >>> from groupfeat.groups import automorphism_group, group_from_spec
    >>> automorphism_group(group_from_spec("Q8")).order
    24
    >>> automorphism_group(group_from_spec("2x2x2x2x2x2")).order
    20158709760
    """
    check_group(group)
    colors = color(group)
    stages = choose_stages(group, colors)
    found: list[Indices] = []
    transversals: list[Indices] = []
    for j in reversed(range(len(stages))):
        found += _new_orbit_points(group, colors, stages[j:], found)
        transversals.insert(0, _transversal(stages[j].generators[-1], found, group.order))
    rows = np.array(found, dtype=np.intp).reshape(-1, group.order)
    return AutomorphismGroup(group, rows, tuple(transversals))


def automorphisms(group: FiniteGroup, *, max_count: int = 50_000) -> Indices:
    """Return all automorphisms, shape (n, M); row 0 is the identity.

    Raises
    ------
    ValueError
        If there are more than ``max_count``.
    """
    found = automorphism_group(group)
    if found.order > max_count:
        raise ValueError(
            f"{group.name} has {found.order} automorphisms > max_count={max_count}; take the "
            "generators of automorphism_group, or pass a larger max_count"
        )
    rows = np.arange(group.order)[None]
    for further in found.transversals:
        rows = rows[:, further].reshape(-1, group.order)
    return rows


def _new_orbit_points(
    group: FiniteGroup, colors: Colors, stages: list[Stage], known: list[Indices]
) -> list[Indices]:
    """Find automorphisms that fix the earlier generators and reach all of s_j's orbit."""
    stage, rest = stages[0], stages[1:]
    s = stage.generators[-1]
    partial = np.zeros(group.order, dtype=np.intp)
    partial[stage.below] = stage.below
    found: list[Indices] = []
    settled = _orbit([s], known, group.order)
    both = colors, colors
    for c in candidates(stage, both, partial):
        if settled[c]:
            continue
        for longer in extend(stage, group, group, both, partial, np.array([c])):
            image = first_extension(rest, group, group, both, longer)
            if image is not None:
                found.append(image)
        # Whatever the answer for c, it is the same for all of its orbit.
        settled = _orbit([*np.flatnonzero(settled).tolist(), int(c)], [*known, *found], group.order)
    return found


def _orbit(points: list[int], maps: list[Indices], order: int) -> NDArray[np.bool_]:
    reached = np.zeros(order, dtype=bool)
    frontier = np.array(points, dtype=np.intp)
    reached[frontier] = True
    while len(frontier) and maps:
        moved = np.unique(np.concatenate([images[frontier] for images in maps]))
        frontier = moved[~reached[moved]]
        reached[frontier] = True
    return reached


def _transversal(point: int, maps: list[Indices], order: int) -> Indices:
    """Return one product of ``maps`` for each point of the orbit, the identity first."""
    rows = {point: np.arange(order)}
    queue = [point]
    for place in queue:
        for images in maps:
            target = int(images[place])
            if target not in rows:
                rows[target] = images[rows[place]]
                queue.append(target)
    return np.array([rows[place] for place in queue], dtype=np.intp)
