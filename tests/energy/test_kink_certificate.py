"""The certificate of kinks: each of its parts by a second road, and what it must not certify."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog, lsq_linear

from groupfeat.energy import (
    PairSet,
    ascend,
    ascend_kinked,
    energy,
    full_pairs,
    kink_certificate,
    random_starts,
    sample_pairs,
)
from groupfeat.energy.ascent._kinks import make_cells, subspace_of
from groupfeat.groups import cyclic, group_from_spec, symmetric
from tests.energy.oracles import design, sign_weight

Floats = NDArray[np.float64]


def choices(w: Floats, pairs: PairSet, active: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Yield for each choice of upward slopes the rest's pull and the downward columns (ReLU)."""
    x, y = design(pairs)
    u = x @ w
    kinked = np.isin(np.arange(len(pairs)), active)
    force = y @ (y.T @ np.where(kinked, 0, np.maximum(u, 0)))
    tangent = np.eye(len(w)) - np.outer(w, w)
    down = np.flatnonzero(kinked & (force < -1e-9))
    up = np.flatnonzero(kinked & (force > 1e-9))
    for outer in np.ndindex(*[2] * len(up)):
        slopes = np.where(u > 0, 1.0, 0.0)
        slopes[kinked], slopes[up] = 0.0, outer
        yield tangent @ x.T @ (force * slopes), tangent @ (force[down, None] * x[down]).T


def largest_margin(w: Floats, pairs: PairSet, active: Floats) -> float:
    """Largest m with balancing slopes in [m, 1 − m], by one linear program a choice (ReLU)."""
    margins = []
    for pull, columns in choices(w, pairs, active):
        k = columns.shape[1]
        one = np.ones((k, 1))
        found = linprog(
            np.append(np.zeros(k), -1.0),
            A_ub=np.block([[-np.eye(k), one], [np.eye(k), one]]),
            b_ub=np.append(np.zeros(k), np.ones(k)),
            A_eq=np.column_stack([columns, np.zeros(len(w))]),
            b_eq=-pull,
            bounds=[(None, None)] * (k + 1),
        )
        margins.append(-found.fun if found.success else -np.inf)
    return min(margins)


def test_margin_is_that_of_one_linear_program_a_choice() -> None:
    full = full_pairs(symmetric(3))
    assert kink_certificate(sign_weight(), full).margin == pytest.approx(0.5, abs=1e-9)
    for pairs, starts in (
        (full, random_starts(6, 12, rng=0)),
        (sample_pairs(cyclic(7), 46 / 49, rng=0), random_starts(7, 8, rng=0)),
    ):
        upward = 0
        for w in ascend_kinked(starts, pairs).weights:
            proof = kink_certificate(w, pairs)
            expected = largest_margin(w, pairs, proof.active)
            assert proof.margin == pytest.approx(expected, abs=1e-6)
            upward += proof.n_upward
        assert pairs.is_full or upward > 0


def test_a_point_with_no_margin_is_not_certified() -> None:
    """A balance that needs a slope at the end of its interval proves nothing."""
    pairs = sample_pairs(symmetric(3), 30 / 36, rng=0)
    start = random_starts(6, 60, rng=0)[12:13]
    proof = kink_certificate(ascend_kinked(start, pairs).weights[0], pairs)
    assert proof.gradient_norm <= 1e-8
    assert proof.is_strict_maximum == (proof.margin > 1e-6)


def rise_off_the_held_kinks(w: Floats, pairs: PairSet, step: float) -> float:
    """Largest rise of E over random tangents that keep each pair of nonzero force on its kink."""
    x, y = design(pairs)
    u = x @ w
    force = y @ (y.T @ np.where(np.abs(u) < 1e-9, 0, np.maximum(u, 0)))
    held = x[(np.abs(u) < 1e-9) & (np.abs(force) > 1e-9)]
    rows = np.vstack([held, w])
    free = np.linalg.svd(rows)[2][np.linalg.matrix_rank(rows, tol=1e-9) :]
    moves = np.random.default_rng(0).standard_normal((500, len(free))) @ free
    near = w + step * moves / np.linalg.norm(moves, axis=1, keepdims=True)
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    return float(energy(near, pairs, "relu").max() - energy(w, pairs, "relu"))


@pytest.mark.parametrize("spec", ["C3", "C4", "C2xC2"])
def test_the_plateau_is_no_maximum(spec: str) -> None:
    """E = 0 is the least E; around a unit vector all kinks are of pairs without force."""
    pairs = full_pairs(group_from_spec(spec))
    for position in range(2 * pairs.order):
        w = np.eye(2 * pairs.order)[position]
        proof = kink_certificate(w, pairs)
        assert (proof.energy, proof.gradient_norm) == (0, 0)
        assert proof.codim > 0
        assert rise_off_the_held_kinks(w, pairs, 1e-3) > 1e-8
        assert not proof.is_strict_maximum


