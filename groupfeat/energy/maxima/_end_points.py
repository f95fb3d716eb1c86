"""Which end points of an ascent are one: by family where it is known, else up to symmetries."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.ascent._kinks import handles_kinks, kink_spectrum
from groupfeat.energy.ascent._search import Ascent
from groupfeat.energy.exact._families import PredictedFamily, predicted_families
from groupfeat.energy.exact._units import nearest_in_family
from groupfeat.energy.maxima._symmetries import Symmetries, find_symmetries, orbit_distances
from groupfeat.energy.objective._activations import Activation
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.objective._shares import family_shares
from groupfeat.energy.objective._sphere import VANISHING, HessianSpectrum, riemannian_spectrum
from groupfeat.energy.objective._variants import Variant
from groupfeat.energy.thresholds._equivalent import equivalent_families
from groupfeat.groups import Irreps

__all__ = ["EndGroup", "Landscape", "group_end_points"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
_ON_FAMILY = 1e-6
_FAMILY_ENERGY = 1e-9
_SAME_ENERGY = 1e-7
_SAME_POINT = 1e-3
_SAME_SHARE = 1e-3
_FLAT = 1e-6


@dataclass(frozen=True, eq=False)
class Landscape:
    """Which E was climbed, and what is known of its maxima."""

    irreps: Irreps
    pairs: PairSet
    activation: Activation
    variant: Variant
    predicted: tuple[PredictedFamily, ...]

    def spectrum(self, w: Floats, gradient_norm: float = 0.0) -> HessianSpectrum:
        """Return the Riemannian Hessian's spectrum at one weight; on kinks, along them.

        What counts as flat widens with the gradient that is left.
        """
        if handles_kinks(self.pairs, self.activation, self.variant):
            return kink_spectrum(w, self.pairs, self.activation)
        tolerance = max(_FLAT, 10 * gradient_norm)
        return riemannian_spectrum(
            w, self.pairs, self.activation, variant=self.variant, relative_tolerance=tolerance
        )


@dataclass(frozen=True)
class EndGroup:
    """End points that are one class.

    Parameters
    ----------
    rows
        Their positions in the ascent.
    orbit
        Any label; classes that an automorphism of the group carries into each other share it.
    family
        Position of the predicted family that all of them lie on, or None.
    distance
        Largest distance to it; inf without one.
    """

    rows: Indices
    orbit: tuple[str, int]
    family: int | None = None
    distance: float = float("inf")


def group_end_points(ascent: Ascent, family: Indices, landscape: Landscape) -> list[EndGroup]:
    """Return the classes of end points; ``family`` is the real family of largest share, (N,).

    Points on a predicted family (nearest point within 1e-6 or ten times the gradient, energy
    within 1e-9) are its class. The others are one class if they have one energy and one is near
    a symmetric image of the other, or, where the Hessian has flat directions, if nullity,
    isotypic shares and irreps (up to automorphisms) agree.
    Starts that did not converge are kept apart, by irrep alone.
    """
    converged = np.array([status.startswith("converged") for status in ascent.statuses])
    zero = ascent.energies < VANISHING
    groups = [EndGroup(np.flatnonzero(zero), ("zero", 0))] if zero.any() else []
    free = ~zero & converged
    for group in _on_families(ascent, family, free, landscape):
        free[group.rows] = False
        groups.append(group)
    rows = np.flatnonzero(free)
    if len(rows):
        for orbit, members in enumerate(_orbits(ascent, rows, family, landscape)):
            parts = [members[family[members] == f] for f in np.unique(family[members])]
            groups += [EndGroup(part, ("orbit", orbit)) for part in parts]
    stopped = np.flatnonzero(~zero & ~converged)
    for f in np.unique(family[stopped]).tolist():
        groups.append(EndGroup(stopped[family[stopped] == f], ("stopped", f)))
    return groups


def _on_families(
    ascent: Ascent, family: Indices, free: NDArray[np.bool_], landscape: Landscape
) -> list[EndGroup]:
    found: list[EndGroup] = []
    if not landscape.predicted:
        return found
    orbit_of = equivalent_families(landscape.irreps, landscape.predicted)
    for position, predicted in enumerate(landscape.predicted):
        # The trivial irrep is the first real family and has no maxima.
        rows = np.flatnonzero(free & (family == position + 1))
        nearest = nearest_in_family(ascent.weights[rows], predicted, landscape.irreps)
        level = np.abs(ascent.energies[rows] / predicted.energy - 1)
        # A point at distance δ has a relative gradient near δ and loses about δ² of E.
        allowed = np.maximum(_ON_FAMILY, 10 * ascent.gradient_norms[rows])
        on = (nearest.distances <= allowed) & (level <= np.maximum(_FAMILY_ENERGY, allowed**2))
        if on.any():
            distance = float(nearest.distances[on].max())
            found.append(EndGroup(rows[on], ("family", orbit_of[position]), position, distance))
    return found


def _orbits(ascent: Ascent, rows: Indices, family: Indices, landscape: Landscape) -> list[Indices]:
    """Return the members of each orbit of critical points, level by level."""
    symmetries = find_symmetries(landscape.pairs, landscape.activation, landscape.variant)
    found = []
    for level in _levels(ascent.energies, rows, _SAME_ENERGY):
        parts = _apart(ascent.weights, level, symmetries)
        found += _joined_if_flat(ascent.weights, parts, family, landscape)
    return found


def _levels(energies: Floats, rows: Indices, tolerance: float) -> list[Indices]:
    """Return ``rows`` split where neighbouring energies differ by more than ``tolerance``."""
    if not len(rows):
        return []
    ordered = rows[np.argsort(-energies[rows], kind="stable")]
    levels = energies[ordered]
    gaps = levels[:-1] - levels[1:] > tolerance * np.abs(levels[:-1])
    return list(np.split(ordered, np.flatnonzero(gaps) + 1))


def _apart(weights: Floats, rows: Indices, symmetries: Symmetries) -> list[Indices]:
    parts = []
    while len(rows):
        distances = orbit_distances(weights[rows[0]], weights[rows], symmetries)
        same = distances <= _SAME_POINT
        same[0] = True
        parts.append(rows[same])
        rows = rows[~same]
    return parts


def _joined_if_flat(
    weights: Floats, parts: list[Indices], family: Indices, landscape: Landscape
) -> list[Indices]:
    """Join parts of one level with as many flat directions, kindred irreps and equal shares.

    Along a manifold of critical points the sorted isotypic shares hardly change, and they do
    not under symmetries; kindred irreps are those that an automorphism exchanges.
    """
    if len(parts) == 1:
        return parts
    heads = np.array([part[0] for part in parts])
    shares = np.sort(family_shares(weights[heads], landscape.irreps), axis=1)
    families = predicted_families(landscape.irreps)
    kin = np.array([-1, *equivalent_families(landscape.irreps, families)])[family[heads]]
    flat = [landscape.spectrum(weights[head]).nullity for head in heads]
    found: list[list[int]] = []
    for i in range(len(parts)):
        for members in found:
            first = members[0]
            alike = kin[i] == kin[first] and flat[i] == flat[first] > 0
            if alike and np.abs(shares[i] - shares[first]).max() <= _SAME_SHARE:
                members.append(i)
                break
        else:
            found.append([i])
    return [np.concatenate([parts[i] for i in members]) for members in found]
