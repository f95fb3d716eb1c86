"""Maxima on kinks: certificate against brute force, closed forms and continuation from softplus."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from groupfeat.energy import (
    PairSet,
    ascend,
    ascend_kinked,
    energy,
    energy_and_gradient,
    find_maxima,
    full_pairs,
    get_activation,
    kink_certificate,
    random_starts,
    sample_pairs,
)
from groupfeat.energy.ascent._kinks import _inside, cell_of, make_cells, subspace_of
from groupfeat.groups import cyclic, group_from_spec, irreps, symmetric
from tests.energy.oracles import sign_weight

Floats = NDArray[np.float64]


def by_continuation(w: Floats, pairs: PairSet) -> Floats:
    """Climb softplus(βx)/β with scipy's L-BFGS, β up to 1e5: no kink, no active set."""
    order = pairs.order
    for beta in (3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 1e5):

        def negative(u: Floats, beta: float = beta) -> tuple[float, Floats]:
            norm = float(np.linalg.norm(u))
            e, gradient = energy_and_gradient(beta * u / norm, pairs, "softplus")
            tangent = gradient - u * (gradient @ u) / norm**2
            return -float(e) / beta**2, -tangent / (beta * norm)

        options = {"maxiter": 3000, "ftol": 1e-15, "gtol": 1e-10}
        found = minimize(negative, w, jac=True, method="L-BFGS-B", options=options)
        w = found.x / np.linalg.norm(found.x)
    assert w.shape == (2 * order,)
    return w


def test_the_sign_of_s3_is_a_maximum_on_kinks() -> None:
    # c = √3 at even targets, 0 at odd ones: E = ½·6·(√3/2)² = 9/4; mixed pairs lie at 0.
    pairs, w = full_pairs(symmetric(3)), sign_weight()
    proof = kink_certificate(w, pairs)
    assert proof.energy == pytest.approx(9 / 4, rel=1e-12)
    assert proof.energy == pytest.approx(float(energy(w, pairs, "relu")), rel=1e-12)
    assert len(proof.active) == 18
    assert proof.gradient_norm < 1e-10
    assert proof.is_strict_maximum
    np.testing.assert_allclose((w[pairs.left] + w[6 + pairs.right])[proof.active], 0, atol=1e-15)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
@pytest.mark.parametrize(("spec", "share"), [("C5", 1.0), ("S3", 1.0), ("S3", 0.8), ("C7", 0.8)])
def test_certified_maxima_are_maxima(spec: str, share: float, activation: str) -> None:
    group = group_from_spec(spec)
    pairs = sample_pairs(group, share, rng=1)
    ended = ascend_kinked(random_starts(group.order, 6, rng=2), pairs, activation)
    assert all(status.startswith("converged") for status in ended.statuses)
    assert ended.gradient_norms.max() <= 1e-8
    rng, certified = np.random.default_rng(3), 0
    for w, e in zip(ended.weights, ended.energies, strict=True):
        if e < 1e-9:
            continue
        proof = kink_certificate(w, pairs, activation)
        certified += proof.is_strict_maximum
        assert proof.energy == pytest.approx(e, rel=1e-9)
        active = np.zeros(len(pairs), dtype=bool)
        active[proof.active] = True
        inside = subspace_of(make_cells(pairs, activation), active)
        assert inside.shape[1] == 2 * pairs.order - proof.codim
        for basis in (np.eye(2 * pairs.order), inside):
            moves = rng.standard_normal((400, basis.shape[1])) @ basis.T
            for step in (1e-2, 1e-3, 1e-4):
                near = w + step * moves / np.linalg.norm(moves, axis=1, keepdims=True)
                near /= np.linalg.norm(near, axis=1, keepdims=True)
                assert np.all(energy(near, pairs, activation) <= e * (1 + 1e-12))
    assert certified >= 4


