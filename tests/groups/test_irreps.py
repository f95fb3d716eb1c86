"""Character tables and irreps: laws on random groups, published tables, certificates."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from groupfeat.groups import (
    FiniteGroup,
    character_table,
    group_from_spec,
    irreps,
    isomorphism,
    real_families,
)
from groupfeat.groups.representations._one_vector import one_vector
from groupfeat.groups.representations._projections import choose_projections, projected_characters
from tests.strategies import groups

GOLDEN = (1 + np.sqrt(5)) / 2
# Spec: degrees and Frobenius–Schur indicators, as in W. Fulton & J. Harris, Representation
# Theory (1991) (S3, S4, S5, A4, A5), and G. James & M. Liebeck, Representations and
# Characters of Groups (1993) (D_n, Q8, dicyclic, F21).
PUBLISHED = [
    ("C5", [1] * 5, [1, 0, 0, 0, 0]),
    ("C6", [1] * 6, [1, 1, 0, 0, 0, 0]),
    ("2x2", [1] * 4, [1] * 4),
    ("S3", [1, 1, 2], [1, 1, 1]),
    ("D4", [1, 1, 1, 1, 2], [1] * 5),
    ("Q8", [1, 1, 1, 1, 2], [1, 1, 1, 1, -1]),
    ("D5", [1, 1, 2, 2], [1] * 4),
    ("A4", [1, 1, 1, 3], [0, 0, 1, 1]),
    ("Dic3", [1, 1, 1, 1, 2, 2], [-1, 0, 0, 1, 1, 1]),
    ("F21", [1, 1, 1, 3, 3], [0, 0, 0, 0, 1]),
    ("S4", [1, 1, 2, 3, 3], [1] * 5),
    ("A5", [1, 3, 3, 4, 5], [1] * 5),
    ("S5", [1, 1, 4, 4, 5, 5, 6], [1] * 7),
    ("Dic5", [1, 1, 1, 1, 2, 2, 2, 2], [-1, -1, 0, 0, 1, 1, 1, 1]),
    ("A6", [1, 5, 5, 8, 8, 9, 10], [1] * 7),
    ("S6", [1, 1, 5, 5, 5, 5, 9, 9, 10, 10, 16], [1] * 11),
]


@pytest.mark.parametrize(("spec", "degrees", "indicators"), PUBLISHED)
def test_degrees_and_types(spec: str, degrees: list[int], indicators: list[int]) -> None:
    table = character_table(group_from_spec(spec))
    assert table.dims.tolist() == degrees
    assert sorted(table.frobenius_schur.tolist()) == sorted(indicators)


def test_character_table_of_a5_as_published() -> None:
    # Fulton & Harris; classes by element order: 1, 2, 3, 5, 5'.
    table = character_table(group_from_spec("A5"))
    assert table.group.conjugacy_classes.sizes.tolist() == [1, 15, 20, 12, 12]
    values = table.values
    assert np.abs(values.imag).max() < 1e-12
    rest = [[4, 0, 1, -1, -1], [5, 1, -1, 0, 0]]
    np.testing.assert_allclose(values[3:].real, rest, atol=1e-12)
    threes = sorted(values[1:3].real.tolist())
    expected = sorted([[3, -1, 0, GOLDEN, 1 - GOLDEN], [3, -1, 0, 1 - GOLDEN, GOLDEN]])
    np.testing.assert_allclose(threes, expected, atol=1e-12)


def test_character_table_of_f21_as_published() -> None:
    # James & Liebeck: the values of degree 3 on elements of order 7.
    table = character_table(group_from_spec("F21"))
    classes = table.group.conjugacy_classes
    sevens = np.flatnonzero(classes.element_orders == 7)
    alpha = (-1 + 1j * np.sqrt(7)) / 2
    for row in table.values[table.dims == 3]:
        np.testing.assert_allclose(sorted(row[sevens].imag), [alpha.conjugate().imag, alpha.imag])
        np.testing.assert_allclose(row[sevens].real, -0.5, atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(groups())
def test_character_tables_obey_both_orthogonalities(group: FiniteGroup) -> None:
    table = character_table(group)
    sizes = group.conjugacy_classes.sizes
    assert int(np.sum(table.dims**2)) == group.order
    assert table.orthogonality_error < 1e-12
    columns = table.values.conj().T @ table.values
    np.testing.assert_allclose(columns, np.diag(group.order / sizes), atol=1e-10 * group.order)
    np.testing.assert_allclose(table.values[table.conjugate], table.values.conj(), atol=1e-12)
    assert np.allclose(table.values[0], 1)
    assert np.all((table.frobenius_schur == 0) == (table.conjugate != np.arange(len(table))))


@settings(deadline=None, max_examples=40)
@given(groups())
def test_irreps_are_unitary_homomorphisms(group: FiniteGroup) -> None:
    """The definition on all pairs, not the certificate's shortcut."""
    found = irreps(group)
    for irrep in found:
        matrices = irrep.matrices()
        products = matrices[:, None] @ matrices[None]
        assert np.abs(products - matrices[group.cayley_table]).max() < 1e-12
        unit = np.swapaxes(matrices, 1, 2).conj() @ matrices
        assert np.abs(unit - np.eye(irrep.dim)).max() < 1e-12
        traces = np.trace(matrices, axis1=1, axis2=2)
        np.testing.assert_allclose(traces, found.table.on_elements(irrep.index), atol=1e-12)
        assert np.isrealobj(matrices) == (irrep.frobenius_schur == 1)
        twin = found[int(found.table.conjugate[irrep.index])]
        if irrep.frobenius_schur == 0:
            assert np.array_equal(twin.matrices(), matrices.conj())
    assert found.certificate.homomorphism_error < 1e-12


