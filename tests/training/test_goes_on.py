"""What is kept between a run and its continuation: the task, the rows, the norms, the start."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from groupfeat.groups import cyclic, group_from_spec
from groupfeat.training import (
    Snapshot,
    TrainConfig,
    load_checkpoint,
    load_network,
    product_task,
    resume,
    save_checkpoint,
    table_task,
    train,
)
from groupfeat.training.network._model import initial_parameters
from groupfeat.training.run._compaction import living_nodes
from groupfeat.training.run._progress import Run

GROUP = group_from_spec("S3")
CONFIG = TrainConfig(n_hidden=24, epochs=20, stop="never", weight_decay=1e-3)
TABLE = np.array(GROUP.cayley_table)


def test_a_task_with_other_labels_is_not_the_task_of_the_run(tmp_path: Path) -> None:
    """Same name and sizes: S₃'s labels, C₆'s, fewer and more classes; before and after a file."""
    mine, other = table_task("t", TABLE), table_task("t", cyclic(6).cayley_table)
    (run,) = train(mine, CONFIG)
    read = load_checkpoint(save_checkpoint(tmp_path / "a.safetensors", run, mine))
    assert read.task_digest == run.task_digest == mine.digest
    for task, told in (
        (other, "was trained on t with other labels than it has now"),
        (table_task("t", TABLE % 5), "12 inputs and 6 classes, t has 12 and 5"),
        (table_task("t", TABLE, n_classes=7), "12 inputs and 6 classes, t has 12 and 7"),
        (table_task("u", TABLE), "was trained on t, got u"),
    ):
        for each in (run, read):
            with pytest.raises(ValueError, match=told):
                resume(each, task, epochs=40)
            with pytest.raises(ValueError, match=told):
                save_checkpoint(tmp_path / "b.safetensors", each, task)
    assert not (tmp_path / "b.safetensors").exists()
    assert resume(read, mine, epochs=40).epochs == 40


def test_a_run_given_more_epochs_is_the_run_that_had_them_at_once() -> None:
    """It ended at 55, between evaluations: the row that stood there for the end goes."""
    short, straight = (
        next(iter(train(GROUP, dataclasses.replace(CONFIG, epochs=epochs)))) for epochs in (55, 100)
    )
    assert short.history["epoch"][-2:] == [50, 55]
    longer = resume(short, GROUP, epochs=100)
    assert longer.history == straight.history
    np.testing.assert_array_equal(longer.first_layer, straight.first_layer)
    assert (longer.memorized_at, longer.status) == (straight.memorized_at, straight.status)


def test_a_run_that_its_rule_ended_keeps_its_last_row() -> None:
    """Settled at an epoch between evaluations, it ends there however many epochs it may have."""
    config = TrainConfig(train_fraction=1.0, n_hidden=64, epochs=400, settle_epochs=13)
    (ended,) = train(GROUP, config)
    assert ended.epochs < 400
    assert ended.epochs % 10 == 3
    again = resume(ended, GROUP, epochs=500)
    assert (again.history, again.epochs) == (ended.history, ended.epochs)


@pytest.mark.parametrize("kind", ["node", "total"])
def test_a_complex_w_keeps_the_norm_of_both_its_parts(kind: str) -> None:
    config = dataclasses.replace(
        CONFIG, weight_norm=kind, complex_weights=True, learning_rate=0.05, precision="float64"
    )
    (run,) = train(GROUP, config)
    start = initial_parameters(product_task(GROUP), config, 0)
    whole = start["W"].numpy() + 1j * start["W_imag"].numpy()
    axis = 0 if kind == "node" else None
    now, then = (np.linalg.norm(part, axis=axis) for part in (run.first_layer, whole))
    np.testing.assert_allclose(now, then, rtol=1e-12)
    real = np.linalg.norm(run.first_layer.real) / np.linalg.norm(whole.real)
    assert abs(real - 1) > 1e-3


@pytest.mark.parametrize(("init", "spread"), [("normal", 1.0), ("linear", 3**-0.5)])
def test_every_start_has_the_spread_of_its_scheme(init: str, spread: float) -> None:
    """`normal`: entries of E and W have variance 1, of U 1/K; `linear`: ±1 for E, ±1/√rows else."""
    config = TrainConfig(init=init, init_scale=1.0, embedding=50, n_hidden=80, other_layers=1)
    start = initial_parameters(product_task(cyclic(97)), config, 0)
    rows = {"W": 100, "V": 80, "U1": 80}
    for name, part in start.items():
        plain = name == "E" or (init == "normal" and name != "U1")
        expected = spread if plain else spread / rows[name] ** 0.5
        assert float(part.std()) == pytest.approx(expected, rel=0.05), name


def test_a_nodes_strength_is_quadratic_in_w() -> None:
    """|w|²|v| = 1, 1e-6, 1e-3: the second falls below 1e-5, though |w||v| would not."""
    first = torch.tensor([[1.0, 1e-3, 1.0], [0.5, 0.0, 0.2]])
    second = torch.tensor([[1.0, 1.0, 1e-3]])
    assert living_nodes(first, second, 1e-5).tolist() == [0, 2]
    assert living_nodes(first, second, 1e-7).tolist() == [0, 1, 2]
    assert living_nodes(0 * first, second, 1e-5).tolist() == [0, 1, 2]


def test_dropped_nodes_stay_out_of_a_resumed_runs_arithmetic() -> None:
    config = TrainConfig(n_hidden=48, epochs=400, stop="never", dead_nodes="drop")
    seen: list[Snapshot] = []
    list(train(cyclic(5), config, observe=seen.append, observe_at=[399]))
    (snapshot,) = seen
    dead = int((~snapshot.first_layer.any(0)).sum())
    assert dead > 0
    going = Run(snapshot.task, snapshot.config, snapshot.seed, start=snapshot.run)
    assert going.parameters["W"].shape[1] == 48 - dead


def test_the_checksums_cover_names_and_settings(tmp_path: Path) -> None:
    """An array renamed, a byte flipped, a seed edited: read neither as a run nor as a network."""
    (run,) = train(GROUP, CONFIG)
    path = save_checkpoint(tmp_path / "a.safetensors", run, GROUP)
    with safe_open(path, framework="numpy") as file:
        header = file.metadata()
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    renamed = {name.replace("V.m", "V.n"): part for name, part in arrays.items()}
    flipped = arrays | {"W": -arrays["W"]}
    edited = header | {"run": header["run"].replace('"pair_seed": 0', '"pair_seed": 1')}
    assert sorted(renamed) != sorted(arrays)
    assert edited != header
    for parts, told, message in (
        (renamed, header, "its arrays do not match their checksum"),
        (flipped, header, "its arrays do not match their checksum"),
        (arrays, edited, "its header does not match its checksum"),
    ):
        save_file(parts, path, metadata=told)
        with pytest.raises(ValueError, match=message):
            load_checkpoint(path)
        with pytest.raises(ValueError, match=message):
            load_network(path, GROUP)
    early = {name: text for name, text in header.items() if name != "run_sha256"}
    save_file(arrays, path, metadata=early)
    assert load_checkpoint(path).seed == 0


def test_an_epoch_to_observe_is_whole() -> None:
    with pytest.raises(TypeError, match="float"):
        list(train(GROUP, CONFIG, observe=print, observe_at=[2.7]))  # type: ignore[list-item]


@pytest.mark.parametrize("device", ["foo", "meta:x", "mkldnn"])
def test_a_device_that_torch_cannot_use_is_refused(device: str) -> None:
    with pytest.raises(ValueError, match=f"cannot train on the device '{device}' .*use 'cpu'"):
        next(train(GROUP, CONFIG, device=device))
    (run,) = train(GROUP, CONFIG)
    with pytest.raises(ValueError, match=f"cannot train on the device '{device}'"):
        resume(run, GROUP, epochs=30, device=device)
