"""Transformers in files, gone on from, and files made to mislead."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from groupfeat.groups import cyclic, group_from_spec
from groupfeat.training import (
    Task,
    TrainConfig,
    TransformerConfig,
    TransformerRun,
    expression_task,
    load_checkpoint,
    load_network,
    load_transformer,
    product_task,
    resume,
    resume_transformer,
    save_checkpoint,
    save_transformer,
    table_task,
    train,
    train_transformer,
)
from groupfeat.training.run import _run_files

GROUP = cyclic(5)
CONFIG = TransformerConfig(width=16, heads=2, layers=2, feed_forward=32, epochs=25)
TASKS = {
    "group": product_task(GROUP),
    "expression": expression_task("x^2 + xy mod 5"),
    "table": table_task("t", [[0, 1, 2, 0], [1, -1, 0, 2], [2, 1, 0, 0]]),
}


@pytest.fixture(name="run", scope="module")
def _run() -> TransformerRun:
    return train_transformer(GROUP, CONFIG, seed=3)


def same(one: TransformerRun, other: TransformerRun) -> None:
    """Two runs are the same bits, moments of the optimiser included."""
    assert (one.task_name, one.config, one.seed) == (other.task_name, other.config, other.seed)
    assert (one.status, one.epochs) == (other.status, other.epochs)
    assert (one.history, one.task_digest) == (other.history, other.task_digest)
    for mine, theirs in (
        (one.model.state_dict(), other.model.state_dict()),
        (one.optimizer_state, other.optimizer_state),
    ):
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)


@pytest.mark.parametrize("kind", TASKS)
def test_a_run_comes_back_whole(kind: str, tmp_path: Path) -> None:
    task = TASKS[kind]
    run = train_transformer(task, CONFIG)
    before = torch.random.get_rng_state()
    again = load_transformer(save_transformer(tmp_path / "a.safetensors", run, task), task)
    assert torch.equal(before, torch.random.get_rng_state())
    same(again, run)
    operands = torch.from_numpy(task.operands(task.codes)).T
    assert torch.equal(again.model(operands), run.model(operands))
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("epoch", [0, 7, 20, 25])
def test_a_resumed_run_is_the_run_that_never_paused(kind: str, epoch: int, tmp_path: Path) -> None:
    """From its start, between evaluations, at one, and from an end that was no evaluation."""
    task, longer = TASKS[kind], dataclasses.replace(CONFIG, epochs=43)
    whole = train_transformer(task, longer, seed=1)
    seen: list[TransformerRun] = []
    end = train_transformer(task, CONFIG, seed=1, observe=seen.append, observe_at=[epoch])
    assert [(each.status, each.epochs) for each in seen] == [("running", epoch)]
    start = end if epoch == CONFIG.epochs else seen[0]
    stored = load_transformer(save_transformer(tmp_path / "a.safetensors", start, task))
    kept = {name: part.clone() for name, part in stored.model.state_dict().items()}
    same(resume_transformer(stored, task, epochs=43), whole)
    assert all(torch.equal(part, kept[name]) for name, part in stored.model.state_dict().items())


def test_a_run_that_cannot_go_on_says_why(run: TransformerRun) -> None:
    with pytest.raises(ValueError, match="is at epoch 25; ask for more epochs"):
        resume_transformer(run, GROUP)
    with pytest.raises(ValueError, match="was trained on C5, got S3"):
        resume_transformer(run, group_from_spec("S3"), epochs=40)
    other = Task("C5", (GROUP.cayley_table + 1) % 5, 5)
    with pytest.raises(ValueError, match="with other labels than it has now"):
        resume_transformer(run, other, epochs=40)
    lost = dataclasses.replace(run, status="diverged: loss is not finite at epoch 3")
    with pytest.raises(ValueError, match="resume an earlier checkpoint"):
        resume_transformer(lost, GROUP, epochs=40)
    bare = dataclasses.replace(run, history={"epoch": [0.0, 20.0]})
    with pytest.raises(ValueError, match="history lacks"):
        resume_transformer(bare, GROUP, epochs=40)


def test_a_settled_run_ends_where_it_ended() -> None:
    config = dataclasses.replace(CONFIG, train_fraction=1.0, weight_decay=0.1, epochs=400)
    run = train_transformer(GROUP, config)
    assert run.epochs < 400
    same(resume_transformer(run, GROUP), run)


def test_each_kind_of_run_has_its_own_file(run: TransformerRun, tmp_path: Path) -> None:
    (plain,) = train(GROUP, TrainConfig(n_hidden=4, epochs=2))
    with pytest.raises(TypeError, match="got TransformerRun; save_transformer"):
        save_checkpoint(tmp_path / "a.safetensors", run, GROUP)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="got TransformerRun; resume_transformer"):
        resume(run, GROUP)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="got TrainedRun; save_checkpoint"):
        save_transformer(tmp_path / "a.safetensors", plain, GROUP)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="got TrainedRun; resume"):
        resume_transformer(plain, GROUP)  # type: ignore[arg-type]
    path = save_transformer(tmp_path / "t.safetensors", run, GROUP)
    with pytest.raises(ValueError, match="expected groupfeat-run-2; load_transformer reads it"):
        load_checkpoint(path)
    with pytest.raises(ValueError, match="expected W and V"):
        load_network(path, GROUP)
    path = save_checkpoint(tmp_path / "p.safetensors", plain, GROUP)
    with pytest.raises(ValueError, match="expected groupfeat-transformer-1; load_checkpoint reads"):
        load_transformer(path)


def test_what_is_not_the_runs_own_is_refused(run: TransformerRun, tmp_path: Path) -> None:
    path = save_transformer(tmp_path / "t.safetensors", run, GROUP)
    with pytest.raises(ValueError, match="whose labels are not those of S3"):
        load_transformer(path, group_from_spec("S3"))
    with pytest.raises(ValueError, match="was trained on C5, got S3"):
        save_transformer(path, run, group_from_spec("S3"))
    with pytest.raises(ValueError, match=r"expected a name in \.safetensors"):
        save_transformer(tmp_path / "t.pt", run, GROUP)
    with pytest.raises(ValueError, match="cannot read 'none"):
        load_transformer(tmp_path / "none.safetensors")


def test_a_failed_write_leaves_the_old_file(
    run: TransformerRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_transformer(tmp_path / "a.safetensors", run, GROUP)
    before = path.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("groupfeat.training.run._run_files.save_file", fail)
    with pytest.raises(OSError, match="disk full"):
        save_transformer(path, run, GROUP)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.safetensors"]


def forged(
    run: TransformerRun,
    path: Path,
    change: Callable[[dict[str, Any], dict[str, Any]], object],
    **told: str,
) -> Path:
    """Write a file changed by someone who mends its checksums."""
    save_transformer(path, run, GROUP)
    with safe_open(path, framework="numpy") as file:
        header = dict(file.metadata()) | told
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    story = json.loads(header["run"])
    change(story, arrays)
    story["arrays_sha256"] = _run_files._digest(arrays)
    header["run"] = json.dumps(story)
    header["run_sha256"] = _run_files._text_digest(header["run"])
    save_file(arrays, path, metadata=header)
    return path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s, _: s["config"].update(width=32), r"\(3, 16\), its config says .*\(3, 32\)"),
        (lambda s, _: s["config"].update(width=2**62), "no transformer has its arrays and config"),
        (lambda s, _: s["config"].update(layers=10**9), "it has 2 blocks, its config says"),
        (lambda s, _: s["config"].update(heads=3), "width must be a multiple of heads"),
        (lambda s, _: s["config"].update(learning_rate=10**400), "must be below 2⁶³"),
        (lambda s, _: s["config"].update(dropout=0.1), "unknown setting 'dropout'"),
        (lambda s, _: s.update(seed=-1), "negative seed"),
        (lambda s, _: s.update(status=3), "expected text"),
        (lambda s, _: s["history"].update(epoch=[0, 10, 10, 25]), "does not climb"),
        (lambda s, _: s.pop("history"), "lacks 'history'"),
        (lambda _, a: a.pop("model.places"), "model.places"),
        (lambda _, a: a.pop("model.answer.weight"), r"lacks the array 'model\.answer\.weight'"),
        (lambda _, a: a.pop("optimizer.exp_avg.places"), "lacks the array 'optimizer"),
        (lambda _, a: a.update({"model.places": np.array(1.0)}), "no transformer has"),
        (
            lambda _, a: a.update({"model.places": a["model.places"].astype("f8")}),
            r"is torch\.float64 of shape \(3, 16\)",
        ),
        (
            lambda _, a: a["optimizer.exp_avg_sq.places"].__setitem__((0, 0), -1),
            "negative mean squares",
        ),
    ],
)
def test_a_forged_file_is_refused_by_name(
    change: Callable[..., object], words: str, run: TransformerRun, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f"cannot read 'a.safetensors'.*{words}"):
        load_transformer(forged(run, tmp_path / "a.safetensors", change))


def test_a_damaged_file_and_a_later_one_are_refused(run: TransformerRun, tmp_path: Path) -> None:
    path = save_transformer(tmp_path / "a.safetensors", run, GROUP)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="arrays do not match their checksum"):
        load_transformer(path)
    later = forged(run, path, lambda *_: None, format="groupfeat-transformer-2")
    with pytest.raises(ValueError, match="reads groupfeat-transformer-1: upgrade groupfeat"):
        load_transformer(later)


def test_arrays_of_another_task_are_not_gone_on_from(run: TransformerRun, tmp_path: Path) -> None:
    """The header says C5, checksums and all; the arrays are of C4."""
    other = train_transformer(cyclic(4), CONFIG)
    with safe_open(
        save_transformer(tmp_path / "b.safetensors", other, cyclic(4)), framework="numpy"
    ) as file:
        theirs = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    path = forged(run, tmp_path / "a.safetensors", lambda _, arrays: arrays.update(theirs))
    with pytest.raises(ValueError, match="do not fit its config and task"):
        resume_transformer(load_transformer(path), GROUP, epochs=40)
