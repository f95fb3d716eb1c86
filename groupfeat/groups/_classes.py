"""Conjugacy classes and power maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

__all__ = ["ConjugacyClasses", "find_conjugacy_classes"]


@dataclass(frozen=True, eq=False)
class ConjugacyClasses:
    """The k conjugacy classes of a group; class 0 is the identity's.

    Ordered by element order, then size, then smallest element.

    Parameters
    ----------
    labels
        Class of each element, shape (M,).
    representatives
        Smallest element of each class, shape (k,).
    sizes
        Number of elements of each class, shape (k,).
    element_orders
        Order of the elements of each class, shape (k,).
    """

    labels: NDArray[np.intp]
    representatives: NDArray[np.intp]
    sizes: NDArray[np.intp]
    element_orders: NDArray[np.intp]

    def __post_init__(self) -> None:
        for array in (self.labels, self.representatives, self.sizes, self.element_orders):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.representatives)


def find_conjugacy_classes(
    table: NDArray[Any],
    inverse: NDArray[np.intp],
    generators: Sequence[int],
    element_orders: NDArray[np.intp],
) -> ConjugacyClasses:
    """Return the orbits of g ↦ s g s⁻¹ over the generators s: connected components of a graph."""
    order = len(table)
    everyone = np.arange(order)
    moved = [table[table[s], inverse[s]] for s in generators] or [everyone]
    targets = np.stack(moved, axis=1).ravel()
    starts = np.arange(order + 1) * len(moved)
    graph = csr_array((np.ones(len(targets), dtype=np.int8), targets, starts), (order, order))
    count, raw = connected_components(graph, directed=False)
    _, first = np.unique(raw, return_index=True)
    sizes = np.bincount(raw, minlength=count)
    ranking = np.lexsort((first, sizes, element_orders[first]))
    rank_of = np.empty(count, dtype=np.intp)
    rank_of[ranking] = np.arange(count)
    chosen = first[ranking].astype(np.intp)
    return ConjugacyClasses(
        rank_of[raw], chosen, sizes[ranking].astype(np.intp), element_orders[chosen]
    )
