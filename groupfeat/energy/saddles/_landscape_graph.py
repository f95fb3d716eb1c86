"""The graph of maxima and saddles, its barriers and its merge tree."""

import hashlib
from dataclasses import dataclass, field
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
    concatenate_points,
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

__all__ = ["LandscapeGraph", "Merge", "explore_landscape"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Digests = NDArray[np.uint64]
_DIGITS = 9


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
    tolerance
        Relative Riemannian gradient below which a point counts as critical.
    searched
        A digest of each search's start, sorted, shape (maxima_tries + saddle_tries,): what
        tells a repeated run from a new one.
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
    tolerance: float
    searched: Digests = field(repr=False)

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
    begun = random_starts(order, starts, rng=generator)
    ended = follow_flow(begun, pairs, sigma, **options)
    maxima, maxima_counts = group_points(ended, 0, same)
    away = random_starts(order, searches, rng=generator)
    near = np.flatnonzero(np.arange(searches) % 2) if len(maxima) else np.zeros(0, dtype=np.intp)
    origin = maxima.weights[generator.integers(max(len(maxima), 1), size=len(near))]
    away[near] = origin + 0.3 * away[near]
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    met = find_saddles(away, pairs, sigma, **options)
    saddles, saddle_counts = group_points(met, 1, same)
    sides = branches_of(saddles, pairs, sigma, **options)
    everything = concatenate_points(maxima, *sides)
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
        tolerance=tolerance,
        searched=np.sort(np.concatenate([_digests(begun, b"flow"), _digests(away, b"saddle")])),
    )


def _digests(starts: Floats, kind: bytes) -> Digests:
    """Return a number for each start of a search, equal for equal starts, shape (N,)."""
    # Rounded, so that another machine's last bits do not make a new search of it.
    rows = np.round(starts, _DIGITS) + 0.0
    found = [hashlib.blake2b(row.tobytes(), digest_size=8, person=kind).digest() for row in rows]
    return np.frombuffer(b"".join(found), dtype="<u8").astype(np.uint64)


def _certificate(points: CriticalPoints, i: int) -> dict[str, float | int]:
    return {
        "energy": float(points.energies[i]),
        "gradient_norm": float(points.gradient_norms[i]),
        "index": int(points.indices[i]),
        "nullity": int(points.nullities[i]),
    }
