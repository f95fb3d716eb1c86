"""Decomposition with change of basis, induction, tensor products, images of generators."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from groupfeat.groups import (
    FiniteGroup,
    decompose,
    group_from_spec,
    induced_character,
    induced_representation,
    irreps,
    multiplicities,
    permutation_representation,
    regular_representation,
    representation_from_generators,
    symmetric,
    tensor_product,
)
from tests.strategies import groups

SEEDS = st.integers(0, 2**32 - 1)


def blocks_of(found, reps, g):
    """B(g) built from the summands: what D(g) must be in the new basis."""
    size = len(found.basis)
    matrix = np.zeros((size, size), dtype=complex)
    for block in found.summands:
        matrix[block.columns, block.columns] = reps[block.irrep].matrices([g])[0]
    return matrix


@settings(deadline=None, max_examples=20)
@given(groups(max_order=24), SEEDS)
@example(symmetric(4), 241221460)  # condition 1.7e5
def test_a_scrambled_sum_of_irreps_is_taken_apart(group: FiniteGroup, seed: int) -> None:
    rng = np.random.default_rng(seed)
    reps = irreps(group)
    counts = rng.integers(0, 3, len(reps))
    counts[rng.integers(len(reps))] += 1
    parts = [reps[k].matrices() for k, c in enumerate(counts) for _ in range(c)]
    size = sum(p.shape[1] for p in parts)
    direct = np.zeros((group.order, size, size), dtype=complex)
    start = 0
    for part in parts:
        stop = start + part.shape[1]
        direct[:, start:stop, start:stop] = part
        start = stop
    scramble = rng.standard_normal((size, size)) + np.eye(size) * 3
    found = decompose(scramble @ direct @ np.linalg.inv(scramble), reps)
    assert found.multiplicities.tolist() == counts.tolist()
    # Rounding of the scrambled matrices themselves: up to 2e-13 times the condition seen.
    assert found.error < 1e-10 + 1e-12 * np.linalg.cond(scramble)
    g = int(rng.integers(group.order))
    given_matrix = scramble @ direct[g] @ np.linalg.inv(scramble)
    rebuilt = found.basis @ blocks_of(found, reps, g) @ np.linalg.inv(found.basis)
    np.testing.assert_allclose(rebuilt, given_matrix, atol=1e-6 * np.linalg.cond(scramble))


@pytest.mark.parametrize("spec", ["S4", "Q8", "F21", "C6", "A5"])
def test_a_unitary_representation_gets_a_unitary_basis(spec: str) -> None:
    group = group_from_spec(spec)
    reps = irreps(group)
    found = decompose(regular_representation(group), reps)
    assert found.multiplicities.tolist() == reps.table.dims.tolist()
    np.testing.assert_allclose(found.basis.conj().T @ found.basis, np.eye(group.order), atol=1e-12)
    assert found.error < 1e-13
    assert found.summands[0].columns.start == 0
    assert found.summands[-1].columns.stop == group.order


def test_real_types_keep_the_basis_real() -> None:
    group = symmetric(4)
    assert np.isrealobj(decompose(regular_representation(group), irreps(group)).basis)


@pytest.mark.parametrize("spec", ["S4", "SL(2,3)", "F21", "D6"])
def test_induction_has_the_induced_character(spec: str) -> None:
    group = group_from_spec(spec)
    table = irreps(group).table
    for generator in range(1, group.order, 5):
        subgroup = group.subgroup([generator])
        order = len(subgroup)
        powers = [0]
        while (power := int(group.cayley_table[powers[-1], generator])) != 0:
            powers.append(power)
        phases = np.zeros(group.order, dtype=complex)
        phases[powers] = np.exp(2j * np.pi * np.arange(order) / order)
        induced = induced_representation(phases[subgroup][:, None, None], group, subgroup)
        assert induced.shape[1] == group.order // order
        wanted = multiplicities(induced_character(phases[subgroup], group, subgroup), table)
        found = decompose(induced, irreps(group))
        assert found.multiplicities.tolist() == wanted.tolist()
        # Frobenius reciprocity: as often as the restriction of each irrep holds the character.
        restricted = [
            (table.on_elements(k)[subgroup] @ phases[subgroup].conj()).real / order
            for k in range(len(table))
        ]
        np.testing.assert_allclose(found.multiplicities, restricted, atol=1e-9)


def test_tensor_products_multiply_characters() -> None:
    reps = irreps(group_from_spec("SL(2,3)"))
    product = tensor_product(reps[3].matrices(), reps[6].matrices())
    values = reps.table.values[3] * reps.table.values[6]
    assert np.array_equal(
        decompose(product, reps).multiplicities, multiplicities(values, reps.table)
    )


@pytest.mark.parametrize("spec", ["S4", "Q8", "PSL(2,7)", "C1", "C2xC2xC3"])
def test_images_of_generators_extend(spec: str) -> None:
    group = group_from_spec(spec)
    last = irreps(group)[-1]
    images = last.matrices(list(group.generators))
    if not group.generators:
        return
    extended = representation_from_generators(images, group)
    np.testing.assert_allclose(extended, last.matrices(), atol=1e-12)


def test_what_is_no_representation_is_refused() -> None:
    group = symmetric(3)
    reps = irreps(group)
    matrices = np.array(reps[2].matrices())
    matrices[4] *= 1.01
    with pytest.raises(ValueError, match=r"no homomorphism: D\(\d+\)D\(\d+\) is not D\(\d+\)"):
        decompose(matrices, reps)
    with pytest.raises(ValueError, match=r"shape \(6, n, n\), got \(5, 2, 2\)"):
        decompose(matrices[:5], reps)
    with pytest.raises(ValueError, match="not finite"):
        decompose(np.full((6, 1, 1), np.nan), reps)
    with pytest.raises(ValueError, match="identity"):
        decompose(np.zeros((6, 2, 2)), reps)
    count = len(group.generators)
    with pytest.raises(ValueError, match="no homomorphism"):
        representation_from_generators(np.full((count, 1, 1), 2.0), group)
    with pytest.raises(ValueError, match=f"shape \\({count}, n, n\\)"):
        representation_from_generators(np.ones((count + 1, 1, 1)), group)
    with pytest.raises(ValueError, match="row 0 is no permutation"):
        permutation_representation(np.zeros((6, 2), dtype=int), group)
    with pytest.raises(ValueError, match="numbers"):
        decompose(np.full((6, 1, 1), "x"), reps)
    with pytest.raises(ValueError, match="no subgroup"):
        induced_representation(np.ones((2, 1, 1)), group, [0, 0])
    with pytest.raises(ValueError, match="of one group"):
        tensor_product(np.ones((6, 1, 1)), np.ones((5, 1, 1)))
