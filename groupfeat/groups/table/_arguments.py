"""What users pass: whole numbers and arrays of numbers, read at the door."""

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["number_array", "whole_number"]


def whole_number(value: object, what: str) -> int:
    """Return a whole number as an int; 2.0, True and "2" are none.

    Raises
    ------
    ValueError
        If it is something else; the message says what it was to be.
    """
    if not isinstance(value, bool | np.bool_):
        try:
            return operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            pass
    raise ValueError(f"{what} must be a whole number, got {value!r}")


def number_array(values: ArrayLike, what: str, *, whole: bool = False) -> NDArray[Any]:
    """Return an array of numbers, of whole numbers with ``whole``.

    Raises
    ------
    ValueError
        If the rows are of unlike lengths, or the entries something else.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(
            f"{what} must be a rectangular array, got rows of unlike shapes"
        ) from error
    if array.size == 0 and array.dtype == np.float64:
        return array.astype(np.intp) if whole else array
    if array.dtype.kind not in ("iu" if whole else "fciub"):
        expected = "whole numbers" if whole else "numbers"
        raise ValueError(f"{what} must be {expected}, got {array.dtype} of shape {array.shape}")
    return array
