"""The ascent: conjugate gradients on circles, and the flow."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from groupfeat.energy import (
    ascend,
    ascend_in_irreps,
    energy,
    family_shares,
    find_basins,
    full_pairs,
    get_variant,
    predicted_families,
    random_starts,
    removed_variant,
    residual_variant,
    riemannian_gradient,
    riemannian_spectrum,
    sample_family,
    sample_pairs,
)
from groupfeat.energy.ascent._climb import climb_squares
from groupfeat.energy.ascent._irrep_ascent import _coordinates
from groupfeat.energy.kernels import _blocks as kernels
from groupfeat.energy.kernels import _climb as climb
from groupfeat.groups import group_from_spec, irreps


@pytest.mark.parametrize("spec", ["C7", "S3"])
@pytest.mark.parametrize(
    ("name", "activation"),
    [
        *product(["raw", "cross", "ht", "removed", "residual"], ["square"]),
        ("raw", "half_square"),
        ("cross", "half_square"),
    ],
)
def test_every_start_ends_on_a_maximum(spec: str, name: str, activation: str) -> None:
    reps = irreps(group_from_spec(spec))
    pairs = sample_pairs(reps.group, 0.8, rng=1)
    variant: Any = name
    if name == "removed":
        variant = removed_variant(reps, [(1,) if spec == "S3" else (1, 2)])
    if name == "residual":
        shape = (len(pairs), 5)
        variant = residual_variant(np.random.default_rng(0).standard_normal(shape))
    starts = random_starts(pairs.order, 20, rng=0)
    ended = ascend(starts, pairs, activation, variant=variant)
    assert np.all(ended.gradient_norms <= 1e-8)
    assert set(ended.statuses) == {"converged"}  # Newton steps would hide a broken climb
    assert ended.iterations <= 200
    before = energy(starts, pairs, activation, variant=variant)
    assert np.all(ended.energies >= before)
    found = energy(ended.weights, pairs, activation, variant=variant)
    np.testing.assert_allclose(found, ended.energies, rtol=1e-12)
    for w in ended.weights[:5]:
        assert riemannian_spectrum(w, pairs, activation, variant=variant).index == 0


def test_a_path_depends_on_its_start_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = sample_pairs(group_from_spec("C11"), 0.7, rng=0)
    starts = random_starts(11, 40, rng=1)
    together = ascend(starts, pairs)
    alone = [ascend(starts[i : i + 1], pairs).weights[0] for i in range(0, 40, 7)]
    assert np.array_equal(together.weights[::7], alone)
    settings = {"tolerance": 1e-8, "max_iterations": 3000}
    counts = climb_squares(starts, pairs, get_variant("raw"), **settings)[1]
    single = [
        climb_squares(starts[i : i + 1], pairs, get_variant("raw"), **settings)[1][0]
        for i in range(20, 40, 7)  # these wait for a lane
    ]
    assert np.array_equal(counts[20::7], single)
    monkeypatch.setattr("groupfeat.energy.objective._prepared._PARALLEL_WORK", 0)
    monkeypatch.setattr(kernels, "thread_count", lambda: 2)
    assert np.array_equal(ascend(starts, pairs).weights, together.weights)


def test_few_iterations_are_few_and_say_so() -> None:
    pairs = sample_pairs(group_from_spec("C11"), 0.7, rng=0)
    relu = ascend(random_starts(11, 10, rng=0), pairs, "relu", max_iterations=2)
    assert relu.iterations == 2
    assert all(status.startswith("not converged") for status in relu.statuses)
    square = ascend(random_starts(11, 10, rng=0), pairs, max_iterations=2)
    assert square.iterations == 5  # sums are refreshed every five
    assert "converged after Newton steps" in square.statuses


def test_line_search_finds_the_first_maximum() -> None:
    """Quartics in (cos, sin) that rise at 0, against a fine grid of angles."""
    rng = np.random.default_rng(0)
    p = rng.standard_normal((5, 4000))
    p[1] = np.abs(p[1])
    tangent = getattr(climb._first_maximum, "py_func", climb._first_maximum)(*p)
    theta = np.linspace(0, np.arctan(climb._GRID[-1]), 4001)
    powers = [np.cos(theta) ** (4 - i) * np.sin(theta) ** i for i in range(5)]
    values = np.tensordot(p, np.array(powers), axes=(0, 0))
    falls = np.diff(values, axis=1) < 0
    first = np.where(falls.any(1), theta[falls.argmax(1)], theta[-1])
    error = np.abs(np.arctan(tangent) - first)
    # A maximum and minimum within one step of the coarse grid may be passed over.
    assert np.mean(error < 2 * theta[1]) > 0.98
    gone = np.arctan(tangent)
    exact = sum(p[i] * np.cos(gone) ** (4 - i) * np.sin(gone) ** i for i in range(5))
    assert np.mean(exact > p[0]) > 0.995
    inside = gone < 0.999 * theta[-1]
    slopes = getattr(climb._slope, "py_func", climb._slope)(*p[:, inside], tangent[inside])[0]
    assert np.abs(slopes).max() < 1e-6 * (1 + tangent[inside].max() ** 4)


@pytest.mark.parametrize("spec", ["C7", "S3", "Q8", "F21"])
def test_the_flow_keeps_to_its_basins(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    starts = random_starts(reps.group.order, 120, rng=3)
    ended = ascend(starts, full_pairs(reps.group), method="flow")
    assert np.all(ended.gradient_norms <= 1e-8)
    reached = family_shares(ended.weights, reps).argmax(1) - 1
    assert np.mean(reached == find_basins(starts, reps)) >= 0.995
    assert ended.iterations < 300


def test_the_flow_serves_every_activation() -> None:
    pairs = sample_pairs(group_from_spec("S3"), 0.8, rng=0)
    ended = ascend(random_starts(6, 10, rng=0), pairs, "silu", method="flow")
    assert np.all(ended.gradient_norms <= 1e-8)


def test_unknown_methods_are_refused() -> None:
    pairs = full_pairs(group_from_spec("C3"))
    with pytest.raises(ValueError, match="unknown method 'slow'; known: fast, flow"):
        ascend(random_starts(3, 1, rng=0), pairs, method="slow")


@pytest.mark.parametrize("spec", ["C7", "C8", "S4", "Q8", "F21"])
def test_irrep_coordinates_end_on_predicted_maxima(
    spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All three types; the gradients are those of the pair sum, not of the Fourier form."""
    # Nothing is left to the other ascent.
    monkeypatch.delattr("groupfeat.energy.ascent._irrep_ascent.ascend")
    reps = irreps(group_from_spec(spec))
    starts = random_starts(reps.group.order, 40, rng=0)
    ended = ascend_in_irreps(3 * starts, reps)
    assert set(ended.statuses) == {"converged"}
    gradients = riemannian_gradient(ended.weights, full_pairs(reps.group))
    assert np.abs(gradients).max() < 1e-7
    assert np.all(ended.energies >= energy(starts, full_pairs(reps.group)))
    families = predicted_families(reps)
    for family in families:
        # Generic weights of one family, so that the rare ones are climbed too.
        parts = [sample_family(family, reps, count=6, rng=seed) for seed in range(13)]
        inside = ascend_in_irreps(np.sum(parts, axis=0), reps)
        np.testing.assert_allclose(inside.energies, family.energy, rtol=1e-12)
    for w, e in zip(ended.weights, ended.energies, strict=True):
        family = families[int(family_shares(w[None], reps).argmax()) - 1]
        assert abs(e / family.energy - 1) < 1e-12


