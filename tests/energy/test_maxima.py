"""Predicted families, found maxima, and the statements that the source has wrong."""

from dataclasses import replace

import numpy as np
import pytest

from groupfeat.energy import (
    PredictedFamily,
    ascend,
    energy,
    family_shares,
    find_basins,
    find_maxima,
    full_pairs,
    get_activation,
    pairs_from_arrays,
    predicted_families,
    random_starts,
    rank_one_shares,
    riemannian_gradient,
    sample_family,
    sample_pairs,
    wilson_interval,
)
from groupfeat.groups import Irreps, group_from_spec, irreps, isotypic_projector

# Levels in units of M, from the theory sheet's independent ascents.
LEVELS = {
    "C7": [1 / 4],
    "C8": [1 / 2, 1 / 4],
    "S3": [1 / 2, 1 / 4],
    "S4": [1 / 2, 1 / 4, 1 / 6],
    "Q8": [1 / 2, 1 / 8],
    "A5": [1 / 6, 1 / 8, 1 / 10],
}


@pytest.mark.parametrize("spec", LEVELS)
def test_ascent_ends_in_the_predicted_families(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    found = find_maxima(reps, starts=200, rng=1)
    assert found.is_converged
    assert found.unmatched == 0
    assert {c.matches for c in found.classes} == set(range(len(found.predicted)))
    assert sum(c.count for c in found.classes) == 200
    levels = {round(c.energy / reps.group.order, 9) for c in found.classes}
    assert levels == {round(level, 9) for level in LEVELS[spec]}
    for c in found.classes:
        family = found.predicted[c.matches or 0]
        assert abs(c.energy - family.energy) < 1e-9
        assert (c.flat_dim, c.index) == (family.flat_dim, 0)
        assert c.isotypic_share > 1 - 1e-9
        assert c.rank_one_share > 1 - 1e-9
        assert c.gradient_norm <= 1e-8
        assert c.distance < 1e-7
        assert c.examined == min(3, c.count)


def test_a_loose_tolerance_still_finds_the_families() -> None:
    found = find_maxima(irreps(group_from_spec("S4")), starts=40, rng=0, tolerance=1e-4)
    assert found.unmatched == 0
    assert 1e-6 < max(c.distance for c in found.classes) < 1e-3


@pytest.mark.parametrize("spec", ["C8", "S4"])
def test_the_flow_finds_each_start_its_own_basin(spec: str) -> None:
    """Counts by the flow are those of the closed form; the fast ascent may cross over."""
    reps = irreps(group_from_spec(spec))
    starts = random_starts(reps.group.order, 200, rng=5)
    found = find_maxima(reps, starts=200, rng=5, method="flow")
    exact = np.bincount(find_basins(starts, reps), minlength=len(found.predicted))
    ends = np.argmax(family_shares(found.ascent.weights, reps), axis=1) - 1
    assert np.mean(ends == find_basins(starts, reps)) >= 0.995
    for c in found.classes:
        assert abs(c.count - exact[c.matches]) <= 1


def test_methods_that_do_not_fit_are_refused() -> None:
    reps = irreps(group_from_spec("S3"))
    with pytest.raises(ValueError, match="method 'flow' needs a smooth σ, got relu"):
        find_maxima(reps, activation="relu", method="flow", rng=0)
    with pytest.raises(ValueError, match="unknown method 'slow'"):
        find_maxima(reps, method="slow", rng=0)
    with pytest.raises(ValueError, match="unknown method 'slow'"):
        find_maxima(reps, activation="relu", method="slow", starts=2, rng=0)


def test_half_square_has_the_printed_levels() -> None:
    """M/(8d) and M/(16d) as printed hold for σ = x²/2."""
    found = find_maxima(irreps(group_from_spec("S3")), activation="half_square", starts=50, rng=0)
    assert found.unmatched == 0
    assert sorted({round(c.energy, 9) for c in found.classes}) == [6 / 16, 6 / 8]


def test_phases_are_free_on_a_cyclic_group() -> None:
    """On Z7 the two phases are independent, not tied as in [u; ±Pu]."""
    g = np.arange(7)
    for k, first, second in ((1, 0.3, 1.9), (2, 2.2, 0.1), (3, 5.0, 4.0)):
        blocks = [np.cos(2 * np.pi * k * g / 7 + phase) for phase in (first, second)]
        w = np.concatenate([b / np.linalg.norm(b) for b in blocks]) / np.sqrt(2)
        pairs = full_pairs(group_from_spec("C7"))
        assert np.abs(riemannian_gradient(w, pairs)).max() < 1e-14
        assert abs(float(energy(w, pairs)) - 7 / 4) < 1e-12


@pytest.mark.parametrize(("spec", "index", "critical"), [("C5", 1, True), ("S4", 3, False)])
def test_printed_maxima_are_critical_in_dimension_one_only(
    spec: str, index: int, critical: bool
) -> None:
    """[u; ±Pu], u generic in the isotypic part, P: g ↦ g⁻¹."""
    reps = irreps(group_from_spec(spec))
    family = sorted({index, int(reps.table.conjugate[index])})
    projector = isotypic_projector(reps, family)
    u = projector @ np.random.default_rng(0).standard_normal(reps.group.order)
    for sign in (1, -1):
        w = np.concatenate([u, sign * u[reps.group.inverse]])
        w /= np.linalg.norm(w)
        size = np.abs(riemannian_gradient(w, full_pairs(reps.group))).max()
        assert bool(size < 1e-12) is critical
        if not critical:
            assert size > 1e-2


def test_energy_never_falls_and_statuses_tell() -> None:
    group = group_from_spec("S3")
    pairs, sigma = sample_pairs(group, 0.8, rng=0), get_activation("silu")
    starts = random_starts(6, 40, rng=0)
    before = energy(starts, pairs, "silu")
    short = ascend(starts, pairs, sigma, max_iterations=1)
    assert np.all(short.energies >= before * (1 - 1e-12))
    long = ascend(starts, pairs, sigma)
    assert np.all(long.energies >= before * (1 - 1e-12))
    assert all(status.startswith("converged") for status in long.statuses)
    assert np.all(long.gradient_norms <= 1e-8)
    np.testing.assert_allclose(np.linalg.norm(long.weights, axis=1), 1)
    gradients = riemannian_gradient(long.weights, pairs, "silu")
    assert np.abs(gradients).max() < 1e-7 * np.abs(long.energies).max()


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "cube", "relu", "softplus"])
def test_no_single_iteration_lowers_the_energy(name: str) -> None:
    group = group_from_spec("D5")
    pairs, sigma = sample_pairs(group, 0.6, rng=3), get_activation(name)
    points = 4 * random_starts(10, 60, rng=1)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    for _ in range(25):
        before = energy(points, pairs, name)
        points = ascend(points, pairs, sigma, max_iterations=1, tolerance=1e-13).weights
        assert np.all(energy(points, pairs, name) >= before * (1 - 1e-9))


