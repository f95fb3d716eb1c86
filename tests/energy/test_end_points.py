"""End points that are one up to the symmetries of E, and those that are not."""

import numpy as np
import pytest

from groupfeat.energy import (
    Ascent,
    energy,
    find_maxima,
    full_pairs,
    get_activation,
    get_variant,
    pairs_from_arrays,
    predicted_families,
    random_starts,
    riemannian_spectrum,
    sample_family,
    sample_pairs,
    target_shares,
)
from groupfeat.energy.maxima._end_points import Landscape, group_end_points
from groupfeat.energy.maxima._symmetries import find_symmetries, orbit_distances
from groupfeat.groups import automorphisms, center, group_from_spec, irreps, isotypic_projector
from tests.energy.landscape_numerics import Floats


@pytest.mark.parametrize("spec", ["C2", "C7", "S3", "Q8", "D5"])
@pytest.mark.parametrize("name", ["tanh", "softplus"])
def test_symmetries_leave_the_energy_alone(spec: str, name: str) -> None:
    group = group_from_spec(spec)
    found = find_symmetries(full_pairs(group), name)
    (w,) = random_starts(group.order, 1, rng=1)
    pairs = full_pairs(group)
    level = float(energy(w, pairs, name))
    np.testing.assert_allclose(energy(w[found.permutations], pairs, name), level, rtol=1e-11)
    assert len(np.unique(found.permutations, axis=0)) == len(found.permutations)
    middle = len(center(group))
    inner = group.order // middle
    outer = len(automorphisms(group)) // inner
    assert len(found.permutations) == 2 * outer * group.order**3 // middle
    assert found.permutations[0].tolist() == list(range(2 * group.order))
    for s, t in found.signs:
        signed = np.concatenate([s * w[: group.order], t * w[group.order :]])
        assert float(energy(signed, pairs, name)) == pytest.approx(level, rel=1e-10)


@pytest.mark.parametrize("chosen", [(0, 1, 3), (0, 2), (1, 2, 4)])
def test_symmetries_of_a_pair_set_are_those_that_keep_its_energy(chosen: tuple[int, ...]) -> None:
    """Pairs whose product lies in a set: all other symmetries of all pairs change E."""
    group = group_from_spec("C7")
    g, h = np.nonzero(np.isin(group.cayley_table, chosen))
    pairs = pairs_from_arrays(group, g, h)
    every = find_symmetries(full_pairs(group), "gelu").permutations
    kept = find_symmetries(pairs, "gelu").permutations
    (w,) = random_starts(7, 1, rng=2)
    levels = energy(w[every], pairs, "gelu")
    stays = np.abs(levels / float(energy(w, pairs, "gelu")) - 1) < 1e-10
    assert 7 <= len(kept) == int(stays.sum()) < len(every)
    assert {tuple(row) for row in kept.tolist()} == {tuple(row) for row in every[stays].tolist()}


def test_random_pair_sets_and_large_groups_have_none() -> None:
    pairs = sample_pairs(group_from_spec("C11"), 0.5, rng=0)
    found = find_symmetries(pairs, "tanh")
    assert (len(found.permutations), found.is_complete) == (1, True)
    assert not found.by_values
    found = find_symmetries(full_pairs(group_from_spec("2x2x2x2x2")), "tanh")
    assert (found.is_complete, found.by_values) == (False, True)
    found = find_symmetries(full_pairs(group_from_spec("S5")), "tanh")
    assert (len(found.permutations), found.is_complete, found.by_values) == (1, False, True)


def test_the_exchange_is_dropped_where_the_energy_changes() -> None:
    """½[σ(a+b) − σ(a−b)] is not symmetric in a and b for tanh, but is for even σ."""
    group = group_from_spec("S3")
    counts = [
        len(find_symmetries(full_pairs(group), name, "cross").permutations)
        for name in ("tanh", "square")
    ]
    assert counts == [216, 432]


def test_orbit_distances_by_every_image() -> None:
    group = group_from_spec("S3")
    found = find_symmetries(full_pairs(group), "power")
    point, *others = random_starts(6, 4, rng=0)
    images = point[found.permutations]
    images = np.concatenate([s * images for s in (1, -1)])
    points = np.array([*others, images[100], images[301] + 1e-5])
    slow = [np.linalg.norm(images - other, axis=1).min() for other in points]
    np.testing.assert_allclose(orbit_distances(point, points, found), slow, atol=2e-8)


def ascent_at(weights: Floats, energies: Floats, statuses: tuple[str, ...] = ()) -> Ascent:
    errors = np.full(len(weights), 1e-10)
    return Ascent(weights, energies, errors, statuses or ("converged",) * len(weights), 1)


