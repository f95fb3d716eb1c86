"""``groupfeat train --preset``: files of every arm, telemetry, workers, settings told beside it."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from groupfeat.groups import FiniteGroup, group_from_spec
from groupfeat.training import TrainConfig, TrainedRun, load_checkpoint, preset, train_many
from groupfeat.training import telemetry as tele

SMALL = ("train", "C5", "--preset", "zero-init-v", "--hidden", "16", "--epochs", "30", "--json")
ARMS = [(seed, arm) for arm in (0, 1) for seed in (3, 4)]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def answer(call: Any, *words: str) -> Any:
    code, out, err = call(*words)
    assert code == 0, err
    return json.loads(out)


def test_a_preset_as_it_stands(call: Any, tmp_path: Path) -> None:
    words = ("train", "C5", "--preset", "zero-init-v", "--runs", "2", "--seed", "3", "--json")
    told = answer(call, *words, "--out", str(tmp_path))
    assert [run["seed"] for run in told["runs"]] == [3, 4, 3, 4]
    assert [run["settings"]["alpha"] for run in told["runs"]] == [1.0, 1.0, 0.0, 0.0]
    assert [arm["runs"] for arm in told["arms"]] == [2, 2]
    assert told["overridden"] == {}
    names = [f"run-{seed}-arm-{arm}.safetensors" for seed, arm in ARMS]
    assert [Path(path).name for path in told["checkpoints"]] == names
    assert sorted(path.name for path in tmp_path.glob("*.safetensors")) == sorted(names)
    assert json.loads((tmp_path / "train.json").read_text()) == told
    configs = preset("zero-init-v", task="C5", seeds=(3, 4))
    for path, run in zip(
        told["checkpoints"], train_many(group_from_spec("C5"), configs), strict=True
    ):
        stored = load_checkpoint(path)
        assert (stored.config, stored.seed) == (run.config, run.config.init_seed)
        assert np.array_equal(stored.first_layer, run.first_layer)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_checkpoints_and_records_of_every_arm(call: Any, tmp_path: Path, workers: str) -> None:
    """Arms share seeds, not files; each run's records end with its last epoch."""
    words = ("--checkpoint-at", "7,30", "--telemetry", "all", "--telemetry-at", "0,8")
    rest = ("--runs", "2", "--seed", "3", "--workers", workers, "--out", str(tmp_path))
    told = answer(call, *SMALL, *words, *rest, "--stop", "never")
    assert told["overridden"] == {"n_hidden": 16, "epochs": 30, "stop": "never"}
    stems = [f"run-{seed}-arm-{arm}" for seed, arm in ARMS]
    ends = ("-at-7", "-at-30", "")
    names = [f"{stem}{end}.safetensors" for stem in stems for end in ends]
    assert [Path(path).name for path in told["checkpoints"]] == names
    assert [Path(path).name for path in told["telemetry"]] == [f"{stem}.jsonl" for stem in stems]
    for position, (seed, arm) in enumerate(ARMS):
        config, records = tele.read_json_lines(told["telemetry"][position])
        run = load_checkpoint(told["checkpoints"][3 * position + 2])
        assert config == run.config.to_dict()
        assert (run.config.alpha, run.config.n_hidden, run.seed) == (1.0 - arm, 16, seed)
        steps = [(record["position"], record["seed"], record["epoch"]) for record in records]
        assert steps == [(position, seed, epoch) for epoch in (0, 8, 30)]
        assert records[-1]["train_loss"] == told["runs"][position]["train_loss"]
        assert "node_share" in records[-1]
        assert (told["runs"][position]["arm"], told["stages"][position]["arm"]) == (arm, arm)


def test_groups_of_a_preset_have_their_own_irreps(call: Any, tmp_path: Path) -> None:
    """Four groups, complex arms among them: "all" is what each of them has."""
    words = ("--preset", "complex-weights", "--hidden", "4", "--epochs", "1", "--json")
    words = (*words, "--train-fraction", "0.05")
    told = answer(call, "train", *words, "--telemetry", "all", "--out", str(tmp_path))
    assert [run["task"] for run in told["runs"][::2]] == ["C23", "C41", "C89", "C127"]
    for position, path in enumerate(told["telemetry"]):
        last = tele.read_json_lines(path)[1][-1]
        assert ("node_share" in last) is (position % 2 == 0)
    code, _, err = call("train", *words, "--telemetry", "nodes", "--out", str(tmp_path / "b"))
    assert (code, err.count("\n")) == (2, 1)
    assert "--telemetry nodes needs real weights" in err
    assert not list((tmp_path / "b").iterdir())


