"""Variants of the energy: against their definitions, by error slopes, and unbiasedness in full."""

from itertools import combinations, product
from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from groupfeat.energy import (
    ACTIVATIONS,
    ENERGY_VARIANTS,
    Activation,
    PairSet,
    Variant,
    ascend,
    custom_activation,
    energy,
    energy_and_gradient,
    energy_hessian,
    energy_hvp,
    family_shares,
    full_pairs,
    get_activation,
    get_variant,
    pairs_from_arrays,
    polynomial_activation,
    predicted_families,
    random_starts,
    removed_variant,
    residual_variant,
    riemannian_hessian,
    riemannian_hvp,
    sample_family,
    sample_pairs,
)
from groupfeat.groups import (
    cyclic,
    fourier_transform,
    group_from_spec,
    inverse_fourier_transform,
    irreps,
)
from tests.energy.oracles import design

Floats = NDArray[np.float64]
GROUP = group_from_spec("S3")
KINDS = [*ENERGY_VARIANTS, "removed", "residual"]


def variant_of(name: str, pairs: PairSet) -> Variant:
    if name == "removed":
        reps = irreps(pairs.group)
        return removed_variant(reps, [predicted_families(reps)[-1].irreps])
    if name == "residual":
        return residual_variant(np.random.default_rng(5).standard_normal((len(pairs), 4)))
    return get_variant(name)


def without_irrep(rows: Floats, removed: int) -> Floats:
    """Take one irrep of real type out of functions of the target, by the Fourier transform."""
    reps = irreps(GROUP)
    blocks = list(fourier_transform(rows, reps))
    blocks[removed] = np.zeros_like(blocks[removed])
    return np.real(inverse_fourier_transform(blocks, reps))


def defined_energy(w: Floats, pairs: PairSet, sigma: Activation, name: str) -> float:
    """Return the energy by its definition with the matrix R, or the sum over pairs of pairs."""
    x, y = design(pairs)
    value = sigma.value(x @ w)
    if name == "cross":
        signs = np.repeat([1.0, -1.0], pairs.order)
        value = (value - sigma.value(x @ (signs * w))) / 2
    if name == "ht":
        order, n = pairs.order, len(pairs)
        total, found = order**2, 0.0
        for i, j in product(range(n), repeat=2):
            weight = float(pairs.target[i] == pairs.target[j]) - 1 / order
            chance = n / total if i == j else n * (n - 1) / (total * (total - 1))
            found += 0.5 * weight * value[i] * value[j] / chance
        return found
    readout = y
    if name == "removed":
        readout = without_irrep(y, predicted_families(irreps(GROUP))[-1].irreps[0])
    if name == "residual":
        residual = variant_of(name, pairs).matrix
        assert residual is not None
        readout = residual
    return 0.5 * float(np.sum((readout.T @ value) ** 2))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("activation", ["square", "relu"])
@pytest.mark.parametrize("fraction", [1.0, 0.6])
def test_variants_equal_their_definition(name: str, activation: str, fraction: float) -> None:
    pairs, sigma = sample_pairs(GROUP, fraction, rng=1), get_activation(activation)
    weights = np.random.default_rng(0).standard_normal((5, 12))
    found = energy(weights, pairs, activation, variant=variant_of(name, pairs))
    expected = [defined_energy(w, pairs, sigma, name) for w in weights]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())
    single = energy(weights, pairs, activation, variant=variant_of(name, pairs), dtype=np.float32)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


def cubic(x: float) -> float:
    return x**3 - x


def cubic_slope(x: float) -> float:
    return 3 * x**2 - 1


OWN = custom_activation(numba.njit(cubic), numba.njit(cubic_slope), name="cubic")
SMOOTH: list[str | Activation] = [n for n in ACTIVATIONS if get_activation(n).is_smooth]
SMOOTH += [polynomial_activation([0.3, -1, 0, 2, 0.5]), OWN]


def every_combination() -> list[Any]:
    """Return each activation with each variant; what the others do not add waits for `slow`.

    Compiling all takes a minute, so the fast suite has every activation on the raw energy and
    every variant with two activations. Without the compiler nothing is slow.
    """
    found = []
    for activation, name in product([*SMOOTH, "relu", "leaky_relu"], KINDS):
        label = getattr(activation, "name", activation)
        fast = name in ("raw", "removed", "residual") or label in ("square", "relu")
        marks = () if fast or numba.config.DISABLE_JIT else pytest.mark.slow
        found.append(pytest.param(activation, name, id=f"{label}-{name}", marks=marks))
    return found


