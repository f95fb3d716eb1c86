"""Group specifications: ``S4``, ``C2xC3xC4``, ``perm:(1,2,3);(1,2)``, ``table:FILE``."""

import re
from collections.abc import Callable

from groupfeat.groups.construct._families import cyclic, dicyclic, dihedral, metacyclic
from groupfeat.groups.construct._files import load_cayley_table
from groupfeat.groups.construct._matrix_groups import (
    affine_line,
    general_linear,
    heisenberg,
    projective_special_linear,
    special_linear,
)
from groupfeat.groups.construct._permutations import (
    alternating,
    from_permutations,
    parse_cycles,
    symmetric,
)
from groupfeat.groups.construct._presentations import from_presentation
from groupfeat.groups.construct._products import direct_product, wreath_product
from groupfeat.groups.construct._small_groups import small_group
from groupfeat.groups.construct._spelling import suggested_spec
from groupfeat.groups.table._display import shorten
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["group_from_spec"]

_GREEDY = ("pres:", "table:")
_MAX_DEPTH = 50

KNOWN = (
    "C23, D5, S4, A5, Q8, Dic5, F21, AGL(1,7), Heis(3), GL(2,3), SL(2,5), PSL(2,7), "
    "SmallGroup(96,227), products such as C2xC3 or 2x3, C2wrC3, perm:(1,2,3)(4,5);(1,2), "
    "pres:a,b|a^2,b^3,(a*b)^5, table:FILE"
)


def group_from_spec(spec: str) -> FiniteGroup:
    """Return the group that ``spec`` names.

    ``C23`` (also ``Z23``) cyclic, ``D5`` dihedral of order 10, ``S4``
    symmetric, ``A5`` alternating, ``Q8`` generalised quaternion (its order, a
    power of 2), ``Dic5`` dicyclic of order 20, ``F21`` Frobenius C_p ⋊ C_m
    (its order), ``AGL(1,q)``, ``Heis(q)``, ``GL(n,q)``, ``SL(n,q)``, ``PSL(n,q)`` over
    fields of prime-power order q, ``SmallGroup(n,i)``, products with ``x`` (``C2xC3xC4``,
    also ``2x3x4``), regular wreath products (``C2wrC3``; binds tighter than ``x``), parentheses
    (``(C2xC2)wrC2``, ``(pres:a|a^2)xC3``), ``perm:(1,2,3)(4,5);(1,2)``,
    ``pres:a,b|a^2,b^3,(a*b)^5`` and ``table:FILE`` (.npy, .csv, .json).

    Raises
    ------
    ValueError
        If the text is of no known form, or names no group (one line, with the place).

    Examples
    --------
    >>> from groupfeat.groups import group_from_spec
    >>> group_from_spec("C2xS3").order
    12
    """
    if not isinstance(spec, str):
        raise ValueError(f"a group's specification is a text such as 'S4', got {spec!r}")
    text = spec.strip()
    factors = [_factor(part, text) for part in _split(text, "x", spec)]
    if len(factors) == 1:
        return factors[0]
    found = direct_product(*factors)
    return _renamed(found, text) if any(kind in text for kind in _GREEDY) else found


def _split(text: str, separator: str, spec: str) -> list[str]:
    """Split at separators outside parentheses; pres: and table: take all the rest."""
    parts, depth, start, place = [], 0, 0, 0
    while place < len(text):
        if place == start and text[place:].lstrip().startswith(_GREEDY):
            break
        depth += (text[place] == "(") - (text[place] == ")")
        if depth < 0 or depth > _MAX_DEPTH:
            raise ValueError(
                f"parentheses do not match or nest too deep in {shorten(spec.strip())!r}"
            )
        if depth == 0 and text.startswith(separator, place):
            parts.append(text[start:place])
            start = place = place + len(separator)
        else:
            place += 1
    return [*parts, text[start:]]


def _factor(text: str, spec: str) -> FiniteGroup:
    base, *acting = _split(text, "wr", spec)
    if len(acting) > _MAX_DEPTH:
        raise ValueError(f"more than {_MAX_DEPTH} wreath products in {shorten(spec.strip())!r}")
    if acting:
        found = wreath_product(_factor(base, spec), _factor("wr".join(acting), spec))
        return _renamed(found, text.strip()) if "(" in text or ":" in text else found
    text = text.strip()
    kind, colon, rest = text.partition(":")
    if colon and kind in _READERS:
        return _READERS[kind](rest, text)
    if text.startswith("(") and text.endswith(")"):
        return group_from_spec(text[1:-1])
    return _named(text, spec)


