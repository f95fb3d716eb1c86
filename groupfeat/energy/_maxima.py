"""Found maxima: searched from random starts, grouped, and matched to the predicted families."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy._activations import Activation, get_activation
from groupfeat.energy._families import PredictedFamily, predicted_families
from groupfeat.energy._pairs import PairSet, full_pairs
from groupfeat.energy._search import VANISHING, Ascent, Progress, ascend, random_starts
from groupfeat.energy._shares import family_shares, rank_one_shares
from groupfeat.energy._sphere import riemannian_spectrum
from groupfeat.energy._statistics import unseen_probability, wilson_interval
from groupfeat.groups import Irreps, real_families

__all__ = ["FoundMaxima", "MaximumClass", "find_maxima"]

PURE_SHARE = 0.99
LOCALISED = 0.6
_ENERGY_DIGITS = 6
_MATCH_TOLERANCE = 1e-6


@dataclass(frozen=True)
class MaximumClass:
    """End points of one energy and one character.

    Parameters
    ----------
    kind
        ``"irrep"`` (isotypic share ≥ 0.99), ``"memorising"`` (max|w_i| ≥ 0.6), ``"mixed"``, or
        ``"zero"`` where E vanishes (irreps and shares then say nothing).
    irreps
        The family that holds the largest share of ‖w‖².
    energy
        Mean E of its end points.
    count, probability, probability_interval
        Starts that ended here, their share of all, and its 95 % Wilson interval.
    flat_dim, index
        Nullity of the Riemannian Hessian and number of ascending directions, at
        the member of largest gradient.
    isotypic_share, rank_one_share
        Least share of ‖w‖² in the family, and least share of the leading
        singular value in ‖â_k‖²_F and ‖b̂_k‖²_F, over the members.
    gradient_norm
        Largest relative gradient of the members.
    matches
        Position of the predicted family with this energy, nullity and irreps, or None.
    representative
        One member, shape (2M,).
    """

    kind: str
    irreps: tuple[int, ...]
    energy: float
    count: int
    probability: float
    probability_interval: tuple[float, float]
    flat_dim: int
    index: int
    isotypic_share: float
    rank_one_share: float
    gradient_norm: float
    matches: int | None
    representative: NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True)
class FoundMaxima:
    """Result of `find_maxima`.

    Parameters
    ----------
    predicted
        Families of σ = x² on full data; empty for other σ or pair sets (no closed form).
    classes
        Groups of end points, largest energy first.
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
        return all(status.startswith("converged") for status in self.ascent.statuses)


def find_maxima(
    irreps: Irreps,
    *,
    pairs: PairSet | None = None,
    activation: str | Activation = "square",
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
        If starts < 1, the group is trivial, or the pair set is of another group.

    Examples
    --------
    >>> from groupfeat.energy import find_maxima
    >>> from groupfeat.groups import irreps, symmetric
    >>> found = find_maxima(irreps(symmetric(3)), starts=30, rng=0)
    >>> [(round(c.energy, 9), c.flat_dim) for c in found.classes], found.unmatched
    ([(3.0, 0), (1.5, 3)], 0)
    """
    sigma = get_activation(activation)
    if irreps.group.order == 1:
        raise ValueError("the trivial group has no nontrivial irrep and E = 0; take a larger group")
    seen = full_pairs(irreps.group) if pairs is None else pairs
    if not np.array_equal(seen.group.cayley_table, irreps.group.cayley_table):
        raise ValueError(
            f"pairs are of {seen.group.name}, irreps of {irreps.group.name} (their Cayley tables "
            "differ); build both from one group"
        )
    points = random_starts(irreps.group.order, starts, rng=rng)
    ascent = ascend(
        points, seen, sigma, tolerance=tolerance, max_iterations=max_iterations, progress=progress
    )
    exact = sigma.name in ("square", "half_square") and seen.is_full
    scale = 1.0 if sigma.name == "square" else 0.25
    predicted = _scaled(predicted_families(irreps), scale) if exact else ()
    classes = _classify(ascent, seen, sigma, irreps, predicted)
    lost = sum(group.count for group in classes if group.matches is None) if exact else 0
    unseen = unseen_probability([group.count for group in classes])
    return FoundMaxima(predicted, classes, ascent, lost, unseen)


def _scaled(families: tuple[PredictedFamily, ...], scale: float) -> tuple[PredictedFamily, ...]:
    return tuple(replace(f, energy=f.energy * scale) for f in families)


def _classify(
    ascent: Ascent,
    pairs: PairSet,
    sigma: Activation,
    irreps: Irreps,
    predicted: tuple[PredictedFamily, ...],
) -> tuple[MaximumClass, ...]:
    shares = family_shares(ascent.weights, irreps)
    family = np.argmax(shares, axis=1)
    pure = shares[np.arange(len(shares)), family] >= PURE_SHARE
    localised = np.abs(ascent.weights).max(1) >= LOCALISED
    kinds = np.where(pure, "irrep", np.where(localised, "memorising", "mixed"))
    zero = ascent.energies < VANISHING
    kinds[zero], family[zero] = "zero", 0
    scale = max(float(ascent.energies.max()), 1e-300)
    levels = np.where(zero, 0.0, np.round(ascent.energies / scale, _ENERGY_DIGITS))
    members: dict[tuple[str, int, float], list[int]] = {}
    for i, key in enumerate(zip(kinds.tolist(), family.tolist(), levels.tolist(), strict=True)):
        members.setdefault(key, []).append(i)
    found = [
        _describe(kind, position, np.array(rows), ascent, shares, pairs, sigma, irreps, predicted)
        for (kind, position, _), rows in members.items()
    ]
    return tuple(sorted(found, key=lambda c: (-c.energy, c.irreps)))


def _describe(
    kind: str,
    position: int,
    rows: NDArray[np.intp],
    ascent: Ascent,
    shares: NDArray[np.float64],
    pairs: PairSet,
    sigma: Activation,
    irreps: Irreps,
    predicted: tuple[PredictedFamily, ...],
) -> MaximumClass:
    total = len(ascent.energies)
    worst = rows[np.argmax(ascent.gradient_norms[rows])]
    spectrum = riemannian_spectrum(ascent.weights[worst], pairs, sigma)
    energy = float(ascent.energies[rows].mean())
    family = real_families(irreps)[position]
    matches = next(
        (
            i
            for i, f in enumerate(predicted)
            if f.irreps == family
            and abs(energy / f.energy - 1) < _MATCH_TOLERANCE
            and (spectrum.nullity, spectrum.index) == (f.flat_dim, 0)
        ),
        None,
    )
    return MaximumClass(
        kind=kind,
        irreps=family,
        energy=energy,
        count=len(rows),
        probability=len(rows) / total,
        probability_interval=wilson_interval(len(rows), total),
        flat_dim=spectrum.nullity,
        index=spectrum.index,
        isotypic_share=float(shares[rows, position].min()),
        rank_one_share=float(rank_one_shares(ascent.weights[rows], irreps[family[0]]).min()),
        gradient_norm=float(ascent.gradient_norms[rows].max()),
        matches=matches if kind == "irrep" else None,
        representative=ascent.weights[worst],
    )