def test_a_class_of_wrong_nullity_matches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_flat_too_many(reps: Irreps) -> tuple[PredictedFamily, ...]:
        return tuple(replace(f, flat_dim=f.flat_dim + 1) for f in predicted_families(reps))

    monkeypatch.setattr("groupfeat.energy.maxima._maxima.predicted_families", one_flat_too_many)
    found = find_maxima(irreps(group_from_spec("S3")), starts=20, rng=0)
    assert found.unmatched == 20


def test_stalled_starts_say_so() -> None:
    group = group_from_spec("C5")
    relu = get_activation("relu")
    ended = ascend(random_starts(5, 30, rng=0), full_pairs(group), relu, max_iterations=3)
    assert any(status.startswith("not converged: raise") for status in ended.statuses)


def test_few_pairs_have_memorising_maxima() -> None:
    """One pair and its neighbours: the weight concentrates on the elements of the pair."""
    reps = irreps(group_from_spec("C11"))
    pairs = sample_pairs(reps.group, 0.2, rng=0)
    found = find_maxima(reps, pairs=pairs, starts=50, rng=0)
    assert found.predicted == ()
    kinds = {c.kind for c in found.classes}
    assert "memorising" in kinds
    for c in found.classes:
        assert (np.abs(c.representative).max() >= 0.6) == (c.shape == "focused")
        assert (c.kind == "memorising") == bool(c.shape)
        assert c.matches is None


def test_shares_name_the_family_of_its_points() -> None:
    reps = irreps(group_from_spec("F21"))
    for position, family in enumerate(predicted_families(reps)):
        points = sample_family(family, reps, count=4, rng=2)
        shares = family_shares(points, reps)
        np.testing.assert_allclose(shares.sum(1), 1)
        np.testing.assert_allclose(shares[:, position + 1], 1)
        np.testing.assert_allclose(rank_one_shares(points, reps[family.irreps[0]]), 1)


def test_a_generic_point_is_not_rank_one() -> None:
    reps = irreps(group_from_spec("S4"))
    points = random_starts(24, 20, rng=0)
    assert rank_one_shares(points, reps[3]).max() < 0.99


def test_bad_input_is_refused() -> None:
    reps = irreps(group_from_spec("C3"))
    with pytest.raises(ValueError, match="starts must be at least 1, got 0"):
        find_maxima(reps, starts=0, rng=0)
    other = pairs_from_arrays(group_from_spec("C4"), [0], [0])
    with pytest.raises(ValueError, match="pairs are of C4, irreps of C3"):
        find_maxima(reps, pairs=other, rng=0)


def test_the_trivial_group_has_no_maxima() -> None:
    reps = irreps(group_from_spec("C1"))
    for method in ("fast", "flow"):
        found = find_maxima(reps, starts=5, rng=0, method=method)
        assert (found.predicted, found.classes, found.unmatched) == ((), (), 0)
        assert found.unseen_probability == found.unseen_orbits == 0
        assert set(found.ascent.statuses) == {"E vanishes here: start elsewhere"}
    with pytest.raises(ValueError, match="starts must be at least 1"):
        find_maxima(reps, starts=0, rng=0)


def test_linear_activations_have_no_maximum_on_full_data() -> None:
    found = find_maxima(irreps(group_from_spec("S3")), activation="linear", starts=30, rng=0)
    (only,) = found.classes
    assert (only.kind, only.count) == ("zero", 30)
    assert only.energy < 1e-20
    assert found.is_converged


def test_a_group_built_twice_is_one_group() -> None:
    reps = irreps(group_from_spec("C5"))
    pairs = full_pairs(group_from_spec("C5"))
    assert find_maxima(reps, pairs=pairs, starts=10, rng=0).unmatched == 0


def test_newton_steps_finish_what_stalls() -> None:
    """Sigmoid is nearly linear on the unit sphere: the ascent alone stalls there."""
    found = find_maxima(irreps(group_from_spec("C11")), activation="sigmoid", starts=50, rng=0)
    assert found.is_converged
    assert "converged after Newton steps" in found.ascent.statuses


def test_intervals_and_progress_tell_the_counts() -> None:
    calls: list[tuple[int, int]] = []
    reps = irreps(group_from_spec("S3"))
    found = find_maxima(reps, starts=40, rng=0, progress=lambda *call: calls.append(call))
    for c in found.classes:
        assert c.probability_interval == wilson_interval(c.count, 40)
        assert c.probability == c.count / 40
    assert calls[-1] == (40, 40)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
