"""Conjugacy classes and power maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ConjugacyClasses", "find_conjugacy_classes"]

# Up to this order all conjugates are formed at once.
_SMALL = 128


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
    *,
    is_abelian: bool = False,
) -> ConjugacyClasses:
    """Return the orbits of g ↦ s g s⁻¹ over the generators s; single elements if abelian."""
    everyone = np.arange(len(table))
    if is_abelian:
        labels = everyone
    elif len(table) <= _SMALL:
        # g x g⁻¹ at place (gx)·M + g⁻¹ of the flat table, the quicker look-up.
        places = table * np.intp(len(table)) + inverse[:, None]
        labels = table.take(places).min(axis=0).astype(np.intp)
    else:
        labels = _least_conjugates(table, inverse, generators, element_orders)
    first = np.flatnonzero(labels == everyone)
    sizes = np.bincount(labels)[first]
    ranking = np.lexsort((first, sizes, element_orders[first]))
    chosen = first[ranking]
    rank_of = np.empty(len(table), dtype=np.intp)
    rank_of[chosen] = np.arange(len(first))
    return ConjugacyClasses(
        rank_of[labels], chosen, sizes[ranking].astype(np.intp), element_orders[chosen]
    )


def _least_conjugates(
    table: NDArray[Any],
    inverse: NDArray[np.intp],
    generators: Sequence[int],
    element_orders: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Return the least conjugate of every element.

    Every element takes the least label along its orbit under each generator in
    turn, by doubling, until no label changes.
    """
    labels = np.arange(len(table))
    moves = [_doublings(table[table[s], inverse[s]], int(element_orders[s])) for s in generators]
    while True:
        before = labels
        for doublings in moves:
            for moved in doublings:
                labels = np.minimum(labels, labels[moved])
        if np.array_equal(labels, before):
            return labels


def _doublings(permutation: NDArray[Any], period: int) -> list[NDArray[Any]]:
    """Return p, p², p⁴, … whose products reach all powers of p, p^period = 1."""
    found: list[NDArray[Any]] = []
    while 2 ** len(found) < period:
        found.append(permutation)
        permutation = permutation[permutation]
    return found
