"""Character tables: one Hermitian eigenproblem of the class algebra, then exact rounding."""

import itertools
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import zherk

from groupfeat.groups.characters._abelian import abelian_character_exponents
from groupfeat.groups.characters._blocks import squares
from groupfeat.groups.table._display import format_value, html_table, summarise
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["CharacterTable", "character_table"]

ComplexArray = NDArray[np.complex128]
_ATTEMPTS = 8
_INTEGER_TOLERANCE = 1e-3
# Small enough that temporaries stay in cache and are not given back to the system.
_BLOCK_ENTRIES = 8_000


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
    """

    group: FiniteGroup
    values: ComplexArray

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
    def dims(self) -> NDArray[np.intp]:
        """Degrees d_k, shape (k,)."""
        return np.rint(self.values[:, 0].real).astype(np.intp)

    @cached_property
    def frobenius_schur(self) -> NDArray[np.intp]:
        """Frobenius–Schur indicators (1/M) Σ_g χ(g²): +1 real, 0 complex, −1 quaternionic."""
        classes = self.group.conjugacy_classes
        reps = classes.representatives
        squares = classes.labels[self.group.cayley_table[reps, reps]]
        means = self.values @ np.bincount(squares, classes.sizes, len(self)) / self.group.order
        return np.rint(means.real).astype(np.intp)

    @cached_property
    def spectra(self) -> tuple[NDArray[np.intp], ...]:
        """For class j of element order o, how often ρ_i has the eigenvalue exp(2πi s/o), (k, o)."""
        found: list[NDArray[np.intp]] = [np.empty(0, dtype=np.intp)] * len(self)
        for order in self.spectra_by_order:
            exponents = np.arange(order.powers.shape[1])
            for row, a in itertools.product(range(len(order.powers)), order.units.tolist()):
                # What is exp(2πi s/o) for g is exp(2πi as/o) for its power a.
                moved = np.empty_like(order.counts[:, row])
                moved[:, exponents * a % len(exponents)] = order.counts[:, row]
                found[order.powers[row, a]] = moved
        return tuple(found)

    @cached_property
    def spectra_by_order(self) -> tuple["OrderSpectra", ...]:
        """The eigenvalue multiplicities of all rational classes, an entry an element order."""
        return tuple(
            OrderSpectra(powers, units, _multiplicities(self.values, powers)[0])
            for powers, units in rational_classes(self.group)
        )

    @cached_property
    def conjugate(self) -> NDArray[np.intp]:
        """Index of the complex conjugate of each character, shape (k,)."""
        if self.frobenius_schur.all():
            return np.arange(len(self))
        # Sorted rows of one degree and equal real parts are χ and its conjugate: neighbours.
        complex_rows = np.flatnonzero(self.frobenius_schur == 0)
        first, second = complex_rows[::2], complex_rows[1::2]
        # A random linear form tells rows apart.
        form = self.values @ np.random.default_rng(0).standard_normal(len(self))
        if len(first) != len(second) or np.abs(form[first] - form[second].conj()).max() > 1e-6:
            raise ArithmeticError("conjugate rows are not neighbours; use `character_table`")
        found = np.arange(len(self))
        found[first], found[second] = second, first
        return found

    @cached_property
    def frequencies(self) -> NDArray[np.intp]:
        """Place of each character in a spectrum of ``group.cyclic_factors``, shape (M,)."""
        everywhere = self.values[:, self.group.conjugacy_classes.labels]
        return self.group.cyclic_factors.frequencies(everywhere)

    @cached_property
    def orthogonality_error(self) -> float:
        """Largest entry of |⟨χ_i, χ_j⟩ − δ_ij|; beyond 600 classes for 64 characters i only."""
        classes = self.group.conjugacy_classes
        scaled = self.values * np.sqrt(classes.sizes / self.group.order)
        count = len(self)
        if count <= 600:
            # One triangle is enough: the matrix is Hermitian, the other one stays zero.
            inner = zherk(1, scaled.T, trans=2)
            rows = np.arange(count)
        else:
            rows = np.linspace(0, count - 1, 64).astype(np.intp)
            inner = scaled[rows] @ scaled.conj().T
        inner[np.arange(len(rows)), rows] -= 1
        return math.sqrt(squares(inner).max())

    def on_elements(self, index: int) -> NDArray[np.complex128]:
        """Return χ_index at every element, shape (M,)."""
        return self.values[index][self.group.conjugacy_classes.labels]


@dataclass(frozen=True, eq=False)
class OrderSpectra:
    """Eigenvalue multiplicities at n rational classes of one element order o.

    A rational class is the union of the classes of the generators of ⟨g⟩.

    Parameters
    ----------
    powers
        The classes of 1, g, …, g^(o−1) for one g of each rational class, shape (n, o).
    units
        The exponents prime to o.
    counts
        How often ρ_i(g) has the eigenvalue exp(2πi s/o), shape (k, n, o).
    """

    powers: NDArray[np.intp]
    units: NDArray[np.intp]
    counts: NDArray[np.intp]


def character_table(group: FiniteGroup, *, rng: int | np.random.Generator = 0) -> CharacterTable:
    """Return all irreducible characters of ``group``.

    Abelian groups: by extending characters along a chain of subgroups, exactly.
    Others: the eigenvectors of a random Hermitian element of the centre of the
    group algebra are the characters; the eigenvalue multiplicities of every
    ρ(g) are then rounded to integers, which makes the values exact. The result
    is checked (whole degrees, Σd² = M, orthogonality) and tried again with
    other random numbers when a check fails.

    Raises
    ------
    ArithmeticError
        If no attempt passes its checks.

    References
    ----------
    J. D. Dixon, High speed computation of group characters, Numer. Math. 10
    (1967), for the eigenvector characterisation of the characters.
    """
    generator = np.random.default_rng(rng)
    for _ in range(1 if group.is_abelian else _ATTEMPTS):
        if group.is_abelian:
            table: CharacterTable | None = _abelian_table(group)
        else:
            raw = _class_algebra_values(group, generator)
            table = None if raw is None else _rounded(group, raw)
        if table is not None and table.orthogonality_error < 1e-9:
            return table
    raise ArithmeticError(
        f"character table of {group.name} (order {group.order}, "
        f"{len(group.conjugacy_classes)} classes) failed its checks; pass another rng"
    )


def rational_classes(group: FiniteGroup) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield, an element order o at a time, the powers and units of `OrderSpectra`."""
    classes = group.conjugacy_classes
    for order in sorted(set(classes.element_orders.tolist())):
        columns = (classes.element_orders == order).nonzero()[0]
        representatives = classes.representatives[columns]
        elements = np.zeros((len(columns), order), dtype=np.intp)
        for s in range(1, order):
            elements[:, s] = group.cayley_table[elements[:, s - 1], representatives]
        powers = classes.labels[elements]
        units = _units(order)
        first = powers[:, units].min(axis=1) == columns
        yield powers[first], units


