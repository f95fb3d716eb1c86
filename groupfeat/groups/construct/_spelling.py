"""What a misspelt specification may have meant: ``s4``, ``D_5``, ``C2×C3``, ``C2^3``, ``V4``."""

import re
from collections.abc import Iterable

__all__ = ["suggested_spec"]

_OTHER_NAMES = {"V4": "C2xC2", "K4": "C2xC2"}
_MOST_FACTORS = 12  # 2^13 is beyond the order of a table


def suggested_spec(text: str, names: Iterable[str]) -> str | None:
    """Return a specification in known spelling that ``text`` resembles, or None.

    ``names``: the known families, ``S`` or ``GL``.
    """
    spellings = {name.lower(): name for name in names if name}
    found: list[str] = []
    for part in re.split("[x×*]", re.sub(r"[_\s]", "", text)):
        match = re.fullmatch(r"([A-Za-z]+)(\d{1,6}|\([\d,]{1,20}\))(?:\^(\d{1,2}))?", part)
        if match is None:
            return None
        name = spellings.get(match[1].lower())
        plain = _OTHER_NAMES.get(f"{match[1].upper()}{match[2]}")
        if plain is None and name is None:
            return None
        found += [plain or f"{name}{match[2]}"] * int(match[3] or 1)
    told = "x".join(found)
    return told if told != text and len(found) <= _MOST_FACTORS else None
