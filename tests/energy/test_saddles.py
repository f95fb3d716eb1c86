"""Saddles, flow and local model against slower roads; full data against the closed form."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from groupfeat.energy import (
    CriticalPoints,
    PairSet,
    branches_of,
    declared_flat,
    energy,
    energy_and_gradient,
    find_saddles,
    follow_flow,
    full_pairs,
    random_starts,
    riemannian_gradient,
    riemannian_spectrum,
    sample_critical,
    sample_pairs,
    symmetry_directions,
)
from groupfeat.energy.ascent._local_model import local_model, make_problem
from groupfeat.energy.saddles._saddles import _flowed, _saddle_step
from groupfeat.groups import cyclic, group_from_spec, irreps, symmetric

Floats = NDArray[np.float64]
SMOOTH = ("square", "cube", "power", "silu", "gelu", "tanh", "sigmoid", "softplus")


def flow_by_small_steps(w: Floats, pairs: PairSet, step: float) -> Floats:
    """Runge and Kutta's flow of ẇ = ∇E/‖∇E‖ on the sphere, all starts abreast."""

    def slope(x: Floats) -> Floats:
        unit = x / np.linalg.norm(x, axis=1, keepdims=True)
        gradient: Floats = riemannian_gradient(unit, pairs)
        return gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-2)

    for _ in range(500):
        k1 = slope(w)
        k2 = slope(w + step / 2 * k1)
        k3 = slope(w + step / 2 * k2)
        w = w + step / 6 * (k1 + 2 * k2 + 2 * k3 + slope(w + step * k3))
        w /= np.linalg.norm(w, axis=1, keepdims=True)
    return w


@pytest.mark.parametrize("variant", ["raw", "cross", "ht"])
@pytest.mark.parametrize("sampling", ["without", "with"])
@pytest.mark.parametrize("activation", SMOOTH)
def test_local_model_agrees_with_the_kernels(activation: str, sampling: str, variant: str) -> None:
    pairs = sample_pairs(symmetric(3), 0.8, sampling=sampling, rng=0)
    w = random_starts(6, 3, rng=1)
    model = local_model(w, make_problem(pairs, activation, variant))
    energies, gradients = energy_and_gradient(w, pairs, activation, variant=variant)
    np.testing.assert_allclose(model.energies, energies, rtol=1e-10)
    tangents = riemannian_gradient(w, pairs, activation, variant=variant)
    np.testing.assert_allclose(model.gradients, tangents, atol=1e-12)
    for i, point in enumerate(w):
        expected = riemannian_spectrum(point, pairs, activation, variant=variant).eigenvalues
        assert np.isneginf(model.values[i, 0])
        np.testing.assert_allclose(model.values[i, 1:], expected, atol=1e-10)
        tangential = np.linalg.norm(model.gradients[i]) / np.linalg.norm(gradients[i])
        assert model.relative_gradients[i] == pytest.approx(tangential, rel=1e-9)


@pytest.mark.parametrize("spec", ["C7", "S3", "Q8", "A4"])
def test_energy_is_flat_along_the_symmetry(spec: str) -> None:
    pairs = full_pairs(group_from_spec(spec))
    w = random_starts(pairs.order, 1, rng=0)
    directions = symmetry_directions(w, pairs)[0]
    gradient = energy_and_gradient(w, pairs)[1][0]
    assert np.abs(gradient @ directions).max() < 1e-10 * np.linalg.norm(gradient)
    # Not only at this point: a path that follows one generator keeps E.
    pick = np.random.default_rng(1).standard_normal(directions.shape[1])
    point = w.copy()
    for _ in range(200):
        middle = point + 0.0005 * symmetry_directions(point, pairs) @ pick
        point = point + 0.001 * symmetry_directions(middle, pairs) @ pick
    assert np.linalg.norm(point - w) > 0.05
    assert float(energy(point, pairs)[0]) == pytest.approx(float(energy(w, pairs)[0]), rel=1e-4)


@pytest.mark.parametrize(("spec", "ranks"), [("C7", {0: 1, 1: 1}), ("S3", {1: 2}), ("A4", {0: 1})])
def test_symmetry_spans_every_flat_direction_of_a_critical_point(
    spec: str, ranks: dict[int, int]
) -> None:
    group = group_from_spec(spec)
    pairs = full_pairs(group)
    point = sample_critical(ranks, irreps(group), rng=0)
    found = np.linalg.matrix_rank(symmetry_directions(point[None], pairs)[0], tol=1e-6)
    assert found == riemannian_spectrum(point, pairs).nullity


def test_flow_ends_where_small_steps_end() -> None:
    pairs = sample_pairs(cyclic(7), 38 / 49, rng=2)
    starts = random_starts(7, 40, rng=5)
    ended = follow_flow(starts, pairs)
    assert ended.is_converged.all()
    assert not ended.indices.any()
    twins = flow_by_small_steps(starts, pairs, 0.02)
    overlap = np.abs(np.sum(twins * ended.weights, axis=1))
    assert np.sum(overlap > 0.99) >= 39


@pytest.mark.parametrize("activation", ["square", "silu", "tanh"])
def test_saddles_carry_a_certificate_that_other_code_confirms(activation: str) -> None:
    pairs = sample_pairs(symmetric(3), 30 / 36, rng=1)
    found = find_saddles(random_starts(6, 60, rng=3), pairs, activation)
    saddles = found.take(np.flatnonzero(found.is_converged & (found.indices == 1)))
    assert len(saddles) >= 40
    for i, w in enumerate(saddles.weights[:20]):
        gradient = energy_and_gradient(w, pairs, activation)[1]
        tangent = riemannian_gradient(w, pairs, activation)
        assert np.linalg.norm(tangent) <= 1e-8 * np.linalg.norm(gradient)
        spectrum = riemannian_spectrum(w, pairs, activation)
        assert (spectrum.index, spectrum.nullity) == (1, saddles.nullities[i])


