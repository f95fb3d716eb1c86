"""Theorem 5: ascent of one target's energy ends at the closed form; kinds of found maxima."""

from typing import Any

import numba
import numpy as np
import pytest
from scipy.optimize import minimize

from groupfeat.energy import (
    ascend,
    classify_phi,
    custom_activation,
    full_pairs,
    get_activation,
    maximum_kinds,
    memorising_maximum,
    one_target_energy,
    polynomial_activation,
    predicted_families,
    random_starts,
    sample_family,
)
from groupfeat.groups import group_from_spec, irreps

UNEVEN = np.array([0.31, 0.07, 0.22, 0.11, 0.19, 0.1])


@numba.njit
def _log_cosh(x: float) -> float:
    return np.log(np.cosh(x))


@numba.njit
def _tanh(x: float) -> float:
    return np.tanh(x)


LOG_COSH = custom_activation(_log_cosh, _tanh, name="log_cosh")
"""φ(x) = tanh(x)/x: strictly decreasing and finite at 0."""


def climbed(target: int, p: Any, sigma: Any, *, starts: int = 24, positive: bool = False) -> Any:
    group = group_from_spec("S3")
    pairs, variant = one_target_energy(group, target, p)
    points = random_starts(6, starts, rng=1)
    return ascend(
        np.abs(points) if positive else points,
        pairs,
        sigma,
        variant=variant,
        tolerance=1e-11,
        max_iterations=20_000,
    )


@pytest.mark.parametrize(
    ("name", "parameter", "phi"),
    [
        ("square", None, "constant"),
        ("half_square", None, "constant"),
        ("cube", None, "increasing"),
        ("power", 2.5, "increasing"),
        ("power", 2.0, "constant"),
        ("relu", None, "decreasing"),
        ("leaky_relu", None, "decreasing"),
        ("silu", None, "decreasing"),
        ("tanh", None, "decreasing"),
        ("sigmoid", None, "decreasing"),
        ("gelu", None, "decreasing"),
        ("linear", None, "decreasing"),
    ],
)
def test_phi_is_classified(name: str, parameter: float | None, phi: str) -> None:
    assert classify_phi(get_activation(name, parameter)) == phi


def test_phi_that_turns_is_neither() -> None:
    turning = polynomial_activation([0, 1, 0, 1])  # φ = 1/x + 3x
    assert classify_phi(turning) == "neither"
    assert classify_phi(turning, reach=0.5) == "decreasing"
    assert classify_phi(LOG_COSH) == "decreasing"
    with pytest.raises(ValueError, match="neither monotone nor constant"):
        memorising_maximum(group_from_spec("S3"), 0, UNEVEN, turning)


@pytest.mark.parametrize("target", [0, 4])
@pytest.mark.parametrize(
    "sigma", ["square", "cube", "relu", "silu", "tanh", "sigmoid", get_activation("power", 2.5)],
    ids=str,
)  # fmt: skip
def test_ascent_ends_at_the_closed_form(sigma: Any, target: int) -> None:
    told = memorising_maximum(group_from_spec("S3"), target, UNEVEN, sigma)
    # ReLU is flat where s < 0: only starts with every s > 0 see all pairs.
    ended = climbed(target, UNEVEN, sigma, positive=sigma == "relu")
    best = int(np.argmax(ended.energies))
    assert told.distance(ended.weights[best]) <= 1e-6
    assert ended.energies[best] == pytest.approx(told.energy, rel=1e-12)
    assert np.linalg.norm(told.weights) == pytest.approx(1, rel=1e-12)
    if told.kind == "spreading":
        # σ < 0 somewhere (SiLU) has low maxima of its own, with Σ pσ < 0.
        pairs, _ = one_target_energy(group_from_spec("S3"), target, UNEVEN)
        ends = ended.weights
        values = get_activation(sigma).value(ends[:, pairs.left] + ends[:, 6 + pairs.right])
        low = sigma == "silu"
        ends = ends[values @ UNEVEN > 0] if low else ends
        assert len(ends) >= 8
        assert max(told.distance(w) for w in ends) <= 1e-6
        level = UNEVEN * get_activation(sigma).derivative(told.sums) / told.sums
        np.testing.assert_allclose(level, level[0], rtol=1e-9)


