"""How many pairs keep a maximum: survival of predicted families on random pair sets (x²)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy._statistics import wilson_interval
from groupfeat.energy.exact._families import (
    PredictedFamily,
    check_families,
    predicted_families,
)
from groupfeat.energy.objective._checks import check_count
from groupfeat.energy.objective._variants import ENERGY_VARIANTS
from groupfeat.energy.thresholds._bisection import Judge, interval_ranks, search_thresholds
from groupfeat.energy.thresholds._climber import Climber
from groupfeat.energy.thresholds._equivalent import equivalent_families
from groupfeat.groups import Irreps, check_irreps

__all__ = [
    "KINDS",
    "SAMPLINGS",
    "SurvivalCurve",
    "Threshold",
    "survival_curve",
    "survival_thresholds",
    "thresholds_of",
]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

KINDS = ("existence", "reachability")
SAMPLINGS = ("without", "with")
Options = tuple[int, str, str, str, float, int]


@dataclass(frozen=True)
class Threshold:
    """The number of pairs at which half of the trials keep a family.

    Parameters
    ----------
    family
        The predicted family.
    n50
        Median over trials of the least n that keeps the maximum; None if half are censored.
    low, high
        95 % interval of the median from order statistics; below six trials the extremes, which
        hold it with 1 − 2^{1−T} only. ``high`` is None where it is censored.
    thresholds
        One n a trial that keeps it; inf where even the largest n tried loses it. Within 0.4 %
        where the median or its interval rests on the trial, else only on the right side of them.
    undecided
        Climbs that ended neither converged nor localised, judged by their share.
    verdicts
        Climbs (or predictions) that this took.
    """

    family: PredictedFamily
    n50: float | None
    low: float | None
    high: float | None
    thresholds: Floats = field(repr=False)
    undecided: int
    verdicts: int

    @property
    def censored(self) -> int:
        """Trials that lost the maximum at every n tried."""
        return int(np.isinf(self.thresholds).sum())


@dataclass(frozen=True, eq=False)
class SurvivalCurve:
    """How many of the trials keep a family at each number of pairs.

    Parameters
    ----------
    family
        The predicted family.
    counts
        Numbers of pairs n, shape (c,).
    kept
        Trials that keep it, shape (c,).
    trials
        Trials at each n.
    intervals
        95 % Wilson intervals of the share kept, shape (c, 2).
    """

    family: PredictedFamily
    counts: Indices
    kept: Indices
    trials: int
    intervals: Floats


def survival_thresholds(
    irreps: Irreps,
    families: Sequence[PredictedFamily] | None = None,
    *,
    trials: int = 20,
    variant: str = "raw",
    kind: str = "existence",
    sampling: str = "without",
    keep: float = 0.9,
    rng: int = 0,
    resolve_all: bool = False,
) -> tuple[Threshold, ...]:
    """Return for each family the number of random pairs that half of the trials need to keep it.

    A trial is one random order of all pairs (``sampling="with"``: an endless
    sequence of draws); its first n entries are the pair set, so that sets are
    nested, and the least n that keeps the maximum is found by bisection. One
    climb a step: E of the pair set is climbed from a random point of the family
    (``kind="existence"``), or from a random start that on full data flows to
    it (``"reachability"``). Kept: the end point has an isotypic share ≥
    ``keep`` of the family and E > 0, and of its Fourier blocks ``keep`` is of rank one
    (where 2d² comes near M, a memorising delta function has the share too).
    Families that an automorphism of the group carries into each other have one
    threshold, which is computed once.

    Conjugate directions do not keep to the basins of the flow, so that a random start
    may miss its family on full data too: such a trial of reachability is censored.

    Parameters
    ----------
    irreps
        All irreps of the group.
    families
        Default: all predicted families.
    trials
        Random pair orders; the same ones for every family and variant.
    variant
        ``"raw"``, ``"cross"`` (σ = 2ab), ``"ht"`` (Horvitz–Thompson: pairs of pairs weighted so
        that the expected energy is that of full data).
    kind, sampling
        See above.
    keep
        The least isotypic share.
    rng
        Seed; a family's answer depends on it and the other options alone, not on the number of
        threads nor on the families beside it (but for equivalent ones, which share the first's).
    resolve_all
        Narrow every trial's bracket to 0.4 %, not only those that the median and its interval
        rest on.

    Raises
    ------
    ValueError
        If an option is none of the above, a family is of another group, or no random start
        flows to it.

    Examples
    --------
    >>> from groupfeat.energy import survival_thresholds
    >>> from groupfeat.groups import cyclic, irreps
    >>> found = survival_thresholds(irreps(cyclic(11)), trials=8)
    >>> len(found), found[0].n50 == found[4].n50, 50 < found[0].n50 < 110
    (5, True, True)
    """
    check_irreps(irreps)
    return thresholds_of(
        irreps,
        families,
        lambda climber: climber,
        options=(trials, variant, kind, sampling, keep, rng),
        resolve_all=resolve_all,
    )


def survival_curve(
    irreps: Irreps,
    family: PredictedFamily,
    counts: Sequence[int],
    *,
    trials: int = 20,
    variant: str = "raw",
    kind: str = "existence",
    sampling: str = "without",
    keep: float = 0.9,
    rng: int = 0,
) -> SurvivalCurve:
    """Return how many trials keep ``family`` at each n of ``counts``; see `survival_thresholds`."""
    check_irreps(irreps)
    check_options(trials, variant, kind, sampling, keep)
    check_families([family], irreps)
    sizes = np.array(counts)
    if sizes.ndim != 1 or not sizes.size or sizes.dtype.kind not in "iu":
        raise ValueError(f"counts must be a list of whole numbers, got {counts!r}")
    climber = Climber(irreps, [family], trials, variant, kind, sampling, keep, rng)
    sizes = sizes.astype(np.intp)
    outside = sizes[(sizes < 1) | (sizes > climber.largest)]
    if len(outside):
        raise ValueError(f"counts must be in 1..{climber.largest}, got {outside[0]}")
    kept = [int(climber.kept(np.full((1, trials), n))[0].sum()) for n in sizes]
    intervals = np.array([wilson_interval(k, trials) for k in kept])
    return SurvivalCurve(family, sizes, np.array(kept, dtype=np.intp), trials, intervals)


def thresholds_of(
    irreps: Irreps,
    families: Sequence[PredictedFamily] | None,
    judge_of: Callable[[Climber], Judge],
    *,
    options: Options,
    resolve_all: bool = False,
) -> tuple[Threshold, ...]:
    """Return the thresholds of ``families`` as told by the judge of their climbing tasks."""
    check_options(*options[:-1])
    wanted = predicted_families(irreps) if families is None else tuple(families)
    if not wanted:
        return ()
    check_families(wanted, irreps)
    first_of = equivalent_families(irreps, wanted)
    judged = sorted(set(first_of))
    climber = Climber(irreps, [wanted[i] for i in judged], *options)
    found = search_thresholds(judge_of(climber), resolve_all=resolve_all)
    place = [judged.index(i) for i in first_of]
    return tuple(
        _summarised(
            family, found.thresholds[i], int(climber.undecided[i].sum()), int(found.judged[i].sum())
        )
        for family, i in zip(wanted, place, strict=True)
    )


def _summarised(
    family: PredictedFamily, thresholds: Floats, undecided: int, verdicts: int
) -> Threshold:
    ordered = np.sort(thresholds)
    first, last = interval_ranks(len(ordered))
    with np.errstate(invalid="ignore"):
        median = float(np.median(ordered))
    ends = (_finite(median), _finite(ordered[first]), _finite(ordered[last]))
    return Threshold(family, *ends, thresholds, undecided, verdicts)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def check_options(trials: int, variant: str, kind: str, sampling: str, keep: float) -> None:
    """Raise ``ValueError`` if an option is unknown or out of range."""
    for name, value, known in (
        ("variant", variant, ENERGY_VARIANTS),
        ("kind", kind, KINDS),
        ("sampling", sampling, SAMPLINGS),
    ):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    check_count(trials, "trials")
    if not 0 < keep < 1:
        raise ValueError(f"keep must be in (0, 1), got {keep}")
