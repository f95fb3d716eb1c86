"""Plain files of two layers, written whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file

__all__ = ["save_layers"]

Floats = NDArray[np.float64]


def save_layers(path: str | Path, first_layer: Floats, second_layer: Floats) -> Path:
    """Write W and V to a ``.npz`` or ``.safetensors`` file, whole or not at all.

    Raises
    ------
    ValueError
        If the name ends otherwise or the file cannot be written.
    """
    file = Path(path)
    arrays = {"W": np.ascontiguousarray(first_layer), "V": np.ascontiguousarray(second_layer)}
    part = file.with_name(f".{file.name}.part")
    try:
        if file.suffix == ".safetensors":
            save_file(arrays, part)
        elif file.suffix == ".npz":
            with part.open("wb") as stream:
                np.savez(stream, allow_pickle=False, **arrays)
        else:
            raise ValueError(f"expected a name in .npz or .safetensors, got {file.name!r}")
        os.replace(part, file)
    except (OSError, SafetensorError) as error:
        raise ValueError(f"cannot write {str(file)!r}: {error}") from error
    finally:
        with suppress(OSError):
            part.unlink()
    return file
