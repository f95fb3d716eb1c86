"""What a config leaves open is what suits the task and the other settings, and groks."""

from typing import Any

import pytest

from groupfeat.groups import cyclic, group_from_spec
from groupfeat.training import (
    TrainConfig,
    check_reach,
    expression_task,
    suited_config,
    train,
    word_task,
)

WORDS = {"activation": "cube", "train_fraction": 0.9, "init_scale": 0.6}


def test_two_operands_have_the_defaults_of_configs() -> None:
    for task in (expression_task("x*y mod 5"), word_task(cyclic(5), 2)):
        assert suited_config(task, epochs=7) == TrainConfig(epochs=7)


def test_three_operands_take_the_cube() -> None:
    words = word_task(cyclic(5), 3)
    assert suited_config(words) == TrainConfig(**WORDS, weight_decay=0.02 / 25)  # type: ignore[arg-type]
    check_reach(words, [suited_config(words)])
    with pytest.raises(ValueError, match="unknown setting 'hidden'"):
        suited_config(words, hidden=3)


@pytest.mark.parametrize(
    "told",
    [
        {"weight_decay": 0.5},
        {"loss": "mse_samples"},
        {"optimizer": "adamw"},
        {"batch_norm": True},
        {"train_fraction": 0.4, "init_scale": 2.0},
    ],
)
def test_what_is_told_stands_before(told: dict[str, Any]) -> None:
    config = suited_config(word_task(cyclic(5), 3), **told)
    assert ({**WORDS, **told}).items() <= config.to_dict().items()
    wanted = 0.02 / 25 if "train_fraction" in told else told.get("weight_decay")
    assert config.weight_decay == wanted


@pytest.mark.parametrize("loss", ["cross_entropy", "stablemax"])
def test_the_decay_of_words_goes_with_the_loss(loss: str) -> None:
    """At 0.02/M² the weights die away under these."""
    config = suited_config(word_task(cyclic(5), 3), loss=loss)
    assert config == TrainConfig(**WORDS, loss=loss, weight_decay=0.005 / 25)  # type: ignore[arg-type]


def test_another_activation_or_more_operands() -> None:
    """A recipe is its activation's."""
    words = word_task(cyclic(5), 3)
    assert suited_config(words, activation="gelu") == TrainConfig(activation="gelu")
    longer = word_task(cyclic(2), 4)
    wanted = TrainConfig(activation="relu", train_fraction=0.9, weight_decay=0.03 / 4)
    assert suited_config(longer) == wanted
    check_reach(longer, [suited_config(longer)])


@pytest.mark.parametrize(
    ("told", "decay"),
    [
        ({}, 0.003),
        ({"loss": "cross_entropy"}, 0.003),
        ({"loss": "mse_samples"}, 0.05),
        ({"batch_norm": True, "loss": "mse_samples"}, 0.02),
        ({"optimizer": "adamw", "batch_norm": True}, 1.0),
        ({"optimizer": "muon"}, 1.0),
        ({"optimizer": "sgd"}, 0.003),
        ({"optimizer": "adamw", "weight_decay": 0.0}, 0.0),
    ],
)
def test_the_decay_that_none_stands_for(told: dict[str, Any], decay: float) -> None:
    assert TrainConfig(**told).resolved(10).weight_decay == pytest.approx(decay)


@pytest.mark.parametrize(("spec", "operands"), [("S3", 3), ("C4", 3), ("C7", 3), ("C3", 4)])
def test_words_grok(spec: str, operands: int) -> None:
    words = word_task(group_from_spec(spec), operands)
    for run in train(words, suited_config(words, settle_epochs=100), seeds=(0, 1)):
        assert (run.status, run.last("test_accuracy")) == ("generalised", 1.0)


@pytest.mark.parametrize(
    "told",
    [{"loss": "mse_samples"}, {"optimizer": "adamw"}, {"optimizer": "muon"}],
    ids=["mse_samples", "adamw", "muon"],
)
def test_settings_grok_on_d5_at_their_defaults(told: dict[str, Any]) -> None:
    """At a decay of 0.3/M² none of AdamW's three runs did, two of Muon's."""
    config = TrainConfig(settle_epochs=100, epochs=2000, **told)
    for run in train(group_from_spec("D5"), config, seeds=(0, 1, 2)):
        assert (run.status, run.last("test_accuracy")) == ("generalised", 1.0)
