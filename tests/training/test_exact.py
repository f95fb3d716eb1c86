"""Exact networks: zero error on every product, and how many nodes they take."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from groupfeat.groups import (
    FiniteGroup,
    Irreps,
    group_from_spec,
    irreps,
    number_of_small_groups,
    small_group,
)
from groupfeat.training import (
    EXACT_METHODS,
    conjugate_network,
    exact_network,
    exact_sizes,
    match_nodes,
    paper_bound,
)
from groupfeat.training.exact._bilinear import matrix_product, quaternion_product
from groupfeat.training.exact._quaternionic import quaternion_blocks

SPECS = ["C2", "C7", "S3", "D5", "Q8", "Dic5", "F21", "SL(2,3)", "S4"]


def relative_error(first: NDArray, second: NDArray, group: FiniteGroup) -> float:
    """Compare (XW)²V with Y − 1/M on all pairs, by the definition."""
    order = group.order
    answers = np.zeros((order**2, order), dtype=second.dtype)
    for columns in np.array_split(np.arange(first.shape[1]), max(1, first.shape[1] // 128)):
        hidden = (first[:order, None, columns] + first[None, order:, columns]) ** 2
        answers += hidden.reshape(order**2, -1) @ second[columns]
    wanted = np.eye(order)[group.cayley_table.ravel()] - 1 / order
    return float(np.linalg.norm(answers - wanted) / np.linalg.norm(wanted))


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("method", EXACT_METHODS)
def test_every_method_answers_every_product(spec: str, method: str) -> None:
    reps = irreps(group_from_spec(spec))
    first, second = exact_network(reps, method=method)
    assert relative_error(first, second, reps.group) < 1e-13
    assert first.shape[1] == second.shape[0] == getattr(exact_sizes(reps), method)
    np.testing.assert_allclose(np.linalg.norm(first, axis=0), 1)


@pytest.mark.parametrize("spec", SPECS)
def test_the_papers_form_needs_the_conjugate(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    first, second = conjugate_network(reps)
    assert relative_error(first, second, reps.group) < 1e-13
    order, inverse = reps.group.order, reps.group.inverse
    mirrored = first[:order][inverse]
    signs = np.where(np.arange(first.shape[1]) % 2, -1, 1)
    np.testing.assert_allclose(first[order:], signs * mirrored.conj(), atol=1e-15)
    assert first.shape[1] == exact_sizes(reps).conjugate <= paper_bound(reps)
    printed = np.concatenate([first[:order], signs * mirrored])
    is_real = all(irrep.frobenius_schur == 1 for irrep in reps)
    error = relative_error(printed, second, reps.group)
    # [u; ±Pu] as printed: u = X + iY is complex even where ρ is real, once d ≥ 2.
    abelian_and_real = is_real and reps.group.is_abelian
    assert (error < 1e-12) is abelian_and_real


# By hand: 2d³ a real irrep, 6d³ a complex pair, 16(d/2)³ a quaternionic one; Strassen 14, Laderman
# 46; single nodes d³, 4d³, 16(d/2)³ and the constant node; the paper 2 Σ d⁴.
@pytest.mark.parametrize(
    ("spec", "schoolbook", "pairs", "single", "paper"),
    [
        ("S3", 2 + 16, 2 + 14, 1 + 8 + 1, 2 + 32),
        ("S4", 2 + 16 + 54 + 54, 2 + 14 + 46 + 46, 1 + 8 + 27 + 27 + 1, 2 + 32 + 162 + 162),
        ("C7", 18, 18, 13, 12),
        ("Q8", 6 + 16, 6 + 16, 3 + 16 + 1, 6 + 32),
        ("F21", 6 + 162, 6 + 138, 4 + 108 + 1, 4 + 324),
    ],
)
def test_numbers_of_nodes(spec: str, schoolbook: int, pairs: int, single: int, paper: int) -> None:
    sizes = exact_sizes(irreps(group_from_spec(spec)))
    assert (sizes.schoolbook, sizes.pairs, sizes.single, sizes.paper) == (
        schoolbook,
        pairs,
        single,
        paper,
    )
    assert sizes.fewest == min(pairs, single)


def test_a_group_of_many_dimensions_mixes_the_roads() -> None:
    sizes = exact_sizes(irreps(group_from_spec("SL(2,5)")))
    assert sizes.fewest < min(sizes.pairs, sizes.single)


@pytest.mark.parametrize(("size", "rank"), [(1, 1), (2, 7), (3, 23), (4, 49), (5, 125), (6, 161)])
def test_matrix_products(size: int, rank: int) -> None:
    product = matrix_product(size)
    x, y = np.random.default_rng(size).standard_normal((2, size, size))
    terms = np.einsum("rij,ij->r", product.left, x) * np.einsum("rij,ij->r", product.right, y)
    np.testing.assert_allclose(np.tensordot(terms, product.out, 1), x @ y, atol=1e-12)
    assert product.rank == rank


def hamilton(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply quaternions (..., 4) by Hamilton's rule."""
    (a, *u), (b, *v) = np.moveaxis(x, -1, 0), np.moveaxis(y, -1, 0)
    u, v = np.stack(u, -1), np.stack(v, -1)
    real = a * b - np.sum(u * v, -1)
    rest = a[..., None] * v + b[..., None] * u + np.cross(u, v)
    return np.concatenate([real[..., None], rest], -1)


