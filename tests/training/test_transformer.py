"""The transformer baseline fits, generalises, and keeps to its seed."""

import dataclasses
import json

import pytest
import torch

from groupfeat.groups import cyclic, group_from_spec
from groupfeat.training import (
    Task,
    TrainConfig,
    TransformerConfig,
    TransformerRun,
    expression_task,
    product_task,
    table_task,
    train,
    train_transformer,
    training_pairs,
    word_task,
)

SMALL = TransformerConfig(
    width=32, heads=2, feed_forward=64, weight_decay=0.1, learning_rate=5e-3, settle_epochs=0
)

SMALL_ALL = dataclasses.replace(SMALL, train_fraction=1.0, epochs=400)


def test_fits_all_products() -> None:
    run = train_transformer(cyclic(7), SMALL_ALL)
    assert run.history["train_accuracy"][-1] == 1.0
    assert run.memorized_at == run.epochs < 400
    assert "test_accuracy" not in run.history
    assert run.generalized_at is None
    operands = torch.tensor([[g, h] for g in range(7) for h in range(7)])
    assert run.model(operands).argmax(1).tolist() == [(g + h) % 7 for g, h in operands.tolist()]


def test_reads_operands_in_order() -> None:
    """On S₃ gh ≠ hg, so a network without places could not fit."""
    config = dataclasses.replace(SMALL, train_fraction=1.0, epochs=600)
    assert train_transformer(group_from_spec("S3"), config).history["train_accuracy"][-1] == 1.0


def test_ends_when_accuracy_has_lasted() -> None:
    config = dataclasses.replace(SMALL, train_fraction=1.0, epochs=400, settle_epochs=50)
    run, brief = (train_transformer(cyclic(7), c) for c in (config, SMALL_ALL))
    good = [a >= 0.995 for a in run.history["train_accuracy"]]
    last = max(i for i, holds in enumerate(good) if not holds)
    assert run.memorized_at == run.history["epoch"][last + 1] == run.epochs - 50
    assert brief.epochs <= run.memorized_at


def test_unseen_products_are_counted_apart() -> None:
    config = dataclasses.replace(SMALL, train_fraction=0.8, epochs=60)
    run = train_transformer(cyclic(5), config, seed=1)
    assert len(run.history["test_loss"]) == len(run.history["epoch"]) == 7
    task = product_task(cyclic(5))
    unseen = task.complement(task.sample(0.8, rng=1))
    right = run.model(torch.from_numpy(task.operands(unseen)).T).argmax(1).numpy()
    share = (right == task.targets(unseen)).mean()
    assert run.history["test_accuracy"][-1] == pytest.approx(share)


def test_a_seed_gives_the_same_run_and_touches_no_global_state() -> None:
    config = dataclasses.replace(SMALL, epochs=20)
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    calls: list[tuple[int, int, int]] = []
    first = train_transformer(cyclic(5), config, seed=2, progress=lambda *told: calls.append(told))
    assert torch.equal(before, torch.random.get_rng_state())
    torch.rand(5)
    assert train_transformer(cyclic(5), config, seed=2).history == first.history
    assert train_transformer(cyclic(5), config, seed=3).history != first.history
    assert calls == [(2, 10, 20), (2, 20, 20)]


