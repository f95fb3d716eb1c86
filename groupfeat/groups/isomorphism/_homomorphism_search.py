"""Injective homomorphisms found by trying images of a few generators, pruned by invariants."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.isomorphism._invariants import element_invariants, mix
from groupfeat.groups.isomorphism._pair_invariants import PAIR_LIMIT, pair_invariants
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["Colors", "Stage", "candidates", "choose_stages", "color", "extend", "first_extension"]

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Colors:
    """Colours that every isomorphism keeps.

    Parameters
    ----------
    elements
        A colour an element, shape (M,); the identity alone has its own.
    pairs
        A colour a pair, shape (M, M), or None for large groups.
    """

    elements: NDArray[np.uint64]
    pairs: NDArray[np.uint64] | None


def color(group: FiniteGroup) -> Colors:
    """Return the colours of a group; those of pairs sharpen those of elements."""
    if group.order > PAIR_LIMIT:
        return Colors(element_invariants(group), None)
    pairs = pair_invariants(group)
    return Colors(mix(pairs).sum(axis=1), pairs)


@dataclass(frozen=True, eq=False)
class Stage:
    """The step from H = ⟨s₁ … s_{j-1}⟩ to ⟨H, s_j⟩, a union of cosets H·t.

    Parameters
    ----------
    generators
        s₁ … s_j.
    below, members
        Elements of H, and of ⟨H, s_j⟩ coset by coset (H itself first).
    recipe
        For each further coset the place of the representative t it comes from, and i, with t·s_i
        its own representative.
    """

    generators: tuple[int, ...]
    below: Indices
    members: Indices
    recipe: tuple[tuple[int, int], ...]


def choose_stages(group: FiniteGroup, colors: Colors) -> list[Stage]:
    """Choose generators whose candidates are few for what they add, and how to extend maps."""
    _, place, counts = np.unique(colors.elements, return_inverse=True, return_counts=True)
    cost = np.log(counts[place])
    stages: list[Stage] = []
    below, chosen = np.zeros(1, dtype=np.intp), ()  # type: tuple[Indices, tuple[int, ...]]
    while len(below) < group.order:
        outside = np.setdiff1d(np.arange(group.order), below)
        outside = outside[np.argsort(cost[outside], kind="stable")]
        tried = outside[:: -(-len(outside) // 128)]
        growth = [len(group.subgroup([*chosen, int(g)])) / len(below) for g in tried]
        best = int(tried[np.argmin((cost[tried] + 0.01) / np.log(growth))])
        chosen = (*chosen, best)
        stages.append(_stage(group, below, chosen))
        below = stages[-1].members
    return stages


def _stage(group: FiniteGroup, below: Indices, generators: tuple[int, ...]) -> Stage:
    known = np.zeros(group.order, dtype=bool)
    known[below] = True
    cosets, recipe, representatives = [below], [], [0]
    for place, t in enumerate(representatives):
        for i, s in enumerate(generators):
            fresh = int(group.cayley_table[t, s])
            if not known[fresh]:
                cosets.append(group.cayley_table[below, fresh].astype(np.intp))
                known[cosets[-1]] = True
                representatives.append(fresh)
                recipe.append((place, i))
    return Stage(generators, below, np.concatenate(cosets), tuple(recipe))


def extend(
    stage: Stage,
    source: FiniteGroup,
    target: FiniteGroup,
    colors: tuple[Colors, Colors],
    partial: Indices,
    images: Indices,
) -> Indices:
    """Return the injective extensions (n, M) of ``partial`` with s_j sent to one of ``images``.

    ``partial`` (M,) is an injective homomorphism on ``stage.below``; colours must be kept, and
    φ(x s) = φ(x) φ(s) is checked for every x of the new subgroup and every generator s.
    """
    old = stage.generators[:-1]
    table, size = target.cayley_table, len(stage.below)
    of_generators = [np.full(len(images), partial[s]) for s in old] + [images]
    base = partial[stage.below]
    values = np.empty((len(images), len(stage.members)), dtype=np.intp)
    values[:, :size] = base
    representatives = [np.zeros(len(images), dtype=np.intp)]
    for k, (place, i) in enumerate(stage.recipe, start=1):
        moved = table[representatives[place], of_generators[i]].astype(np.intp)
        representatives.append(moved)
        values[:, k * size : (k + 1) * size] = table[base[None], moved[:, None]]
    # The identity alone has its colour, so maps that keep colours have no kernel.
    good = (colors[1].elements[values] == colors[0].elements[stage.members]).all(axis=1)
    maps = np.zeros((int(good.sum()), source.order), dtype=np.intp)
    maps[:, stage.members] = values[good]
    right = np.ones(len(maps), dtype=bool)
    for s in stage.generators:
        products = table[maps[:, stage.members], maps[:, s, None]]
        right &= (maps[:, source.cayley_table[stage.members, s]] == products).all(axis=1)
    return maps[right]


def candidates(stage: Stage, colors: tuple[Colors, Colors], partial: Indices) -> Indices:
    """Return where s_j may go so that its colour, and those of its pairs with s_i, are kept."""
    source, target = colors
    *old, new = stage.generators
    kept = target.elements == source.elements[new]
    if source.pairs is not None and target.pairs is not None:
        for s in old:
            kept &= target.pairs[partial[s]] == source.pairs[s, new]
    return np.flatnonzero(kept)


def first_extension(
    stages: list[Stage],
    source: FiniteGroup,
    target: FiniteGroup,
    colors: tuple[Colors, Colors],
    partial: Indices,
) -> Indices | None:
    """Return the first isomorphism that extends ``partial`` through all stages, depth first."""
    if not stages:
        return partial
    images = candidates(stages[0], colors, partial)
    for step in range(0, len(images), 64):
        chosen = images[step : step + 64]
        for longer in extend(stages[0], source, target, colors, partial, chosen):
            found = first_extension(stages[1:], source, target, colors, longer)
            if found is not None:
                return found
    return None
