"""What the presets of the reference experiments come to, one seed each (docs/experiments.md)."""

import pytest

from analyzers.presets import Arm, arms_of, measure_configs, rows_of
from groupfeat.training import preset


def outcome(name: str, task: str) -> tuple[Arm, ...]:
    configs = preset(name, task=task, seeds=1)
    return arms_of(rows_of(configs, measure_configs(configs)[0]))


@pytest.mark.slow
def test_only_weight_decay_generalises_and_when() -> None:
    """Z71: the source saw test accuracy 0.5 at epoch 102 and 0.99 at 139; without decay never."""
    kept, bare = outcome("three-stages", "C71")
    assert (kept.settings["weight_decay"], bare.settings["weight_decay"]) == (2e-4, 0.0)
    assert kept.half_at is not None
    assert kept.generalized_at is not None
    assert abs(kept.half_at - 102) <= 25
    assert abs(kept.generalized_at - 139) <= 30
    assert bare.memorized == 1
    assert bare.generalized == 0
    assert bare.test_accuracy is not None
    assert bare.test_accuracy < 0.2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["complex-weights", "ridge-v", "zero-init-v"])
def test_variants_generalise_on_c23(name: str) -> None:
    arms = outcome(name, "C23")
    assert len(arms) == 2
    assert all(arm.generalized == 1 for arm in arms)


@pytest.mark.slow
def test_deeper_is_slower() -> None:
    arms = outcome("depth", "C23")
    assert [arm.settings for arm in arms] == [{"other_layers": layers} for layers in (0, 1, 2)]
    epochs = [arm.generalized_at for arm in arms]
    assert None not in epochs
    assert epochs == sorted(epochs, key=float)
    assert epochs[2] > 1.5 * epochs[0]
