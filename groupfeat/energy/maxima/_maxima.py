"""Found maxima: searched from random starts, grouped, and matched to the predicted families."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy._statistics import starts_needed, unseen_probability, wilson_interval
from groupfeat.energy.ascent._climb import is_quartic
from groupfeat.energy.ascent._kink_ascent import climb
from groupfeat.energy.ascent._search import Ascent, Progress, random_starts
from groupfeat.energy.exact._families import PredictedFamily, predicted_families
from groupfeat.energy.maxima._end_points import EndGroup, Landscape, group_end_points
from groupfeat.energy.objective._activations import Activation, get_activation
from groupfeat.energy.objective._checks import check_same_group
from groupfeat.energy.objective._pairs import PairSet, full_pairs
from groupfeat.energy.objective._shares import family_shares, rank_one_shares, target_shares
from groupfeat.energy.objective._variants import ENERGY_VARIANTS, Variant, get_variant
from groupfeat.groups import Irreps, check_irreps, real_families

__all__ = ["FoundMaxima", "MaximumClass", "find_maxima"]

PURE_SHARE = 0.99
LOCALISED = 0.6
ONE_TARGET = 0.9
_SPECTRA = 3
_DENSE = 400
_SORTED_DIGITS = 7


@dataclass(frozen=True)
class MaximumClass:
    """End points that are one up to the symmetries of E, on one family of irreps.

    Parameters
    ----------
    kind
        ``"irrep"`` (isotypic share ≥ 0.99), ``"memorising"``, ``"mixed"``, or ``"zero"`` where E
        vanishes (irreps and shares then say nothing).
    shape
        ``"focused"`` (max|w_i| ≥ 0.6 and ≥ √(2/M)) or ``"spread"`` (one target holds ≥ 0.9 of the
        most it can of the output, `target_shares`) where it memorises, else empty.
    irreps
        The family that holds the largest share of ‖w‖².
    energy
        Mean E of its end points.
    count, probability, probability_interval
        Starts that ended here, their share of all, and its 95 % Wilson interval.
    orbit
        Classes that an automorphism of the group carries into each other share this number.
    is_converged
        Whether its starts reached the tolerance, or a point where E vanishes; what did not is
        kept in classes of its own, one an irrep, whose points need not be maxima nor alike.
    flat_dim, index
        Largest nullity of the Riemannian Hessian and number of ascending
        directions over the members examined; on a kink of σ, along the kink.
    examined
        Members at which the Hessian was computed: those of largest gradient, up to three (one for
        groups of order above 200).
    isotypic_share, rank_one_share
        Least share of ‖w‖² in the family, and least share of the leading
        singular value in ‖â_k‖²_F and ‖b̂_k‖²_F, over the members.
    gradient_norm
        Largest relative gradient of the members.
    matches
        Position of the predicted family, or None: every member is within 1e-6 (or ten times its
        relative gradient) of its nearest point on it and 1e-9 of its energy, and nullity and index
        are as predicted.
    distance
        Largest distance of a member to that family; inf where it matches none.
    representative
        One member, shape (2M,).
    """

    kind: str
    shape: str
    irreps: tuple[int, ...]
    energy: float
    count: int
    probability: float
    probability_interval: tuple[float, float]
    orbit: int
    is_converged: bool
    flat_dim: int
    index: int
    examined: int
    isotypic_share: float
    rank_one_share: float
    gradient_norm: float
    matches: int | None
    distance: float
    representative: NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True)
class FoundMaxima:
    """Result of `find_maxima`.

    Parameters
    ----------
    predicted
        Families of σ = x² on full data; empty for other σ or pair sets (no closed form).
    classes
        Groups of end points, largest energy first; none for the trivial group, where E = 0.
    ascent
        Every end point with energy, gradient and status.
    unmatched
        Number of end points in classes that match no predicted family.
    unseen_probability
        Upper estimate of the chance that a further start finds an unseen class.
    """

    predicted: tuple[PredictedFamily, ...]
    classes: tuple[MaximumClass, ...]
    ascent: Ascent = field(repr=False)
    unmatched: int
    unseen_probability: float

    @property
    def is_converged(self) -> bool:
        """Whether every start reached the tolerance."""
        return all(c.is_converged for c in self.classes)

    @property
    def unseen_orbits(self) -> float:
        """Upper estimate of the chance of something unseen even up to automorphisms."""
        if not self.classes:
            return self.unseen_probability
        counts: dict[int, int] = {}
        for c in self.classes:
            counts[c.orbit] = counts.get(c.orbit, 0) + c.count
        return unseen_probability(list(counts.values()))

    def starts_needed(self, target: float) -> int:
        """Return how many starts bring ``unseen_probability`` down to ``target``; see there."""
        return starts_needed([c.count for c in self.classes], target)


def find_maxima(
    irreps: Irreps,
    *,
    pairs: PairSet | None = None,
    activation: str | Activation = "square",
    variant: str | Variant = "raw",
    method: str = "fast",
    starts: int = 200,
    rng: int | np.random.Generator,
    tolerance: float = 1e-8,
    max_iterations: int = 3000,
    progress: Progress | None = None,
) -> FoundMaxima:
    """Climb E from uniform random starts, group the end points and match them to theory.

    Parameters
    ----------
    irreps
        All irreps of the group.
    pairs
        The pair set, by default all pairs.
    activation
        Name or `Activation`.
    variant
        Which energy, as for `energy`.
    method
        As for `ascend`: with ``"flow"`` (smooth σ) the probabilities of the classes are those of
        the flow's basins; ``"fast"`` may cross into a neighbouring one.
    starts
        Number of random starts.
    rng
        Seed or generator of the starts.
    tolerance
        Relative Riemannian gradient at which a start has converged.
    max_iterations
        Iterations before a start is left to the Newton finish.
    progress
        Called as ``progress(done, total)``.

    Raises
    ------
    ValueError
        If starts < 1, the pair set is of another group, the method is unknown or does not fit
        σ, or the tolerance or number of iterations is out of range.

    Examples
    --------
    >>> from groupfeat.energy import find_maxima
    >>> from groupfeat.groups import irreps, symmetric
    >>> found = find_maxima(irreps(symmetric(3)), starts=30, rng=0)
    >>> [(round(c.energy, 9), c.flat_dim) for c in found.classes], found.unmatched
    ([(3.0, 0), (1.5, 3)], 0)
    """
    check_irreps(irreps)
    sigma, kind = get_activation(activation), get_variant(variant)
    seen = full_pairs(irreps.group) if pairs is None else pairs
    check_same_group(seen.group, irreps.group)
    if method == "flow" and not sigma.is_smooth:
        raise ValueError(f"method 'flow' needs a smooth σ, got {sigma.name}; take method='fast'")
    ascent = climb(
        random_starts(irreps.group.order, starts, rng=rng),
        seen,
        sigma,
        variant=kind,
        method=method,
        tolerance=tolerance,
        max_iterations=max_iterations,
        progress=progress,
    )
    if irreps.group.order == 1:  # E = 0 everywhere: nothing is there, and nothing unseen.
        return FoundMaxima((), (), ascent, 0, 0.0)
    exact = is_quartic(sigma) and seen.is_full and kind.name in ENERGY_VARIANTS
    scale = 1.0 if sigma.name == "square" else 0.25
    predicted = _scaled(predicted_families(irreps), scale) if exact else ()
    classes = _classify(ascent, Landscape(irreps, seen, sigma, kind, predicted))
    lost = sum(group.count for group in classes if group.matches is None) if exact else 0
    unseen = unseen_probability([group.count for group in classes])
    return FoundMaxima(predicted, classes, ascent, lost, unseen)


def _scaled(families: tuple[PredictedFamily, ...], scale: float) -> tuple[PredictedFamily, ...]:
    return tuple(replace(f, energy=f.energy * scale) for f in families)


def _classify(ascent: Ascent, landscape: Landscape) -> tuple[MaximumClass, ...]:
    shares = family_shares(ascent.weights, landscape.irreps)
    family = np.argmax(shares, axis=1)
    groups = group_end_points(ascent, family, landscape)
    scale = max(float(ascent.energies.max()), 1e-300)

    def place(group: EndGroup) -> tuple[float, int]:
        level = float(ascent.energies[group.rows].mean()) / scale
        return -round(level, _SORTED_DIGITS), int(family[group.rows[0]])

    groups.sort(key=place)
    orbits = {orbit: i for i, orbit in enumerate(dict.fromkeys(g.orbit for g in groups))}
    return tuple(
        _describe(group, orbits[group.orbit], int(family[group.rows[0]]), ascent, shares, landscape)
        for group in groups
    )


def _describe(
    group: EndGroup,
    orbit: int,
    position: int,
    ascent: Ascent,
    shares: NDArray[np.float64],
    landscape: Landscape,
) -> MaximumClass:
    rows, total = group.rows, len(ascent.energies)
    weights, share = ascent.weights[rows], float(shares[rows, position].min())
    examined = rows[np.argsort(-ascent.gradient_norms[rows], kind="stable")]
    examined = examined[: _SPECTRA if weights.shape[1] <= _DENSE else 1]
    norms = ascent.gradient_norms
    spectra = [landscape.spectrum(ascent.weights[i], float(norms[i])) for i in examined]
    found = {(s.nullity, s.index) for s in spectra}
    family = real_families(landscape.irreps)[position]
    matches = group.family
    if matches is not None and found != {(landscape.predicted[matches].flat_dim, 0)}:
        matches = None
    zero = group.orbit[0] == "zero"
    kind, shape = ("zero", "") if zero else _kind(weights, share, landscape)
    return MaximumClass(
        kind=kind,
        shape=shape,
        irreps=real_families(landscape.irreps)[0] if zero else family,
        energy=float(ascent.energies[rows].mean()),
        count=len(rows),
        probability=len(rows) / total,
        probability_interval=wilson_interval(len(rows), total),
        orbit=orbit,
        is_converged=zero or all(ascent.statuses[row].startswith("converged") for row in rows),
        flat_dim=max(s.nullity for s in spectra),
        index=max(s.index for s in spectra),
        examined=len(examined),
        isotypic_share=share,
        rank_one_share=float(rank_one_shares(weights, landscape.irreps[family[0]]).min()),
        gradient_norm=float(ascent.gradient_norms[rows].max()),
        matches=matches,
        distance=group.distance if matches is not None else float("inf"),
        representative=weights[0],
    )


def _kind(weights: NDArray[np.float64], share: float, landscape: Landscape) -> tuple[str, str]:
    """Return kind and shape of a class where E does not vanish."""
    if share >= PURE_SHARE:
        return "irrep", ""
    # In the smallest groups the entries of every weight are large.
    local = max(LOCALISED, float(np.sqrt(2 / landscape.pairs.order)))
    if np.abs(weights).max(axis=1).min() >= local:
        return "memorising", "focused"
    most = 1 - 1 / landscape.pairs.order
    held = target_shares(weights, landscape.pairs, landscape.activation)
    return ("memorising", "spread") if held.min() >= ONE_TARGET * most else ("mixed", "")