@pytest.mark.parametrize(("activation", "name"), every_combination())
def test_derivatives_by_error_slopes(activation: str | Activation, name: str) -> None:
    """The error of E + h∇E·v falls like h², with ½h²v∇²Ev like h³; the kinks lie elsewhere."""
    pairs = sample_pairs(GROUP, 0.7, rng=2)
    rng = np.random.default_rng(3)
    w, v = rng.standard_normal((2, 12))
    kind = variant_of(name, pairs)
    gaps = np.abs(w[pairs.left] + np.array([[1], [-1]]) * w[6 + pairs.right])
    steps = np.array([2e-2, 1e-2]) * min(1.0, float(gaps.min()) / 0.1)
    value, gradient = energy_and_gradient(w, pairs, activation, variant=kind)
    exact = energy(w + steps[:, None] * v, pairs, activation, variant=kind)
    curved = float(v @ energy_hvp(w, v, pairs, activation, variant=kind))
    first = exact - value - steps * (gradient @ v)
    second = first - steps**2 / 2 * curved
    floor = 1e-12 * (np.abs(exact).max() + np.abs(gradient).max())
    for errors, order in ((np.abs(first), 2), (np.abs(second), 3)):
        if errors[0] > 100 * floor:
            assert order - 0.4 < np.log2(errors[0] / errors[1]) < order + 1.5
        else:
            assert errors[1] < 100 * floor


@pytest.mark.parametrize(("activation", "name"), [*product(["square"], KINDS), (OWN, "raw")])
def test_hessians_and_products_agree(activation: str | Activation, name: str) -> None:
    pairs = sample_pairs(GROUP, 0.8, sampling="with", rng=2)
    kind, points = variant_of(name, pairs), random_starts(6, 3, rng=0)
    hessians = energy_hessian(points, pairs, activation, variant=kind)
    products = energy_hvp(points[:, None], np.eye(12), pairs, activation, variant=kind)
    scale = np.abs(hessians).max()
    np.testing.assert_allclose(products, hessians, atol=1e-12 * scale)
    tangent = riemannian_hvp(points[:, None], np.eye(12), pairs, activation, variant=kind)
    spectrum = np.linalg.eigvalsh(riemannian_hessian(points, pairs, activation, variant=kind))
    for found, values in zip(np.linalg.eigvalsh(tangent), spectrum, strict=True):
        np.testing.assert_allclose(np.sort([*values, 0.0]), found, atol=1e-11 * scale)


def test_cross_of_squares_is_the_product() -> None:
    pairs, w = full_pairs(GROUP), np.random.default_rng(0).standard_normal((4, 12))
    np.testing.assert_allclose(energy(w, pairs, variant="cross"), energy(w, pairs))
    one = pairs_from_arrays(cyclic(2), [0, 1], [1, 1])
    a, b = np.array([0.3, -0.7]), np.array([0.2, 0.9])
    c = 2 * a * b[1]  # targets 1 and 0
    expected = 0.5 * np.sum((c - c.mean() * 1.0) ** 2)
    found = energy(np.concatenate([a, b]), one, variant="cross")
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("sampling", ["without", "with", "per_target"])
@pytest.mark.parametrize("activation", ["square", "relu"])
def test_weighted_energy_is_unbiased(sampling: str, activation: str) -> None:
    """The mean over every pair set that can be drawn is the energy of full data."""
    group = cyclic(2) if sampling == "with" else cyclic(3)
    order = group.order
    pairs_of_target = [
        [(g, int(group.cayley_table[group.inverse[g], t])) for g in range(order)]
        for t in range(order)
    ]
    everything = [pair for row in pairs_of_target for pair in row]
    draws: Any = combinations(everything, 4)
    if sampling == "with":
        draws = product(everything, repeat=3)
    if sampling == "per_target":
        chosen = product(*(combinations(row, 2) for row in pairs_of_target))
        draws = (sum(rows, ()) for rows in chosen)
    w = np.random.default_rng(1).standard_normal(2 * order)
    found = []
    for draw in draws:
        left, right = np.array(draw).T
        given = pairs_from_arrays(group, left, right, repeats=True)
        pairs = PairSet(group, given.left.copy(), given.right.copy(), sampling)
        found.append(float(energy(w, pairs, activation, variant="ht")))
    np.testing.assert_allclose(np.mean(found), energy(w, full_pairs(group), activation))
    assert np.std(found) > 0
    full = full_pairs(group)
    np.testing.assert_allclose(
        energy(w, full, activation, variant="ht"), energy(w, full, activation)
    )


