"""Hand-written gradients against autograd for every activation and loss."""

import dataclasses

import pytest
import torch

from groupfeat.energy import ACTIVATIONS, full_pairs, sample_pairs
from groupfeat.groups import cyclic, group_from_spec
from groupfeat.training import (
    LOSSES,
    PairTensors,
    TrainConfig,
    evaluate,
    loss_and_gradients,
    train,
    training_pairs,
)
from groupfeat.training.network._hidden import Layers, NetSpec, Workspace
from groupfeat.training.network._losses import count_right
from groupfeat.training.network._network import layer_gradients, measure
from tests.training.oracles import initial_weights, loss_by_definition, one_hot, train_by_definition


def weights(order: int, hidden: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(2 * order, hidden, generator=generator, dtype=torch.float64)
    return first, torch.randn(hidden, order, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_equal_autograd(activation: str, loss: str) -> None:
    group = group_from_spec("D5")
    pairs = sample_pairs(group, 0.7, rng=0)
    first, second = weights(10, 12)
    found = loss_and_gradients(
        first,
        second,
        PairTensors.of(pairs, torch.float64),
        activation=activation,
        loss=loss,
        beta=1.7,
    )
    first.requires_grad_()
    second.requires_grad_()
    expected = loss_by_definition(first, second, pairs, activation, loss, 1.7)
    gradients = torch.autograd.grad(expected, (first, second))
    torch.testing.assert_close(found[0], expected.detach(), rtol=1e-12, atol=1e-12)
    for mine, theirs in zip(found[1:], gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("loss", LOSSES)
def test_chunks_do_not_change_the_answer(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = PairTensors.of(full_pairs(cyclic(23)), torch.float64)
    first, second = weights(23, 8)
    settings = {"activation": "square", "loss": loss}
    whole = loss_and_gradients(first, second, pairs, **settings)
    scores = evaluate(first, second, pairs, **settings)
    monkeypatch.setattr("groupfeat.training.network._network._CHUNK_ENTRIES", 1)
    assert len(list(pairs.chunks(8))) > 1
    for mine, theirs in zip(
        loss_and_gradients(first, second, pairs, **settings), whole, strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-10)
    assert evaluate(first, second, pairs, **settings) == pytest.approx(scores)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("activation", ["relu", "linear", "tanh"])
def test_chunks_do_not_change_deep_gradients(
    activation: str, residual: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = PairTensors.of(full_pairs(cyclic(23)), torch.float64)
    first, second = weights(23, 8)
    others = tuple(weights(4, 8)[0] / 3 for _ in range(2))
    layers = Layers(first, second.T.contiguous(), None, others)
    spec = NetSpec(activation, "mse_classes", 0.7, residual)
    loss, found = layer_gradients(layers, pairs, spec)
    monkeypatch.setattr("groupfeat.training.network._network._CHUNK_ENTRIES", 1)
    monkeypatch.setattr("groupfeat.training.network._network._DEEP_EXAMPLES", 100)
    again, parts = layer_gradients(layers, pairs, spec)
    assert again == pytest.approx(loss)
    for mine, theirs in zip((*parts[:2], *parts.others), (*found[:2], *found.others), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("loss", ["mse_classes", "mse_samples"])
def test_a_workspace_serves_networks_in_turn(loss: str, rounded: bool) -> None:
    """Other weights, examples, settings, sizes, or NaN, leave nothing behind in its buffers."""
    group, work = cyclic(23), Workspace()
    few, many = (PairTensors.of(sample_pairs(group, p, rng=0), torch.float64) for p in (0.3, 0.9))
    spec = NetSpec("square", loss, rounded=rounded)
    small, large = (
        Layers(first, second.T.contiguous()) for first, second in (weights(23, 6), weights(23, 9))
    )
    broken = Layers(torch.full_like(small.first, torch.nan), small.second)
    cases = [
        (small, many, spec),
        (small, many, spec),
        (broken, many, spec),
        (small, many, spec),
        (small, few, spec),
        (large, few, spec),
        (large, few, spec._replace(beta=2.0)),
        (large, few, spec._replace(activation="cube", beta=2.0)),
    ]
    for layers, pairs, each in cases:
        fresh, expected = layer_gradients(layers, pairs, each)
        loss_again, found = layer_gradients(layers, pairs, each, work)
        torch.testing.assert_close(loss_again, fresh, rtol=0, atol=0, equal_nan=True)
        for mine, theirs in zip(found[:2], expected[:2], strict=True):
            torch.testing.assert_close(mine, theirs, rtol=0, atol=0, equal_nan=True)
        measure(layers, few, each, work)
    small.first.mul_(2)  # in place, as an optimiser does
    expected = layer_gradients(small, many, spec)[1]
    torch.testing.assert_close(
        layer_gradients(small, many, spec, work)[1].first, expected.first, rtol=0, atol=0
    )


def test_accuracy_is_the_share_of_right_answers() -> None:
    pairs = full_pairs(group_from_spec("S3"))
    first, second = weights(6, 5)
    x, y = one_hot(pairs, torch.float64)
    answers = ((x @ first) ** 2 @ second).argmax(1)
    expected = float((answers == y.argmax(1)).double().mean())
    found = evaluate(
        first, second, PairTensors.of(pairs, torch.float64), activation="square", loss="mse_classes"
    )
    assert found[0] == expected


def test_right_answers_are_counted_as_argmax_does() -> None:
    """Ties go to the first; columns beyond the classes have no say; NaN is never right."""
    generator = torch.Generator().manual_seed(1)
    logits = torch.randint(0, 3, (400, 8), generator=generator).double()
    target = torch.randint(0, 5, (400,), generator=generator)
    expected = int((logits[:, :5].argmax(1) == target).sum())
    assert 0 < expected < 400
    assert count_right(logits, target, 5) == expected
    logits[:, 2] = torch.nan
    assert count_right(logits, torch.full_like(target, 3), 5) == 0


@pytest.mark.parametrize("loss", LOSSES)
def test_training_follows_a_plain_torch_loop(loss: str) -> None:
    """The same losses over 300 steps on Z23, from the same start."""
    group = cyclic(23)
    config = TrainConfig(
        n_hidden=32,
        loss=loss,
        epochs=300,
        eval_every=25,
        precision="float64",
        weight_decay=1e-4,
        learning_rate=0.003,
        stop_accuracy=1.0,
        settle_epochs=300,
    )
    (run,) = train(group, config, seeds=[4])
    pairs = training_pairs(group, config, 4)
    start = initial_weights(23, config, 4, torch.float64)
    expected = train_by_definition(*start, pairs, config, 300)
    for epoch, value in zip(run.history["epoch"], run.history["train_loss"], strict=True):
        assert value == pytest.approx(expected[int(epoch)], rel=1e-6)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_every_optimizer_steps_as_torch_does(optimizer: str) -> None:
    """Three steps with a weight decay that shows, against torch's own optimiser and autograd."""
    group = group_from_spec("S3")
    config = TrainConfig(
        n_hidden=8,
        epochs=3,
        eval_every=1,
        optimizer=optimizer,
        learning_rate=0.05,
        weight_decay=0.3,
        momentum=0.9 if optimizer == "sgd" else 0.0,
        precision="float64",
    )
    (run,) = train(group, config, seeds=[1])
    pairs = training_pairs(group, config, 1)
    weights_ = [w.requires_grad_() for w in initial_weights(6, config, 1, torch.float64)]
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
    extra = {"momentum": 0.9} if optimizer == "sgd" else {}
    twin = kinds[optimizer](weights_, lr=0.05, weight_decay=0.3, **extra)  # type: ignore[arg-type]
    for _ in range(3):
        twin.zero_grad()
        loss_by_definition(*weights_, pairs, "square", "mse_classes", 1.0).backward()
        twin.step()
    for mine, theirs in zip((run.first_layer, run.second_layer), weights_, strict=True):
        torch.testing.assert_close(torch.tensor(mine), theirs.detach(), rtol=1e-9, atol=1e-12)


def test_a_run_is_the_same_alone_or_among_others() -> None:
    config = TrainConfig(n_hidden=16, epochs=30)
    group = group_from_spec("S3")
    alone = next(iter(train(group, config, seeds=[2])))
    among = list(train(group, config, seeds=[0, 1, 2]))[2]
    assert (alone.first_layer == among.first_layer).all()
    assert alone.history == among.history


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_every_optimizer_lowers_the_loss(optimizer: str) -> None:
    config = TrainConfig(n_hidden=32, epochs=60, optimizer=optimizer, learning_rate=0.01)
    config = dataclasses.replace(config, init_scale=1.0, momentum=0.5 if optimizer == "sgd" else 0)
    (run,) = train(group_from_spec("S3"), config)
    losses = run.history["train_loss"]
    assert losses[-1] < 0.98 * losses[0]


def test_a_diverged_run_is_named_and_the_next_one_trained() -> None:
    config = TrainConfig(
        n_hidden=16, epochs=200, optimizer="sgd", learning_rate=1e6, init="normal", init_scale=5
    )
    runs = list(train(group_from_spec("S3"), config, seeds=[0, 1]))
    assert len(runs) == 2
    for run in runs:
        assert run.status.startswith("diverged: loss is not finite at epoch")
        assert run.epochs < 200
        assert run.summary()["train_loss"] is None


def test_all_pairs_leave_no_test_metrics() -> None:
    config = TrainConfig(n_hidden=64, train_fraction=1, epochs=400, settle_epochs=0)
    (run,) = train(group_from_spec("S3"), config)
    assert "test_accuracy" not in run.history
    assert run.summary()["test_accuracy"] is None
    assert run.summary()["generalized_at"] is None
    assert run.status == "memorised"
    assert run.epochs < 400


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train_fraction": 0}, r"train_fraction must be in \(0, 1\], got 0"),
        ({"train_fraction": 1.5}, "train_fraction must be in"),
        ({"n_hidden": 0}, "n_hidden must be at least 1, got 0"),
        ({"learning_rate": -1}, "learning_rate must be positive"),
        ({"learning_rate": float("nan")}, "learning_rate must be positive, got nan"),
        ({"weight_decay": float("inf")}, "weight_decay must be zero or more"),
        ({"weight_decay": -1e-4}, "weight_decay must be zero or more"),
        ({"activation": "sine"}, "unknown activation 'sine'; known: square"),
        ({"loss": "l1"}, "unknown loss 'l1'"),
        ({"optimizer": "lion"}, "unknown optimizer 'lion'; known: adam"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"momentum": 1}, r"momentum must be in \[0, 1\)"),
    ],
)
def test_absurd_settings_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainConfig(**settings)


def test_settings_survive_plain_values() -> None:
    config = TrainConfig(n_hidden=3, weight_decay=0.5)
    assert TrainConfig.from_dict(config.to_dict()) == config
    assert TrainConfig().resolved(10).weight_decay == pytest.approx(0.003)
    assert config.resolved(10) is config
    with pytest.raises(ValueError, match="unknown setting 'hidden'; known: activation"):
        TrainConfig.from_dict({"hidden": 3})
