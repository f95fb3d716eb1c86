"""Irreps of one field, stacked, so that array operations serve all at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["IrrepBlock", "OrbitStack", "stack_orbits"]

Matrix = NDArray[np.inexact[Any]]
# Small enough that temporaries stay in cache and are not given back to the system.
_BLOCK_ENTRIES = 20_000
# A padded block of so few entries costs less than one more pass of array operations.
_PADDED_ENTRIES = 8_000


class OrbitStack(NamedTuple):
    """n irreps of one dimension d: rows of the table (n,), orbits (n, M, d), pivots (n, d)."""

    indices: NDArray[np.intp]
    orbits: Matrix
    pivots: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class IrrepBlock:
    """b irreps over one field, each as the orbit of a unit vector, padded to D = max d.

    ρ(g) = [u_{g x₁} … u_{g x_d}] [u_{x₁} … u_{x_d}]⁻¹, u_g = ρ(g)u.

    Parameters
    ----------
    indices
        Their rows of the character table, shape (b,).
    dims
        Their dimensions d, shape (b,).
    orbits
        u_g, shape (b, M, D), zero beyond d.
    pivots
        Elements x₁ … x_d whose vectors form a well-conditioned basis, shape (b, D), 0 beyond d.
    inverses
        The inverses of those bases, shape (b, D, D), zero beyond d.
    """

    indices: NDArray[np.intp]
    dims: NDArray[np.intp]
    orbits: Matrix
    pivots: NDArray[np.intp]
    inverses: Matrix

    def __post_init__(self) -> None:
        for array in (self.indices, self.dims, self.orbits, self.pivots, self.inverses):
            array.setflags(write=False)

    def frames(self, cayley: NDArray[Any], elements: NDArray[Any]) -> Matrix:
        """Return u_{g x_j} as rows j for each of m elements g, (b, m, D, D)."""
        count, order, degree = self.orbits.shape
        moved = cayley[elements[:, None], self.pivots[:, None]]
        # `take` moves whole vectors, where an index array would move entry by entry.
        places = moved + order * np.arange(count)[:, None, None]
        return self.orbits.reshape(-1, degree).take(places, axis=0)

    def matrices(self, cayley: NDArray[Any], elements: NDArray[Any]) -> Matrix:
        """Return ρ(g) for m elements g, (b, m, D, D), zero beyond each d."""
        found: Matrix = self.frames(cayley, elements).swapaxes(2, 3) @ self.inverses[:, None]
        return found

    def unpadded(self, matrices: Matrix) -> list[Matrix]:
        """Return the matrices (m, d, d) of each irrep of a stack (b, m, D, D)."""
        if self.dims.min() == matrices.shape[2]:
            return list(matrices)
        return [matrix[:, :d, :d] for matrix, d in zip(matrices, self.dims.tolist(), strict=True)]

    def slices(self, copies: int) -> Iterator[slice]:
        """Cut into parts so small that ``copies`` of their orbits stay in cache."""
        size = max(1, _BLOCK_ENTRIES // (self.orbits[0].size * max(1, copies)))
        for start in range(0, len(self.indices), size):
            yield slice(start, start + size)

    def part(self, chosen: slice) -> "IrrepBlock":
        """Return the irreps of a slice."""
        if chosen.start == 0 and chosen.stop >= len(self.indices):
            return self
        return IrrepBlock(
            self.indices[chosen],
            self.dims[chosen],
            self.orbits[chosen],
            self.pivots[chosen],
            self.inverses[chosen],
        )


def stack_orbits(stacks: Sequence[OrbitStack]) -> list[IrrepBlock]:
    """Stack orbits over one field, in the order of their dimensions.

    Different dimensions share a block where the padded block is small: there the number of
    array operations costs, not their length.
    """
    blocks: list[IrrepBlock] = []
    together: list[OrbitStack] = []
    count = 0
    for stack in sorted(stacks, key=lambda stack: stack.orbits.shape[2]):
        number, order, degree = stack.orbits.shape
        alike = together and degree == together[-1].orbits.shape[2]
        if together and not alike and (count + number) * order * degree > _PADDED_ENTRIES:
            blocks.append(_block(together))
            together, count = [], 0
        together.append(stack)
        count += number
    return [*blocks, _block(together)] if together else blocks


def _block(stacks: list[OrbitStack]) -> IrrepBlock:
    """Return one block, its bases inverted; ``stacks`` are sorted by dimension."""
    _, order, degree = stacks[-1].orbits.shape
    if len(stacks) == 1:
        indices, orbits, pivots = stacks[0]
        dims = np.full(len(indices), degree)
    else:
        indices = np.concatenate([stack.indices for stack in stacks])
        dims = np.empty(len(indices), dtype=np.intp)
        orbits = np.zeros((len(indices), order, degree), dtype=stacks[-1].orbits.dtype)
        pivots = np.zeros((len(indices), degree), dtype=np.intp)
        start = 0
        for stack in stacks:
            rows, d = slice(start, start + len(stack.indices)), stack.orbits.shape[2]
            dims[rows], orbits[rows, :, :d], pivots[rows, :d] = d, stack.orbits, stack.pivots
            start = rows.stop
    bases = orbits[np.arange(len(indices))[:, None], pivots]
    if dims[0] == degree:
        return IrrepBlock(indices, dims, orbits, pivots, _inverted(bases.swapaxes(1, 2)))
    # The identity beyond d for the inversion, and zero afterwards.
    own = np.arange(degree) < dims[:, None]
    bases[~own] = 0
    bases += ~own[:, None] * np.eye(degree)
    inverses = np.linalg.inv(bases.swapaxes(1, 2)) * own[:, None]
    return IrrepBlock(indices, dims, orbits, pivots, inverses)


def _inverted(bases: Matrix) -> Matrix:
    return 1 / bases if bases.shape[2] == 1 else np.linalg.inv(bases)
