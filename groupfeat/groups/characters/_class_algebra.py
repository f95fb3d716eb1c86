"""Character tables: one Hermitian eigenproblem of the class algebra, then exact rounding."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._character_table import CharacterTable, table_of_values
from groupfeat.groups.characters._eigenvalues import (
    Eigenvalues,
    rounded_values,
    whole_multiplicities,
)
from groupfeat.groups.characters._ranking import ranking_of_values
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["class_algebra_table"]

ComplexArray = NDArray[np.complex128]
_INTEGER_TOLERANCE = 1e-3
# Small enough that temporaries stay in cache and are not given back to the system.
_BLOCK_ENTRIES = 8_000


def class_algebra_table(group: FiniteGroup, rng: np.random.Generator) -> CharacterTable | None:
    """Return the table from one random element of the class algebra; None if it was unlucky."""
    raw = _class_algebra_values(group, rng)
    return None if raw is None else _rounded(group, raw)


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
    rational, counts, error = whole_multiplicities(group, raw)
    if error > _INTEGER_TOLERANCE or counts.min() < 0:
        return None
    values = rounded_values(rational, counts)
    ranking = ranking_of_values(values)
    table = table_of_values(group, values[ranking])
    if table is not None:
        # Known already: fill the cached property.
        vars(table)["eigenvalues"] = Eigenvalues.of_counts(rational, counts[ranking])
    return table
