"""How thresholds grow: tables and fits of the stored measurements, or the measurements anew.

``python examples/threshold_scaling.py`` prints the rows of docs/data/thresholds.json
and the fits that docs/thresholds.md quotes. ``--again`` measures every row anew (same
group, family, seed and number of trials) and prints the stored n50 beside it;
``--largest M`` leaves out groups above order M, ``--out FILE`` writes what was
measured, ``--figure FILE`` draws the growth. The work of all rows took 51 minutes
of a busy core; a row says its own seconds.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from matplotlib.figure import Figure

from analyzers.threshold_fits import fit_exponents, plot_thresholds, select
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
    """Print exponents of M and of d* = M/(2E*), always with the range of n/M²."""
    every = [r for name, rows in series.items() if name != "table" for r in rows]
    for variant, sampling in QUESTIONS:
        print(f"\n## {variant}, drawn {sampling} replacement, existence")
        for most in (100.0, 0.6, 0.3, 0.25, 0.2, 0.13, 0.06):
            part = select(every, variant=variant, sampling=sampling, most_fraction=most)
            alike = [r for r in part if r.effective_dim == 2]
            for axis in ("M ln M", "M"):
                if len(alike) >= 4:
                    print(f"d* = 2, n/M² ≤ {most:g}: {fit_exponents(alike, [axis], rng=0)}")
                if len({r.effective_dim for r in part}) > 1 and len(part) >= 5:
                    fit = fit_exponents(part, [axis, "M/(2E*)"], rng=0)
                    print(f"all, n/M² ≤ {most:g}: {fit}")


def draw(series: dict[str, list[Measurement]], path: Path) -> None:
    """Draw n50/(M d*) over M for both energies and both ways to draw pairs."""
    figure = Figure(figsize=(9.6, 4.0), layout="constrained")
    for axes, variant in zip(figure.subplots(1, 2), ("raw", "cross"), strict=True):
        for name in ("cyclic", "dihedral", "dicyclic", "C_q:C_4", "C_q:C_3"):
            for sampling in ("without", "with"):
                rows = select(series[name], variant=variant, sampling=sampling)
                if len(rows) > 1:
                    label = name if sampling == "without" else f"{name}, with replacement"
                    plot_thresholds({label: rows}, ax=axes)
        axes.set_title(f"{variant} energy")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_ylim(0)
        axes.legend(frameon=False, fontsize=7)
    figure.savefig(path, dpi=130)


def main() -> None:
    """Print, or measure anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--largest", type=int, default=10**9)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    stored = {
        name: [row for row in rows if row.order <= options.largest]
        for name, rows in read_rows(DATA).items()
    }
    if not options.again:
        print_rows([row for rows in stored.values() for row in rows])
        print_fits(stored)
        if options.figure is not None:
            draw(stored, options.figure)
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
