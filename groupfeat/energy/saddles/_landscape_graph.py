"""The graph of maxima and saddles, its barriers and its merge tree."""

from dataclasses import dataclass, field, replace
from typing import TypedDict

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from groupfeat.energy._statistics import unseen_probability
from groupfeat.energy.ascent._local_model import FlatDirections
from groupfeat.energy.ascent._search import random_starts
from groupfeat.energy.objective._activations import Activation, get_activation
from groupfeat.energy.objective._checks import check_count
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.objective._variants import Variant, get_variant
from groupfeat.energy.saddles._saddles import (
    CriticalPoints,
    branches_of,
    declared_flat,
    find_saddles,
    follow_flow,
)
from groupfeat.energy.saddles._same_points import (
    Labels,
    Sameness,
    Signs,
    classes_of,
    group_points,
    sign_symmetries,
)

__all__ = ["LandscapeGraph", "Merge", "explore_landscape", "merge_graphs"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


class _Options(TypedDict):
    variant: Variant
    flat: FlatDirections | None
    tolerance: float


@dataclass(frozen=True)
class Merge:
    """One branching of the merge tree.

    Parameters
    ----------
    energy
        Level at which the two parts of {E ≥ level} join.
    saddle
        Position of the saddle that joins them.
    parts
        Maxima of the two parts, each sorted.
    """

    energy: float
    saddle: int
    parts: tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class LandscapeGraph:
    """Distinct maxima and saddles of index 1, and which two maxima each saddle joins.

    Parameters
    ----------
    pairs, activation, variant
        The problem.
    maxima, saddles
        One member of each class, highest first.
    maxima_counts
        Starts of the flow that ended in each class; 0 if only a saddle leads there.
    saddle_counts
        Searches that ended in each class.
    ends
        The two maxima of each saddle, shape (S, 2); −1 where a branch did not converge.
    maxima_tries, saddle_tries
        Searches made in all, with those that ended elsewhere.
    signs
        Signs (s, t) for which [a; b] and [sa; tb] are one class.
    """

    pairs: PairSet = field(repr=False)
    activation: Activation
    variant: Variant
    maxima: CriticalPoints = field(repr=False)
    saddles: CriticalPoints = field(repr=False)
    maxima_counts: Indices
    saddle_counts: Indices
    ends: Indices = field(repr=False)
    maxima_tries: int
    saddle_tries: int
    signs: Signs

    @property
    def only_from_saddles(self) -> int:
        """Number of maxima that no start of the flow reached, only a branch of a saddle."""
        return int(np.sum(self.maxima_counts == 0))

    @property
    def components(self) -> tuple[tuple[int, ...], ...]:
        """Sets of maxima joined by saddles, largest first."""
        found = (tuple(sorted(part)) for part in nx.connected_components(self.to_networkx()))
        return tuple(sorted(found, key=lambda part: (-len(part), part)))

    @property
    def unseen_maxima(self) -> float:
        """Upper estimate of the chance that a further start ends at an unseen maximum."""
        return unseen_probability([int(c) for c in self.maxima_counts if c])

    @property
    def unseen_saddles(self) -> float:
        """Upper estimate of the chance that a further search ends at an unseen saddle."""
        return unseen_probability([int(c) for c in self.saddle_counts])

    def to_networkx(self) -> "nx.MultiGraph[int]":
        """Return maxima as nodes and saddles as edges, with energy and certificate of each."""
        graph: nx.MultiGraph[int] = nx.MultiGraph()
        for i in range(len(self.maxima)):
            graph.add_node(i, **_certificate(self.maxima, i), count=int(self.maxima_counts[i]))
        for s, (i, j) in enumerate(self.ends.tolist()):
            if min(i, j) >= 0:
                graph.add_edge(i, j, key=s, **_certificate(self.saddles, s), saddle=s)
        return graph

    def merge_tree(self) -> tuple[Merge, ...]:
        """Return the branchings of {E ≥ level} as the level falls, highest first.

        Kruskal's algorithm on saddles from the highest down; fewer branchings than
        maxima − 1 mean that the graph has several components.
        """
        part = [(i,) for i in range(len(self.maxima))]
        merges = []
        for s in np.argsort(-self.saddles.energies, kind="stable").tolist():
            i, j = self.ends[s].tolist()
            if min(i, j) < 0 or part[i] == part[j]:
                continue
            first, second = sorted((part[i], part[j]))
            merges.append(Merge(float(self.saddles.energies[s]), s, (first, second)))
            joined = tuple(sorted(first + second))
            for member in joined:
                part[member] = joined
        return tuple(merges)

    def barriers(self) -> Floats:
        """Return the lowest level on the best path between every two maxima found, (N, N).

        E of the maximum on the diagonal, −inf where nothing found joins the two.
        """
        levels = np.full((len(self.maxima), len(self.maxima)), -np.inf)
        for merge in self.merge_tree():
            first, second = merge.parts
            levels[np.ix_(first, second)] = merge.energy
            levels[np.ix_(second, first)] = merge.energy
        np.fill_diagonal(levels, self.maxima.energies)
        return levels


def explore_landscape(
    pairs: PairSet,
    activation: str | Activation = "square",
    *,
    variant: str | Variant = "raw",
    starts: int = 1000,
    searches: int = 2000,
    rng: int | np.random.Generator,
    labels: Labels | None = None,
    modulo_sign: bool = True,
    tolerance: float = 1e-8,
) -> LandscapeGraph:
    """Search maxima and saddles from random points, group them and join them.

    Maxima: ``starts`` uniform points follow the flow. Saddles: ``searches`` by eigenvector
    following, half from uniform points and half from points 0.3 away from the maxima. Each
    new class of saddles sends its two branches along the flow.

    Parameters
    ----------
    pairs
        The pair set; its group of order up to about 30 (dense Hessians).
    activation
        Name or `Activation`, twice differentiable.
    variant
        Which energy, as for `energy`.
    starts, searches
        Number of each, at least 1.
    rng
        Seed or generator of the points.
    labels
        Where maxima form manifolds (x² on all pairs): numbers that are constant on
        each, such as `family_shares`; points of equal energy and labels are then one
        class. None: points are one class if they lie within 1e-3 of each other.
    modulo_sign
        Whether [a; b] and [sa; tb] are one class, for the signs that leave E unchanged.
    tolerance
        Relative Riemannian gradient of a critical point.

    Raises
    ------
    ValueError
        If σ has kinks, a number is below 1, or the tolerance is not in (0, 1).

    Examples
    --------
    >>> from groupfeat.energy import explore_landscape, sample_pairs
    >>> from groupfeat.groups import cyclic
    >>> graph = explore_landscape(sample_pairs(cyclic(7), 0.9, rng=1), rng=1)
    >>> len(graph.components), graph.only_from_saddles
    (1, 0)
    """
    check_count(searches, "searches")
    sigma, generator = get_activation(activation), np.random.default_rng(rng)
    kind, order = get_variant(variant), pairs.order
    flat = declared_flat(pairs, sigma, variant=kind)
    signs = sign_symmetries(pairs, sigma, variant=kind) if modulo_sign else ((1, 1),)
    same = Sameness(signs, labels)
    options: _Options = {"variant": kind, "flat": flat, "tolerance": tolerance}
    ended = follow_flow(random_starts(order, starts, rng=generator), pairs, sigma, **options)
    maxima, maxima_counts = group_points(ended, 0, same)
    away = random_starts(order, searches, rng=generator)
    near = np.flatnonzero(np.arange(searches) % 2) if len(maxima) else np.zeros(0, dtype=np.intp)
    origin = maxima.weights[generator.integers(max(len(maxima), 1), size=len(near))]
    away[near] = origin + 0.3 * away[near]
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    met = find_saddles(away, pairs, sigma, **options)
    saddles, saddle_counts = group_points(met, 1, same)
    sides = branches_of(saddles, pairs, sigma, **options)
    everything = _concatenate(maxima, *sides)
    classes, members = classes_of(everything, 0, same)
    counts = np.zeros(len(classes), dtype=np.intp)
    np.add.at(counts, members[: len(maxima)], maxima_counts)
    ends = members[len(maxima) :].reshape(2, len(saddles)).T
    return LandscapeGraph(
        pairs=pairs,
        activation=sigma,
        variant=kind,
        maxima=everything.take(classes),
        saddles=saddles,
        maxima_counts=counts,
        saddle_counts=saddle_counts,
        ends=ends,
        maxima_tries=starts,
        saddle_tries=searches,
        signs=signs,
    )


def merge_graphs(
    first: LandscapeGraph, second: LandscapeGraph, *, labels: Labels | None = None
) -> LandscapeGraph:
    """Return what two searches of one landscape found together; counts and tries add up.

    Raises
    ------
    ValueError
        If the two are of different problems, or count signs differently, or if their maxima
        form manifolds, as the symmetry of E says, and no labels tell which are one.
    """
    if not _is_same_problem(first, second):
        raise ValueError(
            "the graphs are of different pair sets, energies or signs: nothing to merge"
        )
    if labels is None and (first.maxima.declared.any() or second.maxima.declared.any()):
        raise ValueError(
            "the maxima form manifolds; pass labels, as for explore_landscape, to merge them"
        )
    same = Sameness(first.signs, labels)
    maxima = _concatenate(first.maxima, second.maxima)
    saddles = _concatenate(first.saddles, second.saddles)
    tops, top_of = classes_of(maxima, 0, same)
    passes, pass_of = classes_of(saddles, 1, same)
    moved = np.concatenate(
        [first.ends, np.where(second.ends < 0, -1, second.ends + len(first.maxima))]
    )
    ends = np.where(moved < 0, -1, top_of[np.maximum(moved, 0)])
    return replace(
        first,
        maxima=maxima.take(tops),
        saddles=saddles.take(passes),
        maxima_counts=_total(top_of, [*first.maxima_counts, *second.maxima_counts], len(tops)),
        saddle_counts=_total(pass_of, [*first.saddle_counts, *second.saddle_counts], len(passes)),
        ends=_best_known(ends, pass_of, passes),
        maxima_tries=first.maxima_tries + second.maxima_tries,
        saddle_tries=first.saddle_tries + second.saddle_tries,
    )


def _best_known(ends: Indices, members: Indices, heads: Indices) -> Indices:
    """Return the ends of each class from its head, or from a member that knows both."""
    found = ends[heads]
    for row in np.flatnonzero((ends >= 0).all(axis=1)).tolist():
        if found[members[row]].min() < 0:
            found[members[row]] = ends[row]
    return found


def _total(members: Indices, counts: list[int], classes: int) -> Indices:
    total = np.zeros(classes, dtype=np.intp)
    np.add.at(total, members, np.array(counts, dtype=np.intp))
    return total


def _concatenate(*parts: CriticalPoints) -> CriticalPoints:
    return CriticalPoints(
        np.concatenate([p.weights for p in parts]),
        np.concatenate([p.energies for p in parts]),
        np.concatenate([p.gradient_norms for p in parts]),
        np.concatenate([p.indices for p in parts]),
        np.concatenate([p.declared for p in parts]),
        np.concatenate([p.nullities for p in parts]),
        tuple(status for p in parts for status in p.statuses),
    )


def _is_same_variant(first: Variant, second: Variant) -> bool:
    """Return whether two variants are one energy."""
    one, other = first.matrix, second.matrix
    if first.name != second.name or (one is None) != (other is None):
        return False
    return one is None or other is None or np.array_equal(one, other)


def _is_same_problem(first: LandscapeGraph, second: LandscapeGraph) -> bool:
    one, other = first.pairs, second.pairs
    return (
        first.activation == second.activation
        and first.signs == second.signs
        and _is_same_variant(first.variant, second.variant)
        and np.array_equal(one.group.cayley_table, other.group.cayley_table)
        and np.array_equal(one.left, other.left)
        and np.array_equal(one.right, other.right)
    )


def _certificate(points: CriticalPoints, i: int) -> dict[str, float | int]:
    return {
        "energy": float(points.energies[i]),
        "gradient_norm": float(points.gradient_norms[i]),
        "index": int(points.indices[i]),
        "nullity": int(points.nullities[i]),
    }
