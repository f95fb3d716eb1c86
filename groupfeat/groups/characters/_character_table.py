"""The value of a character table, and what follows from its values."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._eigenvalues import (
    Eigenvalues,
    rational_classes,
    whole_multiplicities,
)
from groupfeat.groups.characters._induction import Induction
from groupfeat.groups.characters._orthogonality import orthogonality_error
from groupfeat.groups.characters._squares import squares
from groupfeat.groups.table._display import format_value, html_table, summarise
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["CharacterTable", "paired_neighbours", "table_of_rows", "table_of_values"]

ComplexArray = NDArray[np.complex128]
Whole = NDArray[np.intp]
_CONJUGATE_TOLERANCE = 1e-6
_WHOLE_TOLERANCE = 1e-13


@dataclass(frozen=True, eq=False, repr=False)
class CharacterTable:
    """The irreducible characters of a group with k conjugacy classes.

    Rows are sorted by degree, then real parts of the values (descending, class
    by class), then imaginary parts: row 0 is trivial and complex conjugates
    are neighbours. Columns follow ``group.conjugacy_classes``.

    Parameters
    ----------
    group
        The group.
    values
        χ_i at class j, shape (k, k), rounded to the exact sums of roots of unity.
    induction
        How the characters that are not linear are induced, where one subgroup serves for all.
    """

    group: FiniteGroup
    values: ComplexArray
    induction: Induction | None = None

    def __post_init__(self) -> None:
        self.values.setflags(write=False)

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"CharacterTable({self.group.name}: degrees {summarise(self.dims.tolist())})"

    def __str__(self) -> str:
        rows = [self._header(), *self._rows()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(text.rjust(w) for text, w in zip(row, widths, strict=True)) for row in rows
        )

    def _repr_html_(self) -> str:
        return html_table(f"Characters of {self.group.name}", self._header(), self._rows())

    def _header(self) -> list[str]:
        classes = self.group.conjugacy_classes
        names = [self.group.element_names[g] for g in classes.representatives]
        return ["", *(f"{n} ({s})" for n, s in zip(names, classes.sizes, strict=True))]

    def _rows(self) -> list[list[str]]:
        return [[f"ρ{i}", *map(format_value, row)] for i, row in enumerate(self.values.tolist())]

    @cached_property
    def dims(self) -> Whole:
        """Degrees d_k, shape (k,)."""
        return np.rint(self.values[:, 0].real).astype(np.intp)

    @cached_property
    def frobenius_schur(self) -> Whole:
        """Frobenius–Schur indicators (1/M) Σ_g χ(g²): +1 real, 0 complex, −1 quaternionic."""
        return indicators(self.group, self.values)

    @cached_property
    def spectra(self) -> tuple[Whole, ...]:
        """For class j of element order o, how often ρ_i has the eigenvalue exp(2πi s/o), (k, o)."""
        found: list[Whole] = [np.empty(0, dtype=np.intp)] * len(self)
        start = 0
        for powers, prime_to_order in rational_classes(self.group):
            order = powers.shape[1]
            exponents = np.arange(order)
            for classes in powers:
                counts = self.eigenvalues.counts[:, start : start + order]
                start += order
                for a in prime_to_order.tolist():
                    # What is exp(2πi s/o) for g is exp(2πi as/o) for its power a.
                    moved = np.empty_like(counts)
                    moved[:, exponents * a % order] = counts
                    found[classes[a]] = moved
        return tuple(found)

    @cached_property
    def eigenvalues(self) -> Eigenvalues:
        """The eigenvalue multiplicities at all rational classes."""
        return Eigenvalues.of_counts(*whole_multiplicities(self.group, self.values)[:2])

    @cached_property
    def conjugate(self) -> Whole:
        """Index of the complex conjugate of each character, shape (k,)."""
        found, error = neighbouring_conjugates(self.values, self.frobenius_schur)
        if error > _CONJUGATE_TOLERANCE:
            raise ArithmeticError("conjugate rows are not neighbours; use `character_table`")
        return found

    @cached_property
    def frequencies(self) -> Whole:
        """Place of each character in a spectrum of ``group.cyclic_factors``, shape (M,)."""
        everywhere = self.values[:, self.group.conjugacy_classes.labels]
        return self.group.cyclic_factors.frequencies(everywhere)

    @cached_property
    def orthogonality_error(self) -> float:
        """Largest entry of |⟨χ_i, χ_j⟩ − δ_ij|; beyond 600 classes for 64 characters i only."""
        shares = self.group.conjugacy_classes.sizes / self.group.order
        try:
            pairs = self.conjugate
        except ArithmeticError:
            pairs = np.arange(len(self))
        return orthogonality_error(self.values, shares, pairs)

    def on_elements(self, index: int) -> NDArray[np.complex128]:
        """Return χ_index at every element, shape (M,)."""
        return self.values[index][self.group.conjugacy_classes.labels]


def indicators(group: FiniteGroup, values: ComplexArray) -> Whole:
    """Return the Frobenius–Schur indicators of rows of characters, shape (k,)."""
    classes = group.conjugacy_classes
    reps = classes.representatives
    squared = classes.labels[group.cayley_table[reps, reps]]
    means = values @ np.bincount(squared, classes.sizes, len(reps)) / group.order
    return np.rint(means.real).astype(np.intp)


def paired_neighbours(complex_rows: Whole, count: int) -> Whole:
    """Return each row's conjugate (k,) from the rows that are not real, which stand in pairs.

    Sorted rows of one degree and equal real parts are χ and its conjugate: neighbours.
    """
    found = np.arange(count)
    found[complex_rows] = complex_rows.reshape(-1, 2)[:, ::-1].ravel()
    return found


def neighbouring_conjugates(values: ComplexArray, kinds: Whole) -> tuple[Whole, float]:
    """Return the row of each row's conjugate in a sorted table (k,), and how far the two differ."""
    complex_rows = (kinds == 0).nonzero()[0]
    if len(complex_rows) % 2:
        return np.arange(len(values)), math.inf
    found = paired_neighbours(complex_rows, len(values))
    if len(complex_rows) == 0:
        return found, 0.0
    first = complex_rows[::2]
    error = squares(values.take(first, axis=0) - values.take(found[first], axis=0).conj()).max()
    return found, math.sqrt(error)


