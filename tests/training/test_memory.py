"""Memory is estimated before anything is allocated, and what cannot be held is refused."""

import weakref
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from groupfeat.energy import sample_pairs
from groupfeat.groups import cyclic
from groupfeat.training import (
    PairTensors,
    TrainConfig,
    check_memory,
    expression_task,
    product_task,
    train,
)
from groupfeat.training.many._train import settle
from groupfeat.training.network import _network
from groupfeat.training.run._progress import Run
from groupfeat.training.setup import _memory
from tests.training.miniature import tensors_of

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


class Peak(TorchDispatchMode):
    """Follows the bytes of storages that tensors made meanwhile hold, and the most of them."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[int, list[int]] = {}
        self.now = self.most = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        for part in tensors_of(found):
            place, size = part.untyped_storage().data_ptr(), part.untyped_storage().nbytes()
            if place and place not in self.held:
                self.held[place] = [0, size]
                self.now += size
                self.most = max(self.most, self.now)
            if place:
                self.held[place][0] += 1
                weakref.finalize(part, self.let_go, place)
        return found

    def let_go(self, place: int) -> None:
        self.held[place][0] -= 1
        if not self.held[place][0]:
            self.now -= self.held.pop(place)[1]


WIDE = {"n_hidden": 4096, "train_fraction": 0.05}
THEORY = {"loss": "mse_samples", "ridge": 1.0}


@pytest.mark.parametrize(
    ("order", "settings"),
    [
        (31, WIDE),
        (31, {**WIDE, "optimizer": "gd"}),
        (31, {**WIDE, "optimizer": "muon"}),
        (31, {**WIDE, "embedding": 64}),
        (31, {**WIDE, "complex_weights": True}),
        (31, {**WIDE, "precision": "float64"}),
        (31, {"n_hidden": 1024, "train_fraction": 0.05, "other_layers": 3, "activation": "relu"}),
        (101, {"n_hidden": 64}),
        (101, {"n_hidden": 256, "precision": "bfloat16"}),
        (101, {"n_hidden": 256, "loss": "cross_entropy"}),
        (101, {"n_hidden": 256, "activation": "gelu"}),
        (101, {"n_hidden": 256, "complex_weights": True}),
        (101, {"n_hidden": 256, "other_layers": 2, "activation": "relu"}),
        (307, {"n_hidden": 8}),  # more answers than hidden nodes
        (307, {"n_hidden": 64, "train_fraction": 0.01, "batch_norm": True}),
        (307, {"n_hidden": 64, "train_fraction": 0.01, "batch_norm": True, "embedding": 2}),
        (307, {"n_hidden": 1, "activation": "relu"}),
        (41, {"n_hidden": 1000, "train_fraction": 1.0, **THEORY}),
        (41, {"n_hidden": 3000, "train_fraction": 0.2, **THEORY}),
        (31, {"n_hidden": 1500, "train_fraction": 1.0, "activation": "gelu", **THEORY}),
    ],
    ids=str,
)
def test_a_run_takes_what_is_estimated_at_most_and_a_third_at_least(
    order: int, settings: dict[str, Any]
) -> None:
    """What torch held at most, from the start of a run to its result; settings name their term."""
    task = product_task(cyclic(order))
    config = settle(task, replace(BASE, stop="never", **settings), 0)
    with Peak() as watch:
        run = Run(task, config, 0)
        list(run.advance(lambda epoch, due: False))
        run.result()
    found = _memory.estimate_memory(task, config)
    assert watch.most <= found.weights + found.work <= 3 * watch.most


def test_chunks_are_those_of_training() -> None:
    assert _memory.CHUNK == _network._CHUNK_ENTRIES
    assert _memory.DEEP_ROWS == _network._DEEP_EXAMPLES
    few = PairTensors.of(sample_pairs(GROUP, 1.0, rng=0), torch.float32).chunks(10**9)
    assert len(few[0]) <= _memory.LEAST_ROWS
    many = PairTensors.of(sample_pairs(cyclic(31), 1.0, rng=0), torch.float32).chunks(10**9)
    assert abs(len(many[0]) - _memory.LEAST_ROWS) <= 4  # slices of about equal size


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
        ({}, 3, r"about 1 GiB .*; take fewer than 3 workers"),
        ({}, 300, r"about 1\.25 GiB .*; take fewer than 4 workers"),
        ({"n_hidden": 2 * 10**5}, 2, "take fewer than 2 workers"),
        ({"n_hidden": 2 * 10**6}, 2, r"lower n_hidden \(2000000\)"),
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


SMALL, LARGE, LONG = (
    replace(BASE, n_hidden=100),
    replace(BASE, n_hidden=3000),
    replace(BASE, n_hidden=50, epochs=50_000),
)
MIB = 1 << 20


def is_held(free: int, *words: Any, **told: Any) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_memory, "available_memory", lambda: free)
        try:
            check_memory(*words, **told)
        except ValueError:
            return False
    return True


@pytest.mark.parametrize(
    ("configs", "runs", "kept", "at_work"),
    [
        ([SMALL, LARGE], 2, [SMALL, LARGE], LARGE),
        ([LARGE, SMALL, SMALL], 3, [LARGE, SMALL, SMALL], LARGE),
        ([SMALL, LARGE, LONG], 3, [SMALL, LARGE, LONG], LARGE),
        ([SMALL, LARGE, LONG], 1, [LONG], LONG),
        ([SMALL, LARGE, SMALL], 2, [LARGE, SMALL], LARGE),
        ([SMALL, LARGE], 5, [SMALL, LARGE, LARGE, LARGE, LARGE], LARGE),
        ([SMALL], 4, [SMALL] * 4, SMALL),
    ],
)
def test_results_are_summed_config_by_config(
    configs: list[TrainConfig], runs: int, kept: list[TrainConfig], at_work: TrainConfig
) -> None:
    """To the byte; by the largest of all it would be refused a third too early and more."""
    task = product_task(GROUP)
    sizes = [_memory.estimate_memory(task, each) for each in kept]
    needed = sum(each.weights + each.history for each in sizes)
    needed += _memory.estimate_memory(task, at_work).work
    assert is_held(needed, task, configs, runs=runs)
    assert not is_held(needed - 1, task, configs, runs=runs)


def test_a_run_that_is_none_of_the_largest_results_may_take_most_at_work() -> None:
    """Two results are kept of three: the long one and whichever is at work."""
    task = product_task(GROUP)
    wide = replace(BASE, n_hidden=10, other_layers=300, activation="relu", optimizer="gd")
    long, more = (replace(BASE, n_hidden=10, epochs=epochs) for epochs in (6000, 5000))
    a, b, c = (_memory.estimate_memory(task, each) for each in (long, more, wide))
    assert a.kept > b.kept > c.kept
    assert c.work + c.kept > b.work + b.kept
    needed = a.kept + c.kept + c.work
    assert is_held(needed, task, [long, more, wide], runs=2)
    assert not is_held(needed - 1, task, [long, more, wide], runs=2)


def test_workers_take_the_largest_runs_each_with_a_process() -> None:
    task = product_task(GROUP)
    configs = [SMALL, LARGE, LONG]
    small, large, long = (_memory.estimate_memory(task, each) for each in configs)
    kept = small.kept + large.kept + long.kept
    assert sum(long) > sum(large) > sum(small)
    for workers, held in ((2, sum(large) + sum(long)), (9, sum(small) + sum(large) + sum(long))):
        needed = kept + held + (min(workers, 3) + 1) * 256 * MIB
        assert is_held(needed, task, configs, runs=3, workers=workers)
        assert not is_held(needed - 1, task, configs, runs=3, workers=workers)


def test_each_config_may_have_its_own_task() -> None:
    tasks = [product_task(GROUP), product_task(cyclic(61))]
    sizes = [_memory.estimate_memory(task, SMALL) for task in tasks]
    needed = sum(each.kept for each in sizes) + max(each.work for each in sizes)
    assert is_held(needed, tasks, [SMALL, SMALL], runs=2)
    assert not is_held(needed - 1, tasks, [SMALL, SMALL], runs=2)
    with pytest.raises(ValueError, match="expected a task for each of 3 configs, got 2"):
        check_memory(tasks, [SMALL] * 3)


def test_advice_follows_what_takes_most() -> None:
    """Histories, too many runs at once, or the largest network."""
    task = product_task(GROUP)
    for configs, runs, share, way in (
        ([LONG, SMALL], 2, 0.9, r"raise eval_every \(1\) or lower epochs \(50000\)"),
        ([LARGE] * 40, 40, 0.5, "train fewer than 40 runs at once"),
        ([SMALL, LARGE], 1, 0.9, r"lower n_hidden \(3000\)"),
        ([SMALL, replace(SMALL, embedding=4000)], 1, 0.9, r"lower embedding \(4000\)"),
        ([replace(BASE, n_hidden=2, other_layers=9999)], 1, 0.9, r"lower other_layers \(9999\)"),
    ):
        found = [_memory.estimate_memory(task, each) for each in configs]
        if runs > 1:
            needed = sum(each.kept for each in found) + max(each.work for each in found)
        else:
            needed = max(sum(each) for each in found)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_memory, "available_memory", lambda free=int(share * needed): free)
            with pytest.raises(ValueError, match=way):
                check_memory(task, configs, runs=runs)


@pytest.mark.parametrize(
    ("order", "settings", "work"),
    [  # trained (3) and layers (2), chunk: rows × (hidden + 5 answers), examples: 8 × 2 × 3 × n
        (7, {}, 4 * (5 * 24 * 21 + 39 * (24 + 5 * 7)) + 48 * 49),
        (7, {"embedding": 3}, 4 * (3 * (24 * 13 + 21) + 2 * 504 + 39 * 59) + 48 * 49),
        (7, {"activation": "gelu"}, 4 * (5 * 504 + 39 * (8 * 24 + 35)) + 48 * 49),
        (7, {"complex_weights": True}, 4 * (5 * 1008 + 39 * (8 * 48 + 35)) + 48 * 49),
        (7, {"batch_norm": True}, 4 * (5 * 504 + 39 * 59 + 4 * 14**2) + 48 * 49),
        (
            7,
            {"other_layers": 2, "activation": "relu"},
            4 * (3 * (504 + 2 * 24**2) + 2 * 504 + 39 * (11 * 24 + 35)) + 48 * 49,
        ),
        (
            7,
            {"ridge": 1.0, "loss": "mse_samples"},
            4 * (5 * 504 + 39 * 59) + 8 * (3 * 24**2 + 39 * 59 + 3 * 504) + 72 * 49,
        ),
        (
            7,
            {"ridge": 1.0, "loss": "mse_samples", "n_hidden": 60},
            4 * (5 * 1260 + 39 * 95) + 8 * (3 * 39**2 + 2 * 39 * 60 + 39 * 95 + 3780) + 72 * 49,
        ),
        (  # 961 examples in two slices of at most 512
            31,
            {"n_hidden": 1024, "train_fraction": 1.0, "precision": "float64"},
            8 * (5 * 1024 * 93 + 481 * (1024 + 155)) + 48 * 961,
        ),
        (  # in bfloat16 of at most 1024
            31,
            {"n_hidden": 1024, "train_fraction": 1.0, "precision": "bfloat16"},
            4 * (5 * 1024 * 93 + 961 * (1024 + 155)) + 48 * 961,
        ),
    ],
    ids=str,
)
def test_the_terms_of_the_work(order: int, settings: dict[str, Any], work: int) -> None:
    """Counted by hand: K 24 and 39 of 49 pairs unless told; of C31, two slices or one."""
    config = replace(BASE, **settings)
    found = _memory.estimate_memory(product_task(cyclic(order)), config)
    assert found.work == work
    assert (
        _memory.estimate_memory(product_task(GROUP), replace(BASE, epochs=7, eval_every=3)).history
        == 4 * 160
    )