def test_its_config_repeats_it_and_the_command_line_stands_before(
    call: Any, tmp_path: Path
) -> None:
    first, again, other = (str(tmp_path / name) for name in "abc")
    one = answer(call, *SMALL, "--runs", "2", "--telemetry", "scores", "--out", first)
    two = answer(call, "train", "--config", f"{first}/config.json", "--json", "--out", again)
    for found in (one, two):
        del found["seconds_per_step"], found["checkpoints"], found["telemetry"]
    assert one == two
    told = [json.loads(Path(folder, "config.json").read_text()) for folder in (first, again)]
    assert told[0] == told[1]
    words = ("C3", "--config", f"{first}/config.json", "--epochs", "2", "--runs", "1")
    found = answer(call, "train", *words, "--json", "--out", other)
    assert [(run["task"], run["epochs"]) for run in found["runs"]] == [("C3", 2)] * 2
    assert found["overridden"] == {"n_hidden": 16, "epochs": 2}
    file = tmp_path / "a.toml"
    file.write_text('spec = "C3"\npreset = "depth"\nn_hidden = 4\nepochs = 2\n')
    assert len(answer(call, "train", "--config", str(file), "--json")["arms"]) == 3


def test_a_preset_that_is_broken_off_keeps_what_is_done(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run is on the disk as soon as it ends, and the config from the beginning."""
    seen: list[list[str]] = []

    def broken(
        group: FiniteGroup, configs: Sequence[TrainConfig], *, ended: Any, **_: object
    ) -> Iterator[TrainedRun]:
        for position in range(2):
            seen.append(sorted(path.name for path in tmp_path.glob("*.safetensors")))
            few = [dataclasses.replace(configs[position], epochs=2)]
            for run in train_many(group, few, seeds=[position]):
                ended(position, run)
                yield run
        raise ValueError("stop here")

    monkeypatch.setattr("analyzers.networks.train_many", broken)
    (tmp_path / "train.json").write_text("{}")
    words = ("train", "C3", "--preset", "default", "--runs", "3", "--out", str(tmp_path))
    code, _, err = call(*words)
    assert code == 2
    assert "stop here" in err
    assert seen == [[], ["run-0-arm-0.safetensors"]]
    for seed in (0, 1):
        assert load_checkpoint(tmp_path / f"run-{seed}-arm-0.safetensors").epochs == 2
    told = json.loads((tmp_path / "config.json").read_text())
    assert (told["preset"], told["spec"], told["runs"]) == ("default", "C3", 3)
    assert not (tmp_path / "train.json").exists()


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ((), "train needs one of a group, as in 'train C23', --task EXPRESSION"),
        (("--preset", "grok"), "unknown preset 'grok'"),
        (("--preset", "depth", "--other-layers", "8"), "compares by other_layers; leave it out"),
        (("--preset", "three-stages", "--epochs", "9"), "compares by epochs; leave it out"),
        (("--preset", "ridge-v", "--weight-decay", "0"), "compares by weight_decay; leave it out"),
        (("--preset", "depth", "--runs", "0"), "runs must be at least 1"),
        (("--preset", "depth", "--runs", "9999"), "makes 29997 runs, more than 10000"),
        (("--preset", "depth", "--workers", "0"), "--workers must be at least 1, got 0"),
        (("--preset", "depth", "--resume", "a"), "anew: leave --resume out"),
        (("--preset", "depth", "--task", "x mod 3"), "products of a group, anew: leave --task out"),
        (("--preset", "depth", "--operands", "3"), "leave --operands out"),
        (("--preset", "depth", "--telemetry", "all"), "--telemetry needs --out"),
        (("--preset", "depth", "--checkpoint-at", "5"), "--checkpoint-at needs --out"),
        (("--preset", "depth", "--beta", "nan"), "preset 'depth': beta must be positive, got nan"),
    ],
)
def test_bad_use_is_told_in_one_line(call: Any, words: tuple[str, ...], advice: str) -> None:
    code, out, err = call("train", *words)
    assert (code, out) == (2, "")
    assert advice in err
    assert err.count("\n") == 1