def table_of_values(
    group: FiniteGroup, values: ComplexArray, induction: Induction | None = None
) -> CharacterTable | None:
    """Return the table of sorted rows, made real, whole or conjugate exactly where nearly so.

    None if a row is neither real nor its neighbour's conjugate to 1e-6. ``values`` are
    changed in place.
    """
    kinds = indicators(group, values)
    conjugate, error = neighbouring_conjugates(values, kinds)
    real = kinds.nonzero()[0]
    error = max(error, np.abs(values.imag.take(real, axis=0)).max())
    if error > _CONJUGATE_TOLERANCE:
        return None
    values.imag[real] = 0
    whole = np.rint(values.real)
    np.copyto(values.real, whole, where=np.abs(values.real - whole) < _WHOLE_TOLERANCE)
    second = (conjugate < np.arange(len(values))).nonzero()[0]
    values[second] = values.take(conjugate[second], axis=0).conj()
    return table_of_rows(group, values, kinds, conjugate, induction)


def table_of_rows(
    group: FiniteGroup,
    values: ComplexArray,
    kinds: Whole,
    conjugate: Whole,
    induction: Induction | None = None,
) -> CharacterTable:
    """Return the table whose Frobenius–Schur indicators and conjugates are known already."""
    table = CharacterTable(group, values, induction)
    # Fill the cached properties.
    vars(table).update(frobenius_schur=kinds, conjugate=conjugate)
    return table
