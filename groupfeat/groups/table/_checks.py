"""The door for foreign Cayley tables: every axiom is checked in full, once."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups.table._errors import NotAGroupError
from groupfeat.groups.table._generation import generating_set

__all__ = [
    "as_cayley_table",
    "check_group_axioms",
    "checked_elements",
    "checked_names",
    "table_dtype",
]


def as_cayley_table(table: ArrayLike) -> NDArray[Any]:
    """Return ``table`` as a square array of entries ``0..M-1``, or say what is wrong."""
    if isinstance(table, str | Path):
        raise TypeError(f"expected a table, got a name: pass load_cayley_table({str(table)!r})")
    try:
        array = np.asarray(table)
    except ValueError as error:
        raise NotAGroupError("a Cayley table must be square, got rows of unlike shapes") from error
    if isinstance(array, np.ma.MaskedArray) or isinstance(table, np.ma.MaskedArray):
        raise NotAGroupError("a Cayley table must have every entry, got a masked array")
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.size == 0:
        raise NotAGroupError(
            f"a Cayley table must be a non-empty square array, got shape {array.shape}"
        )
    if array.dtype.kind not in "iu":
        _check_whole(array)
    order = len(array)
    outside = np.argwhere((array < 0) | (array >= order))
    if len(outside):
        g, h = (int(i) for i in outside[0])
        raise NotAGroupError(
            f"closure fails: entry ({g}, {h}) is {array[g, h]}, "
            f"expected an element index in 0..{order - 1}"
        )
    return array.astype(table_dtype(order), copy=True)


def table_dtype(order: int) -> type[np.signedinteger[Any]]:
    """Return the smallest integer type that indexes ``order`` elements."""
    return np.int16 if order <= np.iinfo(np.int16).max else np.int32


def check_group_axioms(table: NDArray[Any]) -> None:
    """Raise `NotAGroupError` unless ``table`` has identity 0, is a Latin square and associates.

    Associativity is decided in full by Light's test on a generating set: it is
    enough that ``(x s) y = x (s y)`` for all ``x, y`` and every generator ``s``,
    which costs O(M² · generators).
    """
    _check_identity(table)
    _check_latin(table, "row")
    _check_latin(table.T, "column")
    for s in generating_set(table):
        left, right = table[table[:, s]], table[:, table[s]]
        broken = np.argwhere(left != right)
        if len(broken):
            x, y = (int(i) for i in broken[0])
            raise NotAGroupError(
                f"associativity fails at ({x}, {s}, {y}): "
                f"({x}*{s})*{y} = {left[x, y]} but {x}*({s}*{y}) = {right[x, y]}"
            )


def checked_elements(elements: Iterable[int], order: int, name: str) -> NDArray[np.intp]:
    """Return a list of elements as indices; a mask, a fraction or a negative number is none.

    Raises
    ------
    ValueError
        If they are no list of whole numbers 0..M-1.
    """
    chosen = np.asarray(elements if isinstance(elements, np.ndarray) else list(elements))
    if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "iu"):
        raise ValueError(
            f"elements of {name} must be a list of whole numbers 0..{order - 1}, "
            f"got {chosen.dtype} of shape {chosen.shape}"
        )
    outside = chosen[(chosen < 0) | (chosen >= order)]
    if len(outside):
        raise ValueError(f"element {outside[0]} is not in 0..{order - 1} of {name}")
    return chosen.astype(np.intp)


def checked_names(names: Iterable[str], order: int) -> tuple[str, ...]:
    """Return names of all elements, or none.

    Raises
    ------
    ValueError
        If they are no list of ``order`` texts, each once.
    """
    if isinstance(names, str | set | frozenset | dict):
        raise ValueError(f"element names must be a list of texts, got a {type(names).__name__}")
    found = tuple(names)
    if found and len(found) != order:
        raise ValueError(f"expected {order} element names, got {len(found)}; pass one a row")
    seen: set[str] = set()
    for place, name in enumerate(found):
        if not isinstance(name, str):
            raise ValueError(f"element names must be texts, got {name!r} for element {place}")
        if name in seen:
            raise ValueError(f"element names must differ, got {name!r} again for element {place}")
        seen.add(name)
    return tuple(map(str, found))


def _check_whole(array: NDArray[Any]) -> None:
    if array.dtype.kind == "f":
        broken = np.argwhere(~(np.isfinite(array) & (np.rint(array) == array)))
        if not len(broken):
            return
        g, h = (int(i) for i in broken[0])
        raise NotAGroupError(f"entry ({g}, {h}) is {array[g, h]}, expected a whole number")
    raise NotAGroupError(f"a Cayley table must hold element indices, got dtype {array.dtype}")


def _check_identity(table: NDArray[Any]) -> None:
    everyone = np.arange(len(table))
    left, right = table[0] != everyone, table[:, 0] != everyone
    if not (left.any() or right.any()):
        return
    if left.any():
        h = int(np.argmax(left))
        told = f"0*{h} = {table[0, h]}"
    else:
        h = int(np.argmax(right))
        told = f"{h}*0 = {table[h, 0]}"
    others = np.flatnonzero(np.all(table == everyone, axis=1) & np.all(everyone == table.T, axis=1))
    advice = (
        f"; element {others[0]} is an identity: relabel it as 0"
        if len(others)
        else "; no element of the table is an identity"
    )
    raise NotAGroupError(f"identity fails: element 0 must be the identity, but {told}{advice}")


def _check_latin(table: NDArray[Any], kind: str) -> None:
    ordered = np.sort(table, axis=1)
    broken = np.flatnonzero((ordered != np.arange(len(table))).any(1))
    if not len(broken):
        return
    g = int(broken[0])
    value = int(ordered[g, :-1][ordered[g, 1:] == ordered[g, :-1]][0])
    first, second = (int(i) for i in np.flatnonzero(table[g] == value)[:2])
    pairs = f"{g}*{first} = {g}*{second}" if kind == "row" else f"{first}*{g} = {second}*{g}"
    raise NotAGroupError(
        f"inverses fail (no Latin square): {kind} {g} repeats {value}: {pairs} = {value}"
    )