def test_kinks_without_force_hold_nothing() -> None:
    """On C8 at E = 2 half of the active pairs have (Sc)_t = 0: first order proves nothing."""
    pairs = full_pairs(cyclic(8))
    # The character of order 4 without its zeros: a = b = (1, 1, -1, -1, ...), E = 2.
    side = np.tile([1.0, 1.0, -1.0, -1.0], 2)
    w = np.concatenate([side, side]) / 4
    proof = kink_certificate(w, pairs)
    assert proof.energy == pytest.approx(2, rel=1e-12)
    assert proof.gradient_norm <= 1e-10
    assert proof.margin > 0.1
    assert (proof.index, proof.nullity) == (0, 0)
    assert rise_off_the_held_kinks(w, pairs, 1e-3) < 0  # it may well be a maximum
    assert not proof.is_strict_maximum


def test_gradient_is_the_worst_over_the_upward_choices() -> None:
    """‖v‖² is the tangent part's square plus (2E)²: slopes on kinks do not touch ⟨v, w⟩."""
    pairs, several = full_pairs(symmetric(3)), 0
    rng, cells = np.random.default_rng(2), make_cells(pairs, "relu")
    for w in random_starts(6, 8, rng=3):
        active = np.isin(np.arange(36), rng.choice(36, 6, replace=False))
        basis = subspace_of(cells, active)
        on = basis @ (basis.T @ w)
        on /= np.linalg.norm(on)
        proof = kink_certificate(on, pairs)
        left = [
            np.linalg.norm(pull + columns @ lsq_linear(columns, -pull, (0, 1), tol=1e-14).x)
            if columns.size
            else np.linalg.norm(pull)
            for pull, columns in choices(on, pairs, proof.active)
        ]
        several += max(left) > 1.01 * min(left)
        expected = max(left) / np.hypot(max(left), 2 * proof.energy)
        assert proof.gradient_norm == pytest.approx(expected, rel=1e-6)
    assert several >= 3


def test_slopes_told_balance_the_gradient() -> None:
    pairs = full_pairs(cyclic(5))
    (x, y), uneven = design(pairs), 0
    for w in ascend_kinked(random_starts(5, 4, rng=0), pairs).weights:
        proof = kink_certificate(w, pairs)
        slopes = np.where(x @ w > 0, 1.0, 0.0)
        slopes[proof.active] = proof.slopes
        gradient = x.T @ ((y @ (y.T @ np.maximum(x @ w, 0))) * slopes)
        uneven += int(np.abs(proof.slopes - 0.5).max() > 0.1)  # no mirror image of the balance
        np.testing.assert_allclose(gradient, w * (gradient @ w), atol=1e-8)
    assert uneven >= 1


def test_what_is_not_balanced_is_not_certified() -> None:
    """Plain ascent stops short of the kinks, where E curves down but still rises."""
    pairs, seen = full_pairs(cyclic(5)), 0
    stopped = ascend(random_starts(5, 40, rng=0), pairs, "relu", max_iterations=300)
    for w in stopped.weights:
        proof = kink_certificate(w, pairs)
        if proof.gradient_norm > 1e-3:
            seen += (proof.index, proof.nullity) == (0, 0) and proof.margin > 0.1
            assert not proof.is_strict_maximum
    assert seen >= 5


def test_a_saddle_inside_a_cell_is_not_certified() -> None:
    """The second eigenvector of the form of its own cell: critical, and E rises to the first."""
    pairs = sample_pairs(cyclic(3), 0.7, rng=0)
    x, y = design(pairs)
    w = random_starts(3, 1, rng=1)[0]
    for _ in range(30):
        jacobian = y.T @ ((x @ w > 0)[:, None] * x)
        second = np.linalg.eigh(jacobian.T @ jacobian)[1][:, -2]
        w = second if second @ w > 0 else -second
    proof = kink_certificate(w, pairs)
    assert (proof.index, proof.nullity, len(proof.active)) == (1, 0, 0)
    assert proof.gradient_norm <= 1e-10
    assert not proof.is_strict_maximum


def test_a_flat_maximum_is_not_strict() -> None:
    pairs = full_pairs(group_from_spec("Q8"))
    w = ascend_kinked(random_starts(8, 60, rng=2)[13:14], pairs).weights[0]
    proof = kink_certificate(w, pairs)
    assert proof.energy == pytest.approx(1, rel=1e-9)
    assert (proof.index, proof.nullity) == (0, 1)
    assert proof.margin > 0.1
    assert not proof.is_strict_maximum


def test_more_upward_kinks_than_are_tried_decide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = full_pairs(cyclic(7))
    ended = ascend_kinked(random_starts(7, 2, rng=2), pairs)
    w = ended.weights[np.argmax(ended.energies)]
    proof = kink_certificate(w, pairs)
    assert proof.n_upward == 4
    assert proof.is_strict_maximum
    monkeypatch.setattr("groupfeat.energy.ascent._kinks._MOST_UPWARD", 3)
    assert not kink_certificate(w, pairs).is_strict_maximum
