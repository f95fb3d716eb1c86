"""Characters induced from an abelian subgroup, against the eigenproblem and the definition."""

import numpy as np
import pytest

from groupfeat.groups import character_table, group_from_spec, irreps
from groupfeat.groups.characters._class_algebra import class_algebra_table
from groupfeat.groups.characters._linear import linear_characters
from tests.strategies import relabelled

# Real, complex and quaternionic types, inductions from index 2 to 8, A and G/A not cyclic.
INDUCED = [
    "S3",
    "D4",
    "Q8",
    "D9",
    "Dic5",
    "Dic6",
    "A4",
    "F21",
    "F20",
    "AGL(1,7)",
    "Heis(3)",
    "Heis(5)",
    "C3xD5",
    "C2xA4",
    "SmallGroup(32,2)",
    "SmallGroup(32,22)",
    "SmallGroup(48,3)",
    "SmallGroup(54,10)",
    "SmallGroup(64,245)",
    "SmallGroup(72,19)",
    "SmallGroup(72,39)",
]
OTHERS = ["S4", "A5", "SL(2,3)", "GL(2,3)", "S3xS3", "SmallGroup(32,49)"]


@pytest.mark.parametrize("spec", INDUCED)
def test_the_eigenproblem_gives_the_same_table(spec: str) -> None:
    group = group_from_spec(spec)
    table = character_table(group)
    assert table.induction is not None
    for seed in range(8):
        other = class_algebra_table(group, np.random.default_rng(seed))
        if other is not None:
            break
    np.testing.assert_allclose(table.values, other.values, atol=1e-10)
    assert np.array_equal(table.frobenius_schur, other.frobenius_schur)
    assert np.array_equal(table.conjugate, other.conjugate)


@pytest.mark.parametrize("spec", OTHERS)
def test_other_groups_take_the_other_road(spec: str) -> None:
    assert character_table(group_from_spec(spec)).induction is None


@pytest.mark.parametrize("spec", INDUCED)
def test_induced_matrices_by_the_definition(spec: str) -> None:
    found = irreps(group_from_spec(spec))
    table = found.group.cayley_table
    for irrep in found:
        matrices = irrep.matrices()
        assert np.isrealobj(matrices) == (irrep.frobenius_schur == 1)
        assert np.abs(matrices[:, None] @ matrices[None] - matrices[table]).max() < 1e-13
        unit = matrices.conj().swapaxes(1, 2) @ matrices
        assert np.abs(unit - np.eye(irrep.dim)).max() < 1e-13
        traces = np.trace(matrices, axis1=1, axis2=2)
        np.testing.assert_allclose(traces, found.table.on_elements(irrep.index), atol=1e-13)


def test_nonlinear_characters_of_heisenberg_groups() -> None:
    """d·ζ on the centre and 0 elsewhere: Terras, Fourier Analysis on Finite Groups, chapter 18."""
    table = character_table(group_from_spec("Heis(7)"))
    classes = table.group.conjugacy_classes
    central = classes.sizes == 1
    above = table.values[table.dims > 1]
    assert above.shape == (6, 55)
    assert np.abs(above[:, ~central]).max() < 1e-14
    z = int(classes.representatives[central][1])
    turns = np.angle(above[:, classes.labels[z]] / 7) * 7 / (2 * np.pi)
    np.testing.assert_allclose(sorted(turns % 7), range(1, 7), atol=1e-12)


@pytest.mark.parametrize(
    ("spec", "count"), [("C12", 12), ("2x4x3", 24), ("S4", 2), ("SL(2,3)", 3), ("D6", 4), ("A5", 1)]
)
def test_linear_characters_are_all_homomorphisms(spec: str, count: int) -> None:
    group = group_from_spec(spec)
    commutators = {
        int(group.cayley_table[group.cayley_table[a, b], group.inverse[group.cayley_table[b, a]]])
        for a in range(group.order)
        for b in range(group.order)
    }
    kernel = np.array(sorted(group.subgroup(sorted(commutators))))
    found = linear_characters(group.cayley_table, group.generators, group.order, kernel=kernel)
    exponents = np.empty((count, group.order), dtype=np.intp)
    exponents[:, found.elements] = found.exponents()
    assert len({row.tobytes() for row in exponents}) == count
    products = exponents[:, :, None] + exponents[:, None] - exponents[:, group.cayley_table]
    assert not (products % found.modulus).any()


def test_relabelled_groups_have_the_same_degrees_and_types() -> None:
    group = group_from_spec("SmallGroup(64,245)")
    copy = relabelled(group, 1)
    first, second = character_table(group), character_table(copy)
    assert second.induction is not None
    kinds = [sorted(zip(t.dims, t.frobenius_schur, strict=True)) for t in (first, second)]
    assert kinds[0] == kinds[1]
