"""How many pairs a feature needs: measured thresholds beside the laws that were proposed."""

import math
import time
from typing import Any

from groupfeat.energy import Threshold, survival_thresholds
from groupfeat.groups import Irreps, cyclic, irreps

__all__ = ["author_pairs", "describe_thresholds", "measure_thresholds"]

AUTHOR_CONSTANT = 2.7482


def author_pairs(order: int, max_dim: int) -> float:
    """Return the number of pairs the author's code trains on: 2.7482·(ln M/M)·M², times d/2.

    For a group of order M; the factor max(d, 2)/2 stands for non-abelian groups
    (code of arXiv:2509.21519).
    """
    return AUTHOR_CONSTANT * order * math.log(order) * max(max_dim, 2) / 2


def measure_thresholds(
    reps: Irreps, *, trials: int, variant: str, kind: str, sampling: str, seed: int
) -> tuple[tuple[Threshold, ...], float]:
    """Return `survival_thresholds` of all families, and the seconds it took, kernels warm."""
    survival_thresholds(irreps(cyclic(3)), trials=1)
    start = time.perf_counter()
    found = survival_thresholds(
        reps, trials=trials, variant=variant, kind=kind, sampling=sampling, rng=seed
    )
    return found, time.perf_counter() - start


def describe_thresholds(
    reps: Irreps, found: tuple[Threshold, ...], seconds: float
) -> dict[str, Any]:
    """Return the thresholds as plain values for JSON."""
    order = reps.group.order
    scale = order * math.log(order) if order > 1 else 1.0
    return {
        "irreps": [
            {
                "irreps": list(t.family.irreps),
                "dim": t.family.dim,
                "type": t.family.type,
                "n50": t.n50,
                "low": t.low,
                "high": t.high,
                "n50_over_m_log_m": None if t.n50 is None else t.n50 / scale,
                "n50_over_all": None if t.n50 is None else t.n50 / order**2,
                "effective_dim": order / (2 * t.family.energy),
                "censored": t.censored,
                "undecided": t.undecided,
            }
            for t in found
        ],
        "author_pairs": author_pairs(order, max((t.family.dim for t in found), default=1)),
        "seconds": seconds,
    }
