"""The layers of our own checkpoints, or why they are no network of two real layers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["our_arrays"]

Arrays = Mapping[str, NDArray[Any]]


def our_arrays(found: Arrays, settings: Mapping[str, Any], name: str) -> dict[str, NDArray[Any]]:
    """Return W, V and the bias of the answer that a run's answers come from, β multiplied in.

    Raises
    ------
    ValueError
        If the run has other layers or complex weights.
    """
    unfit = {
        "other_layers": "more than one hidden layer",
        "complex_weights": "complex weights",
    }
    for key, what in unfit.items():
        if settings.get(key):
            raise ValueError(
                f"{name!r} holds a run with {what}; validate reads networks of two real layers"
            )
    layers = {key: found.get(f"layer.{key}", found.get(key)) for key in ("W", "V")}
    missing = [key for key, array in layers.items() if array is None]
    if missing:
        raise ValueError(f"{name!r} lacks the layer {missing[0]}; copy the checkpoint again")
    # W stands as it acts on one-hot pairs: embedding, bias and batch norm are in it.
    second = np.asarray(layers["V"]) * settings.get("beta", 1.0)
    arrays = {"W": np.asarray(layers["W"]), "V": second}
    output = found.get("parameter.output_bias", found.get("answer_shift"))
    return arrays if output is None else {**arrays, "V.bias": output}
