"""One vector out of an eigenspace of several dimensions, by traces alone.

P projects on an eigenspace of ρ(h) of dimension m, and B = PaP, a a Hermitian combination of a
few ρ(g), has m different eigenvalues µ on it. An operator A on ρ's space is known by the
function tr(ρ(x)A), with tr(AC) = (d/M) Σ_x tr(ρ(x)A) conj tr(ρ(x)C) for Hermitian A, C. Lanczos'
recursion from P with B in this inner product gives an m × m matrix with the eigenvalues µ, each
of the same weight, and the projector on the vector of one µ as a combination of the steps. The
Gram matrix of its function has rank d, where P's has rank d·m.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._squares import squares
from groupfeat.groups.representations._projections import Projections
from groupfeat.groups.table._element_orders import element_powers
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["one_vector"]

Matrix = NDArray[np.inexact[Any]]
# How many g an attempt draws, and the distance of eigenvalues it wants: near ones spoil digits.
# Of a monomial ρ most PgP are 0, so that many g may be needed.
_ATTEMPTS = tuple((terms, gap) for gap in (0.5, 0.2, 0.05) for terms in (1, 1, 2, 4, 16, 64))
_RESOLUTION = 1e6
_BLOCK_ENTRIES = 100_000


def one_vector(
    group: FiniteGroup, phi: Matrix, chosen: Projections, degree: int, rng: np.random.Generator
) -> Matrix:
    """Return tr(ρ(x)Q), shape (M,), for a projector Q on one vector of an eigenspace of ρ(h).

    Parameters
    ----------
    group
        The group.
    phi
        φ(x) = tr(ρ(x)P), P the projector on the eigenspace; shape (M,).
    chosen
        The one eigenspace, as numbers.
    degree
        The dimension d of ρ.
    rng
        Draws the elements of a.

    Raises
    ------
    ArithmeticError
        If no a tells one vector of the eigenspace from the others.
    """
    h, exponent, copies = int(chosen.elements), int(chosen.exponents), int(chosen.multiplicities)
    for terms, gap in _ATTEMPTS:
        products, weights = _compression(group, h, exponent, terms, rng, real=np.isrealobj(phi))
        found = _isolated(group, phi, products, weights, copies, degree / group.order, gap)
        if found is not None:
            return found
    raise ArithmeticError("no random element told two vectors of an eigenspace apart")


def _compression(
    group: FiniteGroup,
    h: int,
    exponent: int,
    terms: int,
    rng: np.random.Generator,
    *,
    real: bool,
) -> tuple[NDArray[np.intp], Matrix]:
    """Return elements y and weights w with Σ w ρ(y) = aP, a = Σ vρ(g) + conj(v)ρ(g⁻¹), g random."""
    powers = element_powers(group.cayley_table, h)
    phases: Matrix = np.exp(-2j * np.pi * exponent / len(powers) * np.arange(len(powers)))
    g, turns = rng.integers(group.order, size=terms), rng.random(terms)
    factors: Matrix = np.exp(2j * np.pi * turns)
    if real:
        # Of different size all the same, lest two g undo each other.
        phases, factors = phases.real.round(), 0.5 + turns
    elements = np.concatenate([g, group.inverse[g]])
    products = group.cayley_table[elements[:, None], powers].ravel()
    weights = np.outer(np.concatenate([factors, factors.conj()]), phases / len(powers)).ravel()
    return products.astype(np.intp), weights


def _isolated(
    group: FiniteGroup,
    phi: Matrix,
    products: NDArray[np.intp],
    weights: Matrix,
    copies: int,
    share: float,
    gap: float,
) -> Matrix | None:
    """Return the function of the vector whose eigenvalue is farthest from the others.

    None if it is nearer than ``gap``; ``share`` is d/M.
    """
    steps = [phi / math.sqrt(copies)]
    jacobi = np.zeros((copies, copies))
    for j in range(copies - 1):
        moved = _applied(group, steps[j], products, weights)
        jacobi[j, j] = share * float((moved * steps[j].conj()).sum().real)
        moved -= jacobi[j, j] * steps[j]
        if j:
            moved -= jacobi[j, j - 1] * steps[j - 1]
        length = math.sqrt(share * float(squares(moved).sum()))
        if length < gap / copies:
            return None
        jacobi[j, j + 1] = jacobi[j + 1, j] = length
        steps.append(moved / length)
    # All eigenvalues have one weight, so that their mean is the first diagonal entry.
    jacobi[-1, -1] = copies * jacobi[0, 0] - np.trace(jacobi[:-1, :-1])
    values, vectors = np.linalg.eigh(jacobi)
    gaps = np.concatenate([[np.inf], np.diff(values), [np.inf]])
    lonely = np.minimum(gaps[:-1], gaps[1:])
    best = int(np.rint(lonely * _RESOLUTION).argmax())
    if lonely[best] < gap:
        return None
    vector = vectors[:, best] * np.sign(vectors[0, best])
    found: Matrix = sum(c * step for c, step in zip(vector, steps, strict=True))
    return found


def _applied(
    group: FiniteGroup, function: Matrix, products: NDArray[np.intp], weights: Matrix
) -> Matrix:
    """Return tr(ρ(x)AaP), A the operator of ``function``: Σ w f(yx)."""
    total = np.zeros_like(function)
    width = max(1, _BLOCK_ENTRIES // group.order)
    for start in range(0, len(products), width):
        part = slice(start, start + width)
        moved = function.take(group.cayley_table[products[part]])
        # Not a product of BLAS, whose order of summation depends on the number of threads.
        total += (weights[part, None] * moved).sum(axis=0)
    return total