@settings(deadline=None, max_examples=20)
@given(groups(max_order=48))
def test_real_forms_are_orthogonal_homomorphisms(group: FiniteGroup) -> None:
    for irrep in irreps(group):
        real = irrep.real_matrices()
        width = irrep.dim if irrep.frobenius_schur == 1 else 2 * irrep.dim
        assert real.shape == (group.order, width, width)
        assert real.dtype == np.float64
        products = real[:, None] @ real[None]
        assert np.abs(products - real[group.cayley_table]).max() < 1e-12
        assert np.abs(np.swapaxes(real, 1, 2) @ real - np.eye(width)).max() < 1e-12


@pytest.mark.parametrize("spec", ["C5", "F21", "SL(2,3)", "S4"])
def test_all_matrices_at_once_are_those_of_each_irrep(spec: str) -> None:
    """The second of a complex pair stands in no block: both roads must conjugate."""
    found = irreps(group_from_spec(spec))
    everywhere = found.matrices()
    for irrep, matrices, images in zip(found, everywhere, found.generator_matrices(), strict=True):
        np.testing.assert_allclose(matrices, irrep.matrices(), atol=1e-14)
        assert np.array_equal(images, matrices[list(found.group.generators)])
        traces = np.trace(matrices, axis1=1, axis2=2)
        np.testing.assert_allclose(traces, found.table.on_elements(irrep.index), atol=1e-12)


def test_certificate_bounds_the_true_error_of_broken_matrices() -> None:
    found = irreps(group_from_spec("S4"))
    irrep = found[3]
    orbit = np.array(irrep.orbit)
    orbit[7] += 1e-3
    broken = replace(irrep, orbit=orbit)
    members = (*found.members[:3], broken, *found.members[4:])
    certificate = type(found).from_members(found.table, members).certificate
    matrices = broken.matrices()
    errors = [
        np.linalg.norm(matrices[s] @ matrices[g] - matrices[irrep.group.cayley_table[s, g]])
        for s in irrep.group.generators
        for g in range(24)
    ]
    assert 1e-4 < max(errors) <= certificate.homomorphism_error * (1 + 1e-9)