def test_quaternions_take_eight_products() -> None:
    product = quaternion_product()
    x, y = np.random.default_rng(0).standard_normal((2, 4))
    found = (product.left @ x * (product.right @ y)) @ product.out
    np.testing.assert_allclose(found, hamilton(x, y), atol=1e-14)
    assert product.rank == 8


@pytest.mark.parametrize("spec", ["Q8", "SL(2,3)", "SL(2,5)"])
def test_quaternionic_irreps_are_matrices_of_quaternions(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    rng = np.random.default_rng(0)
    for irrep in (r for r in reps if r.frobenius_schur == -1):
        blocks = quaternion_blocks(irrep)
        np.testing.assert_allclose(np.sum(blocks**2, axis=(2, 3)), 1)
        g, h = rng.integers(reps.group.order, size=(2, 20))
        terms = hamilton(blocks[g][:, :, :, None], blocks[h][:, None])
        gh = reps.group.cayley_table[g, h]
        np.testing.assert_allclose(terms.sum(2), blocks[gh], atol=1e-12)
    with pytest.raises(ValueError, match="irrep 0 is not of quaternionic type"):
        quaternion_blocks(reps[0])


@pytest.mark.parametrize("spec", ["S4", "Q8", "F21"])
def test_single_nodes_are_maxima_of_every_family(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    match = match_nodes(*exact_network(reps, method="single"), reps)
    assert match.alive == exact_sizes(reps).single - 1
    assert match.share == 1
    assert match.missing == ()
    assert all(abs(node.energy_ratio - 1) < 1e-9 for node in match.nodes)


def test_an_unknown_method_and_the_trivial_group() -> None:
    reps = irreps(group_from_spec("S3"))
    with pytest.raises(ValueError, match="unknown method 'few'; known: fewest, single"):
        exact_network(reps, method="few")
    trivial = irreps(group_from_spec("C1"))
    assert exact_network(trivial)[0].shape == (2, 0)
    assert conjugate_network(trivial)[1].shape == (0, 1)
    assert exact_sizes(trivial).fewest == 0


def small_irreps(most: int) -> list[Irreps]:
    return [
        irreps(small_group(order, index))
        for order in range(2, most + 1)
        for index in range(1, number_of_small_groups(order) + 1)
    ]


def test_every_group_of_order_up_to_20() -> None:
    for reps in small_irreps(20):
        first, second = exact_network(reps)
        assert relative_error(first, second, reps.group) < 1e-12, reps.group.name


@pytest.mark.slow
def test_every_group_of_order_up_to_60_by_every_method() -> None:
    for reps in small_irreps(60):
        for method in EXACT_METHODS:
            first, second = exact_network(reps, method=method)
            assert relative_error(first, second, reps.group) < 1e-10, reps.group.name
            assert first.shape[1] == getattr(exact_sizes(reps), method)
        assert relative_error(*conjugate_network(reps), reps.group) < 1e-10


def test_s5() -> None:
    reps = irreps(group_from_spec("S5"))
    first, second = exact_network(reps)
    assert first.shape[1] == 1 + 64 + 64 + 125 + 125 + 216 + 1
    assert paper_bound(reps) == 2 * (1 + 2 * 256 + 2 * 625 + 1296)
    assert relative_error(first, second, reps.group) < 1e-10


def test_the_table_in_the_documents_is_what_the_tool_writes() -> None:
    """Rows of orders 8 and 24, found again from the irreps."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "exact_networks_table.md").read_text()
    rows = [[c.strip() for c in line.strip("|\n ").split("|")] for line in text.splitlines()]
    numbers = [row for row in rows if len(row) == 9 and row[0].isdigit()]
    assert {int(row[0]) for row in numbers} == set(range(2, 61))
    for row in (row for row in numbers if row[0] in ("8", "24")):
        first = int(row[1].split("–")[0].split(",")[0])
        sizes = exact_sizes(irreps(small_group(int(row[0]), first)))
        wanted = (sizes.single, sizes.pairs, sizes.schoolbook, sizes.fewest)
        assert tuple(map(int, row[3:])) == (*wanted, sizes.conjugate, sizes.paper)
