"""When a run counts as memorised or generalised: a touch is not enough."""

import pytest

from groupfeat.groups import cyclic
from groupfeat.training import TrainConfig, train
from groupfeat.training.run._outcome import lasting_from

EPOCHS = [0, 10, 20, 30, 40]


@pytest.mark.parametrize(
    ("good", "steps", "since"),
    [
        ("00000", 20, None),
        ("10000", 20, None),  # chance before training
        ("11111", 20, 10),  # epoch 0 is no achievement of training
        ("01000", 20, None),  # did not hold
        ("01000", 0, 10),
        ("01110", 20, 10),  # held long enough, what comes later does not undo it
        ("01100", 20, None),
        ("01011", 20, 30),  # to the last evaluation
        ("00001", 20, 40),
    ],
)
def test_what_lasts(good: str, steps: int, since: int | None) -> None:
    assert lasting_from(EPOCHS, [mark == "1" for mark in good], steps) == since


def test_a_chance_hit_before_training_is_no_generalisation() -> None:
    config = TrainConfig(n_hidden=8, epochs=20, train_fraction=0.75)
    hits = 0
    for run in train(cyclic(2), config, seeds=range(8)):
        first, *later = run.history["test_accuracy"]
        hits += first == 1.0
        assert run.generalized_at != 0
        if later[-1] < 1:
            assert run.generalized_at is None
    assert hits > 0
