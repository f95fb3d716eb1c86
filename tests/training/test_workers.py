"""Runs over worker processes against the loop; workers that refuse, die, or are interrupted."""

import dataclasses
import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from groupfeat.groups import group_from_spec
from groupfeat.training import (
    Snapshot,
    TrainConfig,
    TrainedRun,
    checkpoint_writer,
    load_checkpoint,
    table_task,
    train,
    train_many,
)

GROUP = group_from_spec("S3")
BASE = TrainConfig(n_hidden=24, epochs=40, eval_every=5, stop="never")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)


def check_equal(one: TrainedRun, other: TrainedRun) -> None:
    """Bit for bit, and read-only as every run."""
    for name in ("group_name", "config", "seed", "status", "epochs", "history", "memorized_at"):
        assert getattr(one, name) == getattr(other, name)
    for name in ("first_layer", "second_layer"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert not getattr(other, name).flags.writeable
    for name in ("parameters", "optimizer_state"):
        ours, theirs = getattr(one, name), getattr(other, name)
        assert list(ours) == list(theirs)
        for key in ours:
            np.testing.assert_array_equal(ours[key], theirs[key])


def test_workers_give_the_runs_of_the_loop_and_tell_of_them(tmp_path: Path) -> None:
    """Runs, snapshots, checkpoints and progress; one run diverges."""
    configs = [
        dataclasses.replace(BASE, epochs=80),
        dataclasses.replace(BASE, optimizer="sgd", learning_rate=1e9),
        dataclasses.replace(BASE, n_hidden=9, train_fraction=0.5),
        dataclasses.replace(BASE, other_layers=1),
    ]
    found, seen, told = {}, {}, {}
    for workers in (1, 2):
        snapshots: list[Snapshot] = []
        steps: list[tuple[int, int, int]] = []
        folder = tmp_path / str(workers)
        folder.mkdir()
        write = checkpoint_writer(folder)

        def watch(snapshot: Snapshot, into: list[Snapshot] = snapshots, write=write) -> None:  # type: ignore[no-untyped-def]
            into.append(snapshot)
            write(snapshot)

        found[workers] = list(
            train_many(
                GROUP,
                configs,
                seeds=[3, 4, 5, 6],
                observe=watch,
                observe_at=[0, 7, 40],
                progress=lambda *step, into=steps: into.append(step),
                workers=workers,
            )
        )
        seen[workers] = sorted(snapshots, key=lambda each: (each.position, each.epoch))
        told[workers] = sorted(steps)
    assert [run.seed for run in found[2]] == [3, 4, 5, 6]
    assert found[1][1].status.startswith("diverged")
    for one, other in zip(found[1], found[2], strict=True):
        if one.status.startswith("diverged"):
            assert one.summary() == other.summary()
        else:
            check_equal(one, other)
    assert told[1] == told[2]
    assert told[1]
    assert [each.position for each in seen[1]] == [each.position for each in seen[2]]
    for before, after in zip(seen[1], seen[2], strict=True):
        check_equal(before.run, after.run)
        np.testing.assert_array_equal(before.codes, after.codes)
        assert after.task is not None
        assert after.pairs is not None
    written = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert written == sorted(path.name for path in (tmp_path / "2").iterdir())
    assert len(written) == len(seen[1])
    for name in written:
        check_equal(load_checkpoint(tmp_path / "1" / name), load_checkpoint(tmp_path / "2" / name))
    assert not multiprocessing.active_children()


def test_a_refusal_in_a_worker_names_its_run() -> None:
    task = table_task("unequal", np.arange(6).reshape(2, 3))
    configs = [BASE, dataclasses.replace(BASE, embedding=4)]
    with pytest.raises(ValueError, match=r"run 1 \(seed 8\): operands share one embedding"):
        list(train_many(task, configs, seeds=[7, 8], workers=2))
    assert not multiprocessing.active_children()
    with pytest.raises(ValueError, match="workers must be at least 1, got 0"):
        list(train(GROUP, BASE, workers=0))


def test_a_dead_worker_is_named() -> None:
    config = dataclasses.replace(BASE, epochs=10**7)

    def shoot(snapshot: Snapshot) -> None:
        if snapshot.epoch:
            process = multiprocessing.active_children()
            os.kill(process[0].pid or 0, signal.SIGKILL)

    with pytest.raises(
        ChildProcessError, match=r"worker of run [01] \(seed [56]\) died with exit code -9"
    ):
        list(train(GROUP, config, seeds=[5, 6], observe=shoot, observe_at=[0, 5], workers=2))
    assert not multiprocessing.active_children()


def test_an_interrupt_or_a_closed_iterator_leaves_no_worker() -> None:
    long = dataclasses.replace(BASE, epochs=10**7)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(train(GROUP, long, seeds=[0, 1], progress=interrupt, workers=2))
    assert not multiprocessing.active_children()
    going = train_many(GROUP, [BASE, long], seeds=[0, 1], workers=2)
    assert next(going).epochs == BASE.epochs
    going.close()  # type: ignore[attr-defined]
    assert not multiprocessing.active_children()
