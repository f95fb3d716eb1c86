"""Trust-region Newton steps: where first-order steps creep, and the doors of the ascent."""

from typing import Any

import numba
import numpy as np
import pytest

from groupfeat.energy import (
    PairSet,
    Variant,
    ascend,
    ascend_in_irreps,
    custom_activation,
    energy,
    energy_and_gradient,
    energy_fourier,
    full_pairs,
    get_activation,
    get_variant,
    pairs_from_arrays,
    random_starts,
    riemannian_gradient,
    riemannian_spectrum,
)
from groupfeat.energy.ascent._polish import Polisher, largest_in_ball
from groupfeat.groups import cyclic, group_from_spec, irreps


@pytest.mark.parametrize("shift", [0.0, 1.5, 4.0])
def test_steps_are_the_best_of_the_ball(shift: float) -> None:
    """No point of a large sample of the ball is better; inside, edge and saddle."""
    rng = np.random.default_rng(0)
    values, parts = rng.standard_normal(4) - shift, rng.standard_normal(4)
    found = largest_in_ball(values, parts, 0.5)
    assert np.linalg.norm(found) <= 0.5 * (1 + 1e-12)
    points = rng.standard_normal((200_000, 4))
    points *= 0.5 * rng.random((200_000, 1)) ** 0.25 / np.linalg.norm(points, axis=1, keepdims=True)

    def gain(x: Any) -> Any:
        return x @ parts + 0.5 * x**2 @ values

    best = gain(points).max()
    assert best <= gain(found) + 1e-12
    assert gain(found) < best + 0.05


@pytest.mark.parametrize(("spec", "name"), [("C37", "tanh"), ("Heis(3)", "silu")])
@pytest.mark.parametrize("dense_width", [600, 0])
def test_creeping_starts_end(spec: str, name: str, dense_width: int) -> None:
    """Soft directions have curvatures of 1e-6 of the stiff ones: 3,000 power steps do not end."""
    group = group_from_spec(spec)
    pairs, sigma = full_pairs(group), get_activation(name)
    crept = ascend(random_starts(group.order, 4, rng=0), pairs, name, tolerance=1e-2)
    polisher = Polisher(pairs, sigma, get_variant("raw"), 1e-8, dense_width=dense_width)
    for w, before in zip(crept.weights, crept.energies, strict=True):
        end, e, error = polisher.polish(w)
        assert e > before
        np.testing.assert_allclose(e, energy_fourier(end, irreps(group), sigma), rtol=1e-9)
        gradient = energy_and_gradient(end, pairs, sigma)[1]
        measured = np.linalg.norm(riemannian_gradient(end, pairs, sigma))
        assert measured <= 1e-8 * np.linalg.norm(gradient)
        np.testing.assert_allclose(error, measured / np.linalg.norm(gradient), rtol=1e-3)
        assert riemannian_spectrum(end, pairs, sigma).index == 0


@pytest.mark.parametrize("variant", ["raw", "ht"])
def test_energies_that_cancel_are_polished(variant: str) -> None:
    """Sigmoid is ½ and a little: its sums are 1e5 times what is left of them in E."""
    pairs = full_pairs(group_from_spec("S4"))
    ended = ascend(random_starts(24, 6, rng=1), pairs, "sigmoid", variant=variant)
    assert np.all(ended.gradient_norms <= 1e-8)
    np.testing.assert_allclose(
        ended.energies, energy(ended.weights, pairs, "sigmoid"), rtol=1e-11, atol=0
    )


@pytest.mark.parametrize(
    ("starts", "message"),
    [
        (np.ones(10), r"shape \(B, 10\) with B >= 1, got \(10,\)"),
        (np.ones((0, 10)), r"got \(0, 10\)"),
        (np.ones((2, 8)), r"shape \(..., 10\) for C5 of order 5, got \(2, 8\)"),
        (np.full((2, 10), np.nan), "finite"),
        (np.zeros((2, 10)), "a start is zero"),
        (np.ones((2, 10)) * 1j, "real, got complex"),
    ],
)
def test_bad_starts_never_reach_the_kernels(starts: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ascend(starts, full_pairs(cyclic(5)))
    with pytest.raises(ValueError, match=message):
        ascend_in_irreps(starts, irreps(cyclic(5)))


def test_starts_of_any_scale_and_kind_are_climbed() -> None:
    pairs, starts = full_pairs(cyclic(5)), random_starts(5, 3, rng=0)
    for given in (7 * starts, starts.tolist(), np.asfortranarray(starts)):
        np.testing.assert_allclose(ascend(given, pairs).energies, 1.25)
    with pytest.raises(ValueError, match="tolerance must be in"):
        ascend(starts, pairs, tolerance=-1)
    with pytest.raises(ValueError, match="max_iterations must be at least 1"):
        ascend(starts, pairs, max_iterations=0)


def test_an_empty_batch_has_no_energies() -> None:
    energies, gradients = energy_and_gradient(np.ones((0, 10)), full_pairs(cyclic(5)))
    assert energies.shape == (0,)
    assert gradients.shape == (0, 10)


@pytest.mark.parametrize(("left", "right"), [([7], [1]), ([-1], [1]), ([1, 2], [1]), ([], [])])
def test_pair_sets_hold_elements_only(left: list[int], right: list[int]) -> None:
    with pytest.raises(ValueError, match=r"elements 0\.\.4 of C5|two equal lists"):
        PairSet(cyclic(5), np.array(left, dtype=int), np.array(right, dtype=int))


def test_pair_sets_own_their_arrays() -> None:
    left = np.array([15, 9], dtype=np.int8)
    pairs = PairSet(cyclic(16), left, left)
    left[0] = 0
    assert pairs.left.tolist() == [15, 9]
    assert pairs.multiplicities[15, 15] == 1
    with pytest.raises(ValueError, match="unknown sampling 'all'"):
        PairSet(cyclic(16), left, left, "all")


def test_weights_of_unknown_draws_are_refused() -> None:
    w, group = np.ones(10), cyclic(5)
    twice = pairs_from_arrays(group, [0, 0, 1], [1, 1, 2], repeats=True)
    with pytest.raises(ValueError, match="how pairs were drawn"):
        energy(w, twice, variant="ht")
    left, right = np.arange(5), np.arange(5)[::-1]
    with pytest.raises(ValueError, match="equally many pairs of each target, got 0 to 5"):
        energy(w, PairSet(group, left, right, "per_target"), variant="ht")


def test_variants_and_activations_are_checked_when_built() -> None:
    with pytest.raises(ValueError, match="unknown variant 'rwa'"):
        Variant("rwa")
    with pytest.raises(ValueError, match="'removed' needs a matrix"):
        Variant("removed")
    with pytest.raises(ValueError, match="'cross' takes no matrix"):
        Variant("cross", np.eye(3))
    for name, parameter in (("tanh", 5.0), ("leaky_relu", np.nan), ("power", np.inf)):
        with pytest.raises(ValueError, match=r"takes no parameter|finite parameter"):
            get_activation(name, parameter)
    cube = (numba.njit(lambda x: x**3), numba.njit(lambda x: 3 * x**2))
    with pytest.raises(ValueError, match="'square' is taken"):
        custom_activation(*cube, name="square")
