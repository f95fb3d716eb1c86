"""Irreps of one dimension and field, stacked, so that array operations serve all at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from groupfeat.groups._irreps import Irrep

__all__ = ["IrrepBlock", "blocks_of", "squares"]

Matrix = NDArray[np.inexact[Any]]
# Small enough that temporaries stay in cache and are not given back to the system.
_BLOCK_ENTRIES = 8_000


@dataclass(frozen=True, eq=False)
class IrrepBlock:
    """b irreps of dimension d over one field.

    Parameters
    ----------
    positions
        Where they stand in the sequence they were taken from, b entries.
    orbits
        Shape (b, M, d).
    pivots
        Shape (b, d).
    inverses
        The inverses of the bases at the pivots, shape (b, d, d).
    """

    positions: list[int]
    orbits: Matrix
    pivots: NDArray[np.intp]
    inverses: Matrix

    def matrices(self, rows: NDArray[Any]) -> Matrix:
        """Return ρ(g) for rows of the Cayley table (m, M) that belong to g, (b, m, d, d)."""
        moved = rows[:, self.pivots].swapaxes(0, 1)
        frames = self.orbits[np.arange(len(self.pivots))[:, None, None], moved]
        found: Matrix = frames.swapaxes(2, 3) @ self.inverses[:, None]
        return found


def blocks_of(members: Sequence["Irrep"]) -> Iterator[IrrepBlock]:
    """Stack irreps that are alike, in blocks of bounded memory."""
    alike: dict[tuple[int, Any], list[int]] = {}
    for position, irrep in enumerate(members):
        alike.setdefault((irrep.dim, irrep.orbit.dtype), []).append(position)
    for positions in alike.values():
        first = members[positions[0]]
        size = max(1, _BLOCK_ENTRIES // (first.orbit.size * max(1, len(first.group.generators))))
        for start in range(0, len(positions), size):
            chosen = positions[start : start + size]
            yield IrrepBlock(
                chosen,
                _stacked([members[i].orbit for i in chosen]),
                _stacked([members[i].pivots for i in chosen]),
                _stacked([members[i].basis_inverse for i in chosen]),
            )


def squares(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return |x|², without the square root that np.abs takes."""
    found = values.real**2
    return found + values.imag**2 if np.iscomplexobj(values) else found


def _stacked(arrays: list[Any]) -> Any:
    # One large array is not copied.
    return arrays[0][None] if len(arrays) == 1 else np.array(arrays)
