"""Measure how the number of pairs a feature needs grows with M and with d.

Prints, for series of groups with irreps of a fixed dimension, the measured
thresholds of each energy, and the exponents of fits with their range of n/M².
Run ``python examples/threshold_scaling.py`` for the full series (some minutes),
with ``--quick`` for a glance.
"""

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from groupfeat.energy import predicted_families, survival_thresholds
from groupfeat.groups import FiniteGroup, cyclic, dicyclic, dihedral, irreps, metacyclic


@dataclass(frozen=True)
class Row:
    """One measured threshold."""

    series: str
    name: str
    order: int
    dim: int
    type: str
    n50: float
    low: float | None
    high: float | None

    @property
    def fraction(self) -> float:
        """n50/M²."""
        return self.n50 / self.order**2


def frobenius(q: int, d: int) -> FiniteGroup:
    """Return C_q ⋊ C_d with C_d acting faithfully: its irreps of dimension d > 1 are induced."""
    action = next(
        r for r in range(2, q) if pow(r, d, q) == 1 and all(pow(r, e, q) != 1 for e in range(1, d))
    )
    return metacyclic(q, d, action)


SERIES: dict[str, tuple[Callable[[int], FiniteGroup], Sequence[int], Sequence[int]]] = {
    "cyclic": (cyclic, (23, 47, 71, 97, 127, 251, 509), (11, 23)),
    "dihedral": (dihedral, (11, 23, 35, 48, 63, 125, 251), (5, 11)),
    "dicyclic": (dicyclic, (5, 11, 17, 24, 31, 62, 125), (3, 5)),
    "C_q : C_3": (lambda q: frobenius(q, 3), (7, 13, 19, 31, 43, 61, 97, 163), (7, 13)),
    "C_q : C_5": (lambda q: frobenius(q, 5), (11, 31, 41, 61, 101), (11,)),
}


def measure(variant: str, sampling: str, *, quick: bool, trials: int) -> list[Row]:
    """Return the threshold of the first family of the largest dimension of every group."""
    rows = []
    for series, (make, full, few) in SERIES.items():
        for size in few if quick else full:
            group = make(size)
            reps = irreps(group)
            families = predicted_families(reps)
            wanted = "quaternionic" if series == "dicyclic" else None
            chosen = [f for f in families if wanted is None or f.type == wanted]
            family = max(chosen, key=lambda f: f.dim)
            (found,) = survival_thresholds(
                reps, [family], trials=trials, variant=variant, sampling=sampling
            )
            if found.n50 is not None:
                rows.append(
                    Row(
                        series,
                        group.name,
                        group.order,
                        family.dim,
                        family.type,
                        found.n50,
                        found.low,
                        found.high,
                    )
                )
    return rows


def fitted_exponent(rows: Sequence[Row]) -> tuple[float, float]:
    """Return β ± standard error of n50 ∝ (M ln M)^β by least squares."""
    x = np.log([r.order * math.log(r.order) for r in rows])
    y = np.log([r.n50 for r in rows])
    design = np.stack([x, np.ones_like(x)], axis=1)
    solution, residual, *_ = np.linalg.lstsq(design, y, rcond=None)
    spread = float(residual[0]) / max(1, len(rows) - 2) if len(residual) else 0.0
    return float(solution[0]), math.sqrt(spread * np.linalg.inv(design.T @ design)[0, 0])


def main() -> None:
    """Print tables and fits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--trials", type=int, default=20)
    options = parser.parse_args()
    for variant in ("raw", "cross", "ht"):
        for sampling in ("without", "with"):
            rows = measure(variant, sampling, quick=options.quick, trials=options.trials)
            print(f"\n## {variant}, drawn {sampling} replacement")
            print("| series | group | M | d | type | n50 | 95 % | n50/M² | n50/(M ln M) |")
            print("|---|---|---|---|---|---|---|---|---|")
            for r in rows:
                scale = r.order * math.log(r.order)
                print(
                    f"| {r.series} | {r.name} | {r.order} | {r.dim} | {r.type} | {r.n50:.0f} "
                    f"| {r.low}–{r.high} | {r.fraction:.3f} | {r.n50 / scale:.2f} |",
                    flush=True,
                )
            for series in SERIES:
                own = [r for r in rows if r.series == series]
                for name, part in (("all", own), ("last three", own[-3:])):
                    if len(part) >= 3:
                        beta, error = fitted_exponent(part)
                        least, most = min(r.fraction for r in part), max(r.fraction for r in part)
                        print(
                            f"{series}, {name}: n50 ~ (M ln M)^{beta:.2f} ± {error:.2f}, "
                            f"n50/M² from {least:.3f} to {most:.3f}"
                        )


if __name__ == "__main__":
    main()
