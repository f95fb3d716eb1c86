"""Plain files of two layers, written whole or not at all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file

from groupfeat._files import replacing
from groupfeat.groups import FiniteGroup
from groupfeat.training.run._checkpoint import table_digest

__all__ = ["LAYERS_FORMAT", "save_layers"]

LAYERS_FORMAT = "groupfeat-layers-1"

Floats = NDArray[np.float64]


def save_layers(
    path: str | Path,
    first_layer: Floats,
    second_layer: Floats,
    *,
    group: FiniteGroup | None = None,
    activation: str = "square",
) -> Path:
    """Write W and V to a ``.npz`` or ``.safetensors`` file, whole or not at all.

    With ``group`` the file also names the group and σ, as a text ``groupfeat`` among the arrays
    (``.npz``) or in the header, so that `checkpoint_group` can tell. Folders are made.

    Raises
    ------
    ValueError
        If the name ends otherwise or the file cannot be written.
    """
    file = Path(path)
    if file.suffix not in (".safetensors", ".npz"):
        raise ValueError(f"expected a name in .npz or .safetensors, got {file.name!r}")
    story = None if group is None else json.dumps(_story(group, activation))
    arrays = {"W": np.ascontiguousarray(first_layer), "V": np.ascontiguousarray(second_layer)}
    try:
        with replacing(file) as part:
            _write(part, arrays, story, file.suffix)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ValueError(f"cannot write {str(file)!r}: {reason}") from error
    return file


def _write(part: Path, arrays: dict[str, Floats], story: str | None, suffix: str) -> None:
    if suffix == ".safetensors":
        told = None if story is None else {"format": LAYERS_FORMAT, "run": story}
        save_file(arrays, part, metadata=told)
        return
    named = {} if story is None else {"groupfeat": np.array(story)}
    with part.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays, **named)


def _story(group: FiniteGroup, activation: str) -> dict[str, Any]:
    return {
        "group": group.name,
        "table_sha256": table_digest(group),
        "config": {"activation": activation},
    }
