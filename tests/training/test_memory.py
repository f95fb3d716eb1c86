"""Memory is estimated before anything is allocated, and what cannot be held is refused."""

from dataclasses import replace
from typing import Any

import pytest

from groupfeat.groups import cyclic
from groupfeat.training import TrainConfig, check_memory, expression_task, product_task, train
from groupfeat.training.setup import _memory

GROUP = cyclic(7)
BASE = TrainConfig(n_hidden=24, epochs=2, eval_every=1)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": "adamw", "precision": "float64"},
        {"precision": "bfloat16"},
        {"optimizer": "sgd", "momentum": 0.9},
        {"optimizer": "sgd"},
        {"optimizer": "gd"},
        {"optimizer": "muon"},
        {"embedding": 3},
        {"complex_weights": True},
        {"complex_weights": True, "embedding": 3, "optimizer": "gd"},
        {"other_layers": 2, "activation": "relu"},
        {"other_layers": 1, "optimizer": "muon"},
    ],
    ids=str,
)
def test_weights_are_counted_exactly(settings: dict[str, Any]) -> None:
    config = replace(BASE, **settings)
    (run,) = train(GROUP, config)
    arrays = [run.first_layer, run.second_layer]
    arrays += [*run.parameters.values(), *run.optimizer_state.values()]
    found = _memory.estimate_memory(product_task(GROUP), config)
    assert found.weights == sum(array.nbytes for array in arrays)
    assert found.history == 3 * 160
    assert len(run.history["epoch"]) == 3


def test_there_is_memory_and_it_is_believable() -> None:
    free = _memory.available_memory()
    assert free is None or 2**24 < free < 2**50


@pytest.mark.parametrize(
    ("settings", "runs", "way"),
    [
        ({"n_hidden": 10**6}, 1, r"lower n_hidden \(1000000\)"),
        ({"epochs": 10**7}, 1, r"raise eval_every \(1\) or lower epochs \(10000000\)"),
        ({}, 10**6, "train fewer than 1000000 runs"),
        ({"ridge": 1.0, "loss": "mse_samples", "n_hidden": 10**5}, 1, "lower n_hidden"),
    ],
)
def test_what_cannot_be_held_is_refused(
    settings: dict[str, Any], runs: int, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_memory, "available_memory", lambda: 2**26)
    config = replace(BASE, **settings)
    with pytest.raises(ValueError, match=f"GiB are free; {way}"):
        check_memory(product_task(GROUP), [config], runs=runs)
    if runs == 1:
        with pytest.raises(ValueError, match="training needs about"):
            next(train(GROUP, config))


@pytest.mark.parametrize(
    ("settings", "workers", "told"),
    [
        ({}, 2, None),
        ({}, 3, r"about 1\.0\d GiB .*; take fewer than 3 workers"),
        ({}, 300, r"about 1\.3 GiB .*; take fewer than 4 workers"),
        ({"n_hidden": 10**5}, 2, "take fewer than 2 workers"),
        ({"n_hidden": 10**6}, 2, r"lower n_hidden \(1000000\)"),
    ],
)
def test_workers_are_counted(
    settings: dict[str, Any], workers: int, told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 4 runs: 256 MiB a worker and as much for their server; 1000 MiB are free."""
    monkeypatch.setattr(_memory, "available_memory", lambda: 1000 << 20)
    configs = [replace(BASE, **settings)] * 4
    check_memory(product_task(GROUP), [BASE])
    if told is None:
        check_memory(product_task(GROUP), configs, workers=workers)
        return
    for number, runs in ((4, 1), (1, 4)):
        with pytest.raises(ValueError, match=told):
            check_memory(product_task(GROUP), configs[:number], runs=runs, workers=workers)
    with pytest.raises(ValueError, match=told):
        next(train(GROUP, configs[0], seeds=range(4), workers=workers))


def test_what_fits_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_memory, "available_memory", lambda: 2**26)
    check_memory(expression_task("x + y mod 23"), [BASE], runs=100)
    monkeypatch.setattr(_memory, "available_memory", lambda: None)
    check_memory(product_task(GROUP), [replace(BASE, n_hidden=10**12)])


def test_a_ridge_takes_the_same_under_either_precision() -> None:
    """V is solved for in float64: two 700 × 700 matrices of 8 bytes, whatever the weights hold."""
    task = product_task(cyclic(31))
    plain = replace(BASE, n_hidden=700, loss="mse_samples")
    extra = [
        _memory.estimate_memory(task, replace(plain, precision=kind, ridge=0.1)).work
        - _memory.estimate_memory(task, replace(plain, precision=kind)).work
        for kind in ("float32", "float64")
    ]
    assert extra[0] == extra[1] > 8 * 2 * 700**2


def test_the_advice_names_the_largest_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_memory, "available_memory", lambda: 2**20)
    configs = [TrainConfig(n_hidden=24), TrainConfig(n_hidden=10**6)]
    with pytest.raises(ValueError, match=r"lower n_hidden \(1000000\)"):
        check_memory(product_task(GROUP), configs)
