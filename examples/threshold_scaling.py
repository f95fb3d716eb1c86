"""How thresholds grow: tables and fits of the stored measurements, or the measurements anew.

``python examples/threshold_scaling.py`` prints the rows of docs/data/thresholds.json
and the fits that docs/thresholds.md quotes. ``--again`` measures every row anew (same
group, family, seed and number of trials) and prints the stored n50 beside it;
``--largest M`` leaves out groups above order M, ``--out FILE`` writes what was
measured. All rows take about an hour of one core, those up to order 130 three minutes.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from analyzers.threshold_fits import fit_exponents, select
from analyzers.threshold_study import Measurement, measure_again, read_rows, write_rows

DATA = Path(__file__).resolve().parents[1] / "docs" / "data" / "thresholds.json"
QUESTIONS = [(v, s) for v in ("raw", "cross") for s in ("without", "with")]


def print_rows(rows: Sequence[Measurement]) -> None:
    """Print one line a threshold."""
    print("| group | M | d | type | M/(2E*) | energy | kind | drawn | n50 | 95 % | n50/M² |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for r in rows:
        what = f"{r.spec} | {r.order} | {r.dim} | {r.type} | {r.effective_dim:g} | {r.variant}"
        told = f"{r.n50} | {r.low}–{r.high} | {r.fraction:.3f}"
        print(f"| {what} | {r.kind} | {r.sampling} | {told} |", flush=True)


def print_fits(series: dict[str, list[Measurement]]) -> None:
    """Print exponents of M and of M/(2E*), always with the range of n/M²."""
    for variant, sampling in QUESTIONS:
        print(f"\n## {variant}, drawn {sampling} replacement, existence")
        for name, rows in series.items():
            part = select(rows, variant=variant, sampling=sampling)
            if len(part) >= 4 and name != "table":
                for axis in ("M ln M", "M"):
                    print(f"{name}: {fit_exponents(part, [axis], rng=0)}")
        every = [r for name, rows in series.items() if name != "table" for r in rows]
        for most in (0.4, 0.25, 0.2):
            part = select(every, variant=variant, sampling=sampling, most_fraction=most)
            if len({r.effective_dim for r in part}) > 1 and len(part) >= 5:
                for axis in ("M ln M", "M"):
                    print(f"all, n/M² ≤ {most}: {fit_exponents(part, [axis, 'M/(2E*)'], rng=0)}")


def main() -> None:
    """Print, or measure anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--largest", type=int, default=10**9)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    stored = {
        name: [row for row in rows if row.order <= options.largest]
        for name, rows in read_rows(DATA).items()
    }
    if not options.again:
        print_rows([row for rows in stored.values() for row in rows])
        print_fits(stored)
        return
    measured: dict[str, list[Measurement]] = {name: [] for name in stored}
    for name, rows in stored.items():
        for row in rows:
            fresh = measure_again(row)
            measured[name].append(replace(fresh, seconds=round(fresh.seconds, 2)))
            print(
                f"{row.spec} d={row.dim} {row.variant} {row.kind} {row.sampling}: stored "
                f"{row.n50}, now {fresh.n50}, {fresh.seconds:.1f} s",
                flush=True,
            )
    if options.out is not None:
        write_rows(options.out, measured)


if __name__ == "__main__":
    main()
