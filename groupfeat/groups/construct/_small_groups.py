"""SmallGroup(n, i): every group of order up to 511, from packed polycyclic codes."""

import json
import lzma
import re
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from groupfeat.groups.construct._permutations import from_permutations
from groupfeat.groups.construct._polycyclic import decode_polycyclic, polycyclic_table
from groupfeat.groups.table._arguments import whole_number
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["FILTERS", "number_of_small_groups", "small_group", "small_group_name"]

FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "lp": 0, "pb": 0}]
"""How each order's codes are compressed; the packing script uses the same."""

MAX_ORDER = 511
_DIHEDRAL = re.compile(r"\bD([0-9]+)")


def small_group(order: int, index: int) -> FiniteGroup:
    """Return SmallGroup(order, index), numbered as in GAP's SmallGroups Library.

    Elements of a solvable group are g₁^{e₁} … g_l^{e_l} in GAP's polycyclic
    generators, numbered with e₁ most significant; the generators of the group
    are g₁, …, g_l.

    Raises
    ------
    ValueError
        If the order is not in 1..511 or has fewer groups.

    References
    ----------
    H. U. Besche, B. Eick, E. A. O'Brien, Int. J. Algebra Comput. 12 (2002) 623–644;
    see data/NOTICE.md for versions and licence.

    Examples
    --------
    >>> from groupfeat.groups import small_group
    >>> small_group(21, 1).is_abelian, len(small_group(120, 34).conjugacy_classes)
    (False, 7)
    """
    order, index = _checked_id(order, index)
    name = f"SmallGroup({order},{index})"
    images = _index()["permutations"].get(f"{order},{index}")
    if images is not None:
        return from_permutations(images, name=name)
    if order == 1:
        return FiniteGroup._trusted(name, np.zeros((1, 1), dtype=np.int16), ())
    primes, powers, commutators = decode_polycyclic(_codes(order)[index - 1], order)
    table = polycyclic_table(primes, powers, commutators)
    places = (order // np.cumprod(primes)).tolist()
    return FiniteGroup._trusted(name, table, places, _words(primes))


def number_of_small_groups(order: int) -> int:
    """Return the number of groups of an order in 1..511, up to isomorphism."""
    order = whole_number(order, "the order")
    if not 1 <= order <= MAX_ORDER:
        raise ValueError(f"groups of order 1..{MAX_ORDER} are stored, got {order}")
    count: int = _index()["orders"][str(order)][0]
    return count


def small_group_name(order: int, index: int) -> str:
    """Return a name such as ``C7 : C3`` up to order 100, else ``SmallGroup(n,i)``.

    GAP's structure description with dihedral groups named as everywhere here: D_n is the
    n-gon's, of order 2n (GAP's D8 is D4). A name describes: several groups may share one, as
    ``C4 : C4`` does not say how C4 acts. What can be read as a SPEC is that very group.
    """
    order, index = _checked_id(order, index)
    return _names().get((order, index), f"SmallGroup({order},{index})")


def _checked_id(order: int, index: int) -> tuple[int, int]:
    count = number_of_small_groups(order)
    order, index = whole_number(order, "the order"), whole_number(index, "the index")
    if not 1 <= index <= count:
        known = f"ids 1..{count}" if count > 1 else "id 1 only"
        raise ValueError(f"SmallGroup({order},{index}): order {order} has {known}")
    return order, index


def _words(primes: list[int]) -> tuple[str, ...]:
    exponents = np.indices(primes).reshape(len(primes), -1).T
    letters = [f"g{i}" for i in range(1, len(primes) + 1)]
    return tuple(
        "*".join(
            letter if e == 1 else f"{letter}^{e}"
            for letter, e in zip(letters, row, strict=True)
            if e
        )
        or "1"
        for row in exponents.tolist()
    )


@lru_cache(maxsize=1)
def _index() -> dict[str, Any]:
    text = files("groupfeat.groups").joinpath("data/small_groups.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@lru_cache(maxsize=1)
def _names() -> dict[tuple[int, int], str]:
    source = files("groupfeat.groups").joinpath("data/small_group_names.txt")
    rows = (line.split(" ", 2) for line in source.read_text(encoding="utf-8").splitlines())
    return {(int(n), int(i)): _DIHEDRAL.sub(_half, name) for n, i, name in rows}


def _half(match: re.Match[str]) -> str:
    return f"D{int(match[1]) // 2}"


@lru_cache(maxsize=8)
def _codes(order: int) -> tuple[int, ...]:
    count, width, start, length = _index()["orders"][str(order)]
    source = files("groupfeat.groups").joinpath("data/small_groups.lzma")
    with source.open("rb") as stream:
        stream.seek(start)
        packed = stream.read(length)
    raw = lzma.decompress(packed, format=lzma.FORMAT_RAW, filters=FILTERS)
    return tuple(int.from_bytes(raw[i * width : (i + 1) * width], "little") for i in range(count))
