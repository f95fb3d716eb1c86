"""How many pairs keep a maximum: survival of predicted families on random pair sets (x²)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from groupfeat.energy._climber import Climber
from groupfeat.energy._families import PredictedFamily, predicted_families
from groupfeat.energy._statistics import wilson_interval
from groupfeat.groups import (
    FiniteGroup,
    Irreps,
    automorphism_group,
    real_families,
)

__all__ = [
    "KINDS",
    "SAMPLINGS",
    "VARIANTS",
    "SurvivalCurve",
    "Threshold",
    "equivalent_families",
    "survival_curve",
    "survival_thresholds",
]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

VARIANTS = ("raw", "cross", "ht")
"""raw: σ = (a+b)², centred. cross: 2ab, as paired nodes [u; v], [u; −v] see it. ht: unbiased."""
KINDS = ("existence", "reachability")
SAMPLINGS = ("without", "with")

_RESOLUTION = 0.004
_LARGEST_AUTOMORPHISMS = 128


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
        95 % interval of the median from order statistics (extremes below six trials); ``high``
        is None where it is censored.
    thresholds
        One n a trial, within 0.4 %; inf where even the largest n tried loses it.
    undecided
        Climbs that ended neither converged nor localised, judged by their share.
    """

    family: PredictedFamily
    n50: float | None
    low: float | None
    high: float | None
    thresholds: Floats = field(repr=False)
    undecided: int

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
) -> tuple[Threshold, ...]:
    """Return for each family the number of random pairs that half of the trials need to keep it.

    A trial is one random order of all pairs (``sampling="with"``: an endless
    sequence of draws); its first n entries are the pair set, so that sets are
    nested, and the least n that keeps the maximum is found by bisection. One
    climb a step: E of the pair set is climbed from a random point of the family
    (``kind="existence"``), or from a random start that on full data flows to
    it (``"reachability"``). Kept: the end point has an isotypic share ≥
    ``keep`` of the family, and of its Fourier blocks ``keep`` is of rank one
    (where 2d² comes near M, a memorising delta function has the share too).
    Families that an automorphism of the group carries into each other have one
    threshold, which is computed once.

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
        Seed; the result depends on it alone, whatever the number of threads.

    Raises
    ------
    ValueError
        If an option is none of the above, or no random start flows to a family.

    Examples
    --------
    >>> from groupfeat.energy import survival_thresholds
    >>> from groupfeat.groups import cyclic, irreps
    >>> found = survival_thresholds(irreps(cyclic(11)), trials=8)
    >>> len(found), found[0].n50 == found[4].n50, 50 < found[0].n50 < 110
    (5, True, True)
    """
    _check_options(trials, variant, kind, sampling, keep)
    wanted = predicted_families(irreps) if families is None else tuple(families)
    if not wanted:
        return ()
    first_of = equivalent_families(irreps, wanted)
    climbed = [wanted[i] for i in sorted(set(first_of))]
    climber = Climber(irreps, climbed, trials, variant, kind, sampling, keep, rng)
    found = dict(zip(sorted(set(first_of)), _bisect(climber), strict=True))
    return tuple(_summarised(family, *found[i]) for family, i in zip(wanted, first_of, strict=True))


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
    _check_options(trials, variant, kind, sampling, keep)
    climber = Climber(irreps, [family], trials, variant, kind, sampling, keep, rng)
    sizes = np.array(counts, dtype=np.intp)
    outside = sizes[(sizes < 1) | (sizes > climber.largest)]
    if len(outside):
        raise ValueError(f"counts must be in 1..{climber.largest}, got {outside[0]}")
    kept = [int(climber.kept(np.full((1, trials), n))[0].sum()) for n in sizes]
    intervals = np.array([wilson_interval(k, trials) for k in kept])
    return SurvivalCurve(family, sizes, np.array(kept, dtype=np.intp), trials, intervals)


