"""Groups of integer, real and complex matrices."""

from typing import Any

import numpy as np
import pytest

from groupfeat.groups import (
    FiniteGroup,
    check_homomorphism,
    from_complex_matrices,
    group_from_spec,
    irreps,
    isomorphism,
)


def same(first: FiniteGroup, second: FiniteGroup | str) -> bool:
    FiniteGroup.from_cayley_table(first.cayley_table)
    other = group_from_spec(second) if isinstance(second, str) else second
    return isomorphism(first, other) is not None


TURN = [
    [np.cos(2 * np.pi / 7), -np.sin(2 * np.pi / 7)],
    [np.sin(2 * np.pi / 7), np.cos(2 * np.pi / 7)],
]
GOLDEN = (1 + 5**0.5) / 2
COS, SIN = np.cos(2 * np.pi / 7), np.sin(2 * np.pi / 7)
PHI = (1 + 5**0.5) / 2
FIFTH = [[1, -PHI, PHI - 1], [PHI, PHI - 1, -1], [PHI - 1, 1, PHI]]
AXES = [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
MATRICES = [
    ([[[0, 1], [1, 0]], [[1, 0], [0, -1]]], "D4"),
    ([[[0, 1], [-1, 0]], [[1j, 0], [0, -1j]]], "Q8"),
    ([[[COS, -SIN], [SIN, COS]], [[1, 0], [0, -1]]], "D7"),
    # Signed permutations of three axes, the symmetries of the cube.
    ([AXES, [[0, 1, 0], [1, 0, 0], [0, 0, 1]], np.diag([1, 1, -1])], "C2xS4"),
    # Rotations of the icosahedron (Coxeter, Regular Polytopes, §3.7); FIFTH turns by 72°.
    ([AXES, np.array(FIFTH) / 2], "A5"),
    ([[[1, 1], [-3, -2]]], "C3"),
]


@pytest.mark.parametrize(("generators", "spec"), MATRICES)
def test_groups_of_numeric_matrices(generators: Any, spec: str) -> None:
    assert same(from_complex_matrices(generators), spec)


def images_along_words(group: FiniteGroup, found: FiniteGroup) -> list[int]:
    """Send generator i to generator i, and words to words: an opposite table would break this."""
    images, queue = {0: 0}, [0]
    for x in queue:
        for s, t in zip(group.generators, found.generators, strict=True):
            product = int(group.cayley_table[x, s])
            if product not in images:
                images[product] = int(found.cayley_table[images[x], t])
                queue.append(product)
    return [images[g] for g in range(group.order)]


@pytest.mark.parametrize("spec", ["S4", "SL(2,3)", "F21", "SL(2,5)", "C12"])
def test_a_faithful_irrep_gives_its_group_back(spec: str) -> None:
    group = group_from_spec(spec)
    chosen = list(group.generators)
    faithful = [
        irrep.matrices()
        for irrep in irreps(group)
        if len(np.unique(np.round(irrep.matrices(), 6), axis=0)) == group.order
    ]
    found = from_complex_matrices(faithful[0][chosen])
    assert same(found, spec)
    check_homomorphism(group, found, images_along_words(group, found))
    # Conjugation by a matrix far from unitary changes nothing.
    change = np.triu(np.ones((faithful[0].shape[1],) * 2)) + np.diag(
        np.arange(faithful[0].shape[1])
    )
    moved = np.linalg.inv(change) @ faithful[0][chosen] @ change
    assert np.array_equal(from_complex_matrices(moved).cayley_table, found.cayley_table)


@pytest.mark.parametrize(
    ("generators", "message"),
    [
        ([[[1, 2], [2, 4]]], "generator 0 is singular"),
        ([[[1, 1], [0, 1]]], "generator 0 has no order up to 8000"),
        ([[[1, 0], [0, 1]], [[2, 1], [1, 1]]], "generator 1 has infinite order: an eigenvalue"),
        # Two reflections at an angle that is no rational multiple of π.
        ([[[1, 0], [0, -1]], [[0.6, 0.8], [0.8, -0.6]]], "more than 8000 elements"),
        ([[1, 0], [0, 1]], r"shape \(r, n, n\), got \(2, 2\)"),
        ([[[np.nan]]], "finite numbers"),
        ([[["a"]]], "finite numbers"),
        # Two reflections whose mirrors are almost one.
        ([[[1, 0], [0, -1]], [[1, 5e-6], [5e-6, -1]]], "equal or not cannot be told"),
    ],
)
def test_matrices_without_a_finite_group(generators: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_complex_matrices(generators)


def test_a_tolerance_must_be_small() -> None:
    with pytest.raises(ValueError, match=r"tolerance must be in \(0, 0\.1\), got 1"):
        from_complex_matrices([[[1.0]]], tolerance=1)
