"""Blow-up times and basins where one block is far smaller than the other."""

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

from groupfeat.energy import (
    basin_probabilities,
    blow_up_times,
    find_basins,
    predicted_families,
    random_starts,
    sample_family,
)
from groupfeat.energy.exact._basins import _grid, _leave_out, _shares
from groupfeat.energy.exact._blow_up_law import blow_up_law
from groupfeat.groups import group_from_spec, irreps

Complex = NDArray[np.complex128]
SMALL = [1.0, 1e-4, 1e-8, 1e-30, 1e-100]


def time_by_many_digits(a: Complex, b: Complex) -> float:
    """Return the root of λ_max(A K(t) A*) = 1, K = 8∫exp(−8Cs)ds, with 300 digits."""
    with mpmath.workdps(300):
        first, second = mpmath.matrix(a.tolist()), mpmath.matrix(b.tolist())
        values, vectors = mpmath.eighe(first.H * first - second * second.H)
        rotated = first * vectors

        def is_over(t: mpmath.mpf) -> bool:
            integrals = [-mpmath.expm1(-8 * c * t) / c if c else 8 * t for c in values]
            gram = rotated * mpmath.diag(integrals) * rotated.H
            return bool(max(mpmath.eighe(gram, eigvals_only=True)) >= 1)

        size = mpmath.mnorm(first, "f") ** 2 + mpmath.mnorm(second, "f") ** 2
        low, high = mpmath.mpf(0), 1 / (8 * size)
        while not is_over(high):
            low, high = high, 2 * high
        for _ in range(48):
            middle = (low + high) / 2
            low, high = (low, middle) if is_over(middle) else (middle, high)
        return float(high)


def blocks_of(dim: int, small: float, kind: str) -> tuple[Complex, Complex]:
    """Return A, B: B small as a whole, or in all directions but one, or A in one and B."""
    rng = np.random.default_rng(dim)
    a, b = rng.standard_normal((2, dim, dim)) + 1j * rng.standard_normal((2, dim, dim))
    graded = np.diag([1.0] + [small] * (dim - 1))
    if kind == "one direction":
        return a, graded @ b
    if kind == "both":
        return a @ graded, small * b
    return a, small * b


@pytest.mark.parametrize("small", SMALL)
@pytest.mark.parametrize(
    ("dim", "kind"),
    [
        (1, "whole"),
        (2, "whole"),
        (3, "whole"),
        (2, "one direction"),
        (3, "one direction"),
        (3, "both"),
    ],
)
def test_times_of_very_unequal_blocks(dim: int, kind: str, small: float) -> None:
    a, b = blocks_of(dim, small, kind)
    expected = time_by_many_digits(a, b)
    found = blow_up_times([a, b.conj().T], [b, a.conj().T])
    np.testing.assert_allclose(found, expected, rtol=3e-14)


def test_channels_of_both_signs_are_joined_by_the_smaller_product() -> None:
    """C has values near 1 and −1e-12; ⟨Av₁, Av₂⟩, which is 0, has rounding beyond ⟨B*v₁, B*v₂⟩."""
    rng = np.random.default_rng(5)
    left, right = np.linalg.qr(rng.standard_normal((2, 2, 2)))[0]
    a, b = left @ np.diag([1.0, 5e-7]) + 0j, np.diag([1e-22, 1e-6]) @ right + 0j
    expected = time_by_many_digits(a, b)
    np.testing.assert_allclose(blow_up_times([a], [b]), expected, rtol=1e-6)
    np.testing.assert_allclose(blow_up_times([b.conj().T], [a.conj().T]), expected, rtol=1e-6)


@pytest.mark.parametrize("ratio", [1e-3, 1e-8, 1e-100, 1e-200])
def test_scalar_times_of_any_ratio(ratio: float) -> None:
    """ln(x/y)/(8(x − y)), for A and B exchanged, and as a channel of a diagonal block."""
    expected = -2 * np.log(ratio) / (8 * (1 - ratio**2))
    (first,) = blow_up_times([[[1.0]]], [[[ratio]]])
    (second,) = blow_up_times([[[ratio * 1j]]], [[[1.0]]])
    np.testing.assert_allclose([first, second], expected, rtol=1e-14)
    if ratio > 1e-150:
        (third,) = blow_up_times([np.diag([1.0, ratio])], [np.diag([ratio, 1.0])])
        assert third == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("small", [1.0, 1e-6, 1e-8, 1e-100, 1e-200])
@pytest.mark.parametrize("half", [0, 1])
def test_basins_of_a_small_half_by_the_logarithm(small: float, half: int) -> None:
    """C8: argmin ln(x/y)/(x − y) with the transform of numpy, in logarithms."""
    starts = random_starts(8, 2000, rng=1).reshape(-1, 2, 8)
    logs = 2 * np.log(np.abs(np.fft.fft(starts)))
    logs[:, half] += 2 * np.log(small)
    starts[:, half] *= small
    x, y = np.exp(logs[:, 0]), np.exp(logs[:, 1])
    times = ((logs[:, 0] - logs[:, 1]) / (x - y))[:, 1:5]
    reps = irreps(group_from_spec("C8"))
    # Family of each frequency 1..4, by where a cosine of it stands.
    waves = np.cos(2 * np.pi * np.outer(range(1, 5), range(8)) / 8)
    place = find_basins(np.concatenate([waves, waves], axis=1), reps)
    found = find_basins(starts.reshape(-1, 16), reps)
    assert np.array_equal(found, place[np.argmin(times, axis=1)])


