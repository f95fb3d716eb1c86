"""The published tables are character tables by themselves: exact laws that no misprint keeps.

Numbers are integer combinations of N-th roots of unity, arrays (N,) of coefficients.
"""

from math import gcd, lcm

import numpy as np
import pytest
import sympy

from tests.groups.test_published_tables import DATA

# Symbol: order of the roots of unity, exponents with coefficient 1, and a sign.
ROOTS = {
    "w": (3, [1], 1),
    "i": (4, [1], 1),
    "g": (5, [2, 3], -1),
    "h": (5, [1, 4], -1),
    "b": (7, [1, 2, 4], 1),
    "c": (11, [1, 3, 4, 5, 9], 1),
    "r": (8, [1, 3], 1),
}
Table = tuple[list[int], list[int], np.ndarray]


def read(block: str) -> Table:
    """Return orders and sizes of classes and the values (k, k, N)."""
    _, classes, *rows = block.strip().splitlines()
    orders, sizes = zip(*(word.rstrip(")").split("(") for word in classes.split()), strict=True)
    words = [row.split() for row in rows]
    n = lcm(*(ROOTS[letter][0] for letter in ROOTS if letter in "".join(rows)))
    values = np.array([[coefficients(word, n) for word in row] for row in words])
    return list(map(int, orders)), list(map(int, sizes)), values


def coefficients(word: str, n: int) -> np.ndarray:
    found = np.zeros(n, dtype=np.int64)
    body = word.strip("-*")
    order, exponents, sign = ROOTS.get(body) or (1, [0], int(body))
    for exponent in exponents:
        found[(exponent * (n // order) * (-1 if word.endswith("*") else 1)) % n] += sign
    return -found if word.startswith("-") else found


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return sum(a[..., s, None] * np.roll(b, s, axis=-1) for s in range(a.shape[-1]))


def conjugate(a: np.ndarray) -> np.ndarray:
    return np.roll(a[..., ::-1], 1, axis=-1)


def reduced(values: np.ndarray) -> np.ndarray:
    """Return remainders modulo the N-th cyclotomic polynomial: zero only if the numbers are."""
    n = values.shape[-1]
    x = sympy.Symbol("x")
    divisor = sympy.Poly(sympy.cyclotomic_poly(n, x), x)
    powers = [sympy.rem(sympy.Poly(x**s, x), divisor).all_coeffs()[::-1] for s in range(n)]
    width = divisor.degree()
    basis = np.array([[*map(int, row), *[0] * (width - len(row))] for row in powers])
    return values @ basis


def rows_are_orthonormal(table: Table) -> bool:
    _, sizes, values = table
    inner = np.einsum("ijcn,c->ijn", product(values[:, None], conjugate(values)[None]), sizes)
    inner[..., 0] -= sum(sizes) * np.eye(len(values), dtype=int)
    return not reduced(inner).any()


def powers_exist(table: Table) -> bool:
    """For a prime p some class of order o/gcd(o, p) has χ(gᵖ) ≡ χ(g)ᵖ mod p for every χ."""
    orders, sizes, values = table
    for p in sympy.primefactors(sum(sizes)):
        power = values
        for _ in range(p - 1):
            power = product(power, values) % p
        for j, order in enumerate(orders):
            places = [k for k, o in enumerate(orders) if o == order // gcd(order, p)]
            if not any(not (reduced(values[:, k] - power[:, j]) % p).any() for k in places):
                return False
    return True


BLOCKS = DATA.read_text(encoding="utf-8").split("\n\n")[1:]
NAMES = [block.strip().split(" | ")[0] for block in BLOCKS]


@pytest.mark.parametrize("block", BLOCKS, ids=NAMES)
def test_published_tables_obey_exact_laws(block: str) -> None:
    table = read(block)
    assert rows_are_orthonormal(table)
    assert powers_exist(table)


def test_misprints_break_a_law() -> None:
    for block in BLOCKS:
        orders, sizes, values = read(block)
        for place in ((0, 0), (1, 1), (len(values) - 1, len(values) // 2)):
            wrong = values.copy()
            wrong[(*place, 0)] += 1
            assert not rows_are_orthonormal((orders, sizes, wrong))
    # Exchanged orders of two classes keep orthogonality; powers see them.
    orders, sizes, values = read(BLOCKS[NAMES.index("S4")])
    assert not powers_exist(([1, 2, 2, 4, 3], sizes, values))
