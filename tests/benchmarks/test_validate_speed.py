"""Node matching and logit similarities on S5 beside their plain twins.

Run with ``make bench``. The bars: 3 × 1024 columns matched in 0.2 s, all cosines in 0.1 s.
"""

import time
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from groupfeat.groups import Irreps, group_from_spec, irreps, isotypic_projector, real_families
from groupfeat.training import logit_similarity, match_nodes, network_logits

pytestmark = pytest.mark.benchmark

HIDDEN = 1024
Floats = NDArray[np.float64]


def best_of(work: Callable[[], object], times: int) -> float:
    found = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        found.append(time.perf_counter() - begin)
    return min(found)


def shares_by_projectors(first: Floats, second: Floats, reps: Irreps) -> Floats:
    """The plain twin: every column through every isotypic projector (shares alone)."""
    order = reps.group.order
    columns = np.concatenate([first[:order], first[order:], second.T], axis=1)
    columns = columns - columns.mean(0)
    parts = [
        np.sum((isotypic_projector(reps, family) @ columns) ** 2, axis=0)
        for family in real_families(reps)[1:]
    ]
    return np.stack(parts) / np.sum(columns**2, axis=0)


def cosines_one_by_one(logits: Floats, reps: Irreps) -> Floats:
    """The plain twin: one pass over M³ logits an irrep."""
    group = reps.group
    x = group.cayley_table[group.cayley_table[:, :, None], group.inverse]
    centred = logits - logits.mean(-1, keepdims=True)
    norm = np.linalg.norm(centred)
    found = []
    for family in real_families(reps)[1:]:
        wanted = sum(reps.table.on_elements(k).real for k in family)[x]
        found.append(np.vdot(centred, wanted) / norm / np.linalg.norm(wanted))
    return np.array(found)


def test_matching_and_logits_of_s5() -> None:
    reps = irreps(group_from_spec("S5"))
    order = reps.group.order
    rng = np.random.default_rng(0)
    first = rng.standard_normal((2 * order, HIDDEN))
    second = rng.standard_normal((HIDDEN, order))
    logits = network_logits(first, second)

    ours = best_of(lambda: match_nodes(first, second, reps), 7)
    twin = best_of(lambda: shares_by_projectors(first, second, reps), 5)
    # One real product of 3·1024 columns with all matrix entries, Σ d² = 120.
    transform = 2 * 3 * HIDDEN * order * order
    matrix, columns = rng.standard_normal((order, order)), rng.standard_normal((order, 3 * HIDDEN))
    gemm = best_of(lambda: matrix @ columns, 9)
    print(f"\nmatch 3 x {HIDDEN} columns of S5: {ours * 1e3:.0f} ms (bar 200); projectors, shares "
          f"alone {twin * 1e3:.0f} ms; the transform as one GEMM ({transform / 1e6:.0f} MFLOP) "
          f"{gemm * 1e3:.1f} ms")  # fmt: skip

    ours = best_of(lambda: logit_similarity(logits, reps), 7)
    twin = best_of(lambda: cosines_one_by_one(logits, reps), 3)
    np.testing.assert_allclose(
        logit_similarity(logits, reps).cosines, cosines_one_by_one(logits, reps), atol=1e-9
    )
    read = best_of(logits.sum, 7)
    print(f"cosines with all irreps of S5: {ours * 1e3:.1f} ms (bar 100); one by one "
          f"{twin * 1e3:.0f} ms, {twin / ours:.0f}x; reading {logits.nbytes / 1e6:.0f} MB once "
          f"{read * 1e3:.1f} ms")  # fmt: skip
