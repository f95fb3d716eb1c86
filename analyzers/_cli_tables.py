"""Tables for people: as wide as there is room, texts wrapped at words, nothing cut off."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import rich.table
from rich.cells import cell_len

__all__ = ["Table", "fitted", "rich_table", "table"]

_BORDER, _PADDING = 1, 2
Extent = tuple[int, int]


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Parameters
    ----------
    title
        Above it.
    columns
        Heads.
    rows
        As many cells each; the first column names the row.
    numeric
        Whether a column is aligned to the right.
    widths
        Of the columns' texts; empty where none are chosen yet.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    widths: tuple[int, ...] = ()

    @property
    def outer_width(self) -> int:
        """Width with borders, once ``widths`` are chosen."""
        return _outer(self.widths)

    def part(self, chosen: Sequence[int], title: str) -> "Table":
        """Return the columns at these positions as a table of their own."""
        rows = tuple(tuple(row[i] for i in chosen) for row in self.rows)
        heads = tuple(self.columns[i] for i in chosen)
        return Table(title, heads, rows, tuple(self.numeric[i] for i in chosen))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """Return a table; columns of numbers are right-aligned, None is –."""
    numeric = tuple(
        bool(rows) and all(isinstance(row[i], int | float) for row in rows)
        for i in range(len(columns))
    )
    return Table(title, tuple(columns), tuple(tuple(map(_cell, row)) for row in rows), numeric)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def fitted(whole: Table, width: int, *, parts: bool) -> list[Table]:
    """Return the table with widths of its columns that fit ``width``; words are never broken.

    With ``parts``, columns for which there is no room make further tables, each with the first
    column before them; without, the table is then wider.
    """
    extents = [_extent((head, *cells)) for head, *cells in _by_columns(whole)]
    if not parts or _outer(least for least, _ in extents) <= width:
        return [replace(whole, widths=_widths(extents, width))]
    return [
        replace(
            whole.part(chosen, whole.title if not k else ""),
            widths=_widths([extents[i] for i in chosen], width),
        )
        for k, chosen in enumerate(_blocks([least for least, _ in extents], width))
    ]


def _by_columns(whole: Table) -> Iterator[tuple[str, ...]]:
    for i, head in enumerate(whole.columns):
        yield (head, *(row[i] for row in whole.rows))


def _extent(texts: Sequence[str]) -> Extent:
    """Return the width of the longest word and of the longest text."""
    words = [word for text in texts for word in text.split()]
    return max(map(cell_len, words), default=1), max(1, *map(cell_len, texts))


def _outer(widths: Sequence[int] | Iterator[int]) -> int:
    """Return the width of a table with its borders."""
    return sum(each + _PADDING + _BORDER for each in widths) + _BORDER


def _widths(extents: Sequence[Extent], width: int) -> tuple[int, ...]:
    """Return what each column gets: long texts are held to one width, as large as there is room."""

    def held(to: int) -> tuple[int, ...]:
        return tuple(max(least, min(most, to)) for least, most in extents)

    fitting = (to for to in range(width, 0, -1) if _outer(held(to)) <= width)
    return held(next(fitting, 0))


def _blocks(least: Sequence[int], width: int) -> Iterator[list[int]]:
    """Yield positions of columns that fit side by side, the first column in every block."""
    block = [0]
    for i in range(1, len(least)):
        if len(block) > 1 and _outer([*(least[k] for k in block), least[i]]) > width:
            yield block
            block = [0]
        block.append(i)
    yield block


def rich_table(fit: Table) -> rich.table.Table:
    """Return the table as rich draws it."""
    drawn = rich.table.Table(title=fit.title or None, title_justify="left", header_style="bold")
    for head, numeric, width in zip(fit.columns, fit.numeric, fit.widths, strict=True):
        drawn.add_column(head, justify="right" if numeric else "left", width=width)
    for row in fit.rows:
        drawn.add_row(*row)
    return drawn
