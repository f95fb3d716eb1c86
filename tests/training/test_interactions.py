"""Interactions of targets against least squares, and what a polynomial activation cannot hold."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groupfeat.groups import cyclic, group_from_spec
from groupfeat.training import (
    Task,
    TrainConfig,
    expression_task,
    interaction_shares,
    table_task,
    train,
    word_task,
)
from groupfeat.training.setup._reach import captured_share, check_reach, interaction_order
from groupfeat.training.tasks._interactions import is_independent


def design(task: Task, order: int) -> np.ndarray:
    """Return indicators of every value of every ``order`` operands, shape (n, columns)."""
    operands = task.operands(task.codes)
    blocks = []
    for chosen in itertools.combinations(range(len(task.sizes)), order):
        cells = np.ravel_multi_index(
            tuple(operands[i] for i in chosen), tuple(task.sizes[i] for i in chosen)
        )
        blocks.append(np.eye(int(np.prod([task.sizes[i] for i in chosen])))[cells])
    return np.hstack(blocks) if order else np.ones((len(task.codes), 1))


def centred(task: Task) -> np.ndarray:
    targets = np.eye(task.n_classes)[task.targets(task.codes)]
    return targets - targets.mean(0)


def fitted(task: Task, order: int) -> float:
    """Return the share of the centred targets that functions of ``order`` operands can fit."""
    wanted, columns = centred(task), design(task, order)
    found = columns @ np.linalg.lstsq(columns, wanted, rcond=None)[0]
    return float((found**2).sum() / (wanted**2).sum())


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4).filter(lambda s: np.prod(s) > 1),
    st.integers(0, 2**32),
)
def test_shares_by_least_squares(sizes: list[int], seed: int) -> None:
    labels = np.random.default_rng(seed).integers(3, size=sizes)
    labels.flat[:2] = 0, 1
    task = table_task("t", labels)
    shares = interaction_shares(task)
    sums = [fitted(task, order) for order in range(1, len(sizes) + 1)]
    np.testing.assert_allclose(np.cumsum(shares), sums, atol=1e-9)


@pytest.mark.parametrize(
    ("spec", "operands"), [("C5", 3), ("S3", 3), ("Q8", 2), ("C2", 6), ("D4", 3), ("C3", 5)]
)
def test_words_lie_in_the_highest_order_alone(spec: str, operands: int) -> None:
    task = word_task(group_from_spec(spec), operands)
    assert interaction_shares(task).tolist() == [0.0] * (operands - 1) + [1.0]
    assert is_independent(task, operands - 1)
    assert not is_independent(task, operands)


@pytest.mark.parametrize("spec", ["S3", "C5"])
@pytest.mark.parametrize("operands", [3, 4])
def test_polynomials_below_the_number_of_operands_hold_nothing(spec: str, operands: int) -> None:
    """⟨σ(Xw), Ỹ⟩ is 0 for every w and every polynomial of degree < k, and not for degree k."""
    task = word_task(group_from_spec(spec), operands)
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((operands, task.sizes[0], 5))
    preactivation = sum(weights[i][row] for i, row in enumerate(task.operands(task.codes)))
    low = np.polynomial.Polynomial(rng.standard_normal(operands))
    assert low.degree() == operands - 1
    wanted = centred(task)
    size = np.linalg.norm(low(preactivation)) * np.linalg.norm(wanted)
    assert np.linalg.norm(low(preactivation).T @ wanted) < 1e-12 * size
    assert np.linalg.norm((preactivation**operands).T @ wanted) > 1e-3 * size


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.sampled_from([1, 2]))
def test_independence_by_counting(seed: int, order: int) -> None:
    """Random tables with holes, and words with whole slices left out, which stay independent."""
    rng = np.random.default_rng(seed)
    labels = np.array(word_task(cyclic(3), 3).labels)
    if seed % 2:
        labels[rng.integers(3)] = -1
    else:
        labels[tuple(rng.integers(3, size=3))] = -1
    task = table_task("t", labels)
    fits = np.abs(design(task, order).T @ centred(task)).max() > 1e-9
    assert is_independent(task, order) == (not fits)
    assert is_independent(task, 1) or seed % 2 == 0


def test_a_slice_of_words_is_a_task_of_two_operands() -> None:
    labels = np.full((3, 3, 3), -1)
    labels[1] = word_task(cyclic(3), 3).labels[1]
    assert not is_independent(table_task("t", labels), 2)


@pytest.mark.parametrize(
    ("told", "order"),
    [
        ({}, 2),
        ({"activation": "half_square"}, 2),
        ({"activation": "cube"}, 3),
        ({"activation": "linear", "other_layers": 3}, 1),
        ({"other_layers": 1}, 4),
        ({"activation": "cube", "other_layers": 2}, 27),
        ({"activation": "relu"}, None),
        ({"activation": "power"}, None),
    ],
)
def test_order_of_networks(told: dict, order: int | None) -> None:  # type: ignore[type-arg]
    assert interaction_order(TrainConfig(**told)) == order


def test_words_are_refused_where_nothing_can_be_learned() -> None:
    words = word_task(cyclic(3), 3)
    message = r"'square' takes at most 2 .* no 2 of the 3 operands of C3\^3 .* set activation"
    with pytest.raises(ValueError, match=f"{message} to cube, relu or gelu"):
        next(train(words, TrainConfig(epochs=1)))
    for fits in ({"other_layers": 1}, {"activation": "cube"}, {"activation": "linear"}):
        check_reach(words, [TrainConfig(**fits)])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"at most 3 operands .* to relu or gelu"):
        check_reach(word_task(cyclic(2), 4), [TrainConfig(activation="cube")])


def test_what_can_be_learned_in_part_is_trained() -> None:
    """xy + z has no part of order 3 where x = 0: x² captures some, and says how much."""
    x, y, z = np.indices((3, 3, 3))
    task = table_task("t", (x * y + z) % 3)
    shares = interaction_shares(task)
    assert 0 < shares[1] < 1
    assert captured_share(task, TrainConfig()) == pytest.approx(shares[:2].sum())
    assert captured_share(task, TrainConfig(activation="cube")) is None
    assert captured_share(task, TrainConfig(activation="relu")) is None
    assert captured_share(word_task(cyclic(3), 3), TrainConfig(activation="linear")) == 0
    (run,) = train(task, TrainConfig(n_hidden=8, epochs=2))
    assert run.epochs == 2


def test_tasks_without_shares_are_told() -> None:
    with pytest.raises(ValueError, match="example in every cell, t has 1 without one"):
        interaction_shares(table_task("t", [[0, -1], [1, 0]]))
    with pytest.raises(ValueError, match="one answer throughout"):
        interaction_shares(table_task("t", [[1, 1]]))
    with pytest.raises(ValueError, match="at most 12 operands, got 13"):
        interaction_shares(word_task(cyclic(2), 13))
    assert not is_independent(table_task("t", np.zeros((2, 2, 2), int)), 2)
    sum_task = expression_task("x + y mod 5")
    assert interaction_shares(sum_task).tolist() == [0.0, 1.0]
