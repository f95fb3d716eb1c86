"""What every function asks of its input: weights, groups, tolerances, counts."""

import operator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups import FiniteGroup

__all__ = [
    "LARGEST",
    "check_batch",
    "check_count",
    "check_overflow",
    "check_reals",
    "check_same_group",
    "check_search",
    "check_unit",
    "check_vectors",
    "check_weights",
]

Floats = NDArray[np.float64]

LARGEST = 1e150
"""Largest entry of an array of numbers: squares of longer ones overflow."""


def check_reals(values: ArrayLike, name: str = "weights") -> Floats:
    """Return ``values`` as float64, any shape, or say why they are no finite real numbers."""
    try:
        found = np.asarray(values)
    except ValueError:
        raise ValueError(
            f"{name} must be an array of numbers, got rows of unequal shape; make them equally long"
        ) from None
    if found.dtype.kind == "c":
        raise ValueError(f"{name} must be real, got complex numbers; take real and imaginary parts")
    if found.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of numbers, got {found.dtype} entries")
    real: Floats = found.astype(np.float64, copy=False)
    if not np.isfinite(real).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    if real.size and max(float(real.max()), -float(real.min())) > LARGEST:
        raise ValueError(
            f"{name} must be at most {LARGEST:g} in size, got {np.abs(real).max():.3g}, whose "
            "square overflows; scale them to norm 1"
        )
    return real


def check_weights(
    weights: ArrayLike, group: FiniteGroup, *, name: str = "weights", parts: int = 2
) -> Floats:
    """Return weights (..., parts·M) as float64, or say what is wrong with them."""
    w, width = check_reals(weights, name), parts * group.order
    if w.ndim == 0 or w.shape[-1] != width:
        raise ValueError(
            f"{name} need shape (..., {width}) for {group.name} of order {group.order}, "
            f"got {w.shape}"
        )
    return w


def check_unit(weights: ArrayLike, group: FiniteGroup, *, name: str = "weights") -> Floats:
    """Return weights (..., 2M) of norm 1 (within 1e-8), or say what is wrong with them.

    Weights in float32, though divided by their norms there, are farther off.
    """
    w = check_weights(weights, group, name=name)
    norms = np.linalg.norm(w, axis=-1)
    if not np.all(np.abs(norms - 1) <= 1e-8):
        worst = float(norms.flat[int(np.argmax(np.abs(norms - 1)))])
        raise ValueError(
            f"{name} must have norm 1, got {worst:.9g}; make them float64 and divide by "
            f"np.linalg.norm({name}, axis=-1, keepdims=True)"
        )
    return w


def check_batch(
    weights: ArrayLike,
    group: FiniteGroup,
    *,
    name: str = "starts",
    least: int = 1,
    unit: bool = False,
) -> Floats:
    """Return weights (B, 2M), B ≥ ``least``, all of norm 1 if ``unit``, or say what is wrong."""
    check = check_unit if unit else check_weights
    w = check(weights, group, name=name)
    if w.ndim != 2 or len(w) < least:
        raise ValueError(
            f"{name} need shape (B, {2 * group.order}) with B >= {least}, got {w.shape}; a single "
            "weight is passed as weight[None]"
        )
    return w


def check_vectors(vectors: ArrayLike, w: Floats, group: FiniteGroup) -> tuple[Floats, Floats]:
    """Return checked weights ``w`` and vectors (..., 2M), broadcast against each other."""
    v = check_weights(vectors, group, name="vectors")
    try:
        both = np.broadcast_arrays(w, v)
    except ValueError:
        raise ValueError(
            f"weights {w.shape} and vectors {v.shape} do not broadcast; pass one vector a weight"
        ) from None
    return both[0], both[1]


def check_overflow(found: NDArray[np.floating], w: Floats) -> None:
    """Raise ``ValueError`` if what was computed from weights ``w`` is no finite number."""
    if not np.isfinite(found).all():
        raise ValueError(
            f"E or its derivative overflows at weights as large as {np.abs(w).max():.3g}; "
            "scale them to norm 1"
        )


def check_count(value: int, name: str, *, least: int = 1) -> int:
    """Return ``value`` as an int of at least ``least``, or raise ``ValueError``."""
    try:
        count = operator.index(value)
    except TypeError:
        raise ValueError(
            f"{name} must be a whole number of at least {least}, got {value!r}"
        ) from None
    if count < least:
        raise ValueError(f"{name} must be at least {least}, got {count}")
    return count


def check_search(tolerance: float, iterations: int, *, name: str = "max_iterations") -> None:
    """Raise ``ValueError`` unless the tolerance is in (0, 1) and there is a step to take."""
    if not 0 < tolerance < 1:
        raise ValueError(
            f"tolerance must be in (0, 1), got {tolerance}; it bounds the relative gradient, "
            "1e-8 by default"
        )
    check_count(iterations, name)


def check_same_group(
    first: FiniteGroup, second: FiniteGroup, *, names: tuple[str, str] = ("pairs", "irreps")
) -> None:
    """Raise ``ValueError`` unless the Cayley tables are equal."""
    if first is second or np.array_equal(first.cayley_table, second.cayley_table):
        return
    raise ValueError(
        f"{names[0]} are of {first.name}, {names[1]} of {second.name} (their Cayley tables "
        "differ); build both from one group"
    )
