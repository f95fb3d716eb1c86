"""Telemetry holds the last epoch of every run, once: in a loop, a stack, workers, resumed runs."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from groupfeat.groups import cyclic, group_from_spec
from groupfeat.training import (
    Snapshot,
    TrainConfig,
    TrainedRun,
    checkpoint_writer,
    load_checkpoint,
    resume,
    train,
    train_many,
)
from groupfeat.training import telemetry as tele
from groupfeat.training.many._execute import in_order

GROUP = group_from_spec("S3")
FITTED = TrainConfig(train_fraction=1.0, n_hidden=64, epochs=400, settle_epochs=13)
CONFIGS = [
    FITTED,
    dataclasses.replace(FITTED, epochs=100, stop="never"),
    dataclasses.replace(FITTED, learning_rate=0.02, stop="memorised"),
    dataclasses.replace(FITTED, epochs=7),
]
WAYS: list[dict[str, Any]] = [{}, {"stacked": True}, {"workers": 2}]


def epochs_of(telemetry: tele.Telemetry) -> dict[int, list[int]]:
    told: dict[int, list[int]] = {}
    for record in telemetry.records:
        told.setdefault(record["position"], []).append(record["epoch"])
    return told


@pytest.mark.parametrize("way", WAYS, ids=["loop", "stack", "workers"])
def test_the_last_epoch_is_recorded_once(way: dict[str, Any]) -> None:
    """Runs end by settling, by memorising and at their epochs; two of those are asked for too."""
    torch.set_num_threads(1)
    telemetry = tele.Telemetry(gradient=False)
    runs = list(train_many(GROUP, CONFIGS, observe=telemetry, observe_at=(0, 7, 100), **way))
    ends = [run.epochs for run in runs]
    assert ends[1:] == [100, ends[2], 7]
    assert ends[0] % 10 == 3
    assert len({*ends, 0, 7, 100}) == 5  # two of them end where nobody asks
    for position, end in enumerate(ends):
        asked = {epoch for epoch in (0, 7, 100) if epoch <= end}
        assert epochs_of(telemetry)[position] == sorted({*asked, end})
        last = telemetry.run(position)[-1]
        assert last["train_loss"] == runs[position].history["train_loss"][-1]


@pytest.mark.parametrize("way", WAYS, ids=["loop", "stack", "workers"])
def test_other_observers_see_what_they_ask_for(way: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    seen: list[Snapshot] = []
    runs = list(train_many(GROUP, CONFIGS, observe=seen.append, observe_at=(7,), **way))
    assert Counter(each.position for each in seen) == dict.fromkeys(range(4), 1)
    assert {each.position for each in seen if each.is_last} == {3}
    seen.clear()
    list(train_many(GROUP, CONFIGS, observe=seen.append, **way))
    assert [each.epoch for each in seen if each.is_last and each.position == 0] == [runs[0].epochs]


def test_a_resumed_run_has_its_last_record(tmp_path: Path) -> None:
    """Also one that goes on from where it ended by its rule, and takes no step."""
    write = checkpoint_writer(tmp_path)
    (whole,) = train(GROUP, FITTED, observe=write, observe_at=(5, 400))
    for start in (load_checkpoint(tmp_path / "run-0-at-5.safetensors"), whole):
        telemetry = tele.Telemetry(gradient=False)
        again = resume(start, GROUP, epochs=500, observe=telemetry, observe_at=(400,))
        assert epochs_of(telemetry) == {0: [again.epochs]}
        assert again.epochs == whole.epochs


@pytest.mark.parametrize("way", WAYS, ids=["loop", "stack", "workers"])
def test_a_run_that_diverges_has_none(way: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    telemetry = tele.Telemetry(gradient=False)
    lost = dataclasses.replace(FITTED, optimizer="sgd", learning_rate=1e9)
    runs = list(train_many(cyclic(5), [lost, lost], observe=telemetry, observe_at=(0,), **way))
    assert runs[0].status.startswith("diverged")
    assert epochs_of(telemetry) == {0: [0], 1: [0]}


def test_runs_are_told_as_they_end() -> None:
    """Runs that end before the first are told before it is yielded, in the order they end in."""
    first, *others = train_many(GROUP, CONFIGS)
    told: list[int] = []
    finished = iter([([2], others[1:2]), ([1], others[:1]), ([0], [first])])
    yielded = in_order(finished, lambda position, run: told.append(position))
    assert next(yielded) is first
    assert told == [2, 1, 0]
    assert list(yielded) == others[:2]


def test_workers_tell_of_every_run_once() -> None:
    torch.set_num_threads(1)
    told: dict[int, TrainedRun] = {}
    runs = list(train_many(GROUP, CONFIGS, workers=2, ended=lambda p, run: told.update({p: run})))
    assert sorted(told) == [*range(len(CONFIGS))]
    assert all(told[p] is run for p, run in enumerate(runs))
