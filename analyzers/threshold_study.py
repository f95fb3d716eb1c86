"""How thresholds grow with M and d: series of groups, measurements as plain rows, fits."""

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analyzers.storage import versions, write_text
from groupfeat.energy import PredictedFamily, predicted_families, survival_thresholds
from groupfeat.groups import Irreps, group_from_spec, irreps

__all__ = [
    "SERIES",
    "Measurement",
    "Series",
    "measure_again",
    "measure_series",
    "measure_threshold",
    "read_rows",
    "write_rows",
]


@dataclass(frozen=True)
class Series:
    """Groups that grow while the family's dimension and type stay.

    Parameters
    ----------
    dim, type
        Of the family; the first such family of each group is measured.
    specs
        The groups, in order of size.
    """

    dim: int
    type: str
    specs: tuple[str, ...]


SERIES = {
    "cyclic": Series(1, "complex", ("C23", "C47", "C71", "C97", "C127", "C251", "C509")),
    "dihedral": Series(2, "real", ("D11", "D23", "D48", "D63", "D125", "D251", "D500")),
    "dicyclic": Series(2, "quaternionic", ("Dic5", "Dic11", "Dic24", "Dic62", "Dic125", "Dic250")),
    "C_q:C_4": Series(4, "real", ("F20", "F52", "F116", "F244", "F548", "F964")),
    "C_q:C_3": Series(3, "complex", ("F21", "F57", "F129", "F219", "F489", "F993")),
    "C_q:C_5": Series(5, "complex", ("F55", "F155", "F305", "F505", "F905")),
}
"""M/(2E*) is 2 for the first two, 4 for the next two, then 6 and 10."""


@dataclass(frozen=True)
class Measurement:
    """One measured threshold.

    Parameters
    ----------
    spec, order, dim, type, irreps, effective_dim
        The group and the family; ``effective_dim`` is M/(2E*).
    variant, kind, sampling, trials, seed
        As for `survival_thresholds`.
    thresholds
        One n a trial, None where the maximum is lost at every n tried.
    n50, low, high
        Median and its 95 % interval; None where censored.
    undecided
        Climbs that ended neither converged nor localised.
    seconds
        Of work.
    """

    spec: str
    order: int
    dim: int
    type: str
    irreps: tuple[int, ...]
    effective_dim: float
    variant: str
    kind: str
    sampling: str
    trials: int
    seed: int
    thresholds: tuple[float | None, ...]
    n50: float | None
    low: float | None
    high: float | None
    undecided: int
    seconds: float

    @property
    def fraction(self) -> float:
        """n50/M², NaN where censored."""
        return math.nan if self.n50 is None else self.n50 / self.order**2

    def to_dict(self) -> dict[str, Any]:
        """Return the measurement as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Measurement":
        """Return the measurement that `to_dict` wrote."""
        tuples = {name: tuple(values[name]) for name in ("irreps", "thresholds")}
        return cls(**{**values, **tuples})


def measure_threshold(
    reps: Irreps,
    family: PredictedFamily,
    *,
    spec: str,
    variant: str = "raw",
    kind: str = "existence",
    sampling: str = "without",
    trials: int = 20,
    seed: int = 0,
) -> Measurement:
    """Measure one family's threshold on one group."""
    start = time.perf_counter()
    (found,) = survival_thresholds(
        reps,
        [family],
        trials=trials,
        variant=variant,
        kind=kind,
        sampling=sampling,
        rng=seed,
        resolve_all=True,
    )
    order = reps.group.order
    return Measurement(
        spec,
        order,
        family.dim,
        family.type,
        family.irreps,
        order / (2 * family.energy),
        variant,
        kind,
        sampling,
        trials,
        seed,
        tuple(float(n) if np.isfinite(n) else None for n in found.thresholds),
        found.n50,
        found.low,
        found.high,
        found.undecided,
        time.perf_counter() - start,
    )


def measure_series(
    series: Series,
    *,
    variant: str = "raw",
    kind: str = "existence",
    sampling: str = "without",
    trials: int = 20,
    seed: int = 0,
    specs: Sequence[str] | None = None,
) -> Iterator[Measurement]:
    """Yield the threshold of each group of a series, smallest first; ``specs`` picks groups."""
    for spec in series.specs if specs is None else specs:
        reps = irreps(group_from_spec(spec))
        wanted = (series.dim, series.type)
        family = next(f for f in predicted_families(reps) if (f.dim, f.type) == wanted)
        yield measure_threshold(
            reps,
            family,
            spec=spec,
            variant=variant,
            kind=kind,
            sampling=sampling,
            trials=trials,
            seed=seed,
        )


def measure_again(row: Measurement) -> Measurement:
    """Measure what ``row`` says anew: same group, family, options, trials and seed."""
    reps = irreps(group_from_spec(row.spec))
    family = next(f for f in predicted_families(reps) if f.irreps == row.irreps)
    return measure_threshold(
        reps,
        family,
        spec=row.spec,
        variant=row.variant,
        kind=row.kind,
        sampling=row.sampling,
        trials=row.trials,
        seed=row.seed,
    )


def write_rows(path: Path, series: dict[str, list[Measurement]]) -> Path:
    """Write rows by series as JSON, a line a row, with the versions they were measured with."""
    lines = [
        json.dumps({"series": name, **row.to_dict()}, allow_nan=False, separators=(",", ":"))
        for name, rows in series.items()
        for row in rows
    ]
    head = json.dumps(versions())
    return write_text(path, f'{{"versions": {head}, "rows": [\n' + ",\n".join(lines) + "\n]}\n")


def read_rows(path: Path) -> dict[str, list[Measurement]]:
    """Return the rows that `write_rows` wrote, by series."""
    found: dict[str, list[Measurement]] = {}
    for values in json.loads(path.read_text(encoding="utf-8"))["rows"]:
        found.setdefault(values.pop("series"), []).append(Measurement.from_dict(values))
    return found
