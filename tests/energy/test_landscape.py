"""The exact landscape against numbers: critical points, indices, barriers, basins."""

import numpy as np
import pytest
from numpy.typing import NDArray

from groupfeat.energy import (
    PairSet,
    barriers,
    basin_probabilities,
    blow_up_times,
    critical_levels,
    energy,
    energy_and_gradient,
    family_shares,
    find_basins,
    full_pairs,
    predicted_families,
    random_starts,
    riemannian_gradient,
    riemannian_spectrum,
    sample_critical,
    wilson_interval,
)
from groupfeat.groups import group_from_spec, irreps

Floats = NDArray[np.float64]


def flow_to_the_end(w: Floats, pairs: PairSet, steps: int = 3000, size: float = 0.05) -> Floats:
    """Follow the sphere's gradient flow by the classical Runge–Kutta scheme."""

    def velocity(x: Floats) -> Floats:
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
        e, g = energy_and_gradient(x, pairs)
        tangential = g - np.sum(g * x, axis=1, keepdims=True) * x
        return tangential / (4 * e.max())

    for _ in range(steps):
        k1 = velocity(w)
        k2 = velocity(w + size / 2 * k1)
        k3 = velocity(w + size / 2 * k2)
        k4 = velocity(w + size * k3)
        w = w + size / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        w /= np.linalg.norm(w, axis=1, keepdims=True)
    return w


@pytest.mark.parametrize("spec", ["C7", "S3", "D5", "Q8", "A4", "F21"])
def test_critical_points_have_the_stated_level_and_index(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    pairs, families = full_pairs(reps.group), predicted_families(reps)
    seen = 0
    for level in critical_levels(reps, max_units=3):
        if any(r > 1 and families[k].type == "quaternionic" for k, r in level.ranks):
            continue
        w = sample_critical(dict(level.ranks), reps, rng=seen)
        assert float(energy(w, pairs)) == pytest.approx(level.energy, rel=1e-12)
        assert np.abs(riemannian_gradient(w, pairs)).max() < 1e-12 * reps.group.order
        assert riemannian_spectrum(w, pairs).index == level.index
        seen += 1
    assert seen >= len(families)


def test_levels_of_the_theory_sheet() -> None:
    found = {
        spec: {
            round(c.energy, 3) for c in critical_levels(irreps(group_from_spec(spec)), max_units=3)
        }
        for spec in ("C7", "Q8")
    }
    assert {0.875, 0.583} <= found["C7"]
    assert {0.8, 0.667} <= found["Q8"]


def test_barriers_are_the_two_unit_saddles() -> None:
    reps = irreps(group_from_spec("S4"))
    families = predicted_families(reps)
    for barrier in barriers(reps):
        first, second = (families[i].energy for i in barrier.between)
        assert barrier.energy == pytest.approx(first * second / (first + second))
        assert barrier.energy < min(first, second)
        assert barrier.index == 1
    assert len(barriers(reps)) == 6


def test_a_saddle_falls_to_its_two_families() -> None:
    """Down both sides of the one ascending direction the flow reaches the two families."""
    reps = irreps(group_from_spec("S4"))
    pairs = full_pairs(reps.group)
    rng = np.random.default_rng(0)
    for barrier in barriers(reps):
        saddle = sample_critical(dict.fromkeys(barrier.between, 1), reps, rng=rng)
        starts = saddle + 1e-4 * rng.standard_normal((40, 48))
        starts /= np.linalg.norm(starts, axis=1, keepdims=True)
        assert set(find_basins(starts, reps).tolist()) == set(barrier.between)
        ends = flow_to_the_end(starts[:6], pairs, steps=1500)
        winners = np.argmax(family_shares(ends, reps)[:, 1:], axis=1)
        assert winners.tolist() == find_basins(starts[:6], reps).tolist()


@pytest.mark.parametrize("spec", ["C8", "S3", "Q8", "F21"])
def test_basins_agree_with_the_flow(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    starts = random_starts(reps.group.order, 250, rng=5)
    ends = flow_to_the_end(starts, full_pairs(reps.group))
    shares = family_shares(ends, reps)[:, 1:]
    settled = shares.max(1) > 0.99
    assert settled.mean() > 0.95
    agree = find_basins(starts, reps) == shares.argmax(1)
    assert agree[settled].mean() >= 0.995


def test_scalar_blow_up_time_is_the_logarithm() -> None:
    x, y = np.array([0.7, 2.0, 1.0]), np.array([0.2, 3.0, 1.0 + 1e-12])
    times = blow_up_times(*(np.sqrt(v).reshape(-1, 1, 1).astype(complex) for v in (x, y)))
    expected = [np.log(0.7 / 0.2) / (8 * 0.5), np.log(2 / 3) / (8 * -1), 1 / 8]
    np.testing.assert_allclose(times, expected, rtol=1e-9)


def test_blow_up_time_by_integration() -> None:
    """S' = 4(TS + ST) grows past any bound just at the stated time."""
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((2, 3, 3)) * 0.3
    (end,) = blow_up_times(a[None].astype(complex), b[None].astype(complex))
    t = 0.0
    while np.linalg.norm(a) < 1e6:
        step = 1e-3 / (np.linalg.norm(a) + np.linalg.norm(b)) ** 2
        k1 = (4 * a @ b @ b.T, 4 * a.T @ a @ b)
        half = (a + step / 2 * k1[0], b + step / 2 * k1[1])
        k2 = (4 * half[0] @ half[1] @ half[1].T, 4 * half[0].T @ half[0] @ half[1])
        a, b, t = a + step * k2[0], b + step * k2[1], t + step
    assert t == pytest.approx(end, rel=1e-4)


def test_basins_do_not_depend_on_scale() -> None:
    reps = irreps(group_from_spec("S4"))
    starts = random_starts(24, 200, rng=1)
    assert np.array_equal(find_basins(starts, reps), find_basins(1e3 * starts, reps))


@pytest.mark.parametrize("spec", ["C7", "S3", "Q8", "F21", "Dic3"])
def test_probabilities_lie_in_the_intervals_of_counts(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    probabilities, errors = basin_probabilities(reps, rng=0)
    assert probabilities.sum() == pytest.approx(1)
    basins = find_basins(random_starts(reps.group.order, 4000, rng=2), reps)
    counts = np.bincount(basins, minlength=len(probabilities))
    for p, error, count in zip(probabilities, errors, counts, strict=True):
        low, high = wilson_interval(int(count), 4000, z=4)
        assert low - 4 * error <= p <= high + 4 * error


def test_bad_ranks_are_refused() -> None:
    reps = irreps(group_from_spec("S3"))
    with pytest.raises(ValueError, match="no room for 2 units on family 0"):
        sample_critical({0: 2}, reps, rng=0)
    with pytest.raises(ValueError, match="at least one unit"):
        sample_critical({}, reps, rng=0)
    with pytest.raises(ValueError, match="max_units must be at least 1"):
        critical_levels(reps, max_units=0)