@pytest.mark.parametrize("spec", ["C7", "S4"])
def test_only_missing_irreps_stay(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    families, pairs = predicted_families(reps), full_pairs(reps.group)
    gone = families[-1]
    kind = removed_variant(reps, [gone.irreps])
    for family in families:
        w = sample_family(family, reps, count=2, rng=0)
        expected = 0.0 if family == gone else family.energy
        np.testing.assert_allclose(energy(w, pairs, variant=kind), expected, atol=1e-12)
    ended = ascend(random_starts(pairs.order, 40, rng=0), pairs, "square", variant=kind)
    assert all(status.startswith("converged") for status in ended.statuses)
    shares = family_shares(ended.weights, reps)
    assert shares[:, len(families)].max() < 1e-9
    levels = np.array([f.energy for f in families[:-1]])
    assert np.abs(ended.energies[:, None] / levels - 1).min(1).max() < 1e-9


def test_a_pair_that_stands_twice_counts_twice() -> None:
    given = pairs_from_arrays(cyclic(3), [0, 1, 1], [1, 2, 2], repeats=True)
    assert given.multiplicities.sum() == 3
    assert given.multiplicities[1, 2] == 2
    w = np.random.default_rng(0).standard_normal(6)
    once, twice = (w[0] + w[4]) ** 2, 2 * (w[1] + w[5]) ** 2
    c = np.array([twice, once, 0])
    centred = c - np.array([2, 1, 0]) / 3 * c.sum()
    np.testing.assert_allclose(energy(w, given), 0.5 * centred @ centred)


def test_bad_variants_are_refused() -> None:
    pairs, w = sample_pairs(GROUP, 0.5, rng=0), np.ones(12)
    with pytest.raises(ValueError, match="unknown variant 'rwa'; known: raw, cross, ht"):
        energy(w, pairs, variant="rwa")
    with pytest.raises(ValueError, match="has 3 rows, the pair set 18 pairs"):
        energy(w, pairs, variant=residual_variant(np.ones((3, 2))))
    with pytest.raises(ValueError, match=r"a matrix \(n, m\), got shape \(3,\)"):
        residual_variant(np.ones(3))
    other = irreps(cyclic(4))
    with pytest.raises(ValueError, match="of a group of order 4, the pairs of S3"):
        energy(w, pairs, variant=removed_variant(other, []))
    with pytest.raises(ValueError, match="needs two pairs"):
        energy(w, pairs_from_arrays(GROUP, [0], [0]), variant="ht")
    thin = sample_pairs(GROUP, 0.1, sampling="per_target", rng=0)
    with pytest.raises(ValueError, match="two pairs of each target"):
        energy(w, thin, variant="ht")
    with pytest.raises(ValueError, match="dtype must be float64 or float32, got int64"):
        energy(w, pairs, dtype=np.int64)


def test_bad_activations_are_refused() -> None:
    with pytest.raises(ValueError, match=r"derivative 1 of custom does not fit near x = "):
        custom_activation(numba.njit(cubic), numba.njit(cubic))
    with pytest.raises(ValueError, match=r"derivative 2 of custom does not fit"):
        custom_activation(numba.njit(cubic), numba.njit(cubic_slope), numba.njit(cubic))
    if not numba.config.DISABLE_JIT:
        with pytest.raises(TypeError, match=r"compiled with numba\.njit"):
            custom_activation(cubic, cubic_slope)
    with pytest.raises(ValueError, match="finite coefficients"):
        polynomial_activation([])
    kinked = custom_activation(
        numba.njit(lambda x: abs(x)), numba.njit(lambda x: 1.0 if x > 0 else -1.0), is_smooth=False
    )
    assert not kinked.is_smooth


def test_removed_irreps_are_of_the_group_of_the_pairs() -> None:
    """C6 and S3 have six elements each, and another sign."""
    cyclic_reps, pairs = irreps(cyclic(6)), full_pairs(GROUP)
    (signs,) = (f.irreps for f in predicted_families(cyclic_reps) if f.type == "real")
    with pytest.raises(ValueError, match="pairs are of S3, the removed irreps of C6"):
        energy(np.ones(12), pairs, variant=removed_variant(cyclic_reps, [signs]))
    again = irreps(group_from_spec("S3"))
    assert energy(np.ones(12), pairs, variant=removed_variant(again, [(1,)])) >= 0
    with pytest.raises(ValueError, match="must be irreps 0"):
        removed_variant(irreps(GROUP), [(7,)])
    with pytest.raises(ValueError, match="the residual must be real"):
        residual_variant(1j * np.ones((36, 2)))
