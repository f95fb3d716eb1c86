"""Fourier transform, convolution theorem, Plancherel, isotypic parts by two roads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groupfeat.groups import (
    FiniteGroup,
    convolve,
    fourier_transform,
    group_from_spec,
    inverse_fourier_transform,
    irreps,
    isotypic_projector,
    isotypic_shares,
    real_families,
)
from tests.groups.oracles import convolution_by_definition
from tests.strategies import groups

SEEDS = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=25)
@given(groups(max_order=48), SEEDS)
def test_transform_inverts_and_keeps_norms(group: FiniteGroup, seed: int) -> None:
    reps = irreps(group)
    f = np.random.default_rng(seed).standard_normal((2, 3, group.order))
    coefficients = fourier_transform(f, reps)
    np.testing.assert_allclose(inverse_fourier_transform(coefficients, reps), f, atol=1e-12)
    plancherel = sum(
        irrep.dim / group.order * np.sum(np.abs(block) ** 2, axis=(-2, -1))
        for irrep, block in zip(reps, coefficients, strict=True)
    )
    np.testing.assert_allclose(plancherel, np.sum(f**2, axis=-1))


@settings(deadline=None, max_examples=25)
@given(groups(max_order=24), SEEDS)
def test_convolution_theorem(group: FiniteGroup, seed: int) -> None:
    a, b = np.random.default_rng(seed).standard_normal((2, group.order))
    product = convolve(a, b, group)
    np.testing.assert_allclose(product, convolution_by_definition(a, b, group), atol=1e-12)
    reps = irreps(group)
    a_hat, b_hat, c_hat = (fourier_transform(f, reps) for f in (a, b, product))
    for x, y, z in zip(a_hat, b_hat, c_hat, strict=True):
        np.testing.assert_allclose(x @ y, z, atol=1e-10)


@settings(deadline=None, max_examples=25)
@given(groups(max_order=48), SEEDS)
def test_shares_by_matrices_characters_and_projectors(group: FiniteGroup, seed: int) -> None:
    reps = irreps(group)
    f = np.random.default_rng(seed).standard_normal((4, group.order))
    shares = isotypic_shares(f, reps)
    np.testing.assert_allclose(shares.sum(-1), 1)
    np.testing.assert_allclose(isotypic_shares(f, reps.table), shares, atol=1e-12)
    total = np.zeros((group.order, group.order))
    for i, family in enumerate(real_families(reps)):
        projector = isotypic_projector(reps.table, family)
        np.testing.assert_allclose(projector @ projector, projector, atol=1e-12)
        np.testing.assert_allclose(projector, projector.T, atol=1e-12)
        part = np.sum((f @ projector) ** 2, axis=-1) / np.sum(f**2, axis=-1)
        np.testing.assert_allclose(part, shares[:, i], atol=1e-12)
        total += projector
    np.testing.assert_allclose(total, np.eye(group.order), atol=1e-12)


def test_zero_function_has_no_share() -> None:
    reps = irreps(group_from_spec("S3"))
    assert np.array_equal(isotypic_shares(np.zeros(6), reps), np.zeros(3))


def test_bad_input_is_refused() -> None:
    reps = irreps(group_from_spec("C5"))
    with pytest.raises(ValueError, match=r"shape \(\.\.\., 5\), got \(4,\)"):
        fourier_transform(np.ones(4), reps)
    with pytest.raises(ValueError, match="expected 5 coefficients, one an irrep, got 1"):
        inverse_fourier_transform([np.ones((1, 1))], reps)
    with pytest.raises(ValueError, match="lacks the conjugate irrep 2"):
        isotypic_projector(reps, [1])


@pytest.mark.parametrize("spec", ["C1", "C12", "C4xC4xC2", "C6xC10xC2", "S4", "Q8", "A5"])
@pytest.mark.parametrize("batch", [(), (3,), (40,)])
def test_every_road_is_the_definition(spec: str, batch: tuple[int, ...]) -> None:
    reps = irreps(group_from_spec(spec))
    rng = np.random.default_rng(0)
    f = rng.standard_normal((*batch, reps.group.order))
    if spec != "S4":
        f = f + 1j * rng.standard_normal(f.shape)
    coefficients = fourier_transform(f, reps)
    for irrep, block in zip(reps, coefficients, strict=True):
        wanted = np.einsum("...g,gij->...ij", f, irrep.matrices())
        np.testing.assert_allclose(block, wanted, atol=1e-10)
    np.testing.assert_allclose(inverse_fourier_transform(coefficients, reps), f, atol=1e-12)


@pytest.mark.parametrize(
    ("spec", "orders"),
    [("C1", (1,)), ("C12", (12,)), ("C6xC10xC2", (30, 2, 2)), ("C4xC6xC9", (36, 6))],
)
def test_invariant_factors(spec: str, orders: tuple[int, ...]) -> None:
    group = group_from_spec(spec)
    factors = group.cyclic_factors
    assert factors.orders == orders
    assert sorted(factors.elements.ravel().tolist()) == list(range(group.order))


def test_a_group_that_is_not_abelian_has_no_cyclic_factors() -> None:
    with pytest.raises(ValueError, match="S3 is not abelian"):
        _ = group_from_spec("S3").cyclic_factors


def test_blocks_of_a_wrong_shape_are_refused() -> None:
    reps = irreps(group_from_spec("S3"))
    blocks = [np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1))]
    with pytest.raises(ValueError, match=r"coefficient 2 needs shape \(\.\.\., 2, 2\)"):
        inverse_fourier_transform(blocks, reps)