@pytest.mark.parametrize("spec", ["C7", "S3"])
def test_random_points_on_kinks_are_not_critical(spec: str) -> None:
    group = group_from_spec(spec)
    pairs = full_pairs(group)
    cells = make_cells(pairs, "relu")
    rng = np.random.default_rng(0)
    for w in random_starts(group.order, 10, rng=1):
        active = np.zeros(len(pairs), dtype=bool)
        active[rng.choice(len(pairs), 3, replace=False)] = True
        basis = subspace_of(cells, active)
        on = basis @ (basis.T @ w)
        on /= np.linalg.norm(on)
        proof = kink_certificate(on, pairs)
        assert len(proof.active) >= 3
        if proof.energy < 1e-9:  # all sums of one sign: E vanishes around, and so does ∇E
            continue
        assert proof.gradient_norm > 1e-3
        assert not proof.is_strict_maximum
        # The direction told really ascends, at the slope told.
        cell = cell_of(on, cells, active)
        rate = float(np.linalg.norm(cell.ascent))
        step = 1e-6 * cell.ascent / rate
        after = (on + step) / np.linalg.norm(on + step)
        gain = float(energy(after, pairs, "relu") - energy(on, pairs, "relu"))
        assert gain >= 0.99e-6 * rate


def test_curvature_within_the_active_set_is_that_of_the_energy() -> None:
    pairs = full_pairs(cyclic(7))
    w = ascend_kinked(random_starts(7, 1, rng=0), pairs).weights[0]
    cells = make_cells(pairs, "relu")
    active = np.zeros(len(pairs), dtype=bool)
    active[kink_certificate(w, pairs).active] = True
    basis = subspace_of(cells, active)
    tangent = np.linalg.svd(np.column_stack([basis.T @ w]))[0][:, 1:]
    frame, step = basis @ tangent, 1e-3
    level = float(energy(w, pairs, "relu"))

    def at(u: Floats) -> float:
        return float(energy((w + frame @ u) / np.linalg.norm(w + frame @ u), pairs, "relu"))

    size = frame.shape[1]
    hessian = np.zeros((size, size))
    for i, j in np.ndindex(size, size):
        one, two = step * np.eye(size)[i], step * np.eye(size)[j]
        mixed = at(one + two) - at(one - two) - at(two - one) + at(-one - two)
        hessian[i, j] = mixed / (4 * step**2)
    values, codim = _inside(w, cells, cell_of(w, cells, active))
    assert codim == 14 - basis.shape[1]
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian), values, atol=1e-4 * level)


def test_saddles_on_kinks_are_no_maxima() -> None:
    # Half the mass on each of two signs of C2 x C2: critical, but E rises towards either.
    group = group_from_spec("C2xC2")
    pairs = full_pairs(group)
    ended = ascend_kinked(random_starts(4, 30, rng=0), pairs)
    top = ended.energies.max() - 1e-9
    tops = np.unique(ended.weights[ended.energies > top].round(9), axis=0)
    middles = tops[0] + tops[1:]
    middles = middles[np.linalg.norm(middles, axis=1) > 0.5]
    assert len(middles) >= 3
    for middle in middles:
        proof = kink_certificate(middle / np.linalg.norm(middle), pairs)
        assert not proof.is_strict_maximum


@pytest.mark.parametrize("spec", ["C5", "S3"])
def test_continuation_from_softplus_ends_at_the_same_maxima(spec: str) -> None:
    group = group_from_spec(spec)
    pairs = full_pairs(group)
    levels = ascend_kinked(random_starts(group.order, 20, rng=1), pairs).energies
    for w in random_starts(group.order, 2, rng=7):
        end = by_continuation(w, pairs)
        assert np.abs(levels - float(energy(end, pairs, "relu"))).min() < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["C7", "C11", "S3"])
