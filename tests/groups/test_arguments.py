"""Whole numbers, names and arrays at the doors: what is none is refused in our own words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groupfeat.groups import (
    FiniteGroup,
    affine_line,
    alternating,
    cayley_graph,
    character_kernel,
    character_table,
    convolve,
    cyclic,
    decompose,
    dicyclic,
    dihedral,
    extraspecial,
    from_matrices,
    from_permutations,
    from_presentation,
    general_linear,
    group_from_spec,
    heisenberg,
    identify,
    induced_character,
    inverse_fourier_transform,
    irreps,
    isotypic_shares,
    load_cayley_table,
    metacyclic,
    multiplicities,
    permutation_representation,
    projective_special_linear,
    representation_from_generators,
    semidirect_product,
    small_group_name,
    special_linear,
    symmetric,
    symmetric_square,
    tensor_product,
    wreath_product,
)
from tests.groups.oracles import convolution_by_definition

S4 = symmetric(4)
FAMILIES: dict[str, Callable[[Any], FiniteGroup]] = {
    "cyclic": cyclic,
    "dihedral": dihedral,
    "dicyclic": dicyclic,
    "symmetric": symmetric,
    "alternating": alternating,
    "heisenberg": heisenberg,
    "affine_line": affine_line,
    "metacyclic n": lambda n: metacyclic(n, 1, 1),
    "metacyclic k": lambda k: metacyclic(1, k, 1),
    "multiplier": lambda m: metacyclic(3, 2, m),
    "general_linear n": lambda n: general_linear(n, 2),
    "general_linear q": lambda q: general_linear(1, q),
    "special_linear": lambda q: special_linear(2, q),
    "projective": lambda q: projective_special_linear(2, q),
    "extraspecial p": lambda p: extraspecial(p),
    "extraspecial n": lambda n: extraspecial(2, n),
    "from_matrices": lambda q: from_matrices([[[1]]], q),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("value", [2.0, 2.5, True, "2", None])
def test_sizes_are_whole_numbers(family: str, value: Any) -> None:
    with pytest.raises(ValueError, match="must be a whole number, got"):
        FAMILIES[family](value)


@pytest.mark.parametrize("family", FAMILIES)
def test_numpys_whole_numbers_are_taken(family: str) -> None:
    value = np.int64(2)
    assert FAMILIES[family](value).name == FAMILIES[family](2).name


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["e", "e"], "must differ, got 'e' again for element 1"),
        ([1, 2], "must be texts, got 1 for element 0"),
        ([None, "a"], "must be texts, got None"),
        ("ab", "list of texts, got a str"),
        ({"a", "b"}, "list of texts, got a set"),
        (["a"], "expected 2 element names, got 1"),
    ],
)
def test_element_names(names: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FiniteGroup.from_cayley_table([[0, 1], [1, 0]], element_names=names)


def test_names_may_come_as_an_array() -> None:
    names = np.array(["e", "s"])
    group = FiniteGroup.from_cayley_table([[0, 1], [1, 0]], element_names=names)  # type: ignore[arg-type]
    assert group.element_names == ("e", "s")


def test_a_table_is_whole_and_its_group_has_a_name() -> None:
    masked = np.ma.masked_array([[0, 1], [1, 0]], mask=[[0, 0], [0, 1]])
    with pytest.raises(ValueError, match="masked"):
        FiniteGroup.from_cayley_table(masked)
    with pytest.raises(ValueError, match="a group's name is a text, got 5"):
        FiniteGroup.from_cayley_table([[0]], name=5)  # type: ignore[arg-type]


RAGGED = [[0, 1], [0]]
ARRAYS: dict[str, Callable[[Any], object]] = {
    "semidirect": lambda x: semidirect_product(cyclic(2), cyclic(2), x),
    "permutations": from_permutations,
    "matrices": lambda x: from_matrices(x, 2),
    "decompose": lambda x: decompose(x, irreps(S4)),
    "images": lambda x: representation_from_generators(x, S4),
    "multiplicities": lambda x: multiplicities(x, character_table(S4)),
    "kernel": lambda x: character_kernel(x, S4),
    "square": lambda x: symmetric_square(x, S4),
    "induced": lambda x: induced_character(x, S4, [0]),
    "action": lambda x: permutation_representation(x, S4),
    "tensor": lambda x: tensor_product(x, x),
    "convolve": lambda x: convolve(x, x, S4),
    "shares": lambda x: isotypic_shares(x, irreps(S4)),
    "inverse": lambda x: inverse_fourier_transform([x] * 5, irreps(S4)),
}


@pytest.mark.parametrize("door", ARRAYS)
@pytest.mark.parametrize(
    ("values", "message"),
    [(RAGGED, "rows of unlike shapes"), (["a"], "must be .*numbers, got <U1")],
)
def test_arrays_are_rectangles_of_numbers(door: str, values: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ARRAYS[door](values)


def test_functions_that_do_not_go_together() -> None:
    with pytest.raises(ValueError, match=r"cannot convolve .* \(2, 24\) and \(3, 24\)"):
        convolve(np.ones((2, 24)), np.ones((3, 24)), S4)
    with pytest.raises(ValueError, match=r"got \(24, 1, 2\)"):
        tensor_product(np.ones((24, 1, 2)), np.ones((24, 1, 1)))
    with pytest.raises(ValueError, match="a generator must be a whole number"):
        cayley_graph(S4, [1.5])  # type: ignore[list-item]


@pytest.mark.parametrize("source", [irreps, character_table])
def test_shares_of_extreme_functions(source: Callable[[FiniteGroup], Any]) -> None:
    table = source(S4)
    drawn = np.random.default_rng(0).standard_normal(24)
    shares = isotypic_shares(drawn, table)
    for scale in (1e-170, 1e170):
        np.testing.assert_allclose(isotypic_shares(scale * drawn, table), shares, rtol=1e-12)
    with pytest.raises(ValueError, match="not finite"):
        isotypic_shares(np.full(24, np.nan), table)


def test_convolution_in_parts_is_the_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((3, 24)), rng.standard_normal((2, 1, 24)) * 1j
    whole = convolve(a, b, S4)
    expected = convolution_by_definition(a, b, S4)
    np.testing.assert_allclose(whole, expected, atol=1e-12)
    monkeypatch.setattr("groupfeat.groups.representations._fourier._ENTRIES", 5 * b.size)
    np.testing.assert_allclose(convolve(a, b, S4), expected, atol=1e-12)


def test_the_trivial_group_has_representations() -> None:
    found = representation_from_generators(np.zeros((0, 2, 2)), cyclic(1))
    assert np.array_equal(found, np.eye(2)[None])


@pytest.mark.parametrize("order", [1, 65, 100])
def test_wreath_products_of_the_trivial_group(order: int) -> None:
    found = wreath_product(cyclic(1), cyclic(order))
    assert np.array_equal(found.cayley_table, cyclic(order).cayley_table)


def test_long_specs_are_refused_shortly() -> None:
    for spec in ("wr".join(["C1"] * 1500), "perm:" + "(1,2)" * 20_000, "perm:(0)" + "(1)" * 9999):
        with pytest.raises(ValueError, match="…'") as caught:
            group_from_spec(spec)
        assert len(str(caught.value)) < 200
    for spec in (5, None, ["S4"]):
        with pytest.raises(ValueError, match="a text such as 'S4'"):
            group_from_spec(spec)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cannot read"):
        from_presentation("a|a^٣")


@pytest.mark.parametrize("shape", [b"(True, True)", b"(0, 99999999999999999999)"])
def test_headers_that_lie(tmp_path: Path, shape: bytes) -> None:
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': %s, }" % shape
    path = tmp_path / "lie.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00\x76\x00" + header.ljust(0x75) + b"\n")
    with pytest.raises(ValueError, match=r"'lie\.npy'"):
        load_cayley_table(path)


def test_names_of_small_groups_can_be_read_back() -> None:
    """A stored name that is a SPEC gives its own group; dihedral groups are named as ours."""
    from groupfeat.groups.construct._small_groups import _names

    assert small_group_name(8, 3) == "D4"
    assert small_group_name(16, 8) == "QD16"
    read = 0
    for (order, index), name in _names().items():
        if ":" in name or "." in name or "QD" in name or "^" in name:
            continue
        assert identify(group_from_spec(name)) == (order, index), name
        read += 1
    assert read > 380


def test_names_of_groups_that_do_not_exist() -> None:
    for order, index in ((8, 99), (-5, 1), (512, 1)):
        with pytest.raises(ValueError, match="order"):
            small_group_name(order, index)
