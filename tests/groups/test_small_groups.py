"""SmallGroup(n, i): the groups themselves, and their irreps against GAP's answers."""

import hashlib
import json
import lzma
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groupfeat.groups import (
    FiniteGroup,
    character_table,
    group_from_spec,
    irreps,
    number_of_small_groups,
    small_group,
    small_group_name,
)

DATA = Path(__file__).parent / "data" / "small_group_irreps.json.xz"
DIGESTS = Path(__file__).parent / "data" / "small_group_digests.txt"


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lzma.decompress(DATA.read_bytes()))
    return found


# OEIS A000001.
COUNTS = {1: 1, 2: 1, 8: 5, 16: 14, 32: 51, 60: 13, 64: 267, 96: 231, 128: 2328}
COUNTS |= {192: 1543, 255: 1, 256: 56092, 384: 20169, 511: 1}


def test_counts_as_published() -> None:
    assert {n: number_of_small_groups(n) for n in COUNTS} == COUNTS
    assert sum(number_of_small_groups(n) for n in range(1, 512)) == 92804


@pytest.mark.parametrize("order", [*range(1, 64), 81, 100, 105, 243, 343, 500, 511])
def test_tables_are_groups(order: int) -> None:
    for index in range(1, min(number_of_small_groups(order), 20) + 1):
        group = small_group(order, index)
        FiniteGroup.from_cayley_table(group.cayley_table)
        assert group.order == order
        assert len(group.subgroup(group.generators)) == order
        assert len(set(group.element_names)) == order


# GAP ids of familiar groups (GAP 4.12, IdGroup).
FAMILIAR = [
    ("S3", 6, 1),
    ("C6", 6, 2),
    ("D4", 8, 3),
    ("Q8", 8, 4),
    ("A4", 12, 3),
    ("F21", 21, 1),
    ("S4", 24, 12),
    ("A5", 60, 5),
    ("S5", 120, 34),
]


@pytest.mark.parametrize(("spec", "order", "index"), FAMILIAR)
def test_ids_are_gaps(spec: str, order: int, index: int) -> None:
    """Invariants agree with the family's, and with no other group of the order."""

    def invariants(group: FiniteGroup) -> tuple[object, ...]:
        classes = group.conjugacy_classes
        squares = group.cayley_table.diagonal()
        return (
            sorted(group.element_orders.tolist()),
            sorted(zip(classes.sizes.tolist(), classes.element_orders.tolist(), strict=True)),
            sorted(np.bincount(squares, minlength=order).tolist()),
        )

    wanted = invariants(group_from_spec(spec))
    same = [
        i
        for i in range(1, number_of_small_groups(order) + 1)
        if invariants(small_group(order, i)) == wanted
    ]
    assert same == [index]


def wrong_digests(rows: list[str]) -> list[str]:
    """Return the rows "order id digest" whose table is not the one that GAP identified."""
    found = []
    for row in rows:
        order, index, wanted = row.split()
        table = small_group(int(order), int(index)).cayley_table
        if hashlib.sha256(table.astype("<i2").tobytes()).hexdigest()[:16] != wanted:
            found.append(row)
    return found


def test_tables_are_those_that_gap_identified() -> None:
    """GAP's IdGroup was asked for these tables, as permutation groups (tools/small_groups)."""
    head, *rows = DIGESTS.read_text(encoding="utf-8").splitlines()
    assert head.startswith("# IdGroup of GAP 4.12.1")
    assert {int(row.split()[0]) for row in rows} == set(range(2, 512))
    assert not wrong_digests(rows[::4])


@pytest.mark.slow
def test_all_tables_are_those_that_gap_identified() -> None:
    assert not wrong_digests(DIGESTS.read_text(encoding="utf-8").splitlines()[1:])


def irreps_of(table: Any) -> dict[tuple[int, int], int]:
    pairs = zip(table.dims.tolist(), table.frobenius_schur.tolist(), strict=True)
    return dict(Counter(pairs))


def disagreements(reference: dict[str, Any], orders: range) -> list[str]:
    found = []
    for order in orders:
        for index, known in enumerate(reference["orders"][str(order)], start=1):
            mine = irreps_of(character_table(small_group(order, index)))
            if mine != {(d, s): count for d, s, count in known}:
                found.append(f"SmallGroup({order},{index}): {mine} against {known}")
    return found


def test_degrees_and_types_are_gaps(reference: dict[str, Any]) -> None:
    assert sum(len(reference["orders"][str(n)]) for n in range(1, 129)) == 3596
    assert not disagreements(reference, range(1, 64))


@pytest.mark.slow
def test_degrees_and_types_are_gaps_to_order_128(reference: dict[str, Any]) -> None:
    assert not disagreements(reference, range(64, 129))


def worst_certificate(orders: range) -> float:
    return max(
        irreps(small_group(order, index)).certificate.homomorphism_error
        for order in orders
        for index in range(1, number_of_small_groups(order) + 1)
    )


def test_every_certificate_to_order_64() -> None:
    assert worst_certificate(range(1, 65)) < 1e-11


@pytest.mark.slow
def test_every_certificate_to_order_255() -> None:
    assert worst_certificate(range(65, 256)) < 1e-11


@pytest.mark.parametrize("spec", ["PSL(2,7)", "SL(2,5)", "A6", "S6", "PSL(2,13)", "A7", "S7"])
def test_large_certificates(spec: str) -> None:
    found = irreps(group_from_spec(spec))
    certificate = found.certificate
    assert certificate.homomorphism_error < 1e-11
    assert certificate.orthogonality_error < 1e-11
    assert sum(irrep.dim**2 for irrep in found) == found.group.order


def test_names() -> None:
    assert small_group_name(21, 1) == "C7 : C3"
    assert small_group_name(100, 16) == "C10 x C10"
    assert small_group_name(120, 34) == "SmallGroup(120,34)"
    assert group_from_spec("SmallGroup(96, 227)").order == 96
    assert group_from_spec("C2xSmallGroup(6,1)").order == 12


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("SmallGroup(6,3)", r"SmallGroup\(6,3\): order 6 has ids 1\.\.2"),
        ("SmallGroup(7,0)", r"order 7 has id 1 only"),
        ("SmallGroup(512,1)", r"groups of order 1\.\.511 are stored, got 512"),
        ("SmallGroup(0,1)", "got 0"),
        ("SmallGroup(6)", "unknown group"),
    ],
)
def test_bad_ids_are_refused(spec: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        group_from_spec(spec)
