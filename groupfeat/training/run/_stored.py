"""What a stored run must hold: a header of the right kinds, arrays that fit it and the task."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.training.network._model import initial_parameters
from groupfeat.training.run._optimizers import Optimizer
from groupfeat.training.run._runs import TrainedRun
from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.setup._memory import check_memory
from groupfeat.training.tasks._tasks import Task

__all__ = [
    "check_labels",
    "check_layers",
    "check_name",
    "check_resumable",
    "check_shift",
    "check_story",
    "check_task",
]

Arrays = Mapping[str, NDArray[Any]]
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "group": ((str,), "text"),
    "config": ((dict,), "names and values"),
    "seed": ((int,), "a whole number"),
    "status": ((str,), "text"),
    "epochs": ((int,), "a whole number"),
    "history": ((dict,), "columns"),
    "memorized_at": ((int, type(None)), "a whole number or null"),
    "generalized_at": ((int, type(None)), "a whole number or null"),
}


def check_story(story: object) -> dict[str, Any]:
    """Return a header of the right kinds.

    Raises
    ------
    ValueError
        If an entry is absent or of another kind; the message names it.
    """
    if not isinstance(story, dict):
        raise ValueError("its header is not a run's")
    for name, (kinds, words) in _KINDS.items():
        if name not in story:
            raise ValueError(f"its header lacks {name!r}")
        if not isinstance(story[name], kinds) or isinstance(story[name], bool):
            raise ValueError(f"its header gives {name} {story[name]!r:.40}, expected {words}")
    if story["epochs"] < 0 or story["seed"] < 0:
        raise ValueError("its header gives a negative seed or number of epochs")
    for name in ("memorized_at", "generalized_at"):
        if story[name] is not None and not 0 <= story[name] <= story["epochs"]:
            raise ValueError(f"its header gives {name} {story[name]!r:.40}, beyond its epochs")
    _check_history(story["history"], story["epochs"])
    return story


def check_layers(first: NDArray[Any], second: NDArray[Any], config: TrainConfig) -> None:
    """Raise ValueError unless W is (rows, K) and V (K, M), floats, with the config's K."""
    hidden = config.n_hidden
    for name, part, axis in (("W", first, 1), ("V", second, 0)):
        if part.dtype.kind not in "fc":
            raise ValueError(f"its {name} holds {part.dtype}, expected floats")
        if part.ndim != 2 or part.shape[axis] != hidden:
            shape = f"(rows, {hidden})" if axis else f"({hidden}, classes)"
            raise ValueError(f"its {name} has shape {part.shape}, its config says {shape}")


def check_shift(shift: NDArray[Any] | None, second: NDArray[Any]) -> NDArray[Any] | None:
    """Return `TrainedRun.answer_shift` as a file has it, (M,) or absent; ValueError for others."""
    wanted = second.shape[1:]
    if shift is not None and (shift.dtype.kind != "f" or shift.shape != wanted):
        raise ValueError(f"its answer_shift is {_told(shift)}, expected floats of shape {wanted}")
    return shift


def check_task(run: TrainedRun, task: Task) -> None:
    """Raise ValueError unless ``task`` is what the run was trained on, label by label."""
    check_name(run.group_name, task)
    inputs, classes = len(run.first_layer), run.second_layer.shape[1]
    if (inputs, classes) != (sum(task.sizes), task.n_classes):
        raise ValueError(
            f"the run has {inputs} inputs and {classes} classes, {task.name} has "
            f"{sum(task.sizes)} and {task.n_classes}; pass what it was trained on"
        )
    check_labels(run.task_digest, task)


def check_name(told: str, task: Task) -> None:
    """Raise ValueError unless a run on what ``told`` names was trained on ``task``."""
    if told != task.name:
        raise ValueError(f"the run was trained on {told}, got {task.name}; pass that")


def check_labels(digest: str, task: Task) -> None:
    """Raise ValueError unless the digest is that of the task's labels, or empty."""
    if digest not in ("", task.digest):
        raise ValueError(
            f"the run was trained on {task.name} with other labels than it has now; pass what it "
            "was trained on, or train anew"
        )


def check_resumable(run: TrainedRun, task: Task) -> None:
    """Raise ValueError unless the run's arrays are those that training on ``task`` goes on from."""
    check_memory(task, [run.config])
    further = sum(name.startswith("U") for name in run.parameters)
    if further != run.config.other_layers:  # before as many are drawn
        raise ValueError(
            f"the run's parameters do not fit its config: it has {further} other layers, "
            f"other_layers says {run.config.other_layers}; resume another checkpoint or train anew"
        )
    if any(name not in run.history for name in ("epoch", "train_accuracy", "train_loss")):
        raise ValueError("the run's history lacks its epochs or losses; it cannot be resumed")
    fresh = initial_parameters(task, run.config, 0)
    state = Optimizer(fresh, run.config).state
    for kind, stored, wanted in (
        ("parameters", run.parameters, fresh),
        ("optimiser state", run.optimizer_state, state),
    ):
        shapes = {name: _told(part.numpy()) for name, part in wanted.items()}
        found = {name: _told(part) for name, part in stored.items()}
        for name in sorted(shapes.keys() | found.keys()):
            if found.get(name) != shapes.get(name):
                raise ValueError(
                    f"the run's {kind} do not fit its config and task: {name} is "
                    f"{found.get(name, 'absent')}, expected {shapes.get(name, 'none')}; resume "
                    "another checkpoint or train anew"
                )
    for name, part in run.optimizer_state.items():
        if name.endswith(".v") and not (part >= 0).all():
            raise ValueError(
                f"the run's optimiser state holds negative mean squares in {name}; resume another "
                "checkpoint or train anew"
            )


def _check_history(history: dict[str, Any], epochs: int) -> None:
    lengths = {len(column) if isinstance(column, list) else -1 for column in history.values()}
    if len(lengths) > 1 or -1 in lengths:
        raise ValueError("its header's history is no table of columns of equal length")
    for name, column in history.items():
        for value in column:
            long = isinstance(value, int) and value.bit_length() > 63
            if not isinstance(value, int | float) or isinstance(value, bool) or long:
                raise ValueError(f"its header's history holds {value!r:.40} as {name}")
    told = history.get("epoch", [])
    whole = all(epoch >= 0 and float(epoch).is_integer() for epoch in told)
    if not whole or any(a >= b for a, b in pairwise(told)) or (told and told[-1] > epochs):
        raise ValueError(f"its header's history does not climb to epoch {epochs}")


def _told(part: NDArray[Any]) -> str:
    return f"{np.dtype(part.dtype).name} {part.shape}"
