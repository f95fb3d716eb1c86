"""The measured orthogonality error against the sum that defines it, on tables broken on purpose."""

import numpy as np
import pytest

from groupfeat.groups import CharacterTable, character_table, group_from_spec

SPECS = ["C1", "C31", "2x2x2", "F21", "C7xA4", "Heis(3)", "S4", "SL(2,3)", "A5"]


def defined(table: CharacterTable) -> float:
    """max |(1/M) Σ_j |class j| χ_a(j) conj χ_b(j) − δ_ab|, pair by pair."""
    sizes = table.group.conjugacy_classes.sizes
    return max(
        abs(np.sum(sizes * a * b.conj()) / table.group.order - (i == j))
        for i, a in enumerate(table.values)
        for j, b in enumerate(table.values)
    )


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("scale", [1e-3, 1e-8])
def test_error_of_a_table_whose_rows_stay_real_or_conjugate(spec: str, scale: float) -> None:
    table = character_table(group_from_spec(spec))
    rng = np.random.default_rng(0)
    noise = scale * (rng.standard_normal((2, *table.values.shape)))
    noise = noise[0] + 1j * noise[1]
    noise = (noise + noise[table.conjugate].conj()) / 2
    broken = CharacterTable(table.group, table.values + noise)
    assert np.array_equal(broken.values[table.conjugate], broken.values.conj())
    assert broken.orthogonality_error == pytest.approx(defined(broken), rel=1e-6)


@pytest.mark.parametrize("spec", SPECS)
def test_error_of_a_table_with_one_wrong_value(spec: str) -> None:
    """The changed row is no conjugate any more: the complex product must see it."""
    table = character_table(group_from_spec(spec))
    for row in range(len(table)):
        values = table.values.copy()
        values[row, -1] += 1e-5 * np.exp(0.7j)
        broken = CharacterTable(table.group, values)
        assert broken.orthogonality_error == pytest.approx(defined(broken), rel=1e-4)
        assert broken.orthogonality_error > 1e-7


@pytest.mark.parametrize("spec", [*SPECS, "C60", "PSL(2,7)", "C3xS3"])
def test_conjugate_rows_are_exact_and_whole_values_whole(spec: str) -> None:
    table = character_table(group_from_spec(spec))
    assert np.array_equal(table.values[table.conjugate], table.values.conj())
    assert not table.values.imag[table.frobenius_schur != 0].any()
    near = np.abs(table.values.real - np.rint(table.values.real)) < 1e-9
    if not table.group.is_abelian:
        assert np.array_equal(table.values.real[near], np.rint(table.values.real[near]))
    assert table.orthogonality_error < 1e-13


def test_error_where_only_a_real_row_is_wrong() -> None:
    table = character_table(group_from_spec("C31"))
    values = table.values.copy()
    values[0] += 1e-3 * np.random.default_rng(0).standard_normal(31)
    broken = CharacterTable(table.group, values)
    assert broken.orthogonality_error == pytest.approx(defined(broken), rel=1e-6)


def test_error_of_many_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a bound 64 rows stand for all; of 31 classes they are all."""
    monkeypatch.setattr("groupfeat.groups.characters._orthogonality._ALL_ROWS", 20)
    table = character_table(group_from_spec("C31"))
    values = table.values * (1 + 1e-3 * np.random.default_rng(0).standard_normal((31, 31)))
    broken = CharacterTable(table.group, values)
    assert broken.orthogonality_error == pytest.approx(defined(broken), rel=1e-6)
