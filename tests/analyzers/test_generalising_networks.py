"""Networks that generalise, judged from their checkpoints alone: every node, every irrep.

Settings at which each group generalises; the eight trainings take a few minutes on one thread.
"""

from pathlib import Path
from typing import Any

import pytest

from analyzers.validation import describe_validation, validate_file
from groupfeat.groups import group_from_spec
from groupfeat.training import TrainConfig, save_checkpoint, train

SETTINGS: dict[str, tuple[int, dict[str, Any]]] = {
    "C23": (0, {}),
    "C71": (0, {"n_hidden": 512, "train_fraction": 0.7, "epochs": 1500, "settle_epochs": 300}),
    "2x3x4": (0, {}),
    "S4": (0, {}),
    "S5": (0, {"n_hidden": 640, "train_fraction": 0.75, "epochs": 1700, "settle_epochs": 1600}),
    "D5": (0, {}),
    "Q8": (0, {"train_fraction": 0.9}),
    "F21": (0, {"n_hidden": 128, "train_fraction": 0.9, "settle_epochs": 1000}),
}


@pytest.mark.slow
@pytest.mark.parametrize("spec", SETTINGS)
def test_verdict_from_the_checkpoint_alone(spec: str, tmp_path: Path) -> None:
    group = group_from_spec(spec)
    seed, settings = SETTINGS[spec]
    (run,) = train(group, TrainConfig(**settings), seeds=[seed])
    assert run.status == "generalised"
    path = save_checkpoint(tmp_path / "net.safetensors", run, group)
    found = describe_validation(validate_file(path))
    told = {key: found[key] for key in ("accuracy", "alive", "matched", "matched_share", "p_value")}
    print(f"\n{spec}: {run.epochs} steps, {told}")
    assert found["accuracy"] == 1
    assert found["matched_share"] >= 0.9
    assert found["missing"] == []
    assert found["p_value"] < 1e-6
