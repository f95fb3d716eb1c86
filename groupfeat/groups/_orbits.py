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
from scipy.linalg import solve_triangular

from groupfeat.groups._characters import CharacterTable, element_powers

__all__ = ["Projection", "choose_projection", "orbit_vectors"]

Matrix = NDArray[np.inexact[Any]]
_SPLIT_ATTEMPTS = 6


@dataclass(frozen=True)
class Projection:
    """An eigenspace of ρ(h): the element h, the power of exp(2πi/o) and its multiplicity."""

    element: int
    exponent: int
    multiplicity: int


def choose_projection(table: CharacterTable, index: int) -> Projection:
    """Return the eigenspace of least multiplicity; for a real type only ±1 keep all real."""
    real = table.frobenius_schur[index] == 1
    best: tuple[int, int, int, int] | None = None
    for j, spectrum in enumerate(table.spectra):
        counts = spectrum[index]
        order = len(counts)
        allowed = [0, order // 2] if real and order % 2 == 0 else [0] if real else range(order)
        for s in allowed:
            if counts[s] and (best is None or (counts[s], order) < best[:2]):
                best = (int(counts[s]), order, j, s)
    assert best is not None  # noqa: S101 - the identity's class always offers s = 0
    element = int(table.group.conjugacy_classes.representatives[best[2]])
    return Projection(element, best[3], best[0])


def projected_character(table: CharacterTable, index: int, chosen: Projection) -> Matrix:
    """Return φ(x) = (1/o) Σ_s λ⁻ˢ χ(x hˢ) for all x, shape (M,); real for a real type."""
    group = table.group
    powers = element_powers(group, chosen.element)
    order = len(powers)
    phases = np.exp(-2j * np.pi * chosen.exponent * np.arange(order) / order)
    values = table.values[index]
    if table.frobenius_schur[index] == 1:
        phases, values = phases.real.round(), values.real
    labels = group.conjugacy_classes.labels
    total = np.zeros(group.order, dtype=values.dtype)
    for phase, power in zip(phases, powers, strict=True):
        total += phase * values[labels[group.cayley_table[:, power]]]
    return total / order


def orbit_vectors(
    table: CharacterTable,
    indices: list[int],
    projections: list[Projection],
    rng: np.random.Generator,
) -> list[Matrix]:
    """Return, for characters of one degree d and multiplicity m, the vectors ρ(g)u, shapes (M, d).

    Raises
    ------
    ArithmeticError
        If the rank of the Gram matrix is not d·m or the split does not succeed.
    """
    phi = np.stack(
        [projected_character(table, i, p) for i, p in zip(indices, projections, strict=True)]
    )
    degree, copies = int(table.dims[indices[0]]), projections[0].multiplicity
    factors, pivots = _pivoted_cholesky(table, phi, degree * copies)
    if copies == 1:
        return list(factors)
    return [
        _split(table, phi[b], factors[b], pivots[b], projections[b], degree, rng)
        for b in range(len(indices))
    ]


def _pivoted_cholesky(
    table: CharacterTable, phi: Matrix, rank: int
) -> tuple[Matrix, NDArray[np.intp]]:
    """Factor φ(x⁻¹y) = Σ_i conj(F[x, i]) F[y, i] for a batch; return F (b, M, r), pivots (b, r)."""
    group = table.group
    batch, order = phi.shape
    rows = np.arange(batch)
    factors = np.zeros((batch, order, rank), dtype=phi.dtype)
    pivots = np.zeros((batch, rank), dtype=np.intp)
    residual: NDArray[np.floating[Any]] = np.repeat(phi[:, :1].real, order, axis=1)
    scale = residual[:, 0].copy()
    for i in range(rank):
        # Rounded, so that ties fall on the first element whatever the order of summation.
        chosen = np.argmax(np.round(residual / scale[:, None], 6), axis=1)
        height = residual[rows, chosen]
        if height.min() < 1e-6:
            raise ArithmeticError(f"the Gram matrix has rank {i} < {rank}")
        column = np.take_along_axis(
            phi, group.cayley_table[group.inverse[chosen]].astype(np.intp), 1
        )
        if i:
            known = factors[rows, chosen, :i].conj()
            column = column - (factors[:, :, :i] @ known[:, :, None])[:, :, 0]
        column = column / np.sqrt(height)[:, None]
        factors[:, :, i] = column
        pivots[:, i] = chosen
        residual -= np.asarray((column * column.conj()).real, dtype=np.float64)
    if residual.max() > 1e-8 * scale.max():
        raise ArithmeticError(f"the Gram matrix has rank > {rank}: residual {residual.max():.1e}")
    return factors, pivots


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
        psi = _corner_function(table, phi, chosen, 4 + 4 * attempt, rng)[ratios]
        inner = solve_triangular(basis, psi.conj().T, trans="C").conj().T
        corner = solve_triangular(basis, inner, trans="C")
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
    table: CharacterTable, phi: Matrix, chosen: Projection, terms: int, rng: np.random.Generator
) -> Matrix:
    """Return ψ(z) = tr(ρ(z) P ρ(a) P) for a random Hermitian a of ``2·terms`` elements, (M,)."""
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
    psi = np.zeros_like(phi)
    for g, weight in zip(drawn, weights, strict=True):
        for element, c in ((g, weight), (group.inverse[g], np.conj(weight))):
            for phase, power in zip(phases, powers, strict=True):
                psi += c * phase * phi[group.cayley_table[:, group.cayley_table[power, element]]]
    return psi