def equivalent_families(irreps: Irreps, families: Sequence[PredictedFamily]) -> list[int]:
    """Return for each family the first one that an automorphism of the group carries it to.

    Abelian groups: characters of one kernel are powers of each other, carried
    along by g ↦ gᵃ. Others up to order 128: through generators of Aut(G);
    beyond, every family stands for itself.
    """
    group, table = irreps.group, irreps.table
    if group.is_abelian:
        keys = [(np.abs(table.on_elements(f.irreps[0]) - 1) < 1e-9).tobytes() for f in families]
        return [keys.index(key) for key in keys]
    if group.order > _LARGEST_AUTOMORPHISMS:
        return list(range(len(families)))
    moved = _moved_families(group, irreps)
    labels = list(range(len(real_families(table))))
    changed = True
    while changed:
        smallest = [
            min([labels[i], *(labels[row[i]] for row in moved)]) for i in range(len(labels))
        ]
        changed, labels = smallest != labels, smallest
    place = {family: i for i, family in enumerate(real_families(table))}
    own = [labels[place[f.irreps]] for f in families]
    return [own.index(label) for label in own]


def _moved_families(group: FiniteGroup, irreps: Irreps) -> list[list[int]]:
    """Return where each generator of Aut(G), and its inverse, carries each real family."""
    table, classes = irreps.table, group.conjugacy_classes
    families = real_families(table)
    rows = []
    for images in automorphism_group(group).generators:
        for alpha in (images, np.argsort(images)):
            moved = table.values[:, classes.labels[alpha[classes.representatives]]]
            distance = np.abs(moved[:, None] - table.values[None]).max(axis=2)
            target = distance.argmin(axis=1)
            holder = {k: i for i, family in enumerate(families) for k in family}
            rows.append([holder[int(target[family[0]])] for family in families])
    return rows


def _bisect(climber: Climber) -> list[tuple[Floats, int]]:
    """Return for each family the least n that keeps it, trial by trial, and undecided climbs."""
    low = np.zeros(climber.shape, dtype=np.intp)
    high = np.full(climber.shape, climber.group.order**2, dtype=np.intp)
    lost = ~climber.kept(high)
    while lost.any() and high.max() < climber.largest:
        low = np.where(lost, high, low)
        high = np.where(lost, np.minimum(2 * high, climber.largest), high)
        lost &= ~climber.kept(high, lost)
    while True:
        open_ = ~lost & (high - low > np.maximum(1, _RESOLUTION * high))
        if not open_.any():
            break
        middle = np.where(open_, (low + high) // 2, high)
        kept = climber.kept(middle, open_)
        high = np.where(open_ & kept, middle, high)
        low = np.where(open_ & ~kept, middle, low)
    thresholds = np.where(lost, np.inf, high)
    return [(row, int(u)) for row, u in zip(thresholds, climber.undecided.sum(axis=1), strict=True)]


def _summarised(family: PredictedFamily, thresholds: Floats, undecided: int) -> Threshold:
    ordered = np.sort(thresholds)
    trials = len(ordered)
    # The largest rank whose interval (X_r, X_{T+1-r}) covers the median with 95 %.
    rank = max(0, int(binom.ppf(0.025, trials, 0.5)) - 1)
    while binom.cdf(rank, trials, 0.5) <= 0.025:
        rank += 1
    low, high = ordered[max(0, rank - 1)], ordered[min(trials - 1, trials - rank)]
    with np.errstate(invalid="ignore"):
        median = float(np.median(ordered))
    return Threshold(family, _finite(median), _finite(low), _finite(high), thresholds, undecided)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _check_options(trials: int, variant: str, kind: str, sampling: str, keep: float) -> None:
    for name, value, known in (
        ("variant", variant, VARIANTS),
        ("kind", kind, KINDS),
        ("sampling", sampling, SAMPLINGS),
    ):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    if trials < 1:
        raise ValueError(f"trials must be at least 1, got {trials}")
    if not 0 < keep < 1:
        raise ValueError(f"keep must be in (0, 1), got {keep}")
