"""Exact character values: equal to the numbers, orthogonal exactly, in their usual form."""

import numpy as np
import pytest
import sympy

from groupfeat.groups import (
    character_table,
    exact_character_values,
    group_from_spec,
    irreps,
    number_of_small_groups,
    small_group,
)

SPECS = ["C1", "C7", "C12", "S4", "A5", "D5", "D9", "Q8", "F21", "SL(2,5)", "PSL(2,7)"]


@pytest.mark.parametrize("spec", [*SPECS, "PSL(2,13)", "D50", "SmallGroup(96,227)", "F20", "Dic7"])
def test_exact_values_are_the_numbers(spec: str) -> None:
    table = character_table(group_from_spec(spec))
    exact = exact_character_values(table)
    numbers = np.array(exact.evalf(30).tolist(), dtype=complex)
    np.testing.assert_allclose(numbers, table.values, atol=1e-13)
    assert not exact.has(sympy.Float)


@pytest.mark.parametrize("spec", ["C3", "A5", "F21", "D7", "SL(2,3)"])
def test_rows_are_orthogonal_exactly(spec: str) -> None:
    group = group_from_spec(spec)
    exact = exact_character_values(character_table(group))
    weights = sympy.diag(*(int(s) for s in group.conjugacy_classes.sizes))
    inner = exact * weights * exact.H
    for i in range(exact.rows):
        for j in range(exact.rows):
            expected = group.order if i == j else 0
            x = sympy.Symbol("x")
            assert sympy.minimal_polynomial(inner[i, j] - expected, x) == x


def test_quadratic_values_show_their_roots() -> None:
    seven = exact_character_values(character_table(group_from_spec("PSL(2,7)")))
    half, root = sympy.Rational(1, 2), sympy.sqrt(7)
    assert {-half + sympy.I * root / 2, -half - sympy.I * root / 2} <= set(seven)
    golden = set(exact_character_values(character_table(group_from_spec("D5"))))
    assert {0, 1, -1, 2, -half + sympy.sqrt(5) / 2, -half - sympy.sqrt(5) / 2} == golden


def test_equal_values_are_equal_expressions() -> None:
    # 2cos(2π/7) occurs as a sum of 7th and of 14th roots of unity.
    table = character_table(group_from_spec("D14"))
    exact = exact_character_values(table)
    numbers = {complex(round(v.real, 9), round(v.imag, 9)) for v in table.values.ravel()}
    assert len(set(exact)) == len(numbers)


def values_of(exact: sympy.Matrix) -> np.ndarray:
    """Return the numbers, each expression evaluated once to 30 digits."""
    known = {value: complex(sympy.N(value, 30)) for value in set(exact)}
    return np.array([[known[exact[i, j]] for j in range(exact.cols)] for i in range(exact.rows)])


def worst_exact_error(orders: range, per_order: int) -> float:
    """Return the largest distance of exact values from traces of the irreps' matrices."""
    worst = 0.0
    for order in orders:
        count = number_of_small_groups(order)
        for index in sorted(
            {1 + (count - 1) * t // max(per_order - 1, 1) for t in range(per_order)}
        ):
            reps = irreps(small_group(order, index))
            representatives = reps.group.conjugacy_classes.representatives
            traces = [np.trace(r.matrices(representatives), axis1=1, axis2=2) for r in reps]
            exact = values_of(exact_character_values(reps.table))
            worst = max(worst, float(np.abs(exact - np.array(traces)).max()))
    return worst


def test_exact_values_are_traces_of_irreps_on_many_groups() -> None:
    assert worst_exact_error(range(1, 49), 3) < 1e-12


@pytest.mark.slow
def test_exact_values_are_traces_of_irreps_up_to_order_200() -> None:
    assert worst_exact_error(range(50, 201, 6), 2) < 1e-12
