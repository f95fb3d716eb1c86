"""Proposition 1 and Lemma 1 against integration, dense inverses and error slopes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from groupfeat.energy import PairSet, full_pairs, sample_pairs
from groupfeat.groups import cyclic
from groupfeat.training import telemetry as tele
from tests.training.telemetry import oracles as slow

Floats = NDArray[np.float64]
GROUP = cyclic(5)


def example(
    width: int, fraction: float = 0.6, scale: float = 0.4
) -> tuple[tele.Features, PairSet, Floats]:
    rng = np.random.default_rng(1)
    pairs = sample_pairs(GROUP, fraction, rng=2)
    features = tele.layer_features(scale * rng.standard_normal((10, width)), pairs)
    return features, pairs, rng.standard_normal((width, 5))


@pytest.mark.parametrize(("width", "ridge"), [(4, 0.0), (40, 0.2), (4, 0.2)])
def test_flow_against_integration(width: int, ridge: float) -> None:
    features, _, start = example(width)
    flow = tele.lazy_flow(features, start, ridge=ridge, beta=1.5)
    phi, targets = features.dense(), features.targets()
    for time in (0.0, 0.3, 2.0):
        v = slow.integrate(phi, targets, start, ridge, 1.5, time)
        np.testing.assert_allclose(flow.weights(time), v, atol=1e-8)
        gradient = 1.5 * (targets - 1.5 * phi @ v) @ v.T
        np.testing.assert_allclose(flow.gradient(time), gradient, atol=1e-7)


@pytest.mark.parametrize("width", [4, 40])
def test_flow_ends_at_the_ridge_solution(width: int) -> None:
    features, _, start = example(width)
    flow = tele.lazy_flow(features, start, ridge=0.3, beta=2.0)
    closed = slow.closed_form(features.dense(), features.targets(), 0.3, 2.0)
    np.testing.assert_allclose(flow.gradient(np.inf), closed, atol=1e-9 * np.abs(closed).max())
    np.testing.assert_allclose(flow.weights(np.inf), tele.solve_ridge(features, 0.3, beta=2.0))


def test_convergence_is_at_least_as_fast_as_stated() -> None:
    """log‖G(t) − G(∞)‖ falls with slope −rate late on, never slower (range of Φ, V₀ seen)."""
    features, _, start = example(4)
    flow = tele.lazy_flow(features, start, ridge=0.1)
    limit = flow.gradient(np.inf)
    sigma = np.linalg.svd(features.dense(), compute_uv=False)[-1]
    assert flow.rate == pytest.approx(sigma**2 + 0.1)
    times = np.array([3.0, 6.0]) / flow.rate
    gaps = [np.linalg.norm(flow.gradient(t) - limit) for t in times]
    slope = -np.log(gaps[1] / gaps[0]) / (times[1] - times[0])
    assert slope == pytest.approx(flow.rate, rel=0.05)


def test_what_the_features_do_not_see_decays_at_the_ridge_alone() -> None:
    """K > rank: the unseen part of V(0) goes as exp(−ηt), slower than σ² + η."""
    features, _, start = example(40)
    flow = tele.lazy_flow(features, start, ridge=0.05)
    unseen = start - flow.right @ (flow.right.T @ start)
    assert np.linalg.norm(unseen) > 1
    late = 40.0
    rest = flow.weights(late) - flow.weights(np.inf)
    rest -= flow.right @ (flow.right.T @ rest)
    np.testing.assert_allclose(rest, np.exp(-0.05 * late) * unseen, atol=1e-9)


def test_beta_enters_the_rate_and_the_strongest_ridge_squared() -> None:
    """V' = βΦᵀ(T − βΦV) − ηV decays at β²σ² + η; with η = β²η' the limit's norm is that of η'."""
    features, _, start = example(4)
    flow = tele.lazy_flow(features, start, ridge=0.1, beta=2.0)
    times = np.array([3.0, 6.0]) / flow.rate
    gaps = [np.linalg.norm(flow.gradient(t) - flow.gradient(np.inf)) for t in times]
    slope = -np.log(gaps[1] / gaps[0]) / (times[1] - times[0])
    assert slope == pytest.approx(flow.rate, rel=0.05)
    wide, _, _ = example(40)
    best = tele.strongest_ridge(wide)
    assert best is not None
    for beta in (1e-3, 1e4):
        assert tele.strongest_ridge(wide, beta=beta) == pytest.approx(beta**2 * best, rel=0.06)


@pytest.mark.parametrize("beta", [1.0, 3.0])
def test_early_gradient_is_right_to_second_order(beta: float) -> None:
    features, _, start = example(6, scale=0.3)
    flow = tele.lazy_flow(features, start, beta=beta)
    gaps = [
        np.linalg.norm(flow.gradient(t) - tele.early_gradient(features, start, t, beta=beta))
        for t in (1e-3, 2e-3)
    ]
    assert np.log2(gaps[1] / gaps[0]) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("beta", [1.0, 3.0])
def test_a_vanishing_start_leaves_the_lazy_direction(beta: float) -> None:
    """Lemma 1: the first order is tβ²ỸỸᵀF̃ + O(α); without its leading β the printed tβỸỸᵀF̃."""
    features, _, start = example(6)
    phi, targets = features.dense(), features.targets()
    lazy = targets @ targets.T @ phi
    gaps = []
    for alpha in (1e-3, 2e-3):
        with_time = tele.early_gradient(features, alpha * start, 0.1, beta=beta)
        gaps.append(np.linalg.norm(with_time - 0.1 * beta**2 * lazy))
    assert gaps[0] < 0.05 * np.linalg.norm(0.1 * beta**2 * lazy)
    assert np.log2(gaps[1] / gaps[0]) == pytest.approx(1, abs=0.05)


def test_without_decay_the_gradient_vanishes_only_where_features_can_fit() -> None:
    """η = 0: G_F(∞) = 0 for K ≥ n − 1 (full row rank), but not for few nodes."""
    for width, vanishes in ((40, True), (4, False)):
        features, pairs, start = example(width)
        assert (tele.measure_spectrum(features).rank == len(pairs) - 1) is vanishes
        norm = np.linalg.norm(tele.lazy_flow(features, 1e-3 * start).gradient(np.inf))
        scale = np.linalg.norm(features.targets() @ features.pulls)
        assert bool(norm < 1e-10 * scale) is vanishes
        small = tele.gradient_norms(features, np.array([1e-9, 1e-8]))
        slope = np.log10(small[1] / small[0])
        assert slope == pytest.approx(1 if vanishes else 0, abs=0.01)


def test_output_scale_divides_the_limit_by_its_square() -> None:
    """‖G_F(∞)‖ ∝ 1/β² for small η where features can fit; without the leading β it is 1/β³."""
    features, _, _ = example(40)
    norms = [tele.gradient_norms(features, np.array([1e-7]), beta=b)[0] for b in (1.0, 2.0)]
    assert np.log2(norms[0] / norms[1]) == pytest.approx(2, abs=1e-3)
    few, _, _ = example(4)
    norms = [tele.gradient_norms(few, np.array([1e-7]), beta=b)[0] for b in (1.0, 2.0)]
    assert np.log2(norms[0] / norms[1]) == pytest.approx(0, abs=1e-3)


def test_norms_against_the_closed_form() -> None:
    for width in (4, 40):
        features, _, _ = example(width)
        phi, targets = features.dense(), features.targets()
        ridges = np.array([[0.01, 1.0], [10.0, 300.0]])
        found = tele.gradient_norms(features, ridges, beta=1.5)
        for eta, norm in zip(ridges.ravel(), found.ravel(), strict=True):
            assert norm == pytest.approx(np.linalg.norm(slow.closed_form(phi, targets, eta, 1.5)))


def test_spectrum_by_definition() -> None:
    for width in (4, 40):
        features, pairs, _ = example(width)
        phi, targets = features.dense(), features.targets()
        n = len(pairs)
        centring = np.eye(n) - 1 / n
        found = tele.measure_spectrum(features)
        kernel, gram = width * found.c1 * centring, n * found.c2 * np.eye(width)
        gaps = phi @ phi.T - kernel, phi.T @ phi - gram
        assert np.vdot(gaps[0], centring) == pytest.approx(0, abs=1e-9)
        assert np.trace(gaps[1]) == pytest.approx(0, abs=1e-9)
        error = np.linalg.norm(gaps[0]) / np.linalg.norm(kernel)
        assert found.kernel_error == pytest.approx(error)
        error = np.linalg.norm(gaps[1]) / np.linalg.norm(gram)
        assert found.gram_error == pytest.approx(error)
        rayleigh = np.trace(targets.T @ phi @ phi.T @ targets) / np.trace(targets.T @ targets)
        assert found.c1_targets == pytest.approx(rayleigh / width)
        values = np.linalg.svd(phi, compute_uv=False)[: found.rank]
        assert (found.largest, found.least) == pytest.approx((values[0], values[-1]))


def test_the_approximation_is_exact_for_features_that_are_isotropic() -> None:
    """Orthogonal columns, K = n − 1: ΦΦᵀ = cP⊥ and ΦᵀΦ = cI, so the printed form holds."""
    rng = np.random.default_rng(0)
    n = 12
    q, _ = np.linalg.qr(np.column_stack([np.ones(n), rng.standard_normal((n, n - 1))]))
    features = tele.given_features(3 * q[:, 1:], np.arange(n) % 4, 4)
    spectrum = tele.measure_spectrum(features)
    assert max(spectrum.kernel_error, spectrum.gram_error) < 1e-6
    ridges = np.logspace(-2, 3, 6)
    exact = tele.gradient_norms(features, ridges)
    np.testing.assert_allclose(tele.printed_norm(features, spectrum, ridges), exact)
    best = np.sqrt(11 * spectrum.c1 * 12 * spectrum.c2)
    assert tele.strongest_ridge(features) == pytest.approx(best, rel=0.06)


def test_printed_form_on_one_hot_pairs() -> None:
    """Random W, x², all pairs, K ≫ n: ΦΦᵀ is 4K on interactions, (2M + 4)K on each operand.

    So it is no multiple of P⊥; on the directions of T it is 4K, and the strongest η is there
    near 4K, not at the printed √(Kc₁nc₂), which grows as √K.
    """
    group, width = cyclic(5), 40_000
    weights = np.random.default_rng(0).standard_normal((10, width))
    features = tele.layer_features(weights, full_pairs(group))
    spectrum = tele.measure_spectrum(features)
    assert spectrum.c1_targets == pytest.approx(4, rel=0.05)
    assert spectrum.largest**2 == pytest.approx(14 * width, rel=0.1)
    assert spectrum.least**2 == pytest.approx(4 * width, rel=0.1)
    assert spectrum.kernel_error > 0.5
    best = tele.strongest_ridge(features)
    assert best == pytest.approx(4 * width, rel=0.1)
    printed = np.sqrt(width * spectrum.c1 * 25 * spectrum.c2)
    assert printed < best / 10
    at = np.array([best])
    exact = tele.gradient_norms(features, at)[0]
    assert tele.printed_norm(features, spectrum, at, targets=True)[0] == pytest.approx(
        exact, rel=0.02
    )
    assert tele.printed_norm(features, spectrum, at)[0] > 1.3 * exact


def test_few_nodes_have_no_strongest_ridge() -> None:
    assert tele.strongest_ridge(example(4)[0]) is None


def test_what_does_not_fit_is_refused() -> None:
    features, pairs, start = example(4)
    with pytest.raises(ValueError, match="ridge must be zero or more, got -1"):
        tele.lazy_flow(features, start, ridge=-1)
    with pytest.raises(ValueError, match="no feature varies"):
        tele.measure_spectrum(tele.layer_features(np.zeros((10, 3)), pairs))
    classes = tele.layer_features(np.ones((10, 3)), pairs, centre="classes")
    with pytest.raises(ValueError, match='defined for centre="samples"'):
        tele.measure_spectrum(classes)