def test_branches_climb_away_from_the_saddle() -> None:
    pairs = sample_pairs(cyclic(7), 28 / 49, rng=0)
    found = find_saddles(random_starts(7, 30, rng=3), pairs)
    saddles = found.take(np.flatnonzero(found.is_converged & (found.indices == 1)))
    for side in branches_of(saddles, pairs):
        assert side.is_converged.all()
        assert not side.indices.any()
        assert np.all(side.energies > saddles.energies)
    first, second = branches_of(saddles, pairs)
    assert np.any(np.linalg.norm(first.weights - second.weights, axis=1) > 0.1)


def test_branches_refuse_what_is_no_saddle() -> None:
    pairs = sample_pairs(cyclic(7), 0.8, rng=0)
    tops = follow_flow(random_starts(7, 2, rng=0), pairs)
    with pytest.raises(ValueError, match="index 1"):
        branches_of(tops, pairs)


def test_kinked_activations_are_refused() -> None:
    pairs = full_pairs(cyclic(5))
    with pytest.raises(ValueError, match="kinks"):
        find_saddles(random_starts(5, 2, rng=0), pairs, "relu")


@pytest.mark.parametrize("spec", ["C7", "S3", "D5", "Q8"])
def test_full_data_declares_all_flat_directions(spec: str) -> None:
    pairs = full_pairs(group_from_spec(spec))
    flat = declared_flat(pairs, "square")
    found = find_saddles(random_starts(pairs.order, 60, rng=0), pairs, flat=flat)
    saddles = found.take(np.flatnonzero(found.is_converged & (found.indices == 1)))
    assert len(saddles) >= 30
    np.testing.assert_array_equal(saddles.declared, saddles.nullities)
    assert saddles.declared.max() > 0
    bare = find_saddles(random_starts(pairs.order, 20, rng=0), pairs)
    assert not bare.declared.any()


def test_no_symmetry_is_declared_elsewhere() -> None:
    assert declared_flat(sample_pairs(cyclic(7), 0.9, rng=0), "square") is None
    assert declared_flat(full_pairs(cyclic(7)), "tanh") is None


def test_points_of_vanishing_energy_are_told_apart() -> None:
    ended = follow_flow(random_starts(5, 3, rng=0), full_pairs(cyclic(5)), "linear")
    assert all("vanishes" in status for status in ended.statuses)
    assert not ended.is_converged.any()
    assert isinstance(ended, CriticalPoints)


@pytest.mark.parametrize("search", [find_saddles, follow_flow])
def test_starts_that_are_no_batch_of_unit_weights_are_refused(search) -> None:  # type: ignore[no-untyped-def]
    pairs, starts = full_pairs(cyclic(5)), random_starts(5, 2, rng=0)
    for wrong, told in (
        (starts[0], r"shape \(B, 10\) with B >= 0"),
        (starts[:, :8], "shape"),
        (3 * starts, "norm 1"),
        (0 * starts, "norm 1"),
        (starts * np.nan, "finite"),
    ):
        with pytest.raises(ValueError, match=told):
            search(wrong, pairs)
    assert len(search(starts[:0], pairs)) == 0


def test_a_branch_begins_beside_its_saddle() -> None:
    """Its ends are those of the flow from nearer by; from half a unit away two are not."""
    pairs = sample_pairs(symmetric(3), 30 / 36, rng=1)
    found = find_saddles(random_starts(6, 150, rng=3), pairs, "power")
    saddles = found.take(np.flatnonzero(found.is_converged & (found.indices == 1)))
    mode = local_model(saddles.weights, make_problem(pairs, "power")).vectors[:, :, -1]
    for side, ended in zip((1, -1), branches_of(saddles, pairs, "power"), strict=True):
        near = saddles.weights + side * 1e-4 * mode
        near /= np.linalg.norm(near, axis=1, keepdims=True)
        slow = follow_flow(near, pairs, "power")
        apart = np.linalg.norm(ended.weights - slow.weights, axis=1)
        assert apart.max() < 1e-5


def test_no_step_to_a_saddle_is_longer_than_its_radius() -> None:
    pairs = sample_pairs(cyclic(7), 38 / 49, rng=0)
    w = random_starts(7, 200, rng=0)
    model = local_model(w, make_problem(pairs, "square"))
    lengths = np.linalg.norm(_saddle_step(model), axis=1)
    assert lengths.max() == pytest.approx(0.2)
    assert np.sum(lengths > 0.2 - 1e-12) > 20


def test_the_flow_of_the_quadratic_model_is_exact_at_every_rate() -> None:
    """F(e^{λt} − 1)/λ by its series, which λ = 0 does not trouble."""
    rates = np.array([[0.0, 1e-13, 1e-6, 0.01, 0.05, 0.09, 0.5, -1e-9, -0.05, -0.5]])
    time = np.array([[1.7]])
    slopes = np.linspace(-1, 2, rates.size)[None]
    series = sum((rates * time) ** n / math.factorial(n + 1) for n in range(20))
    np.testing.assert_allclose(_flowed(slopes, rates, time), slopes * time * series, rtol=1e-12)
