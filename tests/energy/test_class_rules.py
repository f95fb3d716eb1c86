"""The rules by which a class of end points gets its kind, its index and its images."""

import numpy as np
import pytest

from groupfeat.energy import (
    Ascent,
    energy,
    full_pairs,
    get_activation,
    get_variant,
    predicted_families,
    random_starts,
    riemannian_spectrum,
    sample_critical,
    sample_family,
    sample_pairs,
    target_shares,
)
from groupfeat.energy.maxima._end_points import EndGroup, Landscape
from groupfeat.energy.maxima._maxima import _describe, _kind
from groupfeat.energy.maxima._symmetries import Symmetries, find_symmetries, orbit_distances
from groupfeat.groups import group_from_spec, irreps


def landscape_of(spec: str, name: str = "square") -> Landscape:
    reps = irreps(group_from_spec(spec))
    return Landscape(reps, full_pairs(reps.group), get_activation(name), get_variant("raw"), ())


def flipped(w: np.ndarray, s: int, t: int) -> np.ndarray:
    half = w.shape[-1] // 2
    return np.concatenate([s * w[..., :half], t * w[..., half:]], axis=-1)


@pytest.mark.parametrize(("s", "t"), [(1, -1), (-1, 1), (-1, -1)])
def test_the_cross_energy_makes_mixed_signs_one_point(s: int, t: int) -> None:
    """½[σ(a + b) − σ(a − b)] is odd in b for every σ, so that [a; −b] has the energy of [a; b]."""
    pairs = sample_pairs(group_from_spec("S3"), 0.8, rng=0)
    w, other = random_starts(6, 2, rng=1)
    found = find_symmetries(pairs, "square", "cross")
    assert (s, t) in found.signs
    assert float(energy(flipped(w, s, t), pairs, variant="cross")) == pytest.approx(
        float(energy(w, pairs, variant="cross"))
    )
    assert orbit_distances(w, flipped(w, s, t)[None], found)[0] < 1e-7
    one_sign = Symmetries(found.permutations[:1], ((s, t),), True)
    assert orbit_distances(w, flipped(other, s, t)[None], one_sign)[0] == pytest.approx(
        float(np.linalg.norm(w - other))
    )


def test_a_target_that_holds_half_of_the_output_is_no_memory() -> None:
    land = landscape_of("C7")
    points = random_starts(7, 4000, rng=0)
    points = points[np.abs(points).max(axis=1) < 0.6]
    held = target_shares(points, land.pairs, land.activation) / (1 - 1 / 7)
    half, most = points[(held > 0.6) & (held < 0.85)], points[held > 0.92]
    assert len(half) > 5
    assert len(most) > 2
    for w in half:
        assert _kind(w[None], 0.5, land) == ("mixed", "")
    for w in most:
        assert _kind(w[None], 0.5, land) == ("memorising", "spread")


def test_entries_of_the_smallest_groups_are_large_everywhere() -> None:
    """On three elements even a spread weight reaches √(2/3) = 0.816."""
    for spec, largest, shape in (
        ("C3", 0.75, ""),
        ("C3", 0.83, "focused"),
        ("C4", 0.65, ""),
        ("C7", 0.65, "focused"),
        ("C7", 0.55, ""),
    ):
        land = landscape_of(spec)
        order = land.pairs.order
        w = np.full(2 * order, np.sqrt((1 - largest**2) / (2 * order - 1)))
        w[::2] *= -1
        w[0] = largest
        assert target_shares(w, land.pairs, "square") < 0.8
        assert _kind(w[None], 0.5, land)[1] == shape


def test_a_class_tells_its_worst_member() -> None:
    """One maximum and one saddle in a class: the class has an ascending direction."""
    land = landscape_of("S3")
    top = sample_family(predicted_families(land.irreps)[0], land.irreps, count=1, rng=0)[0]
    saddle = sample_critical({0: 1, 1: 1}, land.irreps, rng=0)
    for rows in ([0, 1], [1, 0]):
        weights = np.stack([top, saddle])[rows]
        zero = np.zeros(2)
        ascent = Ascent(weights, energy(weights, land.pairs), zero, ("converged",) * 2, 1)
        shares = np.ones((2, 3))
        group = EndGroup(np.arange(2), ("orbit", 0))
        told = _describe(group, 0, 1, ascent, shares, land)
        spectra = [riemannian_spectrum(w, land.pairs) for w in weights]
        assert {s.index for s in spectra} == {0, 1}
        assert told.index == 1
        assert told.flat_dim == max(s.nullity for s in spectra) > min(s.nullity for s in spectra)
