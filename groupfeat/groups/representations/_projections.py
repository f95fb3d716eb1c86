"""For each character the eigenspace of a ρ(h) whose vectors are to be moved about."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._character_table import CharacterTable

__all__ = ["Projections", "choose_projections", "projected_characters"]

Matrix = NDArray[np.inexact[Any]]
# Small enough that temporaries stay in cache and are not given back to the system.
_BLOCK_ENTRIES = 8_000


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
    spectra = table.spectra_by_order
    orders = np.array([found.powers.shape[1] for found in spectra])
    numbers = np.array([len(found.powers) for found in spectra])
    costs = np.concatenate([found.counts.reshape(len(table), -1) for found in spectra], axis=1)
    costs = costs[indices]
    # exp(2πi s/o) is real for s = 0 and s = o/2 alone.
    stops = np.cumsum(orders * numbers)
    is_real = np.zeros(stops[-1], dtype=bool)
    for order, start, stop in zip(orders.tolist(), [0, *stops.tolist()], stops, strict=False):
        is_real[start : stop : order // 2 if order % 2 == 0 else order] = True
    refused = (costs == 0) | ((table.frobenius_schur[indices] == 1)[:, None] & ~is_real)
    costs[refused] = np.iinfo(np.intp).max
    best = costs.argmin(axis=1)
    places = np.searchsorted(stops, best, side="right")
    rows, exponents = np.divmod(best - (stops - orders * numbers)[places], orders[places])
    classes = np.concatenate([found.powers[:, 1 % found.powers.shape[1]] for found in spectra])
    elements = table.group.conjugacy_classes.representatives[
        classes[(np.cumsum(numbers) - numbers)[places] + rows]
    ]
    least = costs[np.arange(len(indices)), best]
    return Projections(indices, elements, exponents, orders[places], least)


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
