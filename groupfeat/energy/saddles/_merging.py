"""Two searches of one landscape become one, and no search counts twice."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.objective._variants import Variant
from groupfeat.energy.saddles._landscape_graph import LandscapeGraph
from groupfeat.energy.saddles._saddles import concatenate_points
from groupfeat.energy.saddles._same_points import Labels, Sameness, classes_of

__all__ = ["merge_graphs"]

Indices = NDArray[np.intp]


def merge_graphs(
    first: LandscapeGraph, second: LandscapeGraph, *, labels: Labels | None = None
) -> LandscapeGraph:
    """Return what two searches of one landscape found together; counts and tries add up.

    Raises
    ------
    ValueError
        If the two are of different problems, or count signs differently; if a search of one
        is in the other, which would count it twice; or if their maxima form manifolds, as the
        symmetry of E says, and no labels tell which are one.
    """
    if not _is_same_problem(first, second):
        raise ValueError(
            "the graphs are of different pair sets, energies or signs: nothing to merge"
        )
    if labels is None and (first.maxima.declared.any() or second.maxima.declared.any()):
        raise ValueError(
            "the maxima form manifolds; pass labels, as for explore_landscape, to merge them"
        )
    repeated = len(np.intersect1d(first.searched, second.searched))
    if repeated:
        raise ValueError(
            f"{repeated} of the {len(second.searched)} searches were counted before, which would "
            "make what is unseen look smaller; explore with another rng"
        )
    same = Sameness(first.signs, labels)
    maxima = concatenate_points(first.maxima, second.maxima)
    saddles = concatenate_points(first.saddles, second.saddles)
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
        tolerance=max(first.tolerance, second.tolerance),
        searched=np.sort(np.concatenate([first.searched, second.searched])),
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
        # How pairs were drawn is part of the Horvitz–Thompson energy alone.
        and (first.variant.name != "ht" or one.sampling == other.sampling)
    )
