"""G_F, its cosines and closed form, and the structure of features, against dense twins."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from groupfeat.energy import PairSet, full_pairs, sample_pairs
from groupfeat.groups import group_from_spec
from groupfeat.training import telemetry as tele
from groupfeat.training.telemetry import _features
from tests.training.telemetry import oracles as slow

Floats = NDArray[np.float64]


def example(spec: str, width: int, fraction: float = 0.7) -> tuple[PairSet, Floats, Floats]:
    group = group_from_spec(spec)
    rng = np.random.default_rng(3)
    pairs = sample_pairs(group, fraction, rng=1)
    first = rng.standard_normal((2 * group.order, width))
    return pairs, first, rng.standard_normal((width, group.order))


CASES = [("S3", 5, "square"), ("C7", 60, "relu"), ("Q8", 20, "cube")]
BOTH = pytest.mark.parametrize("centre", ["samples", "classes"])
ALL = pytest.mark.parametrize(("spec", "width", "activation"), CASES)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every set of pairs here span several chunks."""
    monkeypatch.setattr(_features, "_CHUNK_ENTRIES", 1)
    monkeypatch.setattr(_features, "_LEAST_ROWS", 7)


@BOTH
@ALL
def test_features_and_targets(spec: str, width: int, activation: str, centre: str) -> None:
    pairs, first, _ = example(spec, width)
    features = tele.layer_features(first, pairs, activation=activation, centre=centre)
    phi, targets = slow.dense(first, pairs, activation, centre)
    np.testing.assert_allclose(features.dense(), phi, atol=1e-12)
    np.testing.assert_allclose(features.targets(), targets, atol=1e-15)
    np.testing.assert_allclose(features.pulls, targets.T @ phi, atol=1e-11)
    np.testing.assert_allclose(features.target_gram, targets.T @ targets, atol=1e-13)
    np.testing.assert_allclose(features.gram, phi.T @ phi, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(features.kernel, phi @ phi.T, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("beta", [1.0, 2.5])
@BOTH
@ALL
def test_gradient_and_cosines(
    spec: str, width: int, activation: str, centre: str, beta: float
) -> None:
    pairs, first, second = example(spec, width)
    ridge = 0.3
    features = tele.layer_features(first, pairs, activation=activation, centre=centre)
    found = tele.measure_gradient(features, second, ridge=ridge, beta=beta)
    phi, targets = slow.dense(first, pairs, activation, centre)
    onehot = np.eye(pairs.order)[pairs.target]
    samples = int(centre == "samples")
    gradient = slow.autograd_gradient(phi, onehot, second, beta, samples)
    closed = slow.closed_form(phi, targets, ridge, beta)
    assert found.norm == pytest.approx(np.linalg.norm(gradient), rel=1e-9)
    assert found.ridge_norm == pytest.approx(np.linalg.norm(closed), rel=1e-6)
    lazy = slow.cosine(gradient, targets @ targets.T @ phi)
    assert found.cosine_lazy == pytest.approx(lazy, abs=1e-9)
    assert found.cosine_ridge == pytest.approx(slow.cosine(gradient, closed), abs=1e-7)
    limit = tele.ridge_limit(features, ridge, beta=beta)
    np.testing.assert_allclose(limit, closed, rtol=1e-5, atol=1e-7 * np.abs(closed).max())


@pytest.mark.parametrize("width", [5, 60])
def test_at_the_ridge_weights_the_gradient_is_the_closed_form(width: int) -> None:
    """V of either system, K × K or n × n, is the minimiser; there G_F points along the limit."""
    pairs, first, _ = example("C7", width)
    features = tele.layer_features(first, pairs)
    best = tele.solve_ridge(features, 0.5, beta=2.0)
    phi, targets = slow.dense(first, pairs, "square", "samples")
    stationary = 2.0 * phi.T @ (targets - 2.0 * phi @ best) - 0.5 * best
    assert np.abs(stationary).max() < 1e-9
    found = tele.measure_gradient(features, best, ridge=0.5, beta=2.0)
    assert found.cosine_ridge == pytest.approx(1)
    assert found.norm == pytest.approx(found.ridge_norm)
    bare = tele.measure_gradient(features, best, beta=2.0)
    assert bare == tele.FeatureGradient(found.norm, found.cosine_lazy, None, None)


def test_torch_tensors_are_taken() -> None:
    pairs, first, second = example("S3", 5)
    tensors = [torch.from_numpy(part).requires_grad_() for part in (first, second)]
    found = tele.measure_gradient(tele.layer_features(tensors[0], pairs), tensors[1])
    assert found == tele.measure_gradient(tele.layer_features(first, pairs), second)


def test_given_features_are_the_same() -> None:
    pairs, first, second = example("S3", 5)
    raw = (first[pairs.left] + first[6 + pairs.right]) ** 2
    given = tele.given_features(raw, pairs.target, 6)
    assert tele.measure_gradient(given, second, ridge=0.1) == tele.measure_gradient(
        tele.layer_features(first, pairs), second, ridge=0.1
    )


def test_what_does_not_fit_is_refused() -> None:
    pairs, first, second = example("S3", 5)
    features = tele.layer_features(first, pairs)
    with pytest.raises(ValueError, match=r"W must have shape \(12, K\), got \(11, 5\)"):
        tele.layer_features(first[1:], pairs)
    with pytest.raises(ValueError, match="W must be finite"):
        tele.layer_features(first * np.nan, pairs)
    with pytest.raises(ValueError, match="unknown centre 'rows'"):
        tele.layer_features(first, pairs, centre="rows")
    with pytest.raises(ValueError, match=r"V must have shape \(5, 6\), got \(6, 5\)"):
        tele.measure_gradient(features, second.T)
    with pytest.raises(ValueError, match=r"F must have shape \(25, K\)"):
        tele.given_features(first, pairs.target, 6)
    with pytest.raises(ValueError, match=r"targets must be classes 0\.\.4"):
        tele.given_features(np.ones((len(pairs), 2)), pairs.target, 5)
    for ridge in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="ridge must be positive"):
            tele.solve_ridge(features, ridge)


def test_a_ridge_lost_in_rounding_is_named() -> None:
    pairs, first, _ = example("S3", 40)
    features = tele.layer_features(1e6 * first, pairs)
    with pytest.raises(ValueError, match=r"lost in rounding.*choose a larger one"):
        tele.solve_ridge(features, 1e-300)


def test_diagonality_by_definition() -> None:
    rng = np.random.default_rng(0)
    half = rng.standard_normal((9, 6))
    half[:, 2] = 0  # a dead node
    matrix = half.T @ half
    found = tele.diagonality(matrix)
    off = [abs(matrix[i, j]) for i in range(6) for j in range(6) if i != j]
    assert found.frobenius == pytest.approx(np.sqrt(np.square(off).sum() / (matrix**2).sum()))
    assert found.mean == pytest.approx(np.mean(off) / np.diag(matrix).mean())
    correlations = np.corrcoef(np.vstack([half, -half]).T[[0, 1, 3, 4, 5]])
    assert found.maximum == pytest.approx(np.abs(correlations - np.eye(5)).max())
    assert tele.diagonality(np.diag([1.0, 0.0, 3.0])) == tele.Diagonality(0.0, 0.0, 0.0)


@BOTH
def test_structure_of_features(centre: str) -> None:
    pairs, first, _ = example("C7", 12)
    features = tele.layer_features(first, pairs, centre=centre)
    phi, _ = slow.dense(first, pairs, "square", centre)
    formed = tele.measure_kernel(features)
    assert tele.measure_gram(features).frobenius == pytest.approx(
        tele.diagonality(phi.T @ phi).frobenius
    )
    assert formed.maximum == pytest.approx(tele.diagonality(phi @ phi.T).maximum)
    bounded = tele.measure_kernel(features, largest=len(pairs) - 1)
    assert (bounded.mean, bounded.maximum) == (None, None)
    assert bounded.frobenius == pytest.approx(formed.frobenius, rel=1e-9)


def test_no_n_by_n_matrix_beyond_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(_: object) -> None:
        raise AssertionError("formed an n × n matrix")

    pairs = full_pairs(group_from_spec("S4"))
    rng = np.random.default_rng(0)
    features = tele.layer_features(rng.standard_normal((48, 10)), pairs)
    monkeypatch.setattr(tele.Features, "kernel", property(forbid))
    monkeypatch.setattr(tele.Features, "dense", forbid)
    tele.measure_gradient(features, rng.standard_normal((10, 24)), ridge=0.1)
    tele.measure_kernel(features, largest=100)
    tele.measure_gram(features)
