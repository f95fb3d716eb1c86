"""Words of k operands: against a sum over all words, by error slopes, and by ascent."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from groupfeat.energy import (
    energy_and_gradient,
    full_pairs,
    operand_energy_and_gradient,
    operand_levels,
    predicted_families,
)
from groupfeat.groups import FiniteGroup, group_from_spec, irreps


def energy_by_words(w: NDArray[np.float64], group: FiniteGroup, operands: int) -> float:
    order = group.order
    parts, sums = w.reshape(operands, order), np.zeros(order)
    for word in product(range(order), repeat=operands):
        target, x = 0, 0.0
        for part, g in zip(parts, word, strict=True):
            target, x = int(group.cayley_table[target, g]), x + part[g]
        sums[target] += x**operands
    return 0.5 * float(np.sum((sums - sums.mean()) ** 2))


@pytest.mark.parametrize(
    ("spec", "operands"), [("C3", 2), ("C3", 3), ("S3", 3), ("Q8", 3), ("C4", 4)]
)
def test_energy_is_the_sum_over_words(spec: str, operands: int) -> None:
    group = group_from_spec(spec)
    w = np.random.default_rng(0).standard_normal((3, operands * group.order))
    found = operand_energy_and_gradient(w, irreps(group), operands)[0]
    expected = [energy_by_words(row, group, operands) for row in w]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("spec", ["C7", "S3", "Q8"])
def test_two_operands_are_the_energy_of_pairs(spec: str) -> None:
    group = group_from_spec(spec)
    reps, w = irreps(group), np.random.default_rng(1).standard_normal((4, 2 * group.order))
    for found, expected in zip(
        operand_energy_and_gradient(w, reps, 2),
        energy_and_gradient(w, full_pairs(group)),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    levels = [family.energy for family in predicted_families(reps)]
    np.testing.assert_allclose(operand_levels(reps, 2), levels)


@pytest.mark.parametrize(("spec", "operands"), [("S3", 3), ("C5", 4), ("Q8", 3)])
def test_gradients_by_error_slopes(spec: str, operands: int) -> None:
    reps = irreps(group_from_spec(spec))
    w, v = np.random.default_rng(2).standard_normal((2, operands * reps.group.order))
    value, gradient = operand_energy_and_gradient(w, reps, operands)
    steps = np.array([2e-3, 1e-3])
    moved = operand_energy_and_gradient(w + steps[:, None] * v, reps, operands)[0]
    errors = np.abs(moved - value - steps * (gradient @ v))
    assert 1.8 < np.log2(errors[0] / errors[1]) < 2.2


@pytest.mark.parametrize("spec", ["C3", "C5", "C8"])
def test_ascent_of_three_operands_ends_on_the_levels(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    w = np.random.default_rng(3).standard_normal((60, 3 * reps.group.order))
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    for _ in range(300):
        e, gradient = operand_energy_and_gradient(w, reps, 3)
        # E is homogeneous of degree 6: a shift of half the radial part keeps it rising.
        w = gradient + 3 * e[:, None] * w
        w /= np.linalg.norm(w, axis=1, keepdims=True)
    e, gradient = operand_energy_and_gradient(w, reps, 3)
    tangential = gradient - np.sum(gradient * w, axis=1, keepdims=True) * w
    assert np.linalg.norm(tangential, axis=1).max() < 1e-8 * e.max()
    assert np.abs(e[:, None] / operand_levels(reps, 3) - 1).min(1).max() < 1e-9


def test_bad_words_are_refused() -> None:
    reps = irreps(group_from_spec("C3"))
    with pytest.raises(ValueError, match="operands must be at least 2, got 1"):
        operand_energy_and_gradient(np.ones(3), reps, 1)
    with pytest.raises(ValueError, match=r"shape \(\.\.\., 9\) for C3 of order 3, got \(6,\)"):
        operand_energy_and_gradient(np.ones(6), reps, 3)


@pytest.mark.parametrize("operands", [0, 1, 65, 2.5])
def test_numbers_of_operands_are_checked(operands: int) -> None:
    reps = irreps(group_from_spec("C3"))
    with pytest.raises(ValueError, match="operands must be"):
        operand_levels(reps, operands)
    with pytest.raises(ValueError, match="operands must be"):
        operand_energy_and_gradient(np.ones(3), reps, operands)


def test_the_most_operands_have_finite_levels() -> None:
    assert np.isfinite(operand_levels(irreps(group_from_spec("C509")), 64)).all()


def test_complex_words_are_refused() -> None:
    with pytest.raises(ValueError, match="weights must be real"):
        operand_energy_and_gradient(1j * np.ones(6), irreps(group_from_spec("C3")), 2)
