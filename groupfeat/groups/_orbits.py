"""From a character to matrices: unit vectors u_g = ρ(g)u for every g, by pivoted Cholesky.

For an element h and an eigenvalue λ of ρ(h) of multiplicity m, with P the
projector on that eigenspace, φ(x) = tr(ρ(x)P) = (1/o) Σ_s λ⁻ˢ χ(x hˢ) needs
only look-ups, and φ(x⁻¹y) is the Gram matrix of the vectors ρ(y)P, of rank
d·m. Its pivoted Cholesky factor holds their coordinates in an orthonormal
basis. If m > 1, a random element of the corner algebra splits one copy off.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups._blocks import squares
from groupfeat.groups._characters import CharacterTable, element_powers
from groupfeat.groups._pivots import canonical_orbit

__all__ = ["Projection", "choose_projections", "orbit_vectors"]

Matrix = NDArray[np.inexact[Any]]
_SPLIT_ATTEMPTS = 6
_RESOLUTION = 1e6


@dataclass(frozen=True)
class Projection:
    """An eigenspace of ρ(h): the element h, the power s of exp(2πi/o), o, and its multiplicity."""

    element: int
    exponent: int
    order: int
    multiplicity: int


def choose_projections(table: CharacterTable, indices: NDArray[np.intp]) -> list[Projection]:
    """Return for each character the eigenspace of least multiplicity, of least element order.

    For a real type only the eigenvalues ±1 are taken, which keep all real.
    """
    if not len(indices):
        return []
    real = table.frobenius_schur[indices] == 1
    least = np.full(len(indices), np.iinfo(np.intp).max)
    chosen = np.zeros((len(indices), 3), dtype=np.intp)
    for spectra in table.spectra_by_order:
        counts = spectra.counts[indices]
        order = counts.shape[2]
        allowed = counts > 0
        # exp(2πi s/o) is real for s = 0 and s = o/2 alone.
        allowed &= (2 * np.arange(order) % order == 0) | ~real[:, None, None]
        flat = np.where(allowed, counts, np.iinfo(np.intp).max).reshape(
            len(indices), counts.shape[1] * order
        )
        best = flat.argmin(axis=1)
        found = flat[np.arange(len(indices)), best]
        better = found < least
        places, exponents = np.divmod(best, order)
        classes = spectra.powers[places, 1 % order]
        rows = np.stack([classes, exponents, np.full(len(best), order)], axis=1)
        chosen[better], least[better] = rows[better], found[better]
    elements = table.group.conjugacy_classes.representatives[chosen[:, 0]]
    return [
        Projection(int(h), int(s), int(o), int(m))
        for h, (_, s, o), m in zip(elements, chosen, least, strict=True)
    ]


def projected_characters(
    table: CharacterTable, indices: list[int], chosen: list[Projection]
) -> Matrix:
    """Return φ(x) = (1/o) Σ_s λ⁻ˢ χ(x hˢ), shape (b, M), for elements h of one order o.

    Real if all characters are of real type.
    """
    group, order = table.group, chosen[0].order
    values: Matrix = table.values[indices]
    exponents = np.array([projection.exponent for projection in chosen])
    phases: Matrix = np.exp(-2j * np.pi * np.outer(exponents, np.arange(order)) / order) / order
    if (table.frobenius_schur[indices] == 1).all():
        phases, values = (phases.real * order).round() / order, values.real
    labels = group.conjugacy_classes.labels
    rows = np.arange(len(indices))[:, None]
    elements = np.array([projection.element for projection in chosen])
    total: Matrix = np.zeros((len(indices), group.order), dtype=values.dtype)
    power = np.zeros_like(elements)
    for s in range(order):
        # hˢx and x hˢ are conjugate, and rows are read faster than columns.
        moved = labels[group.cayley_table[power]]
        total += phases[:, s, None] * values[rows, moved]
        power = group.cayley_table[power, elements].astype(np.intp)
    return total


def orbit_vectors(
    table: CharacterTable,
    indices: list[int],
    projections: list[Projection],
    rng: np.random.Generator,
) -> tuple[Matrix, NDArray[np.intp]]:
    """Return the vectors ρ(g)u (b, M, d) and elements whose vectors are a good basis (b, d).

    The characters have one degree d, multiplicity m, order o and field.

    Raises
    ------
    ArithmeticError
        If the rank of the Gram matrix is not d·m or the split does not succeed.
    """
    phi = projected_characters(table, indices, projections)
    degree, copies = int(table.dims[indices[0]]), projections[0].multiplicity
    factors, pivots = _pivoted_cholesky(table, phi, degree * copies)
    if copies == 1:
        return factors, pivots
    found = [
        canonical_orbit(_split(table, phi[b], factors[b], pivots[b], projections[b], degree, rng))
        for b in range(len(indices))
    ]
    return np.stack([orbit for orbit, _ in found]), np.stack([chosen for _, chosen in found])


def _pivoted_cholesky(
    table: CharacterTable, phi: Matrix, rank: int
) -> tuple[Matrix, NDArray[np.intp]]:
    """Factor φ(x⁻¹y) = Σ_i conj(F[x, i]) F[y, i] for a batch; return F (b, M, r), pivots (b, r)."""
    cayley, inverse = table.group.cayley_table, table.group.inverse
    batch, order = phi.shape
    rows = np.arange(batch)
    # A factor's column stands in a row here, so that the products read memory in order.
    factors = np.zeros((batch, rank, order), dtype=phi.dtype)
    pivots = np.zeros((batch, rank), dtype=np.intp)
    residual: NDArray[np.floating[Any]] = np.repeat(phi[:, :1].real, order, axis=1)
    scale = residual[:, 0].copy()
    resolution = _RESOLUTION / scale[:, None]
    for i in range(rank):
        # Rounded, so that ties fall on the first element whatever the order of summation.
        chosen = np.rint(residual * resolution).argmax(axis=1)
        height = residual[rows, chosen]
        if height.min() < 1e-6:
            raise ArithmeticError(f"the Gram matrix has rank {i} < {rank}")
        column = phi[rows[:, None], cayley[inverse[chosen]]]
        if i:
            known = factors[rows, :i, chosen].conj()
            column -= (known[:, None] @ factors[:, :i])[:, 0]
        column /= np.sqrt(height)[:, None]
        factors[:, i] = column
        pivots[:, i] = chosen
        residual -= squares(column)
    if residual.max() > 1e-8 * scale.max():
        raise ArithmeticError(f"the Gram matrix has rank > {rank}: residual {residual.max():.1e}")
    return np.ascontiguousarray(factors.swapaxes(1, 2)), pivots


def _split(
    table: CharacterTable,
    phi: Matrix,
    factor: Matrix,
    pivots: NDArray[np.intp],
    chosen: Projection,
    degree: int,
    rng: np.random.Generator,
) -> Matrix:
    """Split one copy of ρ off m copies with a random Hermitian element of the corner algebra."""
    group = table.group
    basis = factor[pivots].T
    ratios = group.cayley_table[np.ix_(group.inverse[pivots], pivots)]
    for attempt in range(_SPLIT_ATTEMPTS):
        psi = _corner_function(table, phi, chosen, ratios, 4 + 4 * attempt, rng)
        inner: Matrix = np.linalg.solve(basis.conj().T, psi.conj().T)
        corner: Matrix = np.linalg.solve(basis.conj().T, inner.conj().T)
        corner = (corner + corner.conj().T) / 2
        values, vectors = np.linalg.eigh(corner)
        clusters = values.reshape(-1, degree)
        spread = float(np.ptp(clusters, axis=1).max())
        gaps = np.full(len(clusters) + 1, np.inf)
        gaps[1:-1] = clusters[1:, 0] - clusters[:-1, -1]
        lonely = np.minimum(gaps[:-1], gaps[1:])
        best = int(np.argmax(np.round(lonely, 6)))
        if lonely[best] > 1e-3 and spread < 1e-9 * max(1.0, float(np.abs(values).max())):
            copy = factor @ vectors[:, best * degree : (best + 1) * degree].conj()
            return copy / np.sqrt(np.mean(np.sum(np.abs(copy) ** 2, axis=1)))
    raise ArithmeticError("no random element split the copies apart")


def _corner_function(
    table: CharacterTable,
    phi: Matrix,
    chosen: Projection,
    arguments: NDArray[Any],
    terms: int,
    rng: np.random.Generator,
) -> Matrix:
    """Return ψ(z) = tr(ρ(z) P ρ(a) P) for a random Hermitian a of ``2·terms`` elements."""
    group = table.group
    powers = element_powers(group, chosen.element)
    order = len(powers)
    phases: Matrix = np.exp(-2j * np.pi * chosen.exponent * np.arange(order) / order) / order
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
