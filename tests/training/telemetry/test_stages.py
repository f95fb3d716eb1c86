"""Stages and runs tell one and the same memorisation and generalisation, resumed or not."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from groupfeat.groups import cyclic
from groupfeat.training import (
    Snapshot,
    TrainConfig,
    TrainedRun,
    checkpoint_writer,
    load_checkpoint,
    resume,
    train,
)
from groupfeat.training import telemetry as tele

GROUP = cyclic(11)
CONFIG = TrainConfig(n_hidden=64, epochs=400, settle_epochs=100)


def check_agreement(telemetry: tele.Telemetry, run: TrainedRun) -> None:
    found = telemetry.stages()
    assert (found.memorized_at, found.generalized_at) == (run.memorized_at, run.generalized_at)
    assert found.accuracy == run.config.stop_accuracy
    assert found.settle_epochs == run.config.settle_epochs


def test_a_resumed_run_tells_the_stages_of_the_whole(tmp_path: Path) -> None:
    """The run goes on after both boundaries; what is recorded since begins at its checkpoint."""
    write, telemetry = checkpoint_writer(tmp_path), tele.Telemetry(gradient=False)
    (whole,) = train(GROUP, CONFIG, observe=write, observe_at=[whole_end := 150])
    assert whole.memorized_at is not None
    assert whole.generalized_at is not None
    assert whole.memorized_at < whole.generalized_at < whole_end < whole.epochs
    start = load_checkpoint(tmp_path / f"run-0-at-{whole_end}.safetensors")
    again = resume(start, GROUP, observe=telemetry, observe_at=range(0, 401, 10))
    check_agreement(telemetry, again)
    assert again.generalized_at == whole.generalized_at
    own = tele.stage_boundaries(telemetry.run())
    assert own.memorized_at == telemetry.run()[0]["epoch"] == whole_end


@pytest.mark.parametrize(
    ("settings", "memorizes", "generalizes"),
    [
        ({}, True, True),
        ({"train_fraction": 1.0}, True, False),
        ({"stop_accuracy": 0.5, "settle_epochs": 10, "stop": "never"}, True, True),
        ({"epochs": 7, "eval_every": 1}, False, False),
        ({"stop": "memorised"}, True, False),
    ],
    ids=str,
)
def test_stages_and_runs_agree(
    settings: dict[str, Any], memorizes: bool, generalizes: bool
) -> None:
    """Also without a test set, at another level, and where few epochs are recorded."""
    telemetry = tele.Telemetry(gradient=False)
    config = dataclasses.replace(CONFIG, **settings)
    (run,) = train(GROUP, config, observe=telemetry, observe_at=[3])
    check_agreement(telemetry, run)
    assert (run.memorized_at is not None, run.generalized_at is not None) == (
        memorizes,
        generalizes,
    )


def test_a_run_that_ends_before_its_first_step_has_no_stage() -> None:
    """A network that answers at once ends by its rule at epoch 0: no achievement of training."""
    seen: list[Snapshot] = []
    telemetry = tele.Telemetry(gradient=False)

    def observe(snapshot: Snapshot) -> None:
        telemetry(snapshot)
        seen.append(snapshot)

    config = dataclasses.replace(CONFIG, settle_epochs=0, stop_accuracy=1e-9)
    (run,) = train(GROUP, config, observe=observe, observe_at=[0])
    assert run.epochs == 0
    assert len(seen) == 1
    check_agreement(telemetry, run)
    assert telemetry.stages().memorized_at is None
    assert telemetry.stages(history=None, accuracy=0.0).memorized_at is None
