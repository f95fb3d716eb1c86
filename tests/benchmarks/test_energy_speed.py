"""The ascent beside scipy's L-BFGS-B: time a start that converges.

Run with ``make bench``. Both climb σ = x² on full data from the same uniform starts to a
relative Riemannian gradient of 1e-8; scipy climbs E(w/‖w‖), one start at a time.
"""

import time

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from groupfeat.energy import (
    PairSet,
    ascend,
    energy_and_gradient,
    full_pairs,
    get_activation,
    random_starts,
)
from groupfeat.groups import group_from_spec

pytestmark = pytest.mark.benchmark

Floats = NDArray[np.float64]


def scipy_ascent(start: Floats, pairs: PairSet) -> bool:
    """Climb one start; tell whether it reached the tolerance.

    The oracle is plain numpy on the M × M table: our kernel would waste 15 of its 16 lanes.
    """
    order, table = pairs.order, pairs.group.cayley_table.astype(np.intp)
    flat = table.ravel()

    def oracle(w: Floats) -> tuple[float, Floats]:
        x = w[:order, None] + w[order:]
        sums = np.bincount(flat, (x * x).ravel(), order)
        centred = sums - sums.mean()
        pull = 2 * x * centred[table]
        return 0.5 * float(centred @ centred), np.concatenate([pull.sum(1), pull.sum(0)])

    def negative(x: Floats) -> tuple[float, Floats]:
        norm = np.linalg.norm(x)
        w = x / norm
        e, g = oracle(w)
        return -e, -(g - (g @ w) * w) / norm

    options = {"ftol": 0, "gtol": 1e-9, "maxiter": 2000}
    end = minimize(negative, start, jac=True, method="L-BFGS-B", options=options)
    w = end.x / np.linalg.norm(end.x)
    value, g = oracle(w)
    np.testing.assert_allclose(value, energy_and_gradient(w, pairs)[0])
    return bool(np.linalg.norm(g - (g @ w) * w) <= 1e-8 * np.linalg.norm(g))


def test_ascent_beside_scipy() -> None:
    print(f"\n{'group':5} {'ours, a start':>14}  {'scipy, a converged start':>25}  ratio")
    square = get_activation("square")
    for spec, ours, theirs in (("C71", 512, 40), ("S5", 512, 20)):
        pairs = full_pairs(group_from_spec(spec))
        starts = random_starts(pairs.order, ours, rng=0)
        ascend(starts, pairs, square)  # compiles
        begin = time.perf_counter()
        found = ascend(starts, pairs, square)
        mine = (time.perf_counter() - begin) / ours
        assert all(status.startswith("converged") for status in found.statuses)
        begin = time.perf_counter()
        converged = sum(scipy_ascent(start, pairs) for start in starts[:theirs])
        peer = (time.perf_counter() - begin) / max(converged, 1)
        share = converged / theirs
        print(
            f"{spec:5} {mine * 1e3:11.3f} ms  {peer * 1e3:14.2f} ms ({share:4.0%})  "
            f"{peer / mine:6.1f}x"
        )
