"""Our checkpoints: safetensors with the whole story in the header, written atomically."""

import hashlib
import json
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from groupfeat import __version__
from groupfeat.groups import FiniteGroup
from groupfeat.training._config import TrainConfig
from groupfeat.training._runs import TrainedRun

__all__ = ["load_checkpoint", "save_checkpoint", "table_digest"]

FORMAT = "groupfeat-run-1"


def save_checkpoint(path: str | Path, run: TrainedRun, group: FiniteGroup) -> Path:
    """Write ``run`` to ``path`` (``.safetensors``): W, V, config, history, versions.

    The file appears whole or not at all. Returns the path.

    Raises
    ------
    ValueError
        If ``group`` is not the group that the run was trained on.
    """
    file = Path(path)
    if (run.group_name, len(run.first_layer)) != (group.name, 2 * group.order):
        raise ValueError(
            f"the run was trained on {run.group_name}, W has {len(run.first_layer)} rows; got "
            f"{group.name} of order {group.order}; pass the group it was trained on"
        )
    story = {
        "group": group.name,
        "table_sha256": table_digest(group),
        "config": run.config.to_dict(),
        "seed": run.seed,
        "status": run.status,
        "epochs": run.epochs,
        "memorized_at": run.memorized_at,
        "generalized_at": run.generalized_at,
        "history": run.history,
        "versions": {"groupfeat": __version__, "python": platform.python_version()},
    }
    part = file.with_name(f".{file.name}.part")
    arrays = {
        "W": np.ascontiguousarray(run.first_layer),
        "V": np.ascontiguousarray(run.second_layer),
    }
    try:
        save_file(arrays, part, metadata={"format": FORMAT, "run": json.dumps(story)})
        part.chmod(0o644)  # safetensors writes for the owner alone
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)
    return file


def load_checkpoint(path: str | Path) -> TrainedRun:
    """Read a run that `save_checkpoint` wrote.

    Raises
    ------
    ValueError
        If the file is absent, damaged, or no checkpoint of ours.
    """
    name = Path(path).name
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise ValueError(f"{name!r} is no groupfeat run: its header lacks {FORMAT!r}")
            first, second = file.get_tensor("W"), file.get_tensor("V")
    except (OSError, SafetensorError) as error:
        raise ValueError(f"cannot read {name!r} ({error}); expected a groupfeat run") from error
    story: dict[str, Any] = json.loads(header["run"])
    return TrainedRun(
        story["group"],
        TrainConfig.from_dict(story["config"]),
        story["seed"],
        story["status"],
        story["epochs"],
        first,
        second,
        story["history"],
        story["memorized_at"],
        story["generalized_at"],
    )


def table_digest(group: FiniteGroup) -> str:
    """Return the SHA-256 of the Cayley table as little-endian int32, row by row."""
    table = np.ascontiguousarray(group.cayley_table, dtype="<i4")
    return hashlib.sha256(table.tobytes()).hexdigest()