def _named(text: str, spec: str) -> FiniteGroup:
    # Blanks may stand beside brackets and commas, not inside a name or a number.
    squeezed = re.sub(r"\s*([(),])\s*", r"\1", text)
    match = re.fullmatch(r"([A-Za-z]*)([0-9]{1,6})", squeezed)
    if match is not None and match[1] in _FAMILIES:
        return _FAMILIES[match[1]](int(match[2]))
    match = re.fullmatch(r"([A-Za-z]+)\(([0-9]{1,6})(?:,([0-9]{1,6}))?\)", squeezed)
    arguments = [int(part) for part in match.groups()[1:] if part] if match else []
    if match is None or (match[1], len(arguments)) not in _FUNCTIONS:
        place = "" if text == spec else f" in {shorten(spec)!r}"
        raise ValueError(
            f"unknown group {shorten(text)!r}{place}; {_hint(text)}known forms: {KNOWN}"
        )
    return _FUNCTIONS[match[1], len(arguments)](*arguments)


def _hint(text: str) -> str:
    """Return what to say of a text that resembles a known form; else nothing."""
    if re.fullmatch(r"[A-Za-z]*[0-9]{7,}", text):
        return "its number is far beyond any table (orders up to 8000 without being asked); "
    meant = suggested_spec(text, (*_FAMILIES, *(name for name, _ in _FUNCTIONS)))
    return "" if meant is None else f"did you mean {meant}? "


def _permutation_group(text: str, name: str) -> FiniteGroup:
    return from_permutations(parse_cycles(text), name=name)


def _affine(n: int, q: int) -> FiniteGroup:
    if n != 1:
        raise ValueError(f"AGL(n,q) is known for n = 1 only, got n = {n}")
    return affine_line(q)


def _quaternion(order: int) -> FiniteGroup:
    if order < 8 or order & (order - 1):
        raise ValueError(f"Qn is the quaternion group of order n = 8, 16, 32, …, got {order}")
    return _renamed(dicyclic(order // 4), f"Q{order}")


def _frobenius(order: int) -> FiniteGroup:
    """Return C_p ⋊ C_m of the given order, p its largest prime factor and C_m acting freely."""
    p = max((q for q in range(2, order + 1) if order % q == 0 and _is_prime(q)), default=1)
    k = order // p
    if k < 2 or (p - 1) % k:
        raise ValueError(
            f"F{order} needs order p*m with p its largest prime factor and m > 1 dividing p - 1 "
            "(F21 = C7:C3)"
        )
    generator = next(r for r in range(2, p) if _multiplicative_order(r, p) == p - 1)
    return metacyclic(p, k, pow(generator, (p - 1) // k, p), name=f"F{order}")


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % q for q in range(2, int(n**0.5) + 1))


def _multiplicative_order(r: int, p: int) -> int:
    return next(e for e in range(1, p) if pow(r, e, p) == 1)


def _renamed(group: FiniteGroup, name: str) -> FiniteGroup:
    return FiniteGroup._trusted(name, group.cayley_table, group.generators, group.labels)


_READERS: dict[str, Callable[[str, str], FiniteGroup]] = {
    "perm": _permutation_group,
    "pres": lambda text, name: from_presentation(text, name=name),
    "table": lambda path, name: load_cayley_table(path, name=name),
}

_FAMILIES: dict[str, Callable[[int], FiniteGroup]] = {
    "": cyclic,
    "C": cyclic,
    "Z": cyclic,
    "D": dihedral,
    "S": symmetric,
    "A": alternating,
    "Q": _quaternion,
    "Dic": dicyclic,
    "F": _frobenius,
}

_FUNCTIONS: dict[tuple[str, int], Callable[..., FiniteGroup]] = {
    ("AGL", 2): _affine,
    ("GL", 2): general_linear,
    ("Heis", 1): heisenberg,
    ("PSL", 2): projective_special_linear,
    ("SL", 2): special_linear,
    ("SmallGroup", 2): small_group,
}
