"""Class functions: laws on random groups, textbook decompositions, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groupfeat.groups import (
    FiniteGroup,
    character_center,
    character_kernel,
    character_table,
    exterior_square,
    group_from_spec,
    induced_character,
    irreps,
    multiplicities,
    power_map,
    restricted_character,
    symmetric_square,
)
from tests.strategies import groups


@settings(deadline=None, max_examples=25)
@given(groups(max_order=48), st.integers(-30, 30))
def test_power_maps_follow_every_element(group: FiniteGroup, n: int) -> None:
    power = np.zeros(group.order, dtype=int)
    for _ in range(n % group.exponent):
        power = group.cayley_table[power, np.arange(group.order)]
    labels = group.conjugacy_classes.labels
    assert np.array_equal(power_map(group, n)[labels], labels[power])


@settings(deadline=None, max_examples=25)
@given(groups(max_order=48))
def test_tensor_products_and_squares(group: FiniteGroup) -> None:
    table = character_table(group)
    products = table.values[:, None] * table.values[None]
    counts = multiplicities(products, table)
    assert np.array_equal(counts @ table.dims, np.outer(table.dims, table.dims))
    symmetric, exterior = (f(table.values, group) for f in (symmetric_square, exterior_square))
    split = multiplicities(symmetric, table), multiplicities(exterior, table)
    assert np.array_equal(sum(split), counts[np.arange(len(table)), np.arange(len(table))])
    # The trivial irrep lies in Sym² for real type and in Λ² for quaternionic type.
    assert np.array_equal(split[0][:, 0] - split[1][:, 0], table.frobenius_schur)


@settings(deadline=None, max_examples=25)
@given(groups(max_order=48))
def test_kernels_and_centers_against_matrices(group: FiniteGroup) -> None:
    for irrep in irreps(group):
        matrices, one = irrep.matrices(), np.eye(irrep.dim)
        scalars = matrices[:, :1, :1] * one
        character = character_table(group).values[irrep.index]
        kernel = np.flatnonzero(np.abs(matrices - one).max((1, 2)) < 1e-6)
        center = np.flatnonzero(np.abs(matrices - scalars).max((1, 2)) < 1e-6)
        assert np.array_equal(character_kernel(character, group), kernel)
        assert np.array_equal(character_center(character, group), center)


@settings(deadline=None, max_examples=25)
@given(groups(max_order=48), st.data())
def test_frobenius_reciprocity(group: FiniteGroup, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.integers(0, group.order - 1), max_size=2))
    elements = group.subgroup(chosen)
    place = np.searchsorted(elements, group.cayley_table[np.ix_(elements, elements)])
    subgroup = character_table(FiniteGroup.from_cayley_table(place))
    small = subgroup.values[:, subgroup.group.conjugacy_classes.labels]
    table = character_table(group)
    up = multiplicities(induced_character(small, group, elements), table)
    down = restricted_character(table.values, group, elements) @ small.conj().T / len(elements)
    np.testing.assert_allclose(up, down.T, atol=1e-10)


def test_textbook_decompositions_of_s4() -> None:
    # Fulton & Harris, Representation Theory (1991): V⊗V = U + V + V' + W.
    group = group_from_spec("S4")
    table = character_table(group)
    assert multiplicities(table.values[3] ** 2, table).tolist() == [1, 0, 1, 1, 1]
    # The kernel of the irrep of degree 2 is the Klein four-group.
    assert len(character_kernel(table.values[2], group)) == 4


def test_bad_input_is_refused() -> None:
    group = group_from_spec("S3")
    table = character_table(group)
    with pytest.raises(ValueError, match=r"irrep 0 would occur 0\.5000"):
        multiplicities(table.values[0] / 2, table)
    with pytest.raises(ValueError, match=r"shape \(\.\.\., 3\), got \(6,\)"):
        symmetric_square(np.ones(6), group)
    with pytest.raises(ValueError, match=r"shape \(3,\), got \(3, 3\)"):
        character_kernel(table.values, group)
    with pytest.raises(ValueError, match="are no subgroup"):
        induced_character(np.ones(2), group, [0, 3])
    with pytest.raises(ValueError, match=r"shape \(\.\.\., 6\), got \(2,\)"):
        induced_character(np.ones(2), group, range(6))