@pytest.mark.parametrize("small", [1e-4, 1e-8, 1e-60])
@pytest.mark.parametrize("spec", ["S3", "S4", "Q8"])
def test_basins_stay_under_the_exchange_of_halves(spec: str, small: float) -> None:
    """[a; b] and [b(g⁻¹); a(g⁻¹)] have one energy, and so one basin."""
    reps = irreps(group_from_spec(spec))
    order, inverse = reps.group.order, reps.group.inverse
    starts = random_starts(order, 1000, rng=2)
    starts[:, order:] *= small
    exchanged = np.concatenate([starts[:, order:][:, inverse], starts[:, :order][:, inverse]], 1)
    assert np.array_equal(find_basins(starts, reps), find_basins(exchanged, reps))


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e145])
def test_basins_of_any_scale(scale: float) -> None:
    reps = irreps(group_from_spec("S4"))
    starts = random_starts(24, 100, rng=1)
    assert np.array_equal(find_basins(starts, reps), find_basins(scale * starts, reps))


def test_where_nothing_flows_there_is_no_basin() -> None:
    """E = 0: zero, one half zero, constants, and halves on different irreps."""
    reps = irreps(group_from_spec("S4"))
    families = predicted_families(reps)
    first, second = (sample_family(f, reps, count=5, rng=0) for f in families[-2:])
    crossed = np.concatenate([first[:, :24], 1e-3 * second[:, 24:]], axis=1)
    half = np.concatenate([first[:, :24], np.zeros((5, 24))], axis=1)
    still = np.concatenate([crossed, half, np.zeros((1, 48)), np.full((1, 48), 3.0)])
    assert find_basins(still, reps).tolist() == [-1] * 12
    assert find_basins(still + 1e-6 * first[0], reps)[:5].tolist() == [2] * 5
    assert find_basins(np.ones((3, 2)), irreps(group_from_spec("C1"))).tolist() == [-1] * 3
    assert find_basins(np.zeros((0, 48)), reps).shape == (0,)


def test_bad_blocks_are_refused() -> None:
    for bad in (np.ones((2, 2)), np.ones((1, 2, 3)), 1.0, [[[1.0, 2.0]]]):
        with pytest.raises(ValueError, match=r"expected two arrays \(N, d, d\), got shapes"):
            blow_up_times(bad, bad)
    with pytest.raises(ValueError, match=r"got shapes \(2, 1, 1\) and \(1, 1, 1\)"):
        blow_up_times(np.ones((2, 1, 1)), np.ones((1, 1, 1)))
    with pytest.raises(ValueError, match="finite"):
        blow_up_times([[[np.nan]]], [[[1.0]]])
    for count in (0, 1.5, 10**13):
        with pytest.raises(ValueError, match=r"samples must be whole and in 1\.\.1000000"):
            basin_probabilities(irreps(group_from_spec("S3")), samples=count)  # type: ignore[arg-type]


def test_probabilities_of_c8_to_rounding() -> None:
    """The sign's by Gauss and Legendre: P = E[P(L_pair < rL)³], θ = (π/4)e^−τ, r exponential."""
    nodes, weights = np.polynomial.legendre.leggauss(120)
    tau, r, u = (end * (nodes + 1) / 2 for end in (42.0, 90.0, 200.0))
    angle = np.pi / 4 * np.exp(-tau)
    ratio = -2 * np.log(np.tan(angle))
    mean = np.where(ratio < 1e-9, 0.5, np.cos(2 * angle) / np.where(ratio < 1e-9, 1.0, ratio))
    level = (r[:, None] * mean).ravel()
    # 1 − s∫exp(−s u coth(u/2))du, for a pair of mean 1.
    rates = u / np.tanh(u / 2)
    below = np.array(
        [s * np.sum(weights * 100 * (np.exp(-s * u) - np.exp(-s * rates))) for s in level]
    )
    inner = (below.reshape(len(r), -1) ** 3 * (np.exp(-r / 2) / 2)[:, None]).T @ weights * 45
    expected = float(np.sum(weights * 21 * np.exp(-tau) * inner))
    reps = irreps(group_from_spec("C8"))
    (sign,) = (k for k, f in enumerate(predicted_families(reps)) if f.type == "real")
    assert basin_probabilities(reps)[0][sign] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "kinds", [[(1, "real", 1)], [(1, "real", 2), (1, "complex", 3)], [(2, "quaternionic", 2)]]
)
def test_the_rule_in_time_loses_no_tail(kinds: list[tuple[int, str, int]]) -> None:
    """The chances of all families add up to 1 without being scaled to it."""
    laws = [blow_up_law(d, kind, samples=1, rng=np.random.default_rng(0)) for d, kind, _ in kinds]
    tails = [tuple(part.mean(0) for part in law.tails(_grid(laws))) for law in laws]
    number = np.array([count for _, _, count in kinds])
    found = _shares([(s, f) for s, f in tails], number)
    assert float(number @ found) == pytest.approx(1, abs=1e-12)


def test_a_part_is_left_out_of_the_mean() -> None:
    parts = np.random.default_rng(0).random((2, 5, 7))
    for found, rows in zip(_leave_out(parts[0], parts[1], 3), parts, strict=True):
        np.testing.assert_allclose(found, np.delete(rows, 3, axis=0).mean(0))
