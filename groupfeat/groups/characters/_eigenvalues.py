"""Eigenvalue multiplicities of ρ(g): characters restricted to cyclic subgroups."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._roots import roots_of_unity, units
from groupfeat.groups.characters._squares import squares
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = [
    "Eigenvalues",
    "rational_classes",
    "rounded_values",
    "whole_multiplicities",
]

ComplexArray = NDArray[np.complex128]
Whole = NDArray[np.intp]
RationalClasses = Sequence[tuple[Whole, Whole]]
# Up to this order a product with the DFT matrix takes less than a call of the FFT.
_SMALL_ORDER = 32


@dataclass(frozen=True, eq=False)
class Eigenvalues:
    """How often ρ_i(g) has each root of unity as eigenvalue, all rational classes in a row.

    A rational class is the union of the classes of the generators of ⟨g⟩. They follow each
    other by element order o, as `rational_classes` gives them; T = Σ o.

    Parameters
    ----------
    counts
        Multiplicities, shape (k, T).
    orders
        o for each of the T eigenvalues, shape (T,).
    exponents
        s of the eigenvalue exp(2πi s/o), shape (T,).
    classes
        The class of g, shape (T,).
    """

    counts: Whole
    orders: Whole
    exponents: Whole
    classes: Whole

    @classmethod
    def of_counts(cls, rational: RationalClasses, counts: NDArray[Any]) -> "Eigenvalues":
        """Label the columns of ``counts``."""
        orders: list[int] = []
        exponents: list[int] = []
        classes: list[int] = []
        for powers, _ in rational:
            number, order = powers.shape
            orders += [order] * (number * order)
            exponents += [*range(order)] * number
            for j in powers[:, 1 % order].tolist():
                classes += [j] * order
        labels = (np.array(column, dtype=np.intp) for column in (orders, exponents, classes))
        return cls(counts.astype(np.intp), *labels)


def whole_multiplicities(
    group: FiniteGroup, values: ComplexArray
) -> tuple[RationalClasses, NDArray[np.float64], float]:
    """Return the rational classes, the multiplicities (k, T) and their distance to whole numbers.

    The multiplicity of s is ⟨χ restricted to ⟨g⟩, character s of ⟨g⟩⟩.
    """
    rational = tuple(rational_classes(group))
    columns = []
    for powers, _ in rational:
        order, moved = powers.shape[1], values[:, powers]
        if order > _SMALL_ORDER:
            found = np.fft.fft(moved, axis=2) / order
        else:
            found = moved @ _averages(order)
        columns.append(found.reshape(len(values), -1))
    every = np.concatenate(columns, axis=1)
    whole: NDArray[np.float64] = np.rint(every.real)
    return rational, whole, float(np.sqrt(squares(every - whole).max()))


def rounded_values(rational: RationalClasses, counts: NDArray[np.float64]) -> ComplexArray:
    """Return the characters with these eigenvalue multiplicities, shape (k, k)."""
    count, start = len(counts), 0
    values = np.empty((count, count), dtype=np.complex128)
    for powers, prime_to_order in rational:
        stop = start + powers.size
        part = counts[:, start:stop].reshape(count, *powers.shape)
        values[:, powers[:, prime_to_order]] = part @ _unit_powers(powers.shape[1])
        start = stop
    return values


@lru_cache(maxsize=64)
def _averages(order: int) -> ComplexArray:
    """Return exp(−2πi st/o)/o, shape (o, o), read-only."""
    turns = np.arange(order)
    found = roots_of_unity(order)[np.outer(turns, -turns) % order] / order
    found.setflags(write=False)
    return found


@lru_cache(maxsize=64)
def _unit_powers(order: int) -> ComplexArray:
    """Return exp(2πi sa/o) for the exponents a prime to o, shape (o, φ(o)), read-only."""
    found = roots_of_unity(order)[np.outer(np.arange(order), units(order)) % order]
    found.setflags(write=False)
    return found


def rational_classes(group: FiniteGroup) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield, an element order o at a time, the powers of rational classes and o's units."""
    classes = group.conjugacy_classes
    for order in sorted(set(classes.element_orders.tolist())):
        columns = (classes.element_orders == order).nonzero()[0]
        representatives = classes.representatives[columns]
        elements = np.zeros((len(columns), order), dtype=np.intp)
        for s in range(1, order):
            elements[:, s] = group.cayley_table[elements[:, s - 1], representatives]
        powers = classes.labels[elements]
        prime_to_order = units(order)
        first = powers[:, prime_to_order].min(axis=1) == columns
        yield powers[first], prime_to_order
