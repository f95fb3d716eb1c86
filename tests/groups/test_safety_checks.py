"""What guards the answers: each check is given the fault that it is there for."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from groupfeat.groups import (
    CharacterTable,
    character_table,
    convolve,
    cyclic,
    decompose,
    from_presentation,
    group_from_spec,
    identify,
    irreps,
    multiplicities,
    regular_representation,
    subgroup_lattice,
    symmetric,
)
from groupfeat.groups.isomorphism import _homomorphism_search as search
from groupfeat.groups.isomorphism import _identify
from groupfeat.groups.representations._certificate import certify
from tests.groups.oracles import generator_images

S4 = symmetric(4)


def test_no_irrep_occurs_a_negative_number_of_times() -> None:
    with pytest.raises(ValueError, match="irrep 1 would occur -1"):
        multiplicities(-character_table(S4).values[1], character_table(S4))


def test_a_small_error_breaks_a_homomorphism() -> None:
    matrices = regular_representation(S4)
    matrices[5, 3, 3] += 1e-5
    with pytest.raises(ValueError, match="no homomorphism"):
        decompose(matrices, irreps(S4))


def test_copies_start_from_an_orthonormal_basis_without_a_unitary_representation() -> None:
    """The first basis vectors of all copies of one irrep, for D in a skew basis."""
    rng = np.random.default_rng(3)
    skew = np.eye(24) + 0.4 * rng.standard_normal((24, 24)) / 5
    found = decompose(skew @ regular_representation(S4) @ np.linalg.inv(skew), irreps(S4))
    assert found.error < 1e-10
    for k, count in enumerate(found.multiplicities.tolist()):
        starts = [s.columns.start for s in found.summands if s.irrep == k]
        columns = found.basis[:, starts]
        np.testing.assert_allclose(columns.conj().T @ columns, np.eye(count), atol=1e-12)


def test_real_functions_have_real_convolutions() -> None:
    for group in (cyclic(6), S4):
        assert convolve(np.ones(group.order), np.arange(group.order), group).dtype == np.float64


def test_subgroups_are_counted_not_their_classes() -> None:
    """S4 has 30 subgroups in 11 classes."""
    assert len(subgroup_lattice(S4, max_count=30)) == 30
    with pytest.raises(ValueError, match="more than 29 subgroups"):
        subgroup_lattice(S4, max_count=29)


def test_shared_fingerprints_are_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    elements, pairs = _identify.element_fingerprint(S4), _identify.pair_fingerprint(S4)
    known = (np.array([elements] * 2), np.array([pairs] * 2))
    monkeypatch.setattr(_identify, "_known", lambda order: known)
    with pytest.raises(ArithmeticError, match="S4"):
        identify(S4)


def test_images_beyond_the_first_64_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the last of 70 candidates are dead ends."""
    last = np.arange(1)
    monkeypatch.setattr(search, "candidates", lambda *_: np.arange(70))
    monkeypatch.setattr(search, "extend", lambda *arguments: [last] if 69 in arguments[-1] else [])
    stage: Any = object()
    group: Any = None
    assert search.first_extension([stage], group, group, group, np.zeros(1)) is last


def test_a_collision_of_hashes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "groupfeat.groups.table._closure._key",
        lambda rows, weights: np.zeros(len(rows), dtype=np.uint64),
    )
    with pytest.raises(ArithmeticError, match="share a hash"):
        symmetric(3)


def test_commutators_are_inverses_first() -> None:
    """[a,b] = a⁻¹b⁻¹ab = a says b⁻¹ab = a²; aba⁻¹b⁻¹ = a would make a trivial."""
    assert from_presentation("a,b|a^7,b^3,[a,b]=a").order == 21
    assert from_presentation("a,b|a^7,b^3,a*b*a^-1*b^-1=a").order == 3


@pytest.mark.parametrize("spec", ["S4", "GL(2,3)", "C2xC6"])
def test_the_certificate_sees_wrong_traces_and_wrong_characters(spec: str) -> None:
    found = irreps(group_from_spec(spec))
    values = found.table.values.copy()
    values[0, -1] += 1e-6
    broken = CharacterTable(found.group, values)
    images = generator_images(found)
    assert certify(broken, found.blocks, images).orthogonality_error > 1e-7
    # Orthogonal rows in another order: only the traces tell.
    order = np.arange(len(values))
    order[[0, 1]] = [1, 0]
    swapped = CharacterTable(found.group, found.table.values[order])
    assert swapped.orthogonality_error < 1e-12
    assert certify(swapped, found.blocks, images).orthogonality_error > 0.1


@pytest.mark.parametrize("spec", ["S4", "C2xC6"])
@pytest.mark.parametrize("generator", [0, 1])
def test_the_certificate_sees_a_generator_that_is_not_unitary(generator: int, spec: str) -> None:
    found = irreps(group_from_spec(spec))
    images = generator_images(found)
    for image in images:
        image[:, generator] *= 1 + 1e-6
    assert certify(found.table, found.blocks, images).unitarity_error > 1e-6


def test_the_certificate_multiplies_by_the_basis() -> None:
    """With frames 1000 times shorter the same residual means a 1000 times larger error."""
    found = irreps(S4)
    images = generator_images(found)
    plain, shrunk = [], []
    for block in found.blocks:
        orbits = block.orbits.copy()
        orbits[:, -1] += 1e-6
        plain.append(replace(block, orbits=orbits))
        shrunk.append(replace(block, orbits=orbits / 1000, inverses=block.inverses * 1000))
    errors = [certify(found.table, blocks, images).homomorphism_error for blocks in (plain, shrunk)]
    assert errors[0] > 1e-7
    assert errors[1] == pytest.approx(errors[0], rel=1e-6)


def test_the_certificate_holds_the_error_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two equal rows with matrices to match would have the right traces."""
    found = irreps(S4)
    table = CharacterTable(found.group, found.table.values)
    monkeypatch.setitem(table.__dict__, "orthogonality_error", 0.5)
    certificate = certify(table, found.blocks, generator_images(found))
    assert certificate.orthogonality_error == 0.5


def test_a_linear_irrep_may_stand_on_any_element() -> None:
    """A caller's own frame: u at another element than the identity, with its inverse."""
    found = irreps(group_from_spec("C12"))
    own = replace(found[3], pivots=np.array([5]), basis_inverse=1 / found[3].orbit[5].reshape(1, 1))
    members = (*found[:3], own, *found[4:])
    certificate = type(found).from_members(found.table, members).certificate
    assert certificate.orthogonality_error < 1e-12
    assert certificate.homomorphism_error < 1e-12
