"""``groupfeat train --resume``: the stored run, what may stand beside it, whether it goes on."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzers._cli_train_request import Request, check_no_folder

if TYPE_CHECKING:
    from groupfeat.training import Task, TrainConfig, TrainedRun

__all__ = ["arm_of", "going_on", "recipe_story", "still_ahead", "stored_run"]

_ARM = re.compile(r"run-(\d+)-arm-(\d{1,9})(?:-at-\d+)?\.safetensors")


def stored_run(request: Request, task: "Task", runs: int) -> "TrainedRun | None":
    """Return the run that is to go on, if any; what is told beside it must agree with it.

    Raises
    ------
    ValueError
        If several runs are asked for, the file cannot be read, or a setting differs.
    """
    from groupfeat.training import load_checkpoint

    if request.resume is None:
        return None
    if runs != 1:
        raise ValueError(f"--resume goes on with one run, got --runs {runs}")
    check_no_folder(Path(request.resume))
    stored = load_checkpoint(request.resume, task)
    told = {name: value for name, value in request.settings.items() if name != "epochs"}
    own = {**stored.config.to_dict(), "seed": stored.seed}
    if request.seed is not None:
        told["seed"] = request.seed
    for name, value in told.items():
        if value != own[name]:
            raise ValueError(
                f"--resume goes on with the checkpoint's settings: {name} is {own[name]!r} there, "
                f"got {value!r}; leave it out, or train anew"
            )
    return stored


def going_on(request: Request, stored: "TrainedRun", task: "Task") -> "TrainConfig":
    """Return the config with which the run goes on.

    Raises
    ------
    ValueError
        If nothing is left to do, or the run cannot go on.
    """
    from groupfeat.training import check_resume

    own = stored.config.epochs
    epochs = request.settings.get("epochs", own)
    if "epochs" in request.recipe:
        epochs = max(epochs, own)
    name = Path(str(request.resume)).name
    if not stored.status.startswith(("running", "diverged")) and stored.epochs < own:
        raise ValueError(
            f"nothing is left to do: {name!r} ended at epoch {stored.epochs} by its rule "
            f"stop={stored.config.stop!r}, and more epochs do not change that; to train longer, "
            "train anew with --stop never"
        )
    if stored.epochs >= epochs and not stored.status.startswith("diverged"):
        where = f"of {epochs}" if stored.epochs == epochs else f"and --epochs is {epochs}"
        raise ValueError(
            f"nothing is left to do: {name!r} is at epoch {stored.epochs} {where}; "
            + _longer(stored)
        )
    return check_resume(stored, task, epochs=epochs)


def _longer(stored: "TrainedRun") -> str:
    schedule = stored.config.schedule
    if schedule != "constant":
        return f"its {schedule} schedule ends there: to train longer, train anew with --epochs"
    return f"to train it longer, say --epochs with more than {stored.epochs}"


def still_ahead(request: Request, first: int, last: int) -> Request:
    """Return the request without the epochs that its recipe lists before a checkpoint's ``first``.

    Where none is left, no checkpoint is asked for, and the record at ``last``.
    """
    none, found = {"checkpoint_at": None, "telemetry_at": str(last)}, dict[str, Any]()
    for name in request.recipe & none.keys():
        words = [word.strip() for word in getattr(request, name).split(",")]
        past = first if name == "checkpoint_at" else first - 1  # its own epoch can be recorded
        ahead = [word for word in words if not (word.isdecimal() and int(word) <= past)]
        found[name] = ",".join(ahead) or none[name]
    return replace(request, **found)


def arm_of(stored: "TrainedRun", path: str) -> int | None:
    """Return the arm that a checkpoint of a preset has in its name, ``run-SEED-arm-ARM``."""
    named = _ARM.fullmatch(Path(path).name)
    if named is None or int(named[1]) != stored.seed:
        return None
    return int(named[2])


def recipe_story(story: Mapping[str, Any], stored: "TrainedRun") -> dict[str, Any]:
    """Return the story of a run that goes on as one that trains it from its beginning."""
    seeds = {n: None for n in ("pair_seed", "init_seed") if story[n] == stored.seed}
    return {**story, **seeds, "resume": None, "runs": 1, "seed": stored.seed}
