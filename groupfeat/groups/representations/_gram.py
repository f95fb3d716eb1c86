"""Factor Gram matrices φ(x⁻¹y) of an orbit: coordinates of its vectors in an orthonormal basis."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._character_table import CharacterTable
from groupfeat.groups.characters._squares import squares
from groupfeat.groups.representations._blocks import OrbitStack

__all__ = ["orbit_stacks", "pivoted_cholesky"]

Matrix = NDArray[np.inexact[Any]]
_RESOLUTION = 1e6


def orbit_stacks(
    indices: NDArray[np.intp], factors: Matrix, pivots: NDArray[np.intp], ranks: NDArray[np.intp]
) -> Iterator[OrbitStack]:
    """Yield the factors of `pivoted_cholesky` as orbits, a stack a rank."""
    start = 0
    for rank, run in itertools.groupby(ranks.tolist()):
        stop = start + len(list(run))
        rows, start = slice(start, stop), stop
        yield OrbitStack(indices[rows], factors[rows, :rank].swapaxes(1, 2), pivots[rows, :rank])


def pivoted_cholesky(
    table: CharacterTable, phi: Matrix, ranks: NDArray[np.intp]
) -> tuple[Matrix, NDArray[np.intp]]:
    """Factor φ(x⁻¹y) = Σ_i conj(F[i, x]) F[i, y] for falling ranks r; F (b, r, M), pivots (b, r).

    A factor's column stands in a row here, so that the products read memory in order.
    """
    cayley, inverse = table.group.cayley_table, table.group.inverse
    batch, order = phi.shape
    rank_of = ranks.tolist()
    factors = np.zeros((batch, ranks[0], order), dtype=phi.dtype)
    pivots = np.zeros((batch, ranks[0]), dtype=np.intp)
    heights = phi[:, :1].real
    residuals: NDArray[np.float64] = np.repeat(heights, order, axis=1)
    everyone, resolutions = np.arange(batch), _RESOLUTION / heights
    active = batch
    for i in range(rank_of[0]):
        while rank_of[active - 1] <= i:
            active -= 1
        rows, residual = everyone[:active], residuals[:active]
        # Rounded, so that ties fall on the first element whatever the order of summation.
        chosen = np.rint(residual * resolutions[:active]).argmax(axis=1)
        height = residual[rows, chosen]
        if height.min() < 1e-6:
            raise ArithmeticError(f"the Gram matrix has rank {i} < {rank_of[int(height.argmin())]}")
        column = phi.take(cayley[inverse[chosen]] + order * rows[:, None])
        if i:
            known = factors[rows, :i, chosen].conj()
            column -= (known[:, None] @ factors[:active, :i])[:, 0]
        column /= np.sqrt(height)[:, None]
        factors[:active, i] = column
        pivots[:active, i] = chosen
        residual -= squares(column)
    excess = (residuals.max(axis=1) / heights[:, 0]).max()
    if excess > 1e-8:
        raise ArithmeticError(f"a Gram matrix has too high a rank: residual {excess:.1e}")
    return factors, pivots
