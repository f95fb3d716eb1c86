"""What lies beside the checkpoint from which a run of ``groupfeat train`` goes on."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from analyzers._cli_train_plan import Plan

if TYPE_CHECKING:
    from groupfeat.training import Task, TrainedRun

__all__ = ["stored_before"]


def stored_before(plan: Plan, epochs: Sequence[int]) -> list["TrainedRun"]:
    """Return the run that goes on as it was at the last two of ``epochs``, the earlier first.

    Each is the checkpoint itself or lies beside it as ``NAME-at-EPOCH.safetensors``. One that is
    not there, or is of another run, is left out, and with it the one before.
    """
    found: list[TrainedRun] = []
    if plan.start is None:
        return found
    (run,), folder = plan.runs, Path(str(plan.request.resume)).parent
    for epoch in reversed(epochs[-2:]):
        path = folder / f"{run.name}-at-{epoch}.safetensors"
        own = epoch == plan.start.epochs
        stored = plan.start if own else _earlier(path, run.task, epoch, plan.start)
        if stored is None:
            break
        found.insert(0, stored)
    return found


def _earlier(path: Path, task: "Task", epoch: int, start: "TrainedRun") -> "TrainedRun | None":
    """Return a stored run if it is ``start`` at an earlier epoch, by its config and history."""
    from groupfeat.training import load_checkpoint

    try:
        stored = load_checkpoint(path, task)
    except ValueError:
        return None
    told = {name: start.history.get(name, [])[: len(c)] for name, c in stored.history.items()}
    mine = stored.epochs, stored.seed, stored.config, stored.history
    config = replace(start.config, epochs=stored.config.epochs)
    return stored if mine == (epoch, start.seed, config, told) else None