def test_points_of_one_energy_are_kept_apart_unless_symmetric() -> None:
    """Three images of one point are one class; another point of the same energy is another."""
    group = group_from_spec("S3")
    reps, sigma = irreps(group), get_activation("tanh")
    landscape = Landscape(reps, full_pairs(group), sigma, get_variant("raw"), ())
    point, other = random_starts(6, 2, rng=0)
    images = point[find_symmetries(full_pairs(group), sigma).permutations[[0, 77, 200]]]
    weights = np.concatenate([images, -images[1:2], other[None]])
    groups = group_end_points(
        ascent_at(weights, np.full(5, 2.0)), np.zeros(5, dtype=np.intp), landscape
    )
    assert sorted(sorted(g.rows.tolist()) for g in groups) == [[0, 1, 2, 3], [4]]
    assert len({g.orbit for g in groups}) == 2
    levels = np.array([2.0, 2.0 + 1e-5, 2.0, 2.0, 3.0])
    groups = group_end_points(ascent_at(weights, levels), np.zeros(5, dtype=np.intp), landscape)
    assert sorted(sorted(g.rows.tolist()) for g in groups) == [[0, 2, 3], [1], [4]]


def test_pure_weights_off_the_family_match_nothing() -> None:
    """One irrep and its energy are not enough: the nearest point decides, and the level."""
    reps = irreps(group_from_spec("S4"))
    families = predicted_families(reps)
    pairs, sigma = full_pairs(reps.group), get_activation("square")
    landscape = Landscape(reps, pairs, sigma, get_variant("raw"), families)
    on = sample_family(families[2], reps, count=3, rng=0)
    projector = isotypic_projector(reps, families[2].irreps)
    off = np.concatenate([projector @ half for half in random_starts(24, 1, rng=0).reshape(2, 24)])
    weights = np.stack([*on, off / np.linalg.norm(off)])
    levels = np.array([4.0, 4.0, 4.0 + 1e-7, 4.0])
    groups = group_end_points(ascent_at(weights, levels), np.full(4, 3), landscape)
    assert [g.rows.tolist() for g in groups if g.family == 2] == [[0, 1]]
    assert {row for g in groups if g.family is None for row in g.rows.tolist()} == {2, 3}


def test_flat_points_are_one_if_irrep_and_spectrum_agree() -> None:
    """Without the closed form: S4's two 3-dimensional families have equal levels and spectra."""
    reps = irreps(group_from_spec("S4"))
    families, sigma = predicted_families(reps), get_activation("square")
    landscape = Landscape(reps, full_pairs(reps.group), sigma, get_variant("raw"), ())
    points = [sample_family(families[k], reps, count=3, rng=k) for k in (2, 3)]
    ascent = ascent_at(np.concatenate(points), np.full(6, 4.0))
    groups = group_end_points(ascent, np.repeat([3, 4], 3), landscape)
    assert sorted(sorted(g.rows.tolist()) for g in groups) == [[0, 1, 2], [3, 4, 5]]
    assert len({g.orbit for g in groups}) == 2


def test_flat_points_of_kindred_irreps_share_an_orbit() -> None:
    """The automorphisms of C7 exchange its families: three classes of one orbit."""
    reps = irreps(group_from_spec("C7"))
    families, sigma = predicted_families(reps), get_activation("square")
    landscape = Landscape(reps, full_pairs(reps.group), sigma, get_variant("raw"), ())
    points = [sample_family(f, reps, count=3, rng=i) for i, f in enumerate(families)]
    ascent = ascent_at(np.concatenate(points), np.full(9, 1.75))
    groups = group_end_points(ascent, np.repeat([1, 2, 3], 3), landscape)
    assert sorted(sorted(g.rows.tolist()) for g in groups) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert len({g.orbit for g in groups}) == 1


def test_soft_manifolds_of_a_large_group_are_one_orbit() -> None:
    """tanh on C71: the maxima of a frequency lie on a torus along which E hardly changes."""
    reps = irreps(group_from_spec("C71"))
    found = find_maxima(reps, activation="tanh", starts=10, rng=0)
    assert found.is_converged
    assert len(found.classes) > 3
    assert {c.orbit for c in found.classes} == {0}