def test_relu_spreads_as_p() -> None:
    told = memorising_maximum(group_from_spec("S3"), 2, UNEVEN, "relu")
    np.testing.assert_allclose(told.sums, UNEVEN * np.sqrt(2 / np.sum(UNEVEN**2)), rtol=1e-9)


def test_no_point_of_the_sphere_is_higher() -> None:
    """Another optimiser on another parametrisation never beats the closed form."""
    rng = np.random.default_rng(0)
    group = group_from_spec("S3")
    for sigma in ("cube", "tanh", "sigmoid", LOG_COSH):
        told = memorising_maximum(group, 1, UNEVEN, sigma)
        value = get_activation(sigma).value

        def loss(s: Any, value: Any = value) -> float:
            unit = s / np.linalg.norm(s) * np.sqrt(2)
            return -0.5 * float(UNEVEN @ value(unit)) ** 2

        best = min(minimize(loss, rng.standard_normal(6)).fun for _ in range(12))
        assert -best <= told.energy * (1 + 1e-9)
        assert -best >= told.energy * (1 - 1e-6)


def test_small_probabilities_get_nothing_where_phi_is_finite_at_zero() -> None:
    p = np.array([0.5, 0.4, 0.07, 0.03, 0.0, 0.0])
    told = memorising_maximum(group_from_spec("S3"), 0, p, LOG_COSH)
    assert told.kind == "spreading"
    assert told.winners == (0, 1)
    assert (told.sums[2:] == 0).all()
    level = p[:2] * np.tanh(told.sums[:2]) / told.sums[:2]
    assert level[0] == pytest.approx(level[1], rel=1e-9)
    assert (p[2:] <= level[0]).all()  # φ(0+) = 1
    ended = climbed(0, p, LOG_COSH)
    best = int(np.argmax(ended.energies))
    assert told.parity == "even"  # the sign of each s is free
    assert told.distance(ended.weights[best]) <= 1e-6
    # Nothing without data, with φ infinite at 0 either.
    relu = memorising_maximum(group_from_spec("S3"), 0, p, "relu")
    assert relu.winners == (0, 1, 2, 3)


def test_ties() -> None:
    p = np.array([0.3, 0.1, 0.3, 0.1, 0.1, 0.1])
    group = group_from_spec("S3")
    square, cube = (memorising_maximum(group, 3, p, name) for name in ("square", "cube"))
    assert square.winners == cube.winners == (0, 2)
    ends = climbed(3, p, "square").weights
    # φ constant: all unit combinations of the two; ascent ends on any of them.
    assert max(square.distance(w) for w in ends) <= 1e-6
    spread = np.abs(ends).max(axis=1)
    assert spread.min() < 0.68 < np.sqrt(0.5)
    # φ increasing: each alone, and mixtures are no maxima.
    best = climbed(3, p, "cube")
    high = best.weights[best.energies > best.energies.max() * (1 - 1e-9)]
    assert max(cube.distance(w) for w in high) <= 1e-6
    assert {int(np.argmax(np.abs(w[:6]))) for w in high} == {0, 2}
    assert cube.distance(ends[np.argmin(spread)]) > 0.05


def test_spreading_is_even_where_p_is() -> None:
    told = memorising_maximum(group_from_spec("S3"), 0, np.full(6, 1 / 6), "tanh")
    np.testing.assert_allclose(told.sums, np.sqrt(2 / 6), rtol=1e-9)
    assert told.parity == "odd"
    assert told.distance(-told.weights) < 1e-7
    one_sided = memorising_maximum(group_from_spec("S3"), 0, np.full(6, 1 / 6), "silu")
    assert one_sided.distance(-one_sided.weights) > 1.9


