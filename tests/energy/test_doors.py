"""What is no weight, tolerance or count is refused in one voice by every public function."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from groupfeat.energy import (
    CriticalPoints,
    ascend,
    ascend_in_irreps,
    ascend_kinked,
    branches_of,
    energy,
    energy_and_gradient,
    energy_fourier,
    energy_hessian,
    energy_hvp,
    energy_in_irreps,
    explore_landscape,
    find_basins,
    find_maxima,
    find_saddles,
    follow_flow,
    full_pairs,
    kink_certificate,
    maximum_kinds,
    random_starts,
    riemannian_gradient,
    riemannian_hessian,
    riemannian_hvp,
    riemannian_spectrum,
    sample_pairs,
    symmetry_directions,
)
from groupfeat.groups import cyclic, group_from_spec, irreps, symmetric

REPS = irreps(cyclic(5))
PAIRS = full_pairs(cyclic(5))
UNIT = random_starts(5, 2, rng=0)

DOORS: dict[str, Callable[[Any], Any]] = {
    "energy": lambda w: energy(w, PAIRS),
    "energy_and_gradient": lambda w: energy_and_gradient(w, PAIRS),
    "energy_hessian": lambda w: energy_hessian(w, PAIRS),
    "energy_hvp": lambda w: energy_hvp(w, UNIT, PAIRS),
    "energy_hvp vectors": lambda w: energy_hvp(UNIT, w, PAIRS),
    "energy_fourier": lambda w: energy_fourier(w, REPS),
    "energy_in_irreps": lambda w: energy_in_irreps(w, REPS),
    "riemannian_gradient": lambda w: riemannian_gradient(w, PAIRS),
    "riemannian_hessian": lambda w: riemannian_hessian(w, PAIRS),
    "riemannian_hvp": lambda w: riemannian_hvp(w, UNIT, PAIRS),
    "riemannian_hvp vectors": lambda w: riemannian_hvp(UNIT, w, PAIRS),
    "riemannian_spectrum": lambda w: riemannian_spectrum(w, PAIRS),
    "symmetry_directions": lambda w: symmetry_directions(w, PAIRS),
    "kink_certificate": lambda w: kink_certificate(w, PAIRS),
    "ascend": lambda w: ascend(w, PAIRS),
    "ascend_kinked": lambda w: ascend_kinked(w, PAIRS),
    "ascend_in_irreps": lambda w: ascend_in_irreps(w, REPS),
    "find_saddles": lambda w: find_saddles(w, PAIRS),
    "follow_flow": lambda w: follow_flow(w, PAIRS),
    "find_basins": lambda w: find_basins(w, REPS),
    "maximum_kinds": lambda w: maximum_kinds(w, PAIRS, REPS),
}

WRONG: dict[str, tuple[Any, str]] = {
    "scalar": (1.0, r"need shape \(\.\.\., 10\) for C5 of order 5, got \(\)"),
    "short": (UNIT[:, :9], r"need shape \(\.\.\., 10\) for C5 of order 5, got \(2, 9\)"),
    "complex": (UNIT * (1 + 0j), "must be real, got complex numbers"),
    "NaN": (UNIT * np.nan, "must be finite, got NaN or infinity"),
    "infinite": (UNIT + np.inf, "must be finite, got NaN or infinity"),
    "huge": (UNIT * 1e200, r"must be at most 1e\+150 in size"),
    "ragged": ([[0.1] * 10, [0.1] * 9], "got rows of unequal shape"),
    "text": ("weights", "must be an array of numbers, got <U7 entries"),
    "None": (None, "must be an array of numbers, got object entries"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("door", DOORS)
def test_what_is_no_weight_is_refused_in_one_voice(door: str, wrong: str) -> None:
    weights, told = WRONG[wrong]
    with pytest.raises(ValueError, match=told):
        DOORS[door](weights)


BATCHES = (
    "ascend",
    "ascend_in_irreps",
    "ascend_kinked",
    "find_saddles",
    "follow_flow",
    "symmetry_directions",
)


@pytest.mark.parametrize("door", BATCHES)
def test_what_is_no_batch_is_refused_in_one_voice(door: str) -> None:
    for wrong in (UNIT[0], UNIT[None]):
        with pytest.raises(
            ValueError, match=r"need shape \(B, 10\) with B >= [01], got .*weight\[None"
        ):
            DOORS[door](wrong)


UNIT_DOORS = (
    "riemannian_gradient",
    "riemannian_hessian",
    "riemannian_hvp",
    "ascend_kinked",
    "find_saddles",
    "follow_flow",
)


@pytest.mark.parametrize("door", UNIT_DOORS)
def test_unit_weights_in_float32_are_told_a_way_in(door: str) -> None:
    """Divided by their norms in float32, weights of C5 are up to 6e-8 too long or short."""
    starts = random_starts(5, 50, rng=0).astype(np.float32)
    starts /= np.linalg.norm(starts, axis=1, keepdims=True)
    off = np.abs(np.linalg.norm(starts.astype(np.float64), axis=1) - 1)
    single = starts[off.argsort()[-2:]]
    with pytest.raises(ValueError, match=r"norm 1, got (0\.9|1\.0)\d+; make them float64 and"):
        DOORS[door](single)
    double = single.astype(np.float64)
    DOORS[door](double / np.linalg.norm(double, axis=-1, keepdims=True))


def test_weights_in_float32_are_computed_with_in_float64() -> None:
    """The precision is what is asked for by ``dtype``, never that of the weights."""
    starts = random_starts(23, 4, rng=0).astype(np.float32)
    pairs, exact = full_pairs(cyclic(23)), starts.astype(np.float64)
    for name in ("square", "relu", "tanh"):
        for found, wanted in zip(
            energy_and_gradient(starts, pairs, name),
            energy_and_gradient(exact, pairs, name),
            strict=True,
        ):
            assert found.dtype == np.float64
            assert np.array_equal(found, wanted)
    climbed = ascend(starts, pairs)
    assert np.array_equal(climbed.weights, ascend(exact, pairs).weights)
    assert climbed.gradient_norms.max() <= 1e-8


@pytest.mark.parametrize(("name", "share"), [("square", 1e-6), ("relu", 3e-6), ("sigmoid", 2e-3)])
def test_energies_in_float32_are_as_close_as_documented(name: str, share: float) -> None:
    """On C23; the sums of sigmoid are a thousand times what is left of them in E."""
    starts, pairs = random_starts(23, 100, rng=0), full_pairs(cyclic(23))
    e, gradient = energy_and_gradient(starts, pairs, name)
    single, slopes = energy_and_gradient(starts, pairs, name, dtype=np.float32)
    apart = np.linalg.norm(slopes - gradient, axis=1) / np.linalg.norm(gradient, axis=1)
    assert 0 < max(np.abs(single / e - 1).max(), apart.max()) <= share


def test_vectors_that_do_not_fit_the_weights_are_refused() -> None:
    for product in (energy_hvp, riemannian_hvp):
        with pytest.raises(ValueError, match="do not broadcast; pass one vector a weight"):
            product(UNIT, random_starts(5, 3, rng=0), PAIRS)


def test_an_energy_that_overflows_is_refused() -> None:
    large = 1e100 * UNIT
    for wrong in (
        lambda: energy(large, PAIRS),
        lambda: energy_hessian(1e10 * large, PAIRS, "cube"),
        lambda: energy_hvp(1e10 * large, UNIT, PAIRS, "cube"),
        lambda: energy_fourier(large, REPS),
        lambda: energy_in_irreps(large, REPS),
        lambda: energy(1e20 * UNIT, PAIRS, dtype=np.float32),
        lambda: energy(1e60 * UNIT, PAIRS, dtype=np.float32),
    ):
        with pytest.raises(ValueError, match=r"overflows at weights as large as .*scale them"):
            wrong()
    # tanh is bounded: its energy is a number however large the weights.
    assert np.isfinite(energy(large, PAIRS, "tanh")).all()


SEARCHES: dict[str, Callable[..., Any]] = {
    "ascend": lambda **o: ascend(UNIT, PAIRS, **o),
    "ascend flow": lambda **o: ascend(UNIT, PAIRS, method="flow", **o),
    "ascend_in_irreps": lambda **o: ascend_in_irreps(UNIT, REPS, **o),
    "ascend_kinked": lambda **o: ascend_kinked(UNIT, PAIRS, **o),
    "find_maxima": lambda **o: find_maxima(REPS, starts=2, rng=0, **o),
    "find_saddles": lambda **o: find_saddles(UNIT, PAIRS, **o),
    "follow_flow": lambda **o: follow_flow(UNIT, PAIRS, **o),
    "explore_landscape": lambda **o: explore_landscape(PAIRS, starts=2, searches=2, rng=0, **o),
}


@pytest.mark.parametrize("tolerance", [0.0, -1.0, 1.0, 10.0, np.nan, np.inf])
@pytest.mark.parametrize("search", SEARCHES)
def test_tolerances_that_bound_nothing_are_refused(search: str, tolerance: float) -> None:
    with pytest.raises(ValueError, match=r"tolerance must be in \(0, 1\), got"):
        SEARCHES[search](tolerance=tolerance)


@pytest.mark.parametrize(("count", "told"), [(0, "at least 1, got 0"), (2.5, "a whole number")])
def test_searches_without_a_step_are_refused(count: Any, told: str) -> None:
    for name, search in SEARCHES.items():
        if name != "explore_landscape":
            with pytest.raises(ValueError, match=f"max_iterations must be .*{told}"):
                search(max_iterations=count)
    with pytest.raises(ValueError, match=f"max_steps must be .*{told}"):
        ascend_kinked(UNIT, PAIRS, max_steps=count)
    with pytest.raises(ValueError, match=f"searches must be .*{told}"):
        explore_landscape(PAIRS, searches=count, rng=0)
    with pytest.raises(ValueError, match=f"starts must be .*{told}"):
        random_starts(5, count, rng=0)


@pytest.fixture(scope="module")
def saddles() -> CriticalPoints:
    pairs = sample_pairs(cyclic(7), 38 / 49, rng=0)
    found = find_saddles(random_starts(7, 10, rng=0), pairs)
    return found.take(np.flatnonzero(found.is_converged & (found.indices == 1)))


@pytest.mark.parametrize("order", [5, 11])
def test_saddles_of_another_group_have_no_branches(saddles: CriticalPoints, order: int) -> None:
    with pytest.raises(ValueError, match=f"saddles need shape .* for C{order}"):
        branches_of(saddles, full_pairs(cyclic(order)))


def test_saddles_of_another_energy_have_no_branches(saddles: CriticalPoints) -> None:
    own = sample_pairs(cyclic(7), 38 / 49, rng=0)
    assert len(branches_of(saddles, own)[0]) == len(saddles)
    for pairs, sigma in ((full_pairs(cyclic(7)), "square"), (own, "cube")):
        with pytest.raises(ValueError, match="has not the energy stored beside it"):
            branches_of(saddles, pairs, sigma)


def test_points_without_energy_did_not_converge() -> None:
    """On constant weights E = 0: nothing pulls, yet it is no maximum."""
    constant = np.ones((1, 12)) / np.sqrt(12)
    reps, pairs = irreps(symmetric(3)), full_pairs(symmetric(3))
    trivial = full_pairs(group_from_spec("C1"))
    for ended in (
        ascend(constant, pairs),
        ascend(constant, pairs, "silu"),
        ascend(constant, pairs, method="flow"),
        ascend(random_starts(1, 3, rng=0), trivial),
        ascend_in_irreps(constant, reps),
        ascend_kinked(random_starts(1, 3, rng=0), trivial),
        find_saddles(constant, pairs),
    ):
        assert set(ended.statuses) == {"E vanishes here: start elsewhere"}
