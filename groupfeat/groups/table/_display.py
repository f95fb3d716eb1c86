"""How values, tables and groups show themselves, as text and as HTML for notebooks."""

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["format_value", "html_table", "shorten", "summarise"]


def format_value(value: complex, *, digits: int = 4) -> str:
    """Return a number as short text: ``2``, ``-0.5+0.866i``, ``i``."""
    re, im = (round(x, digits) + 0.0 for x in (value.real, value.imag))
    if not im:
        return f"{re:g}"
    factor = {1.0: "", -1.0: "-"}.get(im, f"{im:g}")
    if not re:
        return f"{factor}i"
    return f"{re:g}{'+' if im > 0 else ''}{factor}i"


def html_table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an HTML table; every text is escaped."""
    head = "".join(f"<th>{escape(c)}</th>" for c in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(x))}</td>" for x in row) + "</tr>" for row in rows
    )
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def summarise(values: Sequence[object], limit: int = 12) -> str:
    """Return the values with commas, cut after ``limit``."""
    told = ", ".join(str(v) for v in values[:limit])
    return told if len(values) <= limit else f"{told}, … ({len(values)} in all)"


def shorten(text: str, limit: int = 60) -> str:
    """Return a text for a message, cut after ``limit`` characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
