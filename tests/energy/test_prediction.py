"""Predicted thresholds: the site equations at true maxima, their roots, and the measurement."""

import numpy as np
import pytest

from groupfeat.energy import (
    energy_and_gradient,
    fold_pairs,
    pairs_from_arrays,
    predict_thresholds,
    predicted_families,
    survival_thresholds,
)
from groupfeat.energy.thresholds._climber import Climber
from groupfeat.energy.thresholds._sites import SitePredictor, _Draws, small_roots
from groupfeat.groups import group_from_spec, irreps


@pytest.mark.parametrize("variant", ["raw", "cross", "ht"])
@pytest.mark.parametrize("sampling", ["without", "with"])
def test_site_equations_are_the_gradient(variant: str, sampling: str) -> None:
    """∇E = D w + F and λ = ⟨∇E, w⟩, for any w, against the energy layer's gradient."""
    group = group_from_spec("S3")
    reps = irreps(group)
    climber = Climber(reps, predicted_families(reps)[:1], 1, variant, "existence", sampling, 0.9, 4)
    left, right = climber.left[0, :28], climber.right[0, :28]
    diagonal = float(climber.diagonal(np.array([28]))[0])
    draws = _Draws.of(left, right, group, variant=variant, diagonal=diagonal)
    w = np.random.default_rng(0).standard_normal(12)
    w /= np.linalg.norm(w)
    level, pull, force = draws.fields(w)
    gradient = pull * w + force
    assert level == pytest.approx(gradient @ w, rel=1e-12)
    if variant != "ht":
        pairs = pairs_from_arrays(group, left, right, repeats=True)
        expected = energy_and_gradient(w, pairs, variant=variant)[1]
        np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-12)
    # D_i is quadratic in w_i; κ_i is the coefficient of its square.
    for i in (0, 8):
        step = np.zeros(12)
        step[i] = 0.1
        above, below = (draws.fields(w + sign * step)[1][i] for sign in (1, -1))
        expected = 2 * draws.coupling[i] * 0.01
        assert above + below - 2 * pull[i] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_small_roots_solve_their_cubics_and_fold_where_two_meet() -> None:
    rng = np.random.default_rng(3)
    slack, coupling = rng.uniform(0.5, 2, 50), rng.uniform(-0.2, 2, 50)
    edge = 2 / 3 * slack * np.sqrt(slack / (3 * np.maximum(coupling, 1e-9)))
    force = np.where(coupling > 0, 0.999 * edge, 1.0) * rng.choice([-1, 1], 50)
    roots = small_roots(slack, coupling, force)
    assert roots is not None
    kept = np.maximum(coupling, 0)
    np.testing.assert_allclose(roots * (slack - kept * roots**2), force, rtol=1e-9)
    for x, s, k, f in zip(roots, slack, kept, force, strict=True):
        # No smaller root of the same sign.
        grid = np.sign(f) * np.linspace(0, 0.999 * abs(x), 400)
        assert (np.abs(grid * (s - k * grid**2)) < abs(f)).all()
    i = int(np.argmax(coupling))
    force[i] = 1.001 * edge[i]
    assert small_roots(slack, coupling, force) is None
    assert small_roots(np.array([-1.0]), np.array([0.0]), np.array([0.1])) is None


@pytest.mark.parametrize(
    ("spec", "index", "variant"),
    [
        ("C23", 0, "raw"),
        ("C47", 0, "cross"),
        ("S4", 1, "raw"),
        ("D11", 1, "ht"),
        ("Dic5", 4, "raw"),
    ],
)
def test_prediction_meets_measurement(spec: str, index: int, variant: str) -> None:
    reps = irreps(group_from_spec(spec))
    family = predicted_families(reps)[index : index + 1]
    (seen,) = survival_thresholds(reps, family, variant=variant)
    (told,) = predict_thresholds(reps, family, variant=variant)
    assert told.n50 == pytest.approx(seen.n50, rel=0.12)


def test_full_data_is_kept_and_too_few_pairs_are_not() -> None:
    reps = irreps(group_from_spec("S4"))
    families = predicted_families(reps)
    climber = Climber(reps, families, 3, "raw", "existence", "without", 0.9, 0)
    judge = SitePredictor(climber, 5)
    assert judge.kept(np.full(judge.shape, 576)).all()
    assert not judge.kept(np.full(judge.shape, 60)).any()
    asked = np.zeros(judge.shape, dtype=bool)
    asked[2, 1] = True
    assert np.argwhere(judge.kept(np.full(judge.shape, 576), asked)).tolist() == [[2, 1]]


@pytest.mark.parametrize(("spec", "index"), [("C61", 0), ("D30", 4), ("Dic15", 4)])
def test_first_loss_of_the_cross_term(spec: str, index: int) -> None:
    """Noise moves w* by F/λ, (1 − p)d*/(pM) of ‖w‖²; that much of it leaves the isotypic part."""
    reps = irreps(group_from_spec(spec))
    family, order = predicted_families(reps)[index], reps.group.order
    climber = Climber(reps, [family], 30, "cross", "existence", "without", 0.9, 0)
    p, basis = 0.6, climber.bases[0]
    count, lost = round(p * order**2), []
    for trial in range(30):
        pair_set = climber.left[trial, :count], climber.right[trial, :count]
        draws = _Draws.of(*pair_set, reps.group, variant="cross", diagonal=0.0)
        level, _, force = draws.fields(climber.starts[0, trial])
        halves = (force / level).reshape(2, -1)
        lost.append(np.sum(halves**2) - np.sum((halves @ basis) ** 2))
    dim = order / (2 * family.energy)
    outside = 1 - climber.bases[0].any(axis=0).sum() / order
    assert np.mean(lost) == pytest.approx((1 - p) / p * dim / order * outside, rel=0.1)


def test_fold_pairs_is_what_random_sites_give() -> None:
    """The closed form against a draw of its own assumptions."""
    order, dim, rng = 60, 2.0, np.random.default_rng(0)
    count = fold_pairs(order, dim, sampling="with")
    assert fold_pairs(order, dim) == pytest.approx(count / (1 + count / order**2))
    tau = np.sqrt(dim * order / count)
    pull = tau * rng.standard_normal((4000, 2 * order))
    size = np.abs(np.cos(rng.uniform(0, 2 * np.pi, pull.shape)))
    folded = np.maximum(1 - pull, 0) ** 1.5 <= 1.5 * np.sqrt(3) * tau * size
    assert folded.any(axis=1).mean() == pytest.approx(0.5, abs=0.03)
    # Linear in d at fixed τ, and M ln M with corrections that fall slowly.
    assert fold_pairs(order, 4.0, sampling="with") == pytest.approx(2 * count)
    ratios = [fold_pairs(m, 1, sampling="with") / (m * np.log(2 * m)) for m in (10**2, 10**9)]
    assert ratios == pytest.approx([6.04, 4.64], abs=0.01)


def test_bad_options_are_refused() -> None:
    reps = irreps(group_from_spec("C5"))
    with pytest.raises(ValueError, match="passes must be at least 1, got 0"):
        predict_thresholds(reps, passes=0)
    with pytest.raises(ValueError, match="order of at least 3"):
        fold_pairs(2, 1.0)
    with pytest.raises(ValueError, match="positive effective_dim, got 100 and inf"):
        fold_pairs(100, float("inf"))
    with pytest.raises(ValueError, match="sampling must be one of without, with"):
        fold_pairs(9, 1.0, sampling="x")
    with pytest.raises(ValueError, match="variant must be one of"):
        predict_thresholds(reps, variant="x")
