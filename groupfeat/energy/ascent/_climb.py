"""Conjugate gradients for σ = x² from many starts: the door to the climbing kernel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.objective._activations import Activation, get_activation
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.objective._prepared import Prepared, aligned, prepare, run_in_threads
from groupfeat.energy.objective._variants import Variant

__all__ = ["climb_squares", "is_quartic"]

Floats = NDArray[np.float64]


def is_quartic(sigma: Activation) -> bool:
    """Tell whether E is a quartic on great circles: σ = x² or x²/2."""
    return sigma.name in ("square", "half_square")


def climb_squares(
    starts: Floats, pairs: PairSet, kind: Variant, *, tolerance: float, max_iterations: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Return the end points (N, 2M) of unit starts and the iterations of each, (N,).

    Polak–Ribière directions, exact line searches on great circles; the end points of x²/2
    are those of x². A start's path depends on nothing but itself.
    """
    from groupfeat.energy.kernels._activations import Square
    from groupfeat.energy.kernels._blocks import Lanes16
    from groupfeat.energy.kernels._climb import climb_starts

    prepared = prepare(pairs, get_activation("square"), kind, np.dtype(np.float64))
    points = np.ascontiguousarray(starts, dtype=np.float64)
    ends, iterations = np.empty_like(points), np.zeros(len(points), dtype=np.int64)
    tag = Lanes16()

    def work(first: int, last: int) -> None:
        climb_starts(
            points,
            first,
            last,
            prepared.plan,
            prepared.readout,
            prepared.mode,
            Square(0.0, 1.0),
            _space(prepared, tag.lanes),
            tolerance,
            max_iterations,
            ends,
            iterations,
            tag,
        )

    run_in_threads(work, len(points), tag.lanes, 100 * len(pairs) * len(points))
    return ends, iterations


def _space(prepared: Prepared, lanes: int) -> Any:
    from groupfeat.energy.kernels._climb import ClimbSpace

    rows = [prepared.width] * 4 + [prepared.labels] * 6 + [prepared.rows, 4]
    arrays = [aligned((count, lanes), prepared.dtype) for count in rows]
    return ClimbSpace(*arrays, *(np.zeros(lanes, dtype=np.int64) for _ in range(2)))