def element_powers(group: FiniteGroup, g: int) -> NDArray[np.intp]:
    """Return the elements 1, g, g², …, shape (order of g,)."""
    powers = [0]
    row = group.cayley_table[:, g]
    while (power := int(row[powers[-1]])) != 0:
        powers.append(power)
    return np.array(powers, dtype=np.intp)


def _abelian_table(group: FiniteGroup) -> CharacterTable:
    """Return the table from whole exponents of one root of unity."""
    representatives = group.conjugacy_classes.representatives
    exponents = abelian_character_exponents(group)[:, representatives]
    modulus = group.exponent
    ranked = exponents[_ranking_of_exponents(exponents, modulus)]
    return CharacterTable(group, _roots_of_unity(modulus)[ranked])


def _ranking_of_exponents(exponents: NDArray[np.int32], modulus: int) -> NDArray[np.intp]:
    """Return the order of `_ranking` for the values exp(2πi E/e), in whole numbers."""
    turns = np.arange(modulus)
    # Descending cosine is ascending distance from 0, descending sine that from a quarter turn.
    quarter = (4 * turns - modulus) % (4 * modulus)
    places = [np.minimum(turns, modulus - turns), np.minimum(quarter, 4 * modulus - quarter)]
    keys = np.concatenate([place.astype(">u4")[exponents] for place in places], axis=1)
    return _sorted_rows(keys)


def _class_algebra_values(group: FiniteGroup, rng: np.random.Generator) -> ComplexArray | None:
    """Return the characters as eigenvectors of a random Hermitian central element, or None."""
    classes = group.conjugacy_classes
    count, sizes = len(classes), classes.sizes
    inverse_class = classes.labels[group.inverse[classes.representatives]]
    weights: NDArray[Any] = rng.standard_normal(count)
    if not np.array_equal(inverse_class, np.arange(count)):
        weights = weights + 1j * rng.standard_normal(count)
    weights = (weights + weights[inverse_class].conj()) / np.sqrt(sizes)
    roots = np.sqrt(sizes)
    hermitian = _central_element(group, weights) * (roots[:, None] / roots)
    vectors = np.linalg.eigh((hermitian + hermitian.conj().T) / 2)[1]
    leading = vectors[0]
    if np.abs(leading).min() < 0.5 / np.sqrt(group.order):
        return None
    unit = vectors * (np.abs(leading) / leading)
    values = (unit.conj() / roots[:, None]).T * np.sqrt(group.order)
    return values.astype(np.complex128, copy=False)