def test_steps_are_adamws() -> None:
    """Seven steps against a loop of torch's AdamW with betas 0.9, 0.98, written out."""
    config = dataclasses.replace(SMALL, train_fraction=1.0, epochs=7, weight_decay=0.7)
    run = train_transformer(cyclic(5), config, seed=2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        start = type(run.model).of(product_task(cyclic(5)), config)
    parts = dict(start.named_parameters())
    means, squares = ({name: torch.zeros_like(p) for name, p in parts.items()} for _ in "mv")
    operands = torch.tensor([[g, h] for g in range(5) for h in range(5)])
    for step in range(1, 8):
        loss = torch.nn.functional.cross_entropy(start(operands), operands.sum(1) % 5)
        gradients = torch.autograd.grad(loss, list(parts.values()))
        with torch.no_grad():
            for (name, p), g in zip(parts.items(), gradients, strict=True):
                means[name] = 0.9 * means[name] + 0.1 * g
                squares[name] = 0.98 * squares[name] + 0.02 * g * g
                down = (squares[name] / (1 - 0.98**step)).sqrt() + 1e-8
                p.mul_(1 - 5e-3 * 0.7).sub_(5e-3 * means[name] / (1 - 0.9**step) / down)
    for name, p in run.model.named_parameters():
        if name.endswith("in_proj_bias"):
            continue  # softmax does not see the keys' bias: its gradient is rounding
        torch.testing.assert_close(p, parts[name], rtol=2e-3, atol=2e-4)


def test_a_loss_that_is_not_finite_ends_the_run_by_name() -> None:
    config = dataclasses.replace(SMALL, learning_rate=1e20, epochs=30)
    run = train_transformer(cyclic(5), config)
    assert run.status.startswith("diverged: loss is not finite at epoch")
    assert run.epochs == run.history["epoch"][-1] < 10
    assert train_transformer(cyclic(3), SMALL_ALL).status == "memorised"
    assert train_transformer(cyclic(5), dataclasses.replace(SMALL, epochs=1)).status == "not fitted"


def test_a_loss_that_is_lost_between_evaluations_is_named_and_not_shown() -> None:
    config = dataclasses.replace(SMALL, learning_rate=1e20, epochs=7, eval_every=1000)
    seen: list[TransformerRun] = []
    run = train_transformer(cyclic(5), config, observe=seen.append, observe_at=range(8))
    assert run.status == f"diverged: loss is not finite at epoch {run.epochs}; lower learning_rate"
    assert run.history["epoch"] == [0, run.epochs]
    assert [each.epochs for each in seen] == list(range(run.epochs))
    assert run.summary()["train_loss"] is None
    last = train_transformer(cyclic(5), dataclasses.replace(config, epochs=run.epochs))
    assert (last.status, last.epochs) == (run.status, run.epochs)


def test_seeds_are_yielded_as_runs_and_a_lost_one_ends_alone() -> None:
    config = dataclasses.replace(SMALL, epochs=20)
    runs = train_transformer(cyclic(5), config, seeds=[2, 3])
    assert next(runs).history == train_transformer(cyclic(5), config, seed=2).history
    assert [run.seed for run in runs] == [3]
    with pytest.raises(TypeError, match=r"pass seeds=\[3\] for that seed, range\(3\)"):
        train_transformer(cyclic(5), config, seeds=3)  # type: ignore[call-overload]


def test_a_run_is_summed_up_as_a_two_layer_run() -> None:
    run = train_transformer(cyclic(7), SMALL_ALL)
    (plain,) = train(cyclic(7), TrainConfig(n_hidden=4, epochs=10))
    found = run.summary()
    assert found.keys() == plain.summary().keys()
    assert found["memorized_at"] == run.memorized_at == run.epochs
    assert (found["status"], found["train_accuracy"], found["test_accuracy"]) == (
        "memorised",
        1.0,
        None,
    )
    assert run.last("test_loss") is None
    json.dumps(found)


def test_observers_see_the_run_at_their_epochs() -> None:
    config = dataclasses.replace(SMALL, epochs=25)
    seen: list[TransformerRun] = []
    train_transformer(cyclic(5), config, observe=seen.append, observe_at=[0, 3, 25])
    assert [each.epochs for each in seen] == [0, 3, 25]
    assert [each.history["epoch"] for each in seen] == [[0], [0], [0, 10, 20, 25]]
    weights = [each.model.state_dict()["places"] for each in seen]
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[1], weights[2])
    seen.clear()
    train_transformer(cyclic(5), config, observe=seen.append)
    assert [each.epochs for each in seen] == [0, 10, 20, 25]


@pytest.mark.parametrize(
    "task",
    [
        expression_task("x^2 + xy + y^2 mod 7"),
        table_task("rows", [[0, 1, 2], [2, -1, 0]]),
        word_task(cyclic(3), 3),
        table_task("one operand", [0, 1, 2, 3]),
    ],
    ids=lambda task: task.name,
)
def test_learns_any_task(task: Task) -> None:
    config = dataclasses.replace(SMALL, train_fraction=1.0, epochs=600)
    run = train_transformer(task, config)
    assert run.status == "memorised"
    operands = torch.from_numpy(task.operands(task.codes)).T
    right = run.model(operands).argmax(1).numpy() == task.targets(task.codes)
    assert right.mean() == run.last("train_accuracy") == 1.0


def test_sees_the_pairs_of_the_two_layer_run() -> None:
    task = product_task(cyclic(5))
    pairs = training_pairs(cyclic(5), TrainConfig(train_fraction=0.6), 4)
    codes = task.sample(0.6, rng=4)
    assert (task.operands(codes) == [pairs.left, pairs.right]).all()


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"width": 30, "heads": 4}, "width must be a multiple of heads, got 30 and 4"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"layers": True}, "layers must be an int, got True"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"weight_decay": -1.0}, "weight_decay must be zero or more"),
        ({"settle_epochs": -1}, "settle_epochs must be at least 0, got -1"),
        ({"weight_decay": None}, "weight_decay must be a number, got None"),
        ({"learning_rate": "1"}, "learning_rate must be a number, got '1'"),
        ({"train_fraction": None}, "train_fraction must be a number, got None"),
        ({"train_fraction": 1.5}, r"train_fraction must be in \(0, 1\]"),
    ],
)
def test_absurd_settings_are_refused(setting: dict, told: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=told):
        dataclasses.replace(TransformerConfig(), **setting)


@pytest.mark.slow
def test_defaults_grok_on_c11_and_c23() -> None:
    for order in (11, 23):
        run = train_transformer(cyclic(order), TransformerConfig())
        assert run.status == "generalised"
        assert run.memorized_at is not None
        assert run.generalized_at is not None
        assert run.memorized_at < run.generalized_at < 2000
