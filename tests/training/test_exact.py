"""Exact networks: zero error on every product, and how many nodes they take."""

import numpy as np
import pytest

from groupfeat.groups import group_from_spec, irreps, number_of_small_groups, small_group
from groupfeat.training import exact_network, paper_bound


def relative_error(spec_or_group: object) -> tuple[float, int]:
    group = group_from_spec(spec_or_group) if isinstance(spec_or_group, str) else spec_or_group
    reps = irreps(group)  # type: ignore[arg-type]
    first, second = exact_network(reps)
    order = reps.group.order
    hidden = (first[:order, None, :] + first[None, order:, :]) ** 2
    answers = hidden.reshape(order**2, -1) @ second
    wanted = np.eye(order)[reps.group.cayley_table.ravel()] - 1 / order
    return float(np.linalg.norm(answers - wanted) / np.linalg.norm(wanted)), first.shape[1]


# Nodes: 2d³ a real irrep (theory sheet §6), 6d³ a complex pair.
@pytest.mark.parametrize(
    ("spec", "hidden"),
    [("S3", 18), ("S4", 126), ("C2", 2), ("C7", 18), ("Q8", 54), ("F21", 168), ("D5", 34)],
)
def test_named_networks(spec: str, hidden: int) -> None:
    error, found = relative_error(spec)
    assert error < 1e-12
    assert found <= hidden


def test_every_group_of_order_up_to_30() -> None:
    for order in range(2, 31):
        for index in range(1, number_of_small_groups(order) + 1):
            error, _ = relative_error(small_group(order, index))
            assert error < 1e-10, (order, index)


def test_nodes_are_of_norm_one_and_answer() -> None:
    reps = irreps(group_from_spec("S4"))
    first, second = exact_network(reps)
    np.testing.assert_allclose(np.linalg.norm(first, axis=0), 1)
    hidden = (first[:24, None, :] + first[None, 24:, :]) ** 2
    answers = (hidden.reshape(576, -1) @ second).argmax(1)
    assert np.array_equal(answers, reps.group.cayley_table.ravel())
    assert first.shape[1] < paper_bound(reps) == 2 * (1 + 16 + 81 + 81)
