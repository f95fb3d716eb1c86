"""How many pairs a feature needs: measured thresholds beside the laws that were proposed."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groupfeat.energy import Threshold, predict_thresholds, survival_thresholds
from groupfeat.groups import Irreps, cyclic, irreps

__all__ = [
    "MeasuredThresholds",
    "author_pairs",
    "describe_thresholds",
    "measure_thresholds",
    "theorem_pairs",
]

AUTHOR_CONSTANT = 2.7482


def author_pairs(order: int, max_dim: int) -> float:
    """Return the number of pairs the author's code trains on: 2.7482·(ln M/M)·M², times d/2.

    For a group of order M; the factor max(d, 2)/2 stands for non-abelian groups
    (code of arXiv:2509.21519).
    """
    return AUTHOR_CONSTANT * order * math.log(order) * max(max_dim, 2) / 2


def theorem_pairs(order: int, dim: int, *, failure: float = 0.5) -> float:
    """Return M d² ln(M/δ), Theorem 4's number of pairs with its unstated constant taken as 1.

    References
    ----------
    arXiv:2509.21519, Theorem 4.
    """
    return order * dim**2 * math.log(order / failure)


@dataclass(frozen=True)
class MeasuredThresholds:
    """Measured thresholds of all families of a group, and predicted ones.

    Parameters
    ----------
    order
        M.
    found
        As measured.
    predicted
        By `predict_thresholds`, on the same pair sets; empty for reachability.
    seconds
        Of work, kernels warm.
    """

    order: int
    found: tuple[Threshold, ...]
    predicted: tuple[Threshold, ...]
    seconds: float


def measure_thresholds(
    reps: Irreps, *, trials: int, variant: str, kind: str, sampling: str, seed: int
) -> MeasuredThresholds:
    """Measure and predict the thresholds of all families."""
    tiny = irreps(cyclic(3))
    survival_thresholds(tiny, trials=1)
    predict_thresholds(tiny, trials=1)
    start = time.perf_counter()
    found = survival_thresholds(
        reps, trials=trials, variant=variant, kind=kind, sampling=sampling, rng=seed
    )
    predicted: tuple[Threshold, ...] = ()
    if kind == "existence":
        predicted = predict_thresholds(
            reps, trials=trials, variant=variant, sampling=sampling, rng=seed
        )
    return MeasuredThresholds(reps.group.order, found, predicted, time.perf_counter() - start)


def describe_thresholds(measured: MeasuredThresholds) -> dict[str, Any]:
    """Return the thresholds as plain values for JSON."""
    order = measured.order
    scale = order * math.log(order) if order > 1 else 1.0
    told: Sequence[Threshold | None] = measured.predicted or [None] * len(measured.found)
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
                "predicted": None if p is None else p.n50,
                "theorem_pairs": theorem_pairs(order, t.family.dim),
                "censored": t.censored,
                "undecided": t.undecided,
                "climbs": t.verdicts,
            }
            for t, p in zip(measured.found, told, strict=True)
        ],
        "author_pairs": author_pairs(order, max((t.family.dim for t in measured.found), default=1)),
        "seconds": measured.seconds,
    }