def test_irrep_coordinates_are_isometric() -> None:
    reps = irreps(group_from_spec("SL(2,3)"))
    basis, _ = _coordinates(reps)
    mean = np.full((24, 24), 1 / 24)
    np.testing.assert_allclose(basis.T @ basis, np.eye(24) - mean, atol=1e-12)


def test_pairs_that_are_handed_over_serve_as_they_would_be_made() -> None:
    group = group_from_spec("S4")
    reps, pairs, starts = irreps(group), full_pairs(group), random_starts(24, 20, rng=0)
    own = ascend_in_irreps(starts, reps)
    for _ in range(2):
        handed = ascend_in_irreps(starts, reps, pairs=pairs)
        assert np.array_equal(handed.weights, own.weights)
        assert np.array_equal(handed.gradient_norms, own.gradient_norms)
    for wrong, told in (
        (sample_pairs(group, 0.9, rng=0), r"pairs must be all 576, each once, got 518"),
        (sample_pairs(group, 1, sampling="with", rng=0), r"all 576, each once, got 576"),
        (full_pairs(group_from_spec("SL(2,3)")), "build both from one group"),
    ):
        with pytest.raises(ValueError, match=told):
            ascend_in_irreps(starts, reps, pairs=wrong)


def test_what_alternation_leaves_open_is_climbed() -> None:
    reps = irreps(group_from_spec("S3"))
    ended = ascend_in_irreps(random_starts(6, 20, rng=0), reps, max_iterations=1)
    assert np.all(ended.gradient_norms <= 1e-8)
    constant = ascend_in_irreps(np.ones((1, 12)), reps)
    assert constant.energies[0] < 1e-20
    np.testing.assert_allclose(constant.weights, np.ones((1, 12)) / np.sqrt(12))
    apart = np.array([1.0, -1, 1, -1, 1, 1, -1, -1]) / np.sqrt(8)  # no irrep in common
    ended = ascend_in_irreps(np.stack([apart, np.arange(8)]), irreps(group_from_spec("C2xC2")))
    np.testing.assert_allclose(ended.weights[0], apart, atol=1e-15)
    np.testing.assert_allclose(ended.energies, [0, 2], atol=1e-14)
    with pytest.raises(ValueError, match="a start is zero"):
        ascend_in_irreps(np.zeros((1, 12)), reps)
    with pytest.raises(ValueError, match="trivial group has no nontrivial irrep"):
        ascend_in_irreps(np.ones((1, 2)), irreps(group_from_spec("C1")))
