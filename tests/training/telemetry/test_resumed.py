"""A run that was killed and resumed has the records of one that never paused."""

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groupfeat.groups import group_from_spec, irreps
from groupfeat.training import (
    Snapshot,
    TrainConfig,
    TrainedRun,
    load_checkpoint,
    resume,
    save_checkpoint,
    train,
)
from groupfeat.training import telemetry as tele

GROUP = group_from_spec("S3")
CONFIG = TrainConfig(n_hidden=12, epochs=40, stop="never", weight_decay=1e-3)
EPOCHS = (0, 4, 7, 20, 33)


def telemetry_of(**options: Any) -> tele.Telemetry:
    return tele.Telemetry(structure=True, irreps=irreps(GROUP), **options)


@cache
def whole_run(config: TrainConfig) -> tuple[list[dict[str, Any]], dict[int, TrainedRun]]:
    """Return the records of a run that never pauses, and the run at each epoch."""
    telemetry, stored = telemetry_of(), dict[int, TrainedRun]()

    def observe(seen: Snapshot) -> None:
        stored[seen.epoch] = seen.run
        if seen.epoch in (*EPOCHS, config.epochs):
            telemetry(seen)

    list(train(GROUP, config, observe=observe, observe_at=range(config.epochs + 1)))
    return telemetry.records, stored


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"eval_every": 1},
        {"loss": "mse_samples", "ridge": 0.1},
        {"complex_weights": True},
        {"dead_nodes": "drop", "epochs": 34},
    ],
    ids=str,
)
@pytest.mark.parametrize("cut", [4, 7, 13, 20, 33])
def test_records_are_those_of_a_run_that_never_paused(
    settings: dict[str, Any], cut: int, tmp_path: Path
) -> None:
    """From every checkpoint, through its file; its own record comes again where it was lost."""
    config = dataclasses.replace(CONFIG, **settings)
    records, stored = whole_run(config)
    start = load_checkpoint(save_checkpoint(tmp_path / "a.safetensors", stored[cut], GROUP))
    for lost in (False, True):
        told = [epoch for epoch in EPOCHS if epoch < cut or (epoch == cut and not lost)]
        telemetry = telemetry_of()
        for epoch in told[-2:]:
            telemetry.remember(stored[epoch])
        resume(start, GROUP, observe=telemetry, observe_at={*EPOCHS} - {*told})
        assert telemetry.records == records[len(told) :]


def test_without_what_was_seen_there_is_no_step_and_then_no_turn() -> None:
    """Absent for once, not wrong: a step is taken from the weights of the last record alone."""
    records, stored = whole_run(CONFIG)
    telemetry = telemetry_of()
    resume(stored[5], GROUP, observe=telemetry, observe_at=EPOCHS)
    first, second, third = telemetry.records[:3]
    steps = {f"{name}_layer_{what}" for name in ("first", "second") for what in ("step", "cosine")}
    turns = {"first_layer_turn", "second_layer_turn"}
    assert not (steps | turns) & set(first)
    assert first == {k: v for k, v in records[2].items() if k not in steps | turns}
    assert second == records[3] | dict.fromkeys(turns)
    assert third == records[4]


def test_a_stored_run_is_observed_where_its_epoch_is_named() -> None:
    _, stored = whole_run(CONFIG)
    for epochs, wanted in (([7], [7]), ([8], [8]), (None, [10, 20, 30, 40])):
        seen: list[Snapshot] = []
        resume(stored[7], GROUP, observe=seen.append, observe_at=epochs)
        assert [each.epoch for each in seen] == wanted
        np.testing.assert_array_equal(seen[0].first_layer, stored[wanted[0]].first_layer)
        assert seen[0].run.history == stored[wanted[0]].history
        assert not seen[0].is_last


def test_a_step_that_overflows_is_absent_and_the_next_is_from_there() -> None:
    """Squares of 1e300 do not fit in float64; no step or turn is told from weights before them."""
    _, stored = whole_run(CONFIG)
    telemetry, seen = tele.Telemetry(gradient=False), list[Snapshot]()
    resume(stored[5], GROUP, observe=seen.append, observe_at=range(5, 10))
    for snapshot, factor in zip(seen, (1.0, 1e300, 1.0, 1.0, 1.0), strict=True):
        layers = (snapshot.first_layer, snapshot.second_layer)
        first, second = (factor * part.astype(np.float64) for part in layers)
        run = dataclasses.replace(snapshot.run, first_layer=first, second_layer=second)
        telemetry(dataclasses.replace(snapshot, run=run))
    told = ["first_layer_step" in record for record in telemetry.records]
    assert told == [False, False, False, False, True]
    wanted = tele.measure_step(seen[3].first_layer, seen[4].first_layer)
    assert telemetry.records[-1]["first_layer_step"] == pytest.approx(wanted.size, rel=1e-6)
