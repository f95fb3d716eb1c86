"""One energy made ready for the kernels: pairs, variant, activation and precision together."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.objective._activations import Activation
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.objective._plan import Plan
from groupfeat.energy.objective._variants import Readout, Variant, make_readout

__all__ = ["Prepared", "Space", "aligned", "prepare", "run_in_threads"]

Floats = NDArray[np.floating[Any]]
# Below some milliseconds of work threads cost more than they save.
_PARALLEL_WORK = 20_000_000
_FEW = 8
_CHUNK_BYTES = 600_000


@dataclass(frozen=True, eq=False)
class Prepared:
    """Arguments of the kernels.

    Parameters
    ----------
    plan, pairs
        The pairs in the kernels' order, and their number.
    readout, mode, act
        Map on labels, pair function and activation as the kernels know them.
    is_own
        Whether the activation is the user's own.
    width, labels, rows
        2M, number of labels, rows of the read-out.
    dtype
        float64 or float32.
    """

    plan: Plan
    pairs: int
    readout: Any
    mode: Any
    act: Any
    is_own: bool
    width: int
    labels: int
    rows: int
    dtype: np.dtype[Any]

    def tag(self, count: int) -> Any:
        """Return the kernels' row of lanes for ``count`` weights."""
        from groupfeat.energy.kernels import _blocks as kernels
        from groupfeat.energy.kernels._activations import WIDE

        # Long polynomials need registers of their own beside a tile of four rows.
        is_wide = isinstance(self.act, WIDE) and count * self.dtype.itemsize > 8 * _FEW
        if self.dtype == np.float32:
            return kernels.Lanes32() if is_wide else kernels.Lanes16()
        return kernels.Lanes16() if is_wide else kernels.Lanes8()

    def evaluate(self, points: Floats) -> tuple[Floats, Floats]:
        """Return E, shape (N,), and ∇E, shape (N, 2M), of points (N, 2M)."""
        points = np.ascontiguousarray(points, dtype=self.dtype)
        energies, gradients = np.empty(len(points), self.dtype), np.empty_like(points)
        tag = self.tag(len(points))

        def work(first: int, last: int) -> None:
            row = tag.lanes * self.dtype.itemsize * 2 * self.width
            blocks = min(max(1, _CHUNK_BYTES // row), -(-(last - first) // tag.lanes))
            space = Space.of(self, blocks, tag.lanes)
            for start in range(first, last, blocks * tag.lanes):
                chunk = slice(start, min(start + blocks * tag.lanes, last))
                self._fill(points[chunk], tag, space, energies[chunk], gradients[chunk])

        run_in_threads(work, len(points), tag.lanes, self.pairs * len(points))
        return energies, gradients

    def _fill(
        self, points: Floats, tag: Any, space: "Space", energies: Floats, gradients: Floats
    ) -> None:
        from groupfeat.energy.kernels import _blocks as kernels

        used = -(-len(points) // tag.lanes)
        weights, slopes = space.weights[:used], space.slopes[:used]
        kernels.to_lanes(points, weights)
        self.evaluate_lanes(weights, tag, space, slopes)
        kernels.from_lanes(slopes, gradients)
        energies[:] = space.energies[:used].ravel()[: len(points)]

    def evaluate_lanes(self, weights: Floats, tag: Any, space: "Space", slopes: Floats) -> None:
        """Write ∇E of blocks (B, 2M, L) to ``slopes`` and E to ``space.energies`` (B, L)."""
        from groupfeat.energy.kernels import _blocks as kernels

        work = kernels.evaluate_blocks_of_own if self.is_own else kernels.evaluate_blocks
        work(
            weights,
            self.plan,
            self.readout,
            self.mode,
            self.act,
            space.sums,
            space.read,
            space.energies[: len(weights)],
            slopes,
            tag,
        )


@dataclass(frozen=True, eq=False)
class Space:
    """Work space of one thread for B blocks of L lanes.

    Parameters
    ----------
    weights, slopes
        (B, 2M, L).
    sums, read
        (labels, L) and (rows, L), of one block at a time.
    energies
        (B, L).
    """

    weights: Floats
    slopes: Floats
    sums: Floats
    read: Floats
    energies: Floats

    @classmethod
    def of(cls, prepared: Prepared, blocks: int, lanes: int) -> "Space":
        """Allocate for an energy."""
        shapes: list[tuple[int, ...]] = [(blocks, prepared.width, lanes)] * 2
        shapes += [(prepared.labels, lanes), (prepared.rows, lanes), (blocks, lanes)]
        return cls(*(aligned(shape, prepared.dtype) for shape in shapes))


def prepare(pairs: PairSet, sigma: Activation, kind: Variant, dtype: np.dtype[Any]) -> Prepared:
    """Check that the parts fit together and translate them for the kernels."""
    from groupfeat.energy.kernels import _blocks as kernels
    from groupfeat.energy.kernels._activations import kernel_activation

    readout = make_readout(pairs, kind)
    mapped, rows = _kernel_readout(readout)
    mode: Any = kernels.Cross() if kind.is_cross else kernels.Sum()
    if readout.kappa:
        mode = kernels.SumLessSquares(readout.kappa)
    return Prepared(
        pairs.pair_plan if kind.name == "residual" else pairs.target_plan,
        len(pairs),
        mapped,
        mode,
        kernel_activation(
            sigma.name, sigma.parameter, np.array(sigma.coefficients), sigma.functions
        ),
        bool(sigma.functions),
        2 * pairs.order,
        readout.n_labels,
        rows,
        dtype,
    )


def _kernel_readout(readout: Readout) -> tuple[Any, int]:
    from groupfeat.energy.kernels import _blocks as kernels

    if readout.scales is not None:
        return kernels.Scaled(*readout.scales[:2]), 1
    if readout.matrix is None:
        return kernels.Centred(readout.share), 1
    matrix = readout.matrix
    if readout.share is not None:
        matrix = matrix - np.outer(matrix @ readout.share, np.ones(readout.n_labels))
    return kernels.Dense(np.ascontiguousarray(matrix)), len(matrix)


def aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Floats:
    """Return an empty array whose rows of 64 bytes do not straddle cache lines."""
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.empty(size + 64, dtype=np.uint8)
    offset = -raw.ctypes.data % 64
    return raw[offset : offset + size].view(dtype).reshape(shape)


def run_in_threads(work: Callable[[int, int], None], count: int, lanes: int, cost: float) -> None:
    """Call ``work(first, last)`` on ranges of whole blocks of lanes, in threads where it pays."""
    from groupfeat.energy.kernels._blocks import thread_count

    if not count:
        return
    blocks = -(-count // lanes)
    threads = min(thread_count(), blocks) if cost >= _PARALLEL_WORK else 1
    if threads == 1:
        work(0, count)
        return
    edges = [min(count, lanes * (blocks * i // threads)) for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))
