"""Irreps of one dimension and field, stacked, so that array operations serve all at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["IrrepBlock", "squares"]

Matrix = NDArray[np.inexact[Any]]
# Small enough that temporaries stay in cache and are not given back to the system.
_BLOCK_ENTRIES = 8_000


@dataclass(frozen=True, eq=False)
class IrrepBlock:
    """b irreps of dimension d over one field, each as the orbit of a unit vector.

    ρ(g) = [u_{g x₁} … u_{g x_d}] [u_{x₁} … u_{x_d}]⁻¹, u_g = ρ(g)u.

    Parameters
    ----------
    indices
        Their rows of the character table, shape (b,).
    orbits
        u_g, shape (b, M, d).
    pivots
        Elements x₁ … x_d whose vectors form a well-conditioned basis, shape (b, d).
    inverses
        The inverses of those bases, shape (b, d, d).
    """

    indices: NDArray[np.intp]
    orbits: Matrix
    pivots: NDArray[np.intp]
    inverses: Matrix

    def __post_init__(self) -> None:
        for array in (self.indices, self.orbits, self.pivots, self.inverses):
            array.setflags(write=False)

    def matrices(self, rows: NDArray[Any]) -> Matrix:
        """Return ρ(g) for rows of the Cayley table (m, M) that belong to g, (b, m, d, d)."""
        moved = rows[:, self.pivots].swapaxes(0, 1)
        frames = self.orbits[np.arange(len(self.pivots))[:, None, None], moved]
        found: Matrix = frames.swapaxes(2, 3) @ self.inverses[:, None]
        return found

    def parts(self, copies: int) -> Iterator["IrrepBlock"]:
        """Cut into blocks so small that ``copies`` of their orbits stay in cache."""
        size = max(1, _BLOCK_ENTRIES // (self.orbits[0].size * max(1, copies)))
        if size >= len(self.indices):
            yield self
            return
        for start in range(0, len(self.indices), size):
            part = slice(start, start + size)
            yield IrrepBlock(
                self.indices[part], self.orbits[part], self.pivots[part], self.inverses[part]
            )


def squares(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return |x|², without the square root that np.abs takes."""
    found = values.real**2
    return found + values.imag**2 if np.iscomplexobj(values) else found