def test_continuation_on_more_starts(spec: str) -> None:
    group = group_from_spec(spec)
    pairs = full_pairs(group)
    ended = ascend_kinked(random_starts(group.order, 60, rng=1), pairs)
    counts = {len(kink_certificate(w, pairs).active) for w in ended.weights}
    for w in random_starts(group.order, 10, rng=7):
        end = by_continuation(w, pairs)
        assert np.abs(ended.energies - float(energy(end, pairs, "relu"))).min() < 1e-3
        x = end[pairs.left] + end[group.order + pairs.right]
        assert int(np.sum(np.abs(x) < 50 / 1e5)) in counts


def test_leaky_relu_on_all_pairs_is_relu_scaled() -> None:
    # Only |x| (1 − q)/2 is left of σ on all pairs, so E scales by (1 − q)².
    pairs, w = full_pairs(symmetric(3)), sign_weight()
    leaky = get_activation("leaky_relu", 0.2)
    proof = kink_certificate(w, pairs, leaky)
    assert proof.energy == pytest.approx(0.64 * 9 / 4, rel=1e-12)
    assert proof.is_strict_maximum
    assert np.all((proof.slopes >= 0.2) & (proof.slopes <= 1))


def test_gradient_ascent_alone_does_not_get_there() -> None:
    pairs = full_pairs(cyclic(7))
    starts = random_starts(7, 6, rng=0)
    plain = ascend(starts, pairs, get_activation("relu"), max_iterations=500)
    kinked = ascend_kinked(starts, pairs)
    assert plain.gradient_norms.min() > 0.3
    assert np.all(kinked.energies > plain.energies - 1e-9)
    assert np.mean(kinked.energies > plain.energies + 1e-3) >= 0.5
    assert kinked.gradient_norms.max() <= 1e-8


def test_bad_input_is_refused() -> None:
    pairs = full_pairs(cyclic(5))
    with pytest.raises(ValueError, match="no kinks"):
        ascend_kinked(random_starts(5, 1, rng=0), pairs, "silu")
    with pytest.raises(ValueError, match="norm 1"):
        kink_certificate(np.ones(10), pairs)
    with pytest.raises(ValueError, match="one weight"):
        kink_certificate(random_starts(5, 2, rng=0), pairs)


def test_found_maxima_of_relu_stop_on_kinks() -> None:
    found = find_maxima(irreps(symmetric(3)), activation="relu", starts=20, rng=0)
    assert found.is_converged
    levels = {round(c.energy, 6) for c in found.classes}
    assert levels <= {2.25, 1.333333, 0.888889}
    for c in found.classes:
        assert (c.index, c.flat_dim) == (0, 0)
        assert c.gradient_norm <= 1e-8
        assert kink_certificate(c.representative, full_pairs(symmetric(3))).is_strict_maximum


@pytest.mark.parametrize("slope", [1.0, 2.0])
def test_kinks_that_bend_down_are_refused(slope: float) -> None:
    pairs = full_pairs(symmetric(3))
    steep = get_activation("leaky_relu", slope)
    with pytest.raises(ValueError, match="slope below 1"):
        kink_certificate(sign_weight(), pairs, steep)
    with pytest.raises(ValueError, match="slope below 1"):
        ascend_kinked(random_starts(6, 1, rng=0), pairs, steep)
    # The search for maxima climbs without the kinks then, and does not break.
    assert len(find_maxima(irreps(symmetric(3)), activation=steep, starts=3, rng=0).classes) > 0


def test_starts_that_are_no_batch_of_unit_weights_are_refused() -> None:
    pairs, starts = full_pairs(cyclic(5)), random_starts(5, 2, rng=0)
    for wrong, told in (
        (starts[0], r"shape \(B, 10\) with B >= 1"),
        (starts[:0], r"with B >= 1, got \(0, 10\)"),
        (starts[:, :8], "shape"),
        (3 * starts, "norm 1"),
        (starts * np.nan, "finite"),
    ):
        with pytest.raises(ValueError, match=told):
            ascend_kinked(wrong, pairs)
    with pytest.raises(ValueError, match="finite"):
        kink_certificate(starts[0] * np.nan, pairs)
