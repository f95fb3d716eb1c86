"""Where a rule begins and ends: the last step of a warm-up, an accuracy of 1, the last pair."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from groupfeat.energy import sample_pairs
from groupfeat.groups import cyclic, group_from_spec
from groupfeat.training import (
    TrainConfig,
    TransformerConfig,
    expression_task,
    preset,
    product_task,
    table_task,
    train,
    train_many,
    train_transformer,
    training_pairs,
)
from groupfeat.training.many._stack_pairs import StackedPairs
from groupfeat.training.network._hidden import Layers, NetSpec
from groupfeat.training.network._model import initial_parameters
from groupfeat.training.network._network import PairTensors, layer_gradients
from groupfeat.training.run._optimizers import Optimizer, rate_factor
from groupfeat.training.tasks._expressions import MAX_EXPONENT, ExpressionError

GROUP = group_from_spec("S3")
SHORT = TrainConfig(n_hidden=8, epochs=20, stop="never")


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_a_warm_up_ends_at_the_full_rate(schedule: str) -> None:
    config = TrainConfig(schedule=schedule, warmup_epochs=4, epochs=14)
    factors = [rate_factor(config, epoch) for epoch in range(1, 15)]
    assert factors[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert max(factors) == 1.0
    assert schedule == "constant" or factors == sorted(factors[:4]) + sorted(factors[4:])[::-1]


def test_muons_decay_follows_the_schedule() -> None:
    """Without a gradient a step only shrinks, by rate × decay of that step."""
    config = TrainConfig(
        optimizer="muon", learning_rate=0.1, weight_decay=0.5, schedule="linear", epochs=10
    )
    parameters = {"W": torch.ones(6, 4), "V": torch.ones(3, 4)}
    optimizer = Optimizer(parameters, config)
    still = {name: torch.zeros_like(part) for name, part in parameters.items()}
    optimizer.step(still, 6)
    expected = 1 - 0.1 * 0.5 * (1 - 5 / 10)
    torch.testing.assert_close(parameters["W"], torch.full((6, 4), expected))


def test_a_run_that_settles_between_evaluations_is_evaluated_at_its_end() -> None:
    config = TrainConfig(
        n_hidden=16, epochs=400, eval_every=10, settle_epochs=15, train_fraction=1.0
    )
    (run,) = train(cyclic(3), config)
    assert run.memorized_at is not None
    assert run.epochs == run.memorized_at + 15
    assert run.history["epoch"][-2:] == [run.memorized_at + 10, run.memorized_at + 15]


def test_an_accuracy_of_one_can_be_asked_for() -> None:
    config = TrainConfig(n_hidden=16, epochs=400, settle_epochs=0, train_fraction=1.0)
    (run,) = train(cyclic(3), dataclasses.replace(config, stop_accuracy=1.0))
    assert run.memorized_at == run.epochs < 400
    assert run.last("train_accuracy") == 1.0


def test_a_stack_keeps_all_examples_of_the_runs_that_stay() -> None:
    """A run leaves; of those that stay one has fewer examples than the other."""
    task, sets = product_task(GROUP), []
    for fraction in (0.9, 0.3, 0.6):
        codes = task.sample(fraction, rng=0)
        sets.append(PairTensors.of_codes(task, codes, torch.float32))
    stack = StackedPairs.of(sets)
    assert stack is not None
    left = stack.of_runs(torch.tensor([1, 2]))
    assert left.target.shape[1] == len(sets[2])
    for r, pairs in enumerate(sets[1:]):
        n = len(pairs)
        assert left.weight[r].tolist() == [1.0] * n + [0.0] * (len(sets[2]) - n)
        assert torch.equal(left.target[r, :n], pairs.target)
        assert torch.equal(left.rows[:, r, :n], pairs.rows)


def test_embeddings_start_with_entries_of_order_one_and_layers_keep_a_norm() -> None:
    task = product_task(cyclic(31))
    linear = TrainConfig(n_hidden=64, embedding=200)
    entries = initial_parameters(task, linear, 0)["E"]
    assert entries.abs().max() == pytest.approx(1.0, abs=0.01)  # uniform in ±1
    deep = TrainConfig(n_hidden=400, init="normal", other_layers=1)
    further = initial_parameters(task, deep, 0)["U1"]
    assert float(further.std()) == pytest.approx(1 / 20, rel=0.02)


def test_the_decay_that_none_stands_for_is_that_of_the_larger_operand() -> None:
    task = table_task("table", np.arange(8).reshape(2, 4) % 3)
    (run,) = train(task, SHORT)
    assert run.config.weight_decay == 0.3 / 4**2


def test_a_transformer_answers_at_the_equals_sign() -> None:
    """Its second operand is seen: an answer read off at the first token could not tell h apart."""
    small = TransformerConfig(width=16, heads=2, feed_forward=32, epochs=1)
    model = train_transformer(cyclic(5), small).model
    block = model.blocks[0]  # type: ignore[index]
    seen: list[torch.Tensor] = []
    block.register_forward_hook(lambda _, __, out: seen.append(out))  # type: ignore[union-attr]
    answers = model(torch.tensor([[0, 1], [2, 3]]))
    torch.testing.assert_close(answers, model.answer(seen[0][:, -1]))  # type: ignore[operator]


def test_pairs_are_those_of_the_pair_seed() -> None:
    config = dataclasses.replace(SHORT, pair_seed=3, init_seed=1, train_fraction=0.5)
    one, other = (next(train(GROUP, config, seeds=[seed])) for seed in (0, 9))
    assert np.array_equal(one.first_layer, other.first_layer)
    mine, wanted = training_pairs(GROUP, config, 9), sample_pairs(GROUP, 0.5, rng=3)
    assert np.array_equal(mine.left, wanted.left)


def test_relu_has_no_slope_at_its_kink() -> None:
    """W = 0: every pre-activation is 0, where PyTorch takes the slope 0 too."""
    task = product_task(GROUP)
    pairs = PairTensors.of_codes(task, task.sample(1.0, rng=0), torch.float32)
    layers = Layers(torch.zeros(12, 4), torch.ones(6, 4))
    found = layer_gradients(layers, pairs, NetSpec("relu", "mse_classes"))[1]
    assert not found.first.any()
    w = torch.zeros(12, 4, requires_grad=True)
    (w[pairs.rows[0]] + w[pairs.rows[1]]).relu().sum().backward()
    assert w.grad is not None
    assert not w.grad.any()


def test_the_largest_exponent_is_allowed() -> None:
    task = expression_task(f"x^{MAX_EXPONENT} + y mod 5")
    wanted = [[(pow(x, MAX_EXPONENT, 5) + y) % 5 for y in range(5)] for x in range(5)]
    assert task.labels.tolist() == wanted
    with pytest.raises(ExpressionError, match="exponents go up to"):
        expression_task(f"x^{MAX_EXPONENT + 1} + y mod 5")


@pytest.mark.parametrize(("order", "fraction", "number"), [(3, 0.5, 4), (5, 0.3, 8), (7, 0.99, 49)])
def test_a_fraction_of_pairs_is_rounded(order: int, fraction: float, number: int) -> None:
    """To the nearest whole number, ties to even: 4.5, 7.5, 48.51."""
    assert len(product_task(cyclic(order)).sample(fraction, rng=0)) == number


def test_adams_epsilon_stands_beside_the_root() -> None:
    config = TrainConfig(optimizer="adam", learning_rate=1.0, weight_decay=0.0, adam_epsilon=3.0)
    parameters = {"W": torch.zeros(1, 1), "V": torch.zeros(1, 1)}
    optimizer = Optimizer(parameters, config)
    optimizer.step({"W": torch.full((1, 1), 4.0), "V": torch.zeros(1, 1)}, 1)
    assert float(parameters["W"]) == pytest.approx(-4 / (4 + 3))


def test_progress_is_not_told_of_the_start() -> None:
    told: list[tuple[int, int, int]] = []
    list(train(GROUP, SHORT, progress=lambda *words: told.append(words)))
    assert [epoch for _, epoch, _ in told] == [10, 20]


def test_a_summary_has_no_number_that_json_lacks() -> None:
    bad = dataclasses.replace(SHORT, optimizer="gd", learning_rate=1e30)
    (run,) = train_many(GROUP, [bad])
    assert not np.isfinite(run.history["train_loss"][-1])
    assert run.summary()["train_loss"] is None
    json.dumps(run.summary(), allow_nan=False)


def test_the_answer_without_decay_has_half_the_epochs() -> None:
    kept, bare = preset("three-stages", seeds=1)
    assert (kept.epochs, bare.epochs) == (600, 300)


@pytest.mark.parametrize(("spec", "hidden"), [("C41", 256), ("C89", 1024), ("C64", 1024)])
def test_small_presets_are_wider_from_order_64_on(spec: str, hidden: int) -> None:
    assert {c.n_hidden for c in preset("zero-init-v", seeds=1, task=spec)} == {hidden}
