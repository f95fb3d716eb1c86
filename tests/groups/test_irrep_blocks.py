"""Irreps of several dimensions in one padded block: nothing of the padding may show."""

from dataclasses import replace

import numpy as np
import pytest

from groupfeat.groups import CharacterTable, character_table, group_from_spec, irreps
from groupfeat.groups.representations._certificate import certify
from tests.groups.oracles import generator_images

# Each has irreps of several dimensions and both fields.
SPECS = ["A4", "GL(2,3)", "SL(2,5)", "C3xS3", "Dic5"]


@pytest.mark.parametrize("spec", SPECS)
def test_matrices_from_a_padded_block_are_those_of_the_irrep_alone(spec: str) -> None:
    found = irreps(group_from_spec(spec))
    assert any(len(set(block.dims.tolist())) > 1 for block in found.blocks)
    for irrep, matrices in zip(found, found.matrices(), strict=True):
        assert matrices.shape == (found.group.order, irrep.dim, irrep.dim)
        assert irrep.orbit.shape[1] == len(irrep.pivots) == len(irrep.basis_inverse) == irrep.dim
        np.testing.assert_allclose(matrices, irrep.matrices(), atol=1e-12)
        unit = matrices.conj().swapaxes(1, 2) @ matrices
        np.testing.assert_allclose(unit, np.broadcast_to(np.eye(irrep.dim), unit.shape), atol=1e-11)


@pytest.mark.parametrize("spec", SPECS)
def test_the_certificate_sees_one_wrong_vector_in_a_padded_block(spec: str) -> None:
    found = irreps(group_from_spec(spec))
    images = generator_images(found)
    number = next(i for i, b in enumerate(found.blocks) if len(set(b.dims.tolist())) > 1)
    for row in range(len(found.blocks[number].dims)):
        orbits = found.blocks[number].orbits.copy()
        orbits[row, -1, 0] += 1e-6
        blocks = list(found.blocks)
        blocks[number] = replace(blocks[number], orbits=orbits)
        assert certify(found.table, blocks, images).homomorphism_error > 1e-7
    assert certify(found.table, found.blocks, images).homomorphism_error < 1e-12


def test_generator_matrices_are_the_callers_own() -> None:
    found = irreps(group_from_spec("S4"))
    found.generator_matrices()[2][:] = 0
    assert all(np.abs(matrices).max() > 0.4 for matrices in found.generator_matrices())


@pytest.mark.parametrize("spec", ["C12", "F21", "Heis(3)", "C7xA4", "PSL(2,7)", "SL(2,3)"])
def test_conjugate_rows_are_found(spec: str) -> None:
    table = character_table(group_from_spec(spec))
    assert not table.frobenius_schur.all()
    distances = np.abs(table.values[:, None] - table.values.conj()).max(axis=2)
    assert np.array_equal(table.conjugate, distances.argmin(axis=1))


def test_rows_out_of_order_are_refused() -> None:
    table = character_table(group_from_spec("C5"))
    shuffled = CharacterTable(table.group, table.values[[0, 1, 3, 2, 4]])
    with pytest.raises(ArithmeticError, match="not neighbours"):
        _ = shuffled.conjugate
