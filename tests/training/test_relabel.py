"""Networks whose elements are numbered otherwise."""

from pathlib import Path

import numpy as np
import pytest

from groupfeat.groups import group_from_spec, irreps
from groupfeat.training import (
    Network,
    answered_order,
    exact_network,
    find_element_order,
    load_element_order,
    match_nodes,
    network_accuracy,
    network_table,
    relabel_network,
)


def shuffled(spec: str, seed: int) -> tuple[Network, np.ndarray]:
    """Return an exact network whose number of our element g is order[g]."""
    group = group_from_spec(spec)
    w, v = exact_network(irreps(group))
    order = np.random.default_rng(seed).permutation(group.order)
    bias = np.random.default_rng(seed).standard_normal(group.order) * 1e-3
    first, second, moved = np.empty_like(w), np.empty_like(v), np.empty(group.order)
    first[order], first[order + group.order] = w[: group.order], w[group.order :]
    second[:, order], moved[order] = v, bias
    return Network(first, second, "square", "test", moved), order


@pytest.mark.parametrize("spec", ["C7", "S3", "Q8", "D5", "2x3x4", "F21", "S4"])
def test_the_answers_tell_the_order(spec: str) -> None:
    group = group_from_spec(spec)
    network, order = shuffled(spec, 0)
    assert network_accuracy(network, group, "square") < 0.5
    known = relabel_network(network, order)
    assert network_accuracy(known, group, "square") == 1
    found = relabel_network(network, find_element_order(network_table(network, "square"), group))
    assert network_accuracy(found, group, "square") == 1
    assert match_nodes(found.first_layer, found.second_layer, irreps(group)).share == 1


@pytest.mark.parametrize(("spec", "wrong"), [("C23", 0.2), ("S4", 0.2), ("S3", 0.08)])
def test_wrong_answers_are_outvoted(spec: str, wrong: float) -> None:
    group = group_from_spec(spec)
    network, _ = shuffled(spec, 1)
    table = network_table(network, "square")
    rng = np.random.default_rng(2)
    cells = rng.choice(group.order**2, round(wrong * group.order**2), replace=False)
    broken = table.copy()
    broken.ravel()[cells] = rng.integers(group.order, size=len(cells))
    assert not np.array_equal(broken, table)
    order = find_element_order(broken, group)
    assert network_accuracy(relabel_network(network, order), group, "square") == 1


@pytest.mark.parametrize(("wrong", "told"), [(0.49, None), (0.52, "only 48% of the answers are")])
def test_a_group_found_from_fewer_than_half_of_the_answers_is_refused(
    wrong: float, told: str | None
) -> None:
    """Votes of 101 elements find it from 48 % of right answers too; that is no network's order."""
    group, rng = group_from_spec("C101"), np.random.default_rng(0)
    table = group.cayley_table.astype(int)
    cells = rng.choice(table.size, round(wrong * table.size), replace=False)
    table.ravel()[cells] = (table.ravel()[cells] + rng.integers(1, 101, len(cells))) % 101
    if told is None:
        order = find_element_order(table, group)
        right = order[group.cayley_table] == table[np.ix_(order, order)]
        assert right.mean() == pytest.approx(1 - wrong, abs=1e-4)
        return
    with pytest.raises(ValueError, match=told):
        find_element_order(table, group)


def test_answers_of_another_group_or_of_none_are_refused() -> None:
    c6, s3 = group_from_spec("C6"), group_from_spec("S3")
    with pytest.raises(ValueError, match="not isomorphic to S3; name the right group"):
        find_element_order(c6.cayley_table, s3)
    noise = np.random.default_rng(0).integers(6, size=(6, 6))
    with pytest.raises(ValueError, match="give the order"):
        find_element_order(noise, s3)
    with pytest.raises(ValueError, match=r"expected whole numbers of shape \(6, 6\)"):
        find_element_order(np.eye(5, dtype=int), s3)
    with pytest.raises(ValueError, match=r"products in 0\.\.5, got 9"):
        find_element_order(np.full((6, 6), 9), s3)


def test_only_plain_answers_renumber() -> None:
    group = group_from_spec("S4")
    network, _ = shuffled("S4", 1)
    table = network_table(network, "square")
    order = answered_order(table, group)
    assert order is not None
    assert network_accuracy(relabel_network(network, order), group, "square") == 1
    assert answered_order(group.cayley_table, group) is None
    rng = np.random.default_rng(0)
    assert answered_order(rng.integers(24, size=(24, 24)), group) is None
    half = np.where(rng.random((24, 24)) < 0.3, rng.integers(24, size=(24, 24)), table)
    assert answered_order(half, group) is None


@pytest.mark.parametrize("name", ["order.npy", "order.csv", "order.txt"])
def test_orders_and_tables_from_files(name: str, tmp_path: Path) -> None:
    group = group_from_spec("D5")
    network, order = shuffled("D5", 3)
    table = np.empty((10, 10), dtype=np.int64)
    table[np.ix_(order, order)] = order[group.cayley_table]
    for values in (order, table):
        path = tmp_path / name
        if name.endswith("npy"):
            np.save(path, values)
        else:
            np.savetxt(path, values, fmt="%d", delimiter="," if name.endswith("csv") else " ")
        found = load_element_order(path, group)
        assert network_accuracy(relabel_network(network, found), group, "square") == 1
    np.testing.assert_array_equal(
        find_element_order(network_table(network, "square"), group), found
    )


def test_bad_orders_are_refused(tmp_path: Path) -> None:
    group = group_from_spec("S3")
    network, _ = shuffled("S3", 0)
    with pytest.raises(ValueError, match=r"each of 0\.\.5 once"):
        relabel_network(network, [0, 1, 2, 3, 4, 4])
    (tmp_path / "a.txt").write_text("zero one two")
    with pytest.raises(ValueError, match=r"cannot read the element order '.*a\.txt'"):
        load_element_order(tmp_path / "a.txt", group)
    (tmp_path / "none.csv").write_text("# nothing\n")
    with pytest.raises(ValueError, match=r"each of 0\.\.5 once"):
        load_element_order(tmp_path / "none.csv", group)
    (tmp_path / "empty.npy").write_bytes(b"")
    with (tmp_path / "zip.npy").open("wb") as stream:
        np.savez(stream, a=np.arange(6))
    huge = b"{'descr': '<i8', 'fortran_order': False, 'shape': (10000000000000000,), }"
    head = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + huge.ljust(117) + b"\n"
    (tmp_path / "huge.npy").write_bytes(head)
    for name in ("empty.npy", "zip.npy", "huge.npy"):
        with pytest.raises(ValueError, match="cannot read the element order"):
            load_element_order(tmp_path / name, group)
    np.save(tmp_path / "evil.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="cannot read the element order"):
        load_element_order(tmp_path / "evil.npy", group)