def test_images_in_a_large_group_agree_by_values() -> None:
    group = group_from_spec("S5")
    found = find_symmetries(full_pairs(group), "tanh")
    point, other = random_starts(120, 2, rng=0)
    s, u, v = 7, 50, 99
    table, inverse = group.cayley_table, group.inverse
    moved = (table[table[s], u], table[table[inverse[u]], v])
    image = np.concatenate([point[:120][moved[0]], point[120:][moved[1]]])
    exchanged = np.concatenate([image[120:][inverse], image[:120][inverse]])
    distances = orbit_distances(point, np.stack([image, -exchanged, other]), found)
    assert distances[:2].max() < 1e-12
    assert distances[2] > 0.01
    pairs = full_pairs(group)
    level = float(energy(point, pairs, "tanh"))
    np.testing.assert_allclose(energy(np.stack([image, exchanged]), pairs, "tanh"), level)


def test_what_did_not_converge_is_kept_apart() -> None:
    group = group_from_spec("S3")
    landscape = Landscape(
        irreps(group), full_pairs(group), get_activation("relu"), get_variant("raw"), ()
    )
    weights = np.repeat(random_starts(6, 1, rng=0), 4, axis=0)
    statuses = ("converged", "not converged: raise", "converged", "not converged: raise")
    ascent = ascent_at(weights, np.full(4, 1.0), statuses)
    groups = group_end_points(ascent, np.zeros(4, dtype=np.intp), landscape)
    assert sorted(sorted(g.rows.tolist()) for g in groups) == [[0, 2], [1, 3]]


def test_frequencies_of_one_orbit_are_classes_of_one_number() -> None:
    """Automorphisms of C7 exchange its three frequencies: one orbit, a class for each."""
    reps = irreps(group_from_spec("C7"))
    found = find_maxima(reps, starts=60, rng=0)
    assert {c.orbit for c in found.classes} == {0}
    assert found.unseen_orbits == pytest.approx(1 - 0.05 ** (1 / 60))
    assert found.unseen_orbits <= found.unseen_probability + 1e-15
    assert len(found.classes) == 3
    tanh = find_maxima(reps, activation="tanh", starts=150, rng=0)
    assert tanh.is_converged
    by_orbit: dict[int, set[tuple[int, ...]]] = {}
    for c in tanh.classes:
        by_orbit.setdefault(c.orbit, set()).add(c.irreps)
        assert c.index == 0
    assert {(1, 2), (3, 4), (5, 6)} in by_orbit.values()
    for orbit in by_orbit:
        levels = [c.energy for c in tanh.classes if c.orbit == orbit]
        assert max(levels) - min(levels) < 1e-7 * max(levels)


def test_an_inner_family_is_no_orbit_with_another() -> None:
    """The two 3-dimensional irreps of S4 have one energy but no automorphism between them."""
    found = find_maxima(irreps(group_from_spec("S4")), starts=80, rng=0)
    assert len({c.orbit for c in found.classes}) == len(found.classes) == 4


def test_members_are_described_by_their_worst() -> None:
    found = find_maxima(irreps(group_from_spec("S3")), activation="silu", starts=60, rng=2)
    pairs = full_pairs(group_from_spec("S3"))
    for c in found.classes:
        spectrum = riemannian_spectrum(c.representative, pairs, "silu")
        assert (c.flat_dim, c.index) == (spectrum.nullity, spectrum.index)
        assert float(energy(c.representative, pairs, "silu")) == pytest.approx(c.energy, rel=1e-6)
    assert sum(c.count for c in found.classes) == 60
    assert found.starts_needed(0.01) >= 299


def test_target_shares_of_a_lone_target() -> None:
    """One target alone: 1 − 1/M; one node for every target alike: 1/M."""
    pairs = full_pairs(group_from_spec("C5"))
    w = np.zeros(10)
    w[0] = w[5] = 1
    # x² at (e_0, e_0): 4 on the pair (0, 0), 1 on eight pairs, so that one target stands out.
    assert target_shares(w, pairs, "square") == pytest.approx(1 - 1 / 5)
    waves = np.cos(2 * np.pi * np.arange(5) / 5)
    assert float(target_shares(np.concatenate([waves, waves]), pairs, "square")) == pytest.approx(
        2 / 5
    )


def test_variants_reach_the_search() -> None:
    reps = irreps(group_from_spec("C7"))
    pairs = sample_pairs(reps.group, 0.8, rng=0)
    raw, cross = (
        find_maxima(reps, pairs=pairs, variant=name, starts=20, rng=0) for name in ("raw", "cross")
    )
    assert raw.classes[0].energy != pytest.approx(cross.classes[0].energy, rel=1e-3)
    for variant in ("cross", "ht"):
        assert find_maxima(reps, variant=variant, starts=20, rng=0).unmatched == 0
