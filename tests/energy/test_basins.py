"""Basins in closed form against the integrated flow, and their exact probabilities."""

import numpy as np
import pytest
from scipy.integrate import quad

from groupfeat.energy import (
    basin_probabilities,
    blow_up_times,
    family_shares,
    find_basins,
    full_pairs,
    predicted_families,
    random_starts,
    wilson_interval,
)
from groupfeat.energy.exact._blow_up_law import blow_up_law
from groupfeat.groups import fourier_transform, group_from_spec, irreps
from tests.energy.landscape_numerics import Floats, flow_to_the_end


def basins_agree(spec: str, starts: int, seed: int) -> tuple[float, float]:
    """Return the share of starts whose flow ended, and of those the share that agrees."""
    reps = irreps(group_from_spec(spec))
    points = random_starts(reps.group.order, starts, rng=seed)
    shares = family_shares(flow_to_the_end(points, full_pairs(reps.group)), reps)[:, 1:]
    settled = shares.max(1) > 0.999
    agree = find_basins(points, reps) == shares.argmax(1)
    return float(settled.mean()), float(agree[settled].mean())


@pytest.mark.parametrize("spec", ["C8", "S3", "Q8", "F21"])
def test_basins_agree_with_the_flow(spec: str) -> None:
    settled, agreed = basins_agree(spec, 200, 5)
    assert settled > 0.99
    assert agreed >= 0.995


def test_levels_do_not_weigh_the_race() -> None:
    """C8: the logarithmic mean of |â|² and |b̂|² decides, not its product with E*.

    The sign's level is twice that of a pair. With blocks 1.5 times as large for the pair the flow
    goes to the pair; E* times the logarithmic mean would send it to the sign.
    """
    reps = irreps(group_from_spec("C8"))
    g = np.arange(8)
    sign, pair = (-1.0) ** g, np.sqrt(2) * np.cos(np.pi * g / 4)
    start = np.concatenate([sign + np.sqrt(3) * pair, 0.8 * sign + np.sqrt(3) * 0.8 * pair])
    families = predicted_families(reps)
    blocks = [
        np.abs(fourier_transform(half, reps)[f.irreps[0]][0, 0]) ** 2
        for f in families
        for half in (start[:8], start[8:])
    ]
    means = [
        (x - y) / np.log(x / y) if x > 1e-9 else 0.0
        for x, y in zip(blocks[::2], blocks[1::2], strict=True)
    ]
    weighed = [f.energy * mean for f, mean in zip(families, means, strict=True)]
    assert families[int(np.argmax(weighed))].type == "real"
    assert families[int(np.argmax(means))].type == "complex"
    ended = family_shares(flow_to_the_end(start[None], full_pairs(reps.group)), reps)[0, 1:]
    assert ended.argmax() == find_basins(start[None], reps)[0] == np.argmax(means)


def test_scalar_blow_up_time_is_the_logarithm() -> None:
    x, y = np.array([0.7, 2.0, 1.0]), np.array([0.2, 3.0, 1.0 + 1e-12])
    times = blow_up_times(*(np.sqrt(v).reshape(-1, 1, 1).astype(complex) for v in (x, y)))
    expected = [np.log(0.7 / 0.2) / (8 * 0.5), np.log(2 / 3) / (8 * -1), 1 / 8]
    np.testing.assert_allclose(times, expected, rtol=1e-12)


def integrated_time(a: Floats, b: Floats) -> float:
    t = 0.0
    while np.linalg.norm(a) < 1e6:
        step = 1e-3 / (np.linalg.norm(a) + np.linalg.norm(b)) ** 2
        k1 = (4 * a @ b @ b.T, 4 * a.T @ a @ b)
        half = (a + step / 2 * k1[0], b + step / 2 * k1[1])
        k2 = (4 * half[0] @ half[1] @ half[1].T, 4 * half[0].T @ half[0] @ half[1])
        a, b, t = a + step * k2[0], b + step * k2[1], t + step
    return t


@pytest.mark.parametrize("singular", [False, True])
def test_blow_up_time_by_integration(singular: bool) -> None:
    """The flow grows past any bound just at the stated time, for singular A and B too."""
    a, b = np.random.default_rng(3).standard_normal((2, 3, 3)) * 0.3
    if singular:
        a[:, 0], b[:, 2] = 0, b[:, 1]
    (end,) = blow_up_times(a[None].astype(complex), b[None].astype(complex))
    assert integrated_time(a, b) == pytest.approx(end, rel=1e-4)


def test_times_are_inverse_squares_of_size() -> None:
    a, b = np.random.default_rng(0).standard_normal((2, 50, 4, 4)).astype(complex)
    times = blow_up_times(a, b)
    for scale in (1e-3, 1e4):
        np.testing.assert_allclose(
            blow_up_times(scale * a, scale * b), times / scale**2, rtol=1e-11
        )


def test_where_the_product_vanishes_nothing_blows_up() -> None:
    a, b = np.zeros((2, 2, 2, 2), dtype=complex)
    a[0, 0, 0] = b[0, 1, 1] = a[1, 0, 0] = b[1, 0, 0] = 1
    times = blow_up_times(a, b)
    assert np.isinf(times[0])
    assert times[1] == pytest.approx(1 / 8)


