"""For each character the eigenspace of a ρ(h) whose vectors are to be moved about."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._character_table import CharacterTable

__all__ = ["Projections", "choose_projections", "projected_characters"]

Matrix = NDArray[np.inexact[Any]]
# Small enough that temporaries stay in cache and are not given back to the system.
_BLOCK_ENTRIES = 8_000
_NEVER = np.iinfo(np.intp).max


class Projections(NamedTuple):
    """Eigenspaces of ρ_i(h_i), one a character, all arrays of shape (b,).

    ``elements`` are the h of order o, ``exponents`` the s of their eigenvalues exp(2πi s/o).
    """

    indices: NDArray[np.intp]
    elements: NDArray[np.intp]
    exponents: NDArray[np.intp]
    orders: NDArray[np.intp]
    multiplicities: NDArray[np.intp]

    def part(self, chosen: Any) -> "Projections":
        """Return some of them."""
        return Projections(*(array[chosen] for array in self))


def choose_projections(table: CharacterTable, indices: NDArray[np.intp]) -> Projections:
    """Return for each character the eigenspace of least multiplicity, of least element order.

    For a real type only the eigenvalues ±1 are taken, which keep all real.
    """
    found = table.eigenvalues
    costs = found.counts[indices]
    # exp(2πi s/o) is real for s = 0 and s = o/2 alone.
    is_complex = 2 * found.exponents % found.orders != 0
    refused = (table.frobenius_schur[indices] == 1)[:, None] & is_complex
    refused |= costs == 0
    costs[refused] = _NEVER
    best = costs.argmin(axis=1)
    least = costs[np.arange(len(indices)), best]
    elements = table.group.conjugacy_classes.representatives[found.classes[best]]
    return Projections(indices, elements, found.exponents[best], found.orders[best], least)


def projected_characters(table: CharacterTable, chosen: Projections, *, real: bool) -> Matrix:
    """Return φ(x) = (1/o) Σ_s λ⁻ˢ χ(x hˢ), shape (b, M); real if told that all types are."""
    group = table.group
    cayley, labels = group.cayley_table, group.conjugacy_classes.labels
    longest = int(chosen.orders.max())
    powers = np.zeros((len(chosen.indices), longest), dtype=np.intp)
    for s in range(1, longest):
        powers[:, s] = cayley[powers[:, s - 1], chosen.elements]
    steps, orders = np.arange(longest), chosen.orders[:, None]
    values: Matrix = table.values[chosen.indices]
    phases: Matrix = np.exp(-2j * np.pi * (chosen.exponents[:, None] * steps) / orders)
    if real:
        phases, values = phases.real.round(), values.real
    phases = (phases * (steps < orders) / orders)[:, None]
    places = len(table) * np.arange(len(values))[:, None, None]
    total: NDArray[Any] = np.zeros((len(values), 1, group.order), dtype=values.dtype)
    width = max(1, _BLOCK_ENTRIES // total.size)
    for start in range(0, longest, width):
        part = slice(start, start + width)
        # hˢx and x hˢ are conjugate, and rows are read faster than columns.
        moved: Matrix = values.take(labels.take(cayley[powers[:, part]]) + places)
        total += phases[:, :, part] @ moved
    return total[:, 0]