def _central_element(group: FiniteGroup, weights: NDArray[Any]) -> NDArray[Any]:
    """Return the matrix of Σ_x w(class of x) x on class functions, shape (k, k)."""
    classes = group.conjugacy_classes
    count = len(classes)
    spread = weights[classes.labels[group.inverse]]
    rows = []
    width = max(1, _BLOCK_ENTRIES // group.order)
    for start in range(0, count, width):
        # z = x y over all x of the group, y = x⁻¹ z, which is a conjugate of z x⁻¹, for some
        # class representatives z: rows are read faster than columns.
        chosen = classes.representatives[start : start + width]
        partners = classes.labels.take(group.cayley_table[chosen])
        cells = (np.arange(len(chosen))[:, None] * count + partners).ravel()
        repeated = np.tile(spread, len(chosen))
        size = len(chosen) * count
        block = np.bincount(cells, repeated.real, size).astype(weights.dtype)
        if np.iscomplexobj(weights):
            block += 1j * np.bincount(cells, repeated.imag, size)
        rows.append(block.reshape(len(chosen), count))
    return np.concatenate(rows)


def _rounded(group: FiniteGroup, raw: ComplexArray) -> CharacterTable | None:
    """Round eigenvalue multiplicities to integers and rebuild the values; None if they are not."""
    degrees = np.rint(raw[:, 0].real)
    if degrees.min() < 1 or int(degrees @ degrees) != group.order:
        return None
    values = np.empty_like(raw)
    spectra: list[OrderSpectra] = []
    for powers, units in rational_classes(group):
        whole, error = _multiplicities(raw, powers)
        if error > _INTEGER_TOLERANCE or whole.min() < 0:
            return None
        order = powers.shape[1]
        turns = np.arange(order)[:, None] * units % order
        values[:, powers[:, units]] = whole @ _roots_of_unity(order)[turns]
        spectra.append(OrderSpectra(powers, units, whole))
    ranking = _ranking(values)
    table = CharacterTable(group, values[ranking])
    # Known already: fill the cached property.
    vars(table)["spectra_by_order"] = tuple(
        OrderSpectra(found.powers, found.units, found.counts[ranking]) for found in spectra
    )
    return table


def _multiplicities(
    values: ComplexArray, powers: NDArray[np.intp]
) -> tuple[NDArray[np.intp], float]:
    """Return ⟨χ restricted to ⟨g⟩, character s of ⟨g⟩⟩, (k, n, o), and the distance to integers."""
    found = np.fft.fft(values[:, powers], axis=2) / powers.shape[1]
    whole = np.rint(found.real)
    return whole.astype(np.intp), float(np.abs(found - whole).max())


def _ranking(values: ComplexArray) -> NDArray[np.intp]:
    count = len(values)
    keys = np.empty((count, 2 * count + 1))
    keys[:, 0] = values[:, 0].real
    np.negative(values.real, out=keys[:, 1 : count + 1])
    np.negative(values.imag, out=keys[:, count + 1 :])
    keys *= 1e6
    np.rint(keys, out=keys)
    # As big-endian unsigned numbers, so that rows compare as bytes.
    whole = keys.astype(np.int64)
    whole += 2**62
    if sys.byteorder == "little":
        whole.byteswap(inplace=True)
    return _sorted_rows(whole)


def _sorted_rows(keys: NDArray[Any]) -> NDArray[np.intp]:
    """Return the lexicographic order of rows of big-endian unsigned numbers, compared as bytes."""
    width = keys.shape[1] * keys.itemsize
    texts = np.ascontiguousarray(keys).view(f"S{width}").ravel()
    return np.argsort(texts, kind="stable").astype(np.intp)


@lru_cache(maxsize=64)
def _units(n: int) -> NDArray[np.intp]:
    """Return the exponents prime to n, read-only."""
    exponents = np.arange(n)
    units = exponents[np.gcd(exponents, n) == 1]
    units.setflags(write=False)
    return units


@lru_cache(maxsize=64)
def _roots_of_unity(n: int) -> ComplexArray:
    """Return exp(2πi s/n), s = 0..n−1, exact at the eighths of the circle, read-only."""
    quarter, rest = np.divmod(4 * np.arange(n), n)
    angle = rest * (np.pi / (2 * n))
    roots: ComplexArray = np.array([1, 1j, -1, -1j])[quarter] * (np.cos(angle) + 1j * np.sin(angle))
    roots.setflags(write=False)
    return roots