def test_kinds_of_maxima() -> None:
    group = group_from_spec("S3")
    reps = irreps(group)
    families = predicted_families(reps)
    fourier = [sample_family(f, reps, count=1, rng=0)[0] for f in families]
    focused = memorising_maximum(group, 0, UNEVEN, "square").weights
    delta = np.eye(12)[3]
    mixed = fourier[0] + fourier[1]
    points = np.array([*fourier, focused, mixed, np.ones(12)])
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    told = maximum_kinds(points, full_pairs(group), reps)
    assert told.tolist() == ["fourier", "fourier", "focused", "mixed", "mixed"]
    assert maximum_kinds(delta, full_pairs(group), reps).tolist() == ["focused"]


def test_a_node_that_knows_one_target_is_spreading() -> None:
    """ReLU on the difference set {0, 1, 3} of C7 and its mirror: three pairs of target 0, one of
    every other."""
    group = group_from_spec("C7")
    own = np.where(np.isin(np.arange(7), (0, 1, 3)), 1.0, -1.0)
    w = np.concatenate([own, own[group.inverse]])
    assert maximum_kinds(w, full_pairs(group), irreps(group), "relu").tolist() == ["spreading"]
    assert maximum_kinds(w, full_pairs(group), irreps(group), "linear").tolist() == ["mixed"]


@pytest.mark.parametrize(
    ("p", "target", "told"),
    [
        (np.full(5, 0.2), 0, "must be 6 numbers"),
        (np.full(6, 0.2), 0, r"sum 1\.2"),
        (np.array([1.2, -0.2, 0, 0, 0, 0]), 0, ">= 0"),
        (UNEVEN, 6, r"target must be an element 0\.\.5, got 6"),
    ],
)
def test_bad_input_is_refused(p: Any, target: int, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        memorising_maximum(group_from_spec("S3"), target, p)


def test_points_that_are_none_are_refused() -> None:
    """A NaN is no maximum, and has no kind."""
    group = group_from_spec("S3")
    told = memorising_maximum(group, 0, UNEVEN, "relu")
    for w in (np.ones(11), np.ones((2, 12))):
        with pytest.raises(ValueError, match="weights must be 12 numbers, got shape"):
            told.distance(w)
    for wrong, said in ((np.full(12, np.nan), "be finite"), (np.ones(12) * 1j, "be real")):
        with pytest.raises(ValueError, match=f"weights must {said}"):
            told.distance(wrong)
    for w in (np.full(12, np.nan), np.ones(11), np.zeros((2, 12))):
        with pytest.raises(ValueError, match=r"finite|need shape|nonzero rows of 12 numbers"):
            maximum_kinds(w, full_pairs(group), irreps(group))
    with pytest.raises(ValueError, match="reach must be positive"):
        classify_phi("relu", reach=-1.0)


@pytest.mark.parametrize("coefficients", [[0, -1], [0, 1, 0, -0.5], [-1, 0, 1]], ids=str)
def test_activations_outside_the_proof_are_refused(coefficients: list[float]) -> None:
    """−x is x to E, x − x³/2 falls, x² − 1 is larger in size at 0: no closed form is claimed."""
    with pytest.raises(ValueError, match=r"does not have σ' ≥ 0|neither monotone"):
        memorising_maximum(group_from_spec("S3"), 0, UNEVEN, polynomial_activation(coefficients))


def test_convex_f_has_lower_maxima_on_the_other_pairs() -> None:
    """x³: every g is a local maximum, of ½(p_g 2^{3/2})²; the closed form is the largest."""
    group = group_from_spec("S3")
    pairs, variant = one_target_energy(group, 0, UNEVEN)
    starts = np.zeros((6, 12))
    starts[np.arange(6), np.arange(6)] = starts[np.arange(6), 6 + group.inverse] = np.sqrt(0.5)
    starts += 0.05 * random_starts(6, 6, rng=2)
    starts /= np.linalg.norm(starts, axis=1, keepdims=True)
    ended = ascend(starts, pairs, "cube", variant=variant, tolerance=1e-11, max_iterations=20_000)
    np.testing.assert_allclose(ended.energies, 4 * UNEVEN**2, rtol=1e-9)
    best = memorising_maximum(group, 0, UNEVEN, "cube")
    assert best.energy == pytest.approx(ended.energies.max(), rel=1e-9)
