"""Whole character tables against printed ones (data/published_tables.txt names the books)."""

from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from groupfeat.groups import FiniteGroup, character_table, group_from_spec, irreps

DATA = Path(__file__).parent / "data" / "published_tables.txt"
M11 = "perm:(1,2,3,4,5,6,7,8,9,10,11);(3,7,11,8)(4,10,5,6)"
SYMBOLS = {
    "w": np.exp(2j * np.pi / 3),
    "i": 1j,
    "g": (1 + np.sqrt(5)) / 2,
    "h": (1 - np.sqrt(5)) / 2,
    "b": (-1 + 1j * np.sqrt(7)) / 2,
    "c": (-1 + 1j * np.sqrt(11)) / 2,
    "r": 1j * np.sqrt(2),
}
Values = NDArray[np.complex128]
Classes = list[tuple[int, int]]


def number(text: str) -> complex:
    sign, body = (-1, text[1:]) if text.startswith("-") else (1, text)
    if body.endswith("*"):
        return sign * complex(np.conj(SYMBOLS[body[:-1]]))
    return sign * complex(SYMBOLS.get(body) or int(body))


def published() -> dict[str, tuple[Classes, Values]]:
    found = {}
    for block in DATA.read_text(encoding="utf-8").split("\n\n")[1:]:
        head, classes, *rows = block.strip().splitlines()
        pairs = [tuple(map(int, word.rstrip(")").split("("))) for word in classes.split()]
        values = np.array([[number(word) for word in row.split()] for row in rows])
        found[head.split(" | ")[0]] = (pairs, values)
    return found


TABLES: dict[str, Any] = published()


def sorted_rows(values: Values) -> Values:
    keys = np.round(np.concatenate([values.real, values.imag], axis=1), 6)
    return values[np.lexsort(keys.T[::-1])]


def agrees(group: FiniteGroup, classes: Classes, wanted: Values) -> bool:
    """Try every order of the columns whose classes have equal orders and sizes."""
    mine = group.conjugacy_classes
    own = list(zip(mine.element_orders.tolist(), mine.sizes.tolist(), strict=True))
    if sorted(own) != sorted(classes):
        return False
    kinds = sorted(set(classes))
    places = [[j for j, pair in enumerate(classes) if pair == kind] for kind in kinds]
    columns = [j for kind in kinds for j, pair in enumerate(own) if pair == kind]
    values = sorted_rows(character_table(group).values[:, columns])
    return any(
        np.abs(sorted_rows(wanted[:, [j for part in chosen for j in part]]) - values).max() < 1e-10
        for chosen in product(*(permutations(part) for part in places))
    )


@pytest.mark.parametrize("spec", TABLES)
def test_tables_as_published(spec: str) -> None:
    group = group_from_spec(M11 if spec == "M11" else spec)
    assert agrees(group, *TABLES[spec])


def test_a_misprint_would_be_seen() -> None:
    assert len(TABLES) >= 12
    classes, values = TABLES["PSL(2,7)"]
    wrong = values.copy()
    wrong[4, 2] = -1
    assert not agrees(group_from_spec("PSL(2,7)"), classes, wrong)
    assert not agrees(group_from_spec("Q8"), *TABLES["D4"])


@pytest.mark.slow
def test_irreps_of_m11_are_certified() -> None:
    found = irreps(group_from_spec(M11))
    assert [r.dim for r in found] == [1, 10, 10, 10, 11, 16, 16, 44, 45, 55]
    assert found.certificate.homomorphism_error < 1e-10
