"""docs/thresholds.md: its tables are the stored rows."""

import re
from pathlib import Path

import pytest

from analyzers.threshold_study import Measurement, read_rows

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "thresholds.md").read_text(encoding="utf-8")
ROWS = [row for rows in read_rows(DOCS / "data" / "thresholds.json").values() for row in rows]


def stored(spec: str, variant: str, sampling: str, kind: str = "existence") -> list[Measurement]:
    asked = (spec, variant, sampling, kind)
    return [r for r in ROWS if (r.spec, r.variant, r.sampling, r.kind) == asked]


def section(begin: str, end: str) -> str:
    return PAGE[PAGE.index(begin) : PAGE.index(end)]


def agree(told: tuple[str, ...], rows: list[Measurement]) -> None:
    count, fraction, scaled = (float(value) for value in told)
    (row,) = [r for r in rows if r.n50 is not None and abs(r.n50 - count) <= 0.5]
    assert row.fraction == pytest.approx(fraction, abs=0.00501)
    assert count / (row.order * row.effective_dim) == pytest.approx(scaled, abs=0.0501)


def test_raw_thresholds_are_those_stored() -> None:
    part = section("Raw energy, existence, without replacement", "Other draws")
    cells = re.findall(r"(\w+): (\d+), ([\d.]+), ([\d.]+)", part)
    assert len(cells) >= 30
    for spec, *told in cells:
        agree(tuple(told), stored(spec, "raw", "without"))


def test_other_thresholds_are_those_stored() -> None:
    part = section("| group | raw, with replacement", "All irreps of S")
    columns = [("raw", "with"), ("cross", "without"), ("cross", "with")]
    seen = 0
    for line in part.splitlines()[2:]:
        spec, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        for cell, (variant, sampling) in zip(cells, columns, strict=False):
            told = re.fullmatch(r"(\d+) \(([\d.]+), ([\d.]+)\)", cell)
            if told:
                agree(told.groups(), stored(spec, variant, sampling))
                seen += 1
    assert seen >= 40


def test_reachability_is_that_stored() -> None:
    part = section("### Reachability", "On C127 it is")
    lines = [line for line in part.splitlines() if re.match(r"\| [CDS]\d", line)]
    assert len(lines) == 6
    for line in lines:
        spec, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        for variant, cell in zip(("raw", "cross"), cells[1::2], strict=True):
            rows = stored(spec, variant, "without", "reachability")
            row = max(rows, key=lambda r: r.n50 or 0)
            told = [float(n) for n in re.findall(r"\d+", cell)]
            assert [row.n50, row.low, row.high] == pytest.approx(told, abs=0.51)
