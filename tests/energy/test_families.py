"""Predicted families: spectra, nearest points, flat directions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from groupfeat.energy import (
    PredictedFamily,
    critical_levels,
    energy,
    family_shares,
    flat_directions,
    full_pairs,
    nearest_in_family,
    predicted_families,
    random_starts,
    rank_one_shares,
    riemannian_gradient,
    riemannian_hessian,
    riemannian_spectrum,
    sample_critical,
    sample_family,
    target_shares,
)
from groupfeat.groups import FiniteGroup, Irreps, group_from_spec, irreps
from tests.energy.landscape_numerics import Floats
from tests.energy.oracles import sign_weight
from tests.strategies import groups

SPECS = ["C7", "C8", "S3", "S4", "D5", "Q8", "Dic3", "F21", "A4", "C3xS3", "SmallGroup(32,50)"]


def families_of(spec: str) -> tuple[Irreps, tuple[PredictedFamily, ...]]:
    reps = irreps(group_from_spec(spec))
    return reps, predicted_families(reps)


@pytest.mark.parametrize("spec", SPECS)
def test_points_of_the_families_are_strict_maxima(spec: str) -> None:
    reps, families = families_of(spec)
    pairs = full_pairs(reps.group)
    for family in families[-4:]:
        points = sample_family(family, reps, count=3, rng=0)
        np.testing.assert_allclose(energy(points, pairs), family.energy, rtol=1e-12)
        assert np.abs(riemannian_gradient(points, pairs)).max() < 1e-12 * reps.group.order
        spectrum = riemannian_spectrum(points[0], pairs)
        stated = np.concatenate([np.full(n, value) for value, n in family.hessian_spectrum])
        np.testing.assert_allclose(spectrum.eigenvalues, np.sort(stated), atol=1e-9 * family.energy)
        assert (spectrum.index, spectrum.nullity) == (0, family.flat_dim)


def test_dimensions_of_the_theory_sheet() -> None:
    for spec in SPECS:
        for f in families_of(spec)[1]:
            d = f.dim
            flat = {"real": 3 * (d - 1), "complex": 6 * d - 4, "quaternionic": 6 * d - 6}[f.type]
            steep = {"real": d, "complex": 2 * d - 1, "quaternionic": 2 * d - 3}[f.type]
            assert (f.flat_dim, f.steep_dim) == (flat, steep)


@pytest.mark.parametrize("spec", ["C7", "S4", "Q8", "F21", "SmallGroup(32,50)"])
def test_flat_directions_are_the_kernel_of_the_hessian(spec: str) -> None:
    reps, families = families_of(spec)
    pairs = full_pairs(reps.group)
    for family in families[-2:]:
        (point,) = sample_family(family, reps, count=1, rng=4)
        flat = flat_directions(point, family, reps)
        assert flat.shape == (2 * reps.group.order, family.flat_dim)
        np.testing.assert_allclose(flat.T @ flat, np.eye(family.flat_dim), atol=1e-12)
        assert np.linalg.norm(point @ flat) < 1e-12
        # Along each of them the gradient stays 0 to first order.
        step = 1e-5
        for direction in flat.T:
            moved = point * np.cos(step) + direction * np.sin(step)
            assert np.linalg.norm(riemannian_gradient(moved, pairs)) < 1e-4 * step * family.energy
        values = np.linalg.eigvalsh(riemannian_hessian(point, pairs))
        assert np.sum(np.abs(values) < 1e-9) == family.flat_dim


def searched(w: Floats, family: PredictedFamily, reps: Irreps, seed: int) -> float:
    """Return the least distance that BFGS over free x, y, z reaches from four starts."""
    matrices = reps[family.irreps[0]].matrices()
    parts = 1 if family.type == "real" else 2

    def point(free: Floats) -> Floats:
        vectors = free.reshape(3, parts, family.dim)
        x, y, z = vectors[:, 0] + (1j * vectors[:, 1] if parts == 2 else 0)
        halves = [
            np.einsum("i,gji,j->g", left.conj(), matrices.conj(), right).real
            for left, right in ((y, x), (z, y))
        ]
        return np.concatenate([h / np.linalg.norm(h) for h in halves]) / np.sqrt(2)

    rng = np.random.default_rng(seed)
    starts = rng.standard_normal((4, 3 * parts * family.dim))
    ends = [minimize(lambda v: np.sum((w - point(v)) ** 2), start, tol=1e-12) for start in starts]
    return float(np.sqrt(min(end.fun for end in ends)))


@pytest.mark.parametrize("spec", ["C7", "S4", "Q8", "F21"])
def test_no_search_comes_nearer_than_the_nearest_point(spec: str) -> None:
    reps, families = families_of(spec)
    weights = random_starts(reps.group.order, 2, rng=7)
    for family in families[-2:]:
        found = nearest_in_family(weights, family, reps)
        for w, distance in zip(weights, found.distances, strict=True):
            assert distance == pytest.approx(searched(w, family, reps, 0), abs=1e-5)


@pytest.mark.parametrize("spec", ["C7", "C8", "S4", "Q8", "F21", "SmallGroup(32,50)"])
def test_nearest_points_carry_their_proof(spec: str) -> None:
    reps, families = families_of(spec)
    pairs = full_pairs(reps.group)
    weights = random_starts(reps.group.order, 60, rng=1)
    for family in families[-3:]:
        found = nearest_in_family(weights, family, reps)
        assert np.abs(found.gaps).max() < 1e-12
        np.testing.assert_allclose(np.linalg.norm(found.points, axis=1), 1)
        np.testing.assert_allclose(energy(found.points, pairs), family.energy)
        members = sample_family(family, reps, count=300, rng=2)
        overlaps = weights @ members.T
        assert np.all(overlaps.max(1) <= np.sum(weights * found.points, axis=1) + 1e-12)
        again = nearest_in_family(found.points, family, reps)
        assert again.distances.max() < 1e-12


def test_nearest_points_where_the_bound_has_a_kink() -> None:
    """â*â = diag(4, 1), b̂b̂* = diag(1, 4): the top eigenvalue is double at the optimum."""
    reps, families = families_of("S3")
    matrices = reps[2].matrices()
    blocks = np.diag([2.0, 1.0]), np.diag([1.0, 2.0])
    w = np.concatenate([np.einsum("ij,gij->g", b, matrices) for b in blocks])
    found = nearest_in_family(w, families[1], reps)
    assert abs(found.gaps) < 1e-12 * np.linalg.norm(w)
    assert found.distances == pytest.approx(searched(w, families[1], reps, 1), abs=1e-6)


def test_weights_without_any_part_in_the_family_are_served() -> None:
    reps, families = families_of("S4")
    found = nearest_in_family(np.zeros((2, 48)), families[2], reps)
    np.testing.assert_allclose(found.distances, 1)
    assert nearest_in_family(np.zeros((0, 48)), families[2], reps).points.shape == (0, 48)
    (sign,) = sample_family(families[0], reps, count=1, rng=0)
    found = nearest_in_family(sign, families[2], reps)
    assert found.distances == pytest.approx(np.sqrt(2))
    assert abs(found.gaps) < 1e-12


def test_bad_points_are_refused() -> None:
    reps, families = families_of("S3")
    with pytest.raises(ValueError, match=r"weights need shape \(..., 12\)"):
        nearest_in_family(np.zeros(6), families[0], reps)
    with pytest.raises(ValueError, match="expected one point of family"):
        flat_directions(random_starts(6, 1, rng=0)[0], families[1], reps)
    # Off the family by 1e-4.
    (point,) = sample_family(families[1], reps, count=1, rng=0)
    with pytest.raises(ValueError, match=r"at distance 1\.0e-04"):
        flat_directions(point + 1e-4 * sign_weight(), families[1], reps)


def test_families_of_another_group_are_refused() -> None:
    reps, other = irreps(group_from_spec("C8")), predicted_families(irreps(group_from_spec("C7")))
    w = np.ones(16)
    with pytest.raises(ValueError, match=r"families must be of C8, got irreps \(1, 2\)"):
        sample_family(other[0], reps, count=1, rng=0)
    with pytest.raises(ValueError, match="families must be of C8"):
        nearest_in_family(w, other[0], reps)
    with pytest.raises(ValueError, match="families must be of C8"):
        flat_directions(w, other[0], reps)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e170, 1j])
def test_weights_without_meaning_are_refused(bad: complex) -> None:
    reps, families = families_of("S3")
    for call in (
        lambda w: nearest_in_family(w, families[1], reps),
        lambda w: flat_directions(w, families[1], reps),
        lambda w: family_shares(w, reps),
        lambda w: rank_one_shares(w, reps[2]),
        lambda w: target_shares(w, full_pairs(reps.group), "square"),
    ):
        with pytest.raises(ValueError, match="weights must be"):
            call(np.full(12, bad))
        with pytest.raises(ValueError, match="weights"):
            call(1.0)
        with pytest.raises(ValueError, match="weights"):
            call(np.ones(3))
    with pytest.raises(ValueError, match="count must be"):
        sample_family(families[0], reps, count=-1, rng=0)


@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e140])
def test_nearest_point_to_one_half(half: int, scale: float) -> None:
    """b = 0: the best overlap is the top singular value of â, and y its right vector."""
    reps, families = families_of("S4")
    weights = random_starts(24, 20, rng=4).reshape(-1, 2, 24)
    weights[:, 1 - half] = 0
    w = weights.reshape(-1, 48)
    for family in families:
        found = nearest_in_family(scale * w, family, reps)
        blocks = np.einsum("ng,gij->nij", weights[:, half], reps[family.irreps[0]].matrices())
        top = np.linalg.svd(blocks, compute_uv=False)[:, 0] * np.sqrt(family.dim / 48)
        np.testing.assert_allclose(np.sum(w * found.points, axis=1), top, rtol=1e-12)
        assert np.abs(found.gaps).max() <= 1e-12 * scale


@pytest.mark.parametrize("spec", ["C7", "S4", "Q8"])
def test_samples_fill_the_whole_manifold(spec: str) -> None:
    """x, y, z are free: each half alone spans the whole isotypic part."""
    reps, families = families_of(spec)
    for family in families:
        points = sample_family(family, reps, count=400, rng=0)
        half = reps.group.order
        a, b = points[:, :half], points[:, half:]
        spans = [np.linalg.matrix_rank(part, tol=1e-8) for part in (a, b)]
        full = {"real": 1, "complex": 2, "quaternionic": 1}[family.type] * family.dim**2
        assert spans == [full, full]


@settings(deadline=None, max_examples=15)
@given(groups(max_order=24), st.integers(0, 2**32 - 1))
def test_laws_of_families_and_levels_on_any_group(group: FiniteGroup, seed: int) -> None:
    """Dimensions fill the sphere; sampled points are critical on their level; shares add up."""
    reps, pairs = irreps(group), full_pairs(group)
    levels = critical_levels(reps, max_units=3)
    for level in levels:
        assert sum(n for _, n in level.hessian_spectrum) == 2 * group.order - 1
    singles = [level for level in levels if level.index == 0]
    assert sum(level.count for level in singles) == len(predicted_families(reps))
    for level in levels[-2:]:
        w = sample_critical(dict(level.ranks), reps, rng=seed)
        assert float(energy(w, pairs)) == pytest.approx(level.energy, rel=1e-10)
        assert np.abs(riemannian_gradient(w, pairs)).max() < 1e-11 * group.order
    for family in predicted_families(reps)[-2:]:
        found = nearest_in_family(random_starts(group.order, 3, rng=seed), family, reps)
        assert np.abs(found.gaps).max() < 1e-11
        assert np.all(found.distances**2 <= 2 + 1e-9)
    if levels:
        assert levels[0].energy == max(f.energy for f in predicted_families(reps))
