"""From a character to matrices: unit vectors u_g = ρ(g)u for every g, by pivoted Cholesky.

For an element h and an eigenvalue λ of ρ(h) of multiplicity m, with P the
projector on that eigenspace, φ(x) = tr(ρ(x)P) = (1/o) Σ_s λ⁻ˢ χ(x hˢ) needs
only look-ups, and φ(x⁻¹y) is the Gram matrix of the vectors ρ(y)P, of rank
d·m. Its pivoted Cholesky factor holds their coordinates in an orthonormal
basis. If m > 1, a random element of the corner algebra splits one copy off.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._blocks import OrbitStack, squares
from groupfeat.groups.characters._character_table import CharacterTable, element_powers
from groupfeat.groups.representations._gram import orbit_stacks, pivoted_cholesky
from groupfeat.groups.representations._pivots import canonical_orbit

__all__ = ["Projections", "choose_projections", "find_orbits"]

Matrix = NDArray[np.inexact[Any]]
_SPLIT_ATTEMPTS = 6
_RESOLUTION = 1e6
_BATCH_ENTRIES = 4_000_000
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


def find_orbits(
    table: CharacterTable, indices: NDArray[np.intp], rng: np.random.Generator, *, real: bool
) -> Iterator[OrbitStack]:
    """Yield the vectors ρ(g)u and pivots of characters that are all of real type or all not.

    Raises
    ------
    ArithmeticError
        If the rank of a Gram matrix is not d·m or a split does not succeed.
    """
    projections = choose_projections(table, indices)
    # Falling ranks: those that still have columns to come are always the first ones.
    ranks = table.dims[indices] * projections.multiplicities
    falling = np.argsort(-ranks, kind="stable")
    while len(falling):
        size = max(1, _BATCH_ENTRIES // (table.group.order * int(ranks[falling[0]])))
        batch, falling = falling[:size], falling[size:]
        yield from _batch_orbits(table, projections.part(batch), ranks[batch], rng, real=real)


def _batch_orbits(
    table: CharacterTable,
    chosen: Projections,
    ranks: NDArray[np.intp],
    rng: np.random.Generator,
    *,
    real: bool,
) -> Iterator[OrbitStack]:
    phi = projected_characters(table, chosen, real=real)
    whole = np.flatnonzero(chosen.multiplicities == 1)
    factors, pivots = pivoted_cholesky(table, phi, ranks)
    yield from orbit_stacks(chosen.indices, factors, pivots, ranks, whole)
    for b in np.flatnonzero(chosen.multiplicities > 1).tolist():
        rank, copies = int(ranks[b]), int(chosen.multiplicities[b])
        one = chosen.part(slice(b, b + 1))
        orbit = factors[b, :rank].T
        split = _split(table, phi[b], orbit, pivots[b, :rank], one, rank // copies, rng)
        found, basis = canonical_orbit(split)
        yield OrbitStack(chosen.indices[b : b + 1], found[None], basis[None])


def _split(
    table: CharacterTable,
    phi: Matrix,
    factor: Matrix,
    pivots: NDArray[np.intp],
    chosen: Projections,
    degree: int,
    rng: np.random.Generator,
) -> Matrix:
    """Split one copy of ρ off m copies with a random Hermitian element of the corner algebra."""
    group = table.group
    inverse: Matrix = np.linalg.inv(factor[pivots].T)
    ratios = group.cayley_table[np.ix_(group.inverse[pivots], pivots)]
    for attempt in range(_SPLIT_ATTEMPTS):
        psi = _corner_function(table, phi, chosen, ratios, 4 + 4 * attempt, rng)
        corner = inverse.conj().T @ psi @ inverse
        values, vectors = np.linalg.eigh((corner + corner.conj().T) / 2)
        clusters = values.reshape(-1, degree)
        spread = float((clusters[:, -1] - clusters[:, 0]).max())
        gaps = np.full(len(clusters) + 1, np.inf)
        gaps[1:-1] = clusters[1:, 0] - clusters[:-1, -1]
        lonely = np.minimum(gaps[:-1], gaps[1:])
        best = int(np.rint(lonely * _RESOLUTION).argmax())
        if lonely[best] > 1e-3 and spread < 1e-9 * max(1.0, -values[0], values[-1]):
            copy = factor @ vectors[:, best * degree : (best + 1) * degree].conj()
            # Not an inner product of BLAS, whose value depends on the number of threads.
            return copy * math.sqrt(group.order / squares(copy).sum())
    raise ArithmeticError("no random element split the copies apart")


def _corner_function(
    table: CharacterTable,
    phi: Matrix,
    chosen: Projections,
    arguments: NDArray[Any],
    terms: int,
    rng: np.random.Generator,
) -> Matrix:
    """Return ψ(z) = tr(ρ(z) P ρ(a) P) for a random Hermitian a of ``2·terms`` elements."""
    group = table.group
    powers = element_powers(group, int(chosen.elements[0]))
    order = len(powers)
    phases: Matrix = np.exp(-2j * np.pi * chosen.exponents[0] * np.arange(order) / order) / order
    drawn = rng.integers(0, group.order, terms)
    weights: Matrix = rng.standard_normal(terms)
    if np.isrealobj(phi):
        phases = phases.real
    else:
        weights = weights + 1j * rng.standard_normal(terms)
    # a = Σ w_g ρ(g) + conj(w_g) ρ(g⁻¹); ψ sums φ(z hˢ g) over all of them and all powers s.
    elements = np.concatenate([drawn, group.inverse[drawn]])
    factors = np.concatenate([weights, weights.conj()])
    products = group.cayley_table[np.ix_(powers, elements)]
    weight = np.outer(phases, factors).ravel()
    if arguments.size > group.order:
        everywhere: Matrix = phi[group.cayley_table[:, products.ravel()]] @ weight
        return everywhere[arguments]
    psi: Matrix = phi[group.cayley_table[arguments[..., None], products.ravel()]] @ weight
    return psi
