"""What training must reach, at every fraction of the pairs, and how runs fail."""

import dataclasses
import math

import numpy as np
import pytest

from groupfeat.groups import cyclic, group_from_spec
from groupfeat.training import TrainConfig, product_task, table_task, train
from groupfeat.training.many._train import settle
from groupfeat.training.run._progress import Run


@pytest.mark.parametrize("fraction", [1e-9, 0.02, 0.5, 0.98, 0.999, 1, 1.0])
@pytest.mark.parametrize("loss", ["mse_classes", "mse_samples", "cross_entropy", "stablemax"])
def test_every_fraction_trains(fraction: float, loss: str) -> None:
    """From one pair to all: finite metrics, and none for a test set that does not exist."""
    config = TrainConfig(n_hidden=8, train_fraction=fraction, loss=loss, epochs=12)
    (run,) = train(cyclic(7), config, seeds=[0])
    seen = max(1, round(fraction * 49))
    names = {"epoch", "train_accuracy", "train_loss"}
    assert set(run.history) == (names if seen == 49 else names | {"test_accuracy", "test_loss"})
    assert all(math.isfinite(value) for column in run.history.values() for value in column)
    assert run.summary()["test_loss"] is None or seen < 49
    assert not run.status.startswith("diverged")


def test_z23_generalises_at_the_defaults() -> None:
    (run,) = train(cyclic(23), TrainConfig(settle_epochs=0, stop_accuracy=0.99), seeds=[0])
    assert run.status == "generalised"
    assert run.history["test_accuracy"][-1] >= 0.99
    assert run.generalized_at is not None
    assert run.generalized_at < 400


@pytest.mark.slow
def test_s5_generalises_within_a_few_score_epochs() -> None:
    """K 1024, 70 % of the pairs, weight decay 2e-5: one of the reference settings."""
    config = TrainConfig(
        n_hidden=1024,
        train_fraction=0.7,
        weight_decay=2e-5,
        init_scale=1.0,
        epochs=200,
        settle_epochs=0,
        stop_accuracy=0.99,
    )
    (run,) = train(group_from_spec("S5"), config, seeds=[0])
    assert run.status == "generalised"
    assert run.epochs < 150


def test_a_nan_ends_its_run_before_the_next_evaluation() -> None:
    """Weights that are no longer numbers are noticed at the next step, not at the next check."""
    task = product_task(cyclic(5))
    config = settle(task, TrainConfig(n_hidden=4, epochs=50, eval_every=25), 0)
    run = Run(task, config, 0)
    steps = run.advance(lambda epoch, due: epoch == 3)
    next(steps)
    next(steps)
    run.parameters["V"][0, 0] = math.nan
    list(steps)
    assert run.result().status.startswith("diverged: loss is not finite at epoch 3;")
    assert run.result().summary()["train_loss"] is None


def test_compiled_loops_and_torch_give_the_same_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for activation in ("square", "half_square", "cube", "relu", "linear"):
        for loss in ("mse_classes", "mse_samples"):
            config = TrainConfig(
                n_hidden=12,
                activation=activation,
                loss=loss,
                optimizer="adamw",
                epochs=20,
                learning_rate=1e-3,
                precision="float64",
            )
            (compiled,) = train(cyclic(6), config, seeds=[0])
            with monkeypatch.context() as patch:
                patch.setattr("groupfeat.training.kernels._hidden.compiled", lambda: False)
                (plain,) = train(cyclic(6), config, seeds=[0])
            np.testing.assert_allclose(compiled.first_layer, plain.first_layer, rtol=1e-9)
            np.testing.assert_allclose(compiled.second_layer, plain.second_layer, rtol=1e-9)


def test_another_task_and_more_operands_train() -> None:
    """x + y + z mod 3 with two holes; x³ is needed, as x² has no product of three."""
    x, y, z = np.indices((3, 3, 3))
    labels = (x + y + z) % 3
    labels[0, 0, :2] = -1
    task = table_task("sum of three", labels)
    config = TrainConfig(
        n_hidden=64,
        train_fraction=1,
        activation="cube",
        weight_decay=0.0,
        init_scale=1.0,
        epochs=400,
        settle_epochs=0,
    )
    (run,) = train(task, config)
    assert run.first_layer.shape == (9, 64)
    assert run.history["train_accuracy"][-1] >= 0.995
    assert len(task) == 25
    with pytest.raises(ValueError, match="labels hold no example"):
        table_task("none", np.full((2, 2), -1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"momentum": 0.9}, "momentum is SGD's, got optimizer='adam'"),
        ({"muon_momentum": 0.5}, "muon_momentum is Muon's"),
        ({"adam_beta1": 0.5, "optimizer": "gd"}, "adam_beta1 is Adam's"),
        ({"warmup_epochs": 9, "epochs": 3}, r"warmup_epochs must be at most epochs \(3\), got 9"),
        ({"batch_norm": True, "bias": True}, "batch_norm has its own shift"),
        ({"residual": False}, "residual=False says how other layers are joined"),
        ({"complex_weights": True, "bias": True}, "bias is not offered with complex weights"),
        ({"ridge": 0.1}, "ridge solves for V under the loss mse_samples"),
        ({"ridge": 0.1, "loss": "mse_samples", "beta": 2.0}, "ridge needs beta=1, got 2.0"),
        ({"ridge": 0.0, "loss": "mse_samples"}, "ridge must be positive, got 0"),
        ({"dead_nodes": "drop", "activation": "relu"}, "exact for square and half_square only"),
        ({"dead_nodes": "drop", "bias": True}, "dropping dead nodes needs bias=False, got True"),
        ({"dead_nodes": "drop", "optimizer": "muon"}, "Muon's steps mix nodes"),
        ({"bias": 1}, "bias must be true or false, got 1"),
        ({"pair_seed": -1}, "pair_seed must be in"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TrainConfig(), **settings)


def test_schedules_rise_and_fall_as_they_say() -> None:
    from groupfeat.training.run._optimizers import rate_factor

    base = TrainConfig(epochs=110, warmup_epochs=10)
    assert [rate_factor(base, epoch) for epoch in (1, 5, 10, 11, 110)] == [0.1, 0.5, 1, 1, 1]
    linear = dataclasses.replace(base, schedule="linear")
    assert [rate_factor(linear, epoch) for epoch in (11, 61, 110)] == pytest.approx([1, 0.5, 0.01])
    cosine = dataclasses.replace(base, schedule="cosine")
    assert rate_factor(cosine, 61) == pytest.approx(0.5)
    assert rate_factor(cosine, 110) == pytest.approx((1 - math.cos(math.pi / 100)) / 2)


def test_muon_steps_are_orthogonal_for_w_and_adam_for_the_rest() -> None:
    """W (14 inputs, 6 outputs) moves by the rate times singular values near 1, V by Adam."""
    config = TrainConfig(
        n_hidden=6,
        optimizer="muon",
        learning_rate=0.1,
        fallback_rate=0.01,
        weight_decay=0.0,
        epochs=1,
        precision="float64",
    )
    task = product_task(cyclic(7))
    run = Run(task, settle(task, config, 0), 0)
    before = {name: part.clone() for name, part in run.parameters.items()}
    list(run.advance(lambda epoch, due: False))
    moved = {name: (part - before[name]).numpy() for name, part in run.parameters.items()}
    values = np.linalg.svd(moved["W"] / 0.1, compute_uv=False)
    assert ((values > 0.6) & (values < 1.3)).all()
    np.testing.assert_allclose(np.abs(moved["V"]), 0.01, rtol=1e-3)