def test_an_element_that_tells_no_vectors_apart_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """a = 1 is a scalar on every eigenspace."""

    def identity(group: FiniteGroup, h: int, *_: Any, **__: Any) -> tuple[Any, Any]:
        return np.zeros(1, dtype=np.intp), np.ones(1)

    monkeypatch.setattr("groupfeat.groups.representations._one_vector._compression", identity)
    group = group_from_spec("A6")
    table = character_table(group)
    assert choose_projections(table, np.arange(len(table))).multiplicities.max() > 1
    with pytest.raises(ArithmeticError, match="no random element told two vectors"):
        irreps(group)


@pytest.mark.parametrize("spec", ["A5", "SL(2,5)", "GL(2,3)", "PSL(2,7)", "C2xSL(2,5)", "A7"])
def test_one_vector_of_an_eigenspace(spec: str) -> None:
    """Q = (d/M) Σ_x tr(ρ(x)Q) ρ(x⁻¹) is a projector of rank one below that of the eigenspace."""
    found = irreps(group_from_spec(spec))
    table, group = found.table, found.group
    indices = np.flatnonzero((table.dims > 1) & (table.frobenius_schur == 1))
    others = np.flatnonzero((table.dims > 1) & (table.frobenius_schur < 1))
    tried = 0
    for real, rows in ((True, indices), (False, others)):
        chosen = choose_projections(table, rows)
        for b in np.flatnonzero(chosen.multiplicities > 1).tolist():
            one = chosen.part(slice(b, b + 1))
            irrep, phi = found[int(rows[b])], projected_characters(table, one, real=real)[0]
            rng = np.random.default_rng(b)
            function = one_vector(group, phi, chosen.part(b), irrep.dim, rng)
            matrices, scale = irrep.matrices(), irrep.dim / group.order
            q, p = (scale * np.tensordot(f[group.inverse], matrices, 1) for f in (function, phi))
            assert np.trace(p) == pytest.approx(chosen.multiplicities[b])
            assert np.trace(q) == pytest.approx(1)
            np.testing.assert_allclose(q @ q, q, atol=1e-11)
            np.testing.assert_allclose(q, q.conj().T, atol=1e-11)
            np.testing.assert_allclose(p @ q, q, atol=1e-11)
            tried += 1
    assert tried


def test_same_seed_same_matrices_and_elements_on_demand() -> None:
    group = group_from_spec("S5")
    first, second = irreps(group, rng=3), irreps(group, rng=3)
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.matrices(), b.matrices())
        np.testing.assert_allclose(a.matrices([5, 17]), a.matrices()[[5, 17]], atol=1e-14)


@pytest.mark.parametrize("elements", [[24], [-1], [0.5]])
def test_elements_outside_are_refused(elements: list[float]) -> None:
    with pytest.raises(IndexError, match="element"):
        irreps(group_from_spec("S4"))[2].matrices(elements)


@pytest.mark.parametrize(
    ("spec", "families"),
    [
        ("S3", ((0,), (1,), (2,))),
        ("C5", ((0,), (1, 2), (3, 4))),
        ("Q8", ((0,), (1,), (2,), (3,), (4,))),
    ],
)
def test_real_families(spec: str, families: tuple[tuple[int, ...], ...]) -> None:
    assert real_families(irreps(group_from_spec(spec))) == families


def test_dihedral_and_dicyclic_of_order_104_differ_in_signs_only() -> None:
    dihedral, dicyclic = (irreps(group_from_spec(spec)).table for spec in ("D52", "Dic26"))
    assert max(np.abs(t.values.imag).max() for t in (dihedral, dicyclic)) < 1e-12
    # r^i and a^i, r^i s and a^i x have the same indices: the same rows, element by element.
    first, second = (
        sorted(tuple(np.round(t.on_elements(k).real, 9) + 0.0) for k in range(len(t)))
        for t in (dihedral, dicyclic)
    )
    assert len(first) == 29
    assert first == second
    assert np.all(dihedral.frobenius_schur == 1)
    assert np.sum(dicyclic.frobenius_schur == -1) == 13
    assert np.sum(dicyclic.frobenius_schur == 1) == 16
    assert isomorphism(dihedral.group, dicyclic.group) is None
