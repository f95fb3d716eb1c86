"""The presets are what the reference experiments say, and their arms are summed up rightly."""

import dataclasses

import numpy as np
import pytest

from analyzers.presets import arms_of, measure_configs, override, rows_of, telling_settings
from groupfeat.groups import group_from_spec
from groupfeat.training import (
    PRESETS,
    TrainConfig,
    preset,
    train,
    train_many,
)

SETTINGS = {
    "three-stages": {"n_hidden": 2048, "train_fraction": 0.4, "learning_rate": 1e-3},
    "replication": {"n_hidden": 2048, "learning_rate": 1e-3, "optimizer": "adam"},
    "scaling-law": {"n_hidden": 2048, "learning_rate": 5e-4, "weight_decay": 2e-4},
    "boundary": {"n_hidden": 1024, "optimizer": "adam"},
    "complex-weights": {"learning_rate": 5e-3, "weight_decay": 5e-5},
    "zero-init-v": {"learning_rate": 5e-3, "weight_decay": 5e-5},
    "depth": {"activation": "relu"},
}
DIFFER = {
    "default": (),
    "three-stages": ("weight_decay", "epochs"),
    "replication": ("weight_decay",),
    "adam-muon": ("n_hidden", "optimizer", "learning_rate", "fallback_rate"),
    "boundary": ("train_fraction", "learning_rate", "task"),
    "complex-weights": ("n_hidden", "task", "complex_weights"),
    "ridge-v": ("n_hidden", "weight_decay", "task", "ridge"),
    "zero-init-v": ("n_hidden", "alpha", "task"),
    "depth": ("other_layers",),
    "scaling-law": ("train_fraction", "task"),
}


def test_every_row_has_its_preset() -> None:
    assert set(DIFFER) == set(PRESETS)
    for name, told in DIFFER.items():
        configs = preset(name, seeds=2)
        assert telling_settings(configs) == told
        for config in configs:
            assert SETTINGS.get(name, {}).items() <= config.to_dict().items()
            assert config.task
            assert config.pair_seed == config.init_seed in (0, 1)
            assert TrainConfig.from_dict(config.to_dict()) == config


def test_numbers_of_the_source() -> None:
    (kept, bare) = preset("three-stages", seeds=1)
    n = round(kept.train_fraction * group_from_spec(kept.task).order ** 2)
    assert (n, kept.weight_decay, bare.weight_decay) == (2016, 2e-4, 0.0)
    assert len(preset("three-stages")) == 30
    edge = next(c for c in preset("boundary", seeds=1) if c.task == "C127")
    assert edge.train_fraction * 127**2 == pytest.approx(3225, rel=0.01)
    assert {c.weight_decay for c in preset("replication")} == {0, 1e-5, 5e-5, 1e-4, 2e-4, 5e-4}
    assert {group_from_spec(spec).order for spec in PRESETS["scaling-law"].tasks} >= {28, 143, 90}
    assert {c.alpha for c in preset("zero-init-v", seeds=1)} == {0.0, 1.0}
    for config in preset("ridge-v", seeds=1):
        count = round(0.6 * group_from_spec(config.task).order ** 2)
        assert config.ridge in (None, config.weight_decay)
        assert config.weight_decay == pytest.approx(5e-5 * count / 2)


def test_another_group_and_other_seeds() -> None:
    configs = preset("scaling-law", seeds=(5, 7), task="D11")
    assert {config.task for config in configs} == {"D11"}
    assert {config.init_seed for config in configs} == {5, 7}
    order = group_from_spec("D11").order
    assert min(c.train_fraction for c in configs) == pytest.approx(
        0.6 * 2.7482 * 3.0910 / order, 1e-3
    )


@pytest.mark.parametrize("seeds", [0, -1, ()])
def test_no_seeds_and_no_such_preset(seeds: int) -> None:
    with pytest.raises(ValueError, match="seeds must be at least 1"):
        preset("default", seeds=seeds)
    with pytest.raises(ValueError, match="unknown preset 'grok'; known: default, three-stages"):
        preset("grok")


def test_the_default_groks() -> None:
    (config,) = preset("default")
    (run,) = train_many(group_from_spec(config.task), [config])
    assert run.status == "generalised"
    assert run.memorized_at is not None
    assert run.generalized_at is not None


def test_arms_are_medians_over_seeds() -> None:
    base = TrainConfig(n_hidden=64, epochs=120, task="S3", train_fraction=0.9, eval_every=5)
    configs = [
        dataclasses.replace(base, weight_decay=decay, pair_seed=seed, init_seed=seed)
        for decay in (0.0, 0.01)
        for seed in (0, 1, 2)
    ]
    configs += [dataclasses.replace(c, task="C5") for c in configs[:3]]
    runs, seconds = measure_configs(configs)
    assert seconds > 0
    arms = arms_of(rows_of(configs, runs))
    assert [arm.settings for arm in arms] == [
        {"weight_decay": 0.0, "task": "S3"},
        {"weight_decay": 0.01, "task": "S3"},
        {"weight_decay": 0.0, "task": "C5"},
    ]
    decayed = dataclasses.replace(base, weight_decay=0.01)
    alone = list(train(group_from_spec("S3"), decayed, seeds=(0, 1, 2)))
    assert arms[1].test_loss == sorted(run.history["test_loss"][-1] for run in alone)[1]
    assert arms[1].memorized == sum(run.memorized_at is not None for run in alone)
    memorised, halves = (
        [
            [e for e, a in zip(h["epoch"], h[column], strict=True) if a >= bar][:1]
            for h in (run.history for run in alone)
        ]
        for column, bar in (("train_accuracy", 0.995), ("test_accuracy", 0.5))
    )
    assert arms[1].memorized_at == np.median(np.concatenate(memorised))
    assert any(halves)
    assert arms[1].half_at == np.median(np.concatenate(halves))


def test_runs_that_never_memorised_are_not_counted() -> None:
    config = TrainConfig(n_hidden=4, epochs=2, task="C7", eval_every=1)
    (arm,) = arms_of(rows_of([config], measure_configs([config])[0]))
    assert (arm.runs, arm.memorized, arm.generalized, arm.memorized_at) == (1, 0, 0, None)


@pytest.mark.parametrize("name", [*PRESETS])
def test_what_tells_arms_apart_stands_and_the_rest_may_change(name: str) -> None:
    """On one group: whatever the arms share, the seeds apart, can be told for all of them."""
    configs = preset(name, task="C23", seeds=2)
    telling = telling_settings(configs)
    for setting in {*telling, *PRESETS[name].fixed}:
        with pytest.raises(ValueError, match=f"preset '{name}' compares by {setting}; leave it"):
            override(name, configs, {setting: getattr(configs[0], setting)})
    other = {"beta": 1.0, "stop": "never", "eval_every": 7, "stop_accuracy": 0.5, "pair_seed": 9}
    changed = override(name, configs, other)
    assert changed == tuple(dataclasses.replace(each, **other) for each in configs)
    assert telling_settings(changed) == telling


def test_sizes_of_several_groups_are_no_comparison() -> None:
    """complex-weights takes K 256 on C23 and 1024 on C127: one K for all undoes nothing."""
    changed = override("complex-weights", preset("complex-weights", seeds=1), {"n_hidden": 8})
    assert telling_settings(changed) == ("task", "complex_weights")
    with pytest.raises(ValueError, match="preset 'adam-muon': muon_momentum is Muon's"):
        override("adam-muon", preset("adam-muon", seeds=1), {"muon_momentum": 0.5})