def test_basins_do_not_depend_on_scale() -> None:
    reps = irreps(group_from_spec("S4"))
    starts = random_starts(24, 200, rng=1)
    assert np.array_equal(find_basins(starts, reps), find_basins(1e3 * starts, reps))


def test_abelian_probabilities_by_another_integral() -> None:
    """C4: P(T > t) of a complex pair is s∫exp(−s u coth(u/2))du, by adaptive quadrature.

    With L = (x − y)/ln(x/y) the pair's time is 1/(8L) for exponential x, y of mean 1, and the
    sign's 1/(8L) for chi-squared ones; the winner has the larger L.
    """

    def pair_above(s: float) -> float:
        return s * quad(lambda u: np.exp(-s * u / np.tanh(u / 2)) if u else 1.0, 0, np.inf)[0]

    def sign_at(angle: float) -> float:
        """Chance that the pair wins, given the sign's direction, over its size."""
        x, y = np.cos(angle) ** 2, np.sin(angle) ** 2
        mean = (x - y) / np.log(x / y) if abs(x - y) > 1e-9 else 0.5
        return quad(lambda r: pair_above(r * mean) * np.exp(-r / 2) / 2, 0, 60)[0]

    nodes, weights = np.polynomial.legendre.leggauss(40)
    # θ = s²π/4 tames the logarithm at 0.
    s = (nodes + 1) / 2
    inner = np.array([sign_at(v * v * np.pi / 4) for v in s])
    pair_wins = float(np.sum(weights * inner * s))
    reps = irreps(group_from_spec("C4"))
    probabilities, errors = basin_probabilities(reps)
    (pair,) = (k for k, f in enumerate(predicted_families(reps)) if f.type == "complex")
    assert probabilities[pair] == pytest.approx(pair_wins, abs=1e-6)
    assert errors.max() == 0


@pytest.mark.parametrize(
    ("dim", "kind"), [(1, "real"), (1, "complex"), (2, "quaternionic"), (2, "real"), (3, "complex")]
)
def test_law_of_the_time_against_drawn_blocks(dim: int, kind: str) -> None:
    """P(T > t) against the share of Gaussian blocks, E‖A‖² = d, that last until t."""
    rng = np.random.default_rng(0)
    law = blow_up_law(dim, kind, samples=2048, rng=rng)
    shape = (2, 12_000, dim, dim)
    if kind == "real":
        blocks = rng.standard_normal(shape) / np.sqrt(dim) + 0j
    else:
        drawn = rng.standard_normal((2, *shape)) / np.sqrt(2 * dim)
        blocks = drawn[0] + 1j * drawn[1]
    if kind == "quaternionic":
        p, q = blocks[..., 0, 0], blocks[..., 0, 1]
        blocks = np.stack([np.stack([p, q], -1), np.stack([-q.conj(), p.conj()], -1)], -2)
    assert np.mean(np.sum(np.abs(blocks) ** 2, axis=(-2, -1))) == pytest.approx(dim, rel=0.03)
    times = blow_up_times(blocks[0], blocks[1])
    grid = np.quantile(times, [0.05, 0.25, 0.5, 0.75, 0.95])
    survival, density = (part.mean(0) for part in law.tails(grid))
    np.testing.assert_allclose(survival, [0.95, 0.75, 0.5, 0.25, 0.05], atol=0.025)
    step = 1e-4
    above, below = (law.tails(grid * np.exp(s * step))[0].mean(0) for s in (1, -1))
    np.testing.assert_allclose(density, (below - above) / (2 * step), atol=1e-6)


def test_odd_cyclic_groups_are_fair() -> None:
    probabilities, errors = basin_probabilities(irreps(group_from_spec("C23")))
    np.testing.assert_allclose(probabilities, 1 / 11, rtol=1e-12)
    assert errors.max() == 0


@pytest.mark.parametrize("spec", ["C8", "S3", "Q8", "F21", "Dic3", "S4"])
def test_probabilities_lie_in_the_intervals_of_counts(spec: str) -> None:
    assert probabilities_agree(spec, 4000, 2, tests=40)


def probabilities_agree(spec: str, starts: int, seed: int, *, tests: int) -> bool:
    """Whether all lie in Wilson intervals that hold together with 99.9 % over ``tests`` of them."""
    from scipy.stats import norm

    reps = irreps(group_from_spec(spec))
    probabilities, errors = basin_probabilities(reps, rng=0)
    assert probabilities.sum() == pytest.approx(1, abs=1e-12)
    basins = find_basins(random_starts(reps.group.order, starts, rng=seed), reps)
    counts = np.bincount(basins, minlength=len(probabilities))
    z = float(norm.isf(0.0005 / tests))
    inside = True
    for p, error, count in zip(probabilities, errors, counts, strict=True):
        low, high = wilson_interval(int(count), starts, z=z)
        inside &= low - z * error <= p <= high + z * error
    return inside


def test_the_error_is_that_of_repeated_samples() -> None:
    """The jackknife's error against the spread of 24 independent answers."""
    reps = irreps(group_from_spec("S4"))
    answers = [basin_probabilities(reps, samples=128, rng=seed) for seed in range(24)]
    spread = np.std([p for p, _ in answers], axis=0)
    stated = np.sqrt(np.mean([e**2 for _, e in answers], axis=0))
    assert np.all(stated > 0)
    np.testing.assert_allclose(stated / spread, 1, atol=0.4)
