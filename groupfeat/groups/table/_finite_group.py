"""The value every room works with: a finite group as a checked Cayley table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups.table._checks import (
    as_cayley_table,
    check_group_axioms,
    checked_elements,
    checked_names,
    table_dtype,
)
from groupfeat.groups.table._classes import ConjugacyClasses, find_conjugacy_classes
from groupfeat.groups.table._cyclic_factors import CyclicFactors, find_cyclic_factors
from groupfeat.groups.table._display import html_table, summarise
from groupfeat.groups.table._element_orders import find_element_orders, powers_of
from groupfeat.groups.table._generation import generated_subset, generating_set

__all__ = ["FiniteGroup"]

# Up to this order a search through the table finds the inverses fastest.
_SMALL = 384


@dataclass(frozen=True, eq=False)
class FiniteGroup:
    """A finite group of order M; element 0 is the identity, ``cayley_table[g, h]`` is gh.

    Make one through `group_from_spec`, a family (`symmetric`, …) or, for a
    table of your own, through the checking door `FiniteGroup.from_cayley_table`.
    The plain constructor trusts its arguments.

    Parameters
    ----------
    name
        How the group is printed, e.g. ``"S4"``.
    cayley_table
        Integers of shape (M, M); made read-only.
    generators
        Indices of a generating set.
    labels
        Names of the elements, or empty for their indices.

    Examples
    --------
    >>> from groupfeat.groups import FiniteGroup
    >>> table = [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]]
    >>> klein = FiniteGroup.from_cayley_table(table)
    >>> klein.order, klein.is_abelian, klein.generators
    (4, True, (1, 2))
    """

    name: str
    cayley_table: NDArray[Any] = field(repr=False)
    generators: tuple[int, ...] = field(repr=False)
    labels: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        self.cayley_table.setflags(write=False)

    @classmethod
    def from_cayley_table(
        cls, table: ArrayLike, *, name: str = "G", element_names: Sequence[str] = ()
    ) -> "FiniteGroup":
        """Check every axiom of ``table`` (M, M) and return the group.

        Raises
        ------
        NotAGroupError
            If closure, identity (element 0), inverses or associativity fail;
            the message names the axiom and the first elements that break it.
        ValueError
            If the element names are not M texts, each once.
        """
        array = as_cayley_table(table)
        if not isinstance(name, str):
            raise ValueError(f"a group's name is a text, got {name!r}")
        labels = checked_names(element_names, len(array))
        check_group_axioms(array)
        return cls(name, array, generating_set(array), labels)

    @classmethod
    def _trusted(
        cls,
        name: str,
        table: NDArray[Any],
        generators: Sequence[int] | None = None,
        labels: Sequence[str] = (),
    ) -> "FiniteGroup":
        """Wrap a table that its builder guarantees; no axiom is checked."""
        array = table.astype(table_dtype(len(table)), copy=False)
        chosen = generating_set(array) if generators is None else generators
        return cls(name, array, tuple(int(s) for s in chosen), tuple(labels))

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"FiniteGroup({self.name!r}, order={self.order})"

    def _repr_html_(self) -> str:
        classes = self.conjugacy_classes
        rows = [
            ("order", self.order),
            ("abelian", "yes" if self.is_abelian else "no"),
            ("exponent", self.exponent),
            ("class sizes", summarise(classes.sizes.tolist())),
            ("generators", summarise([self.element_names[s] for s in self.generators])),
        ]
        return html_table(self.name, ("", ""), rows)

    @property
    def order(self) -> int:
        """The number of elements M."""
        return len(self.cayley_table)

    @cached_property
    def element_names(self) -> tuple[str, ...]:
        """One name an element, its index where none was given."""
        return self.labels or tuple(str(g) for g in range(self.order))

    @cached_property
    def inverse(self) -> NDArray[np.intp]:
        """Indices (M,): ``inverse[g]`` is the element with g·inverse[g] = identity."""
        if self.order <= _SMALL:
            # One zero a row, at place g·M + g⁻¹ of the flat table.
            return _frozen(np.flatnonzero(self.cayley_table == 0) % self.order)
        # g⁻¹ = gᴹ⁻¹, a few look-ups an element; a search through the table costs M².
        found = powers_of(self.cayley_table, np.arange(self.order), self.order - 1)
        return _frozen(found.astype(np.intp))

    @cached_property
    def is_abelian(self) -> bool:
        """Whether gh = hg for all g, h (decided on the generators)."""
        chosen = list(self.generators)
        return bool(np.array_equal(self.cayley_table[chosen], self.cayley_table[:, chosen].T))

    @cached_property
    def element_orders(self) -> NDArray[np.intp]:
        """Orders (M,) of the elements."""
        return _frozen(find_element_orders(self.cayley_table))

    @cached_property
    def exponent(self) -> int:
        """The least common multiple of the element orders."""
        return int(np.lcm.reduce(np.unique(self.element_orders)))

    @cached_property
    def conjugacy_classes(self) -> ConjugacyClasses:
        """The conjugacy classes, ordered by element order, size, smallest element."""
        return find_conjugacy_classes(
            self.cayley_table,
            self.inverse,
            self.generators,
            self.element_orders,
            is_abelian=self.is_abelian,
        )

    @cached_property
    def cyclic_factors(self) -> CyclicFactors:
        """An abelian group as a product of cyclic ones; ValueError for others."""
        if not self.is_abelian:
            raise ValueError(f"{self.name} is not abelian: it is no product of cyclic groups")
        return find_cyclic_factors(self.cayley_table, self.element_orders)

    def subgroup(self, elements: Sequence[int]) -> NDArray[np.intp]:
        """Return the sorted elements of the subgroup generated by ``elements``."""
        chosen = checked_elements(elements, self.order, self.name)
        return np.flatnonzero(generated_subset(self.cayley_table, chosen.tolist()))


def _frozen(array: NDArray[np.intp]) -> NDArray[np.intp]:
    array.setflags(write=False)
    return array
