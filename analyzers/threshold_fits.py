"""Exponents of measured thresholds, with intervals and the range of n/M² that they rest on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from analyzers.style import own_axes
from analyzers.threshold_study import Measurement

__all__ = ["AXES", "Fit", "fit_exponents", "plot_thresholds", "select"]

Floats = NDArray[np.float64]

AXES: dict[str, Callable[[Measurement], float]] = {
    "M ln M": lambda row: float(row.order * np.log(row.order)),
    "M": lambda row: float(row.order),
    "d": lambda row: float(row.dim),
    "M/(2E*)": lambda row: row.effective_dim,
}
"""What a threshold may be a power of."""


@dataclass(frozen=True)
class Fit:
    """n50 = C Π x^β by least squares of logarithms.

    Parameters
    ----------
    axes
        Names in ``AXES``.
    exponents, intervals
        β of each, and its 95 % interval: percentiles over trials drawn anew, with replacement,
        for every group.
    constant
        C.
    spread
        Root mean square of the residuals of ln n50.
    groups
        Rows that were fitted.
    least_fraction, most_fraction
        Range of n50/M² that the fit rests on.
    """

    axes: tuple[str, ...]
    exponents: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...]
    constant: float
    spread: float
    groups: int
    least_fraction: float
    most_fraction: float

    def __str__(self) -> str:
        powers = " ".join(
            f"({name})^{beta:.2f} [{low:.2f}, {high:.2f}]"
            for name, beta, (low, high) in zip(
                self.axes, self.exponents, self.intervals, strict=True
            )
        )
        return (
            f"n50 = {self.constant:.3g} {powers}, residual {self.spread:.3f}, {self.groups} "
            f"groups, n/M² from {self.least_fraction:.3f} to {self.most_fraction:.3f}"
        )


def select(
    rows: Sequence[Measurement],
    *,
    variant: str = "raw",
    kind: str = "existence",
    sampling: str = "without",
    most_fraction: float = np.inf,
) -> list[Measurement]:
    """Return the rows of one question whose n50/M² is at most ``most_fraction``, none censored."""
    asked = (variant, kind, sampling)
    return [
        row
        for row in rows
        if (row.variant, row.kind, row.sampling) == asked
        and row.n50 is not None
        and row.fraction <= most_fraction
    ]


def fit_exponents(
    rows: Sequence[Measurement],
    axes: Sequence[str] = ("M ln M",),
    *,
    draws: int = 2000,
    rng: int | np.random.Generator,
) -> Fit:
    """Fit powers of ``axes`` to the rows' medians.

    Parameters
    ----------
    rows
        Measurements without censored medians.
    axes
        Names in ``AXES``.
    draws
        Bootstrap samples.
    rng
        Seed or generator of the bootstrap.

    Raises
    ------
    ValueError
        If there are not more rows than unknowns, or the axes are not independent on them.
    """
    if len(rows) < len(axes) + 1:
        raise ValueError(
            f"{len(axes)} exponents and a constant need at least {len(axes) + 1} groups, got "
            f"{len(rows)}"
        )
    columns = [np.log([AXES[name](row) for row in rows]) for name in axes]
    design = np.stack([*columns, np.ones(len(rows))], axis=1)
    if np.linalg.matrix_rank(design, tol=1e-6) < design.shape[1]:
        raise ValueError(f"{', '.join(axes)} are not independent on these groups; vary each")
    solver = np.linalg.pinv(design)
    level = np.log(np.array([row.n50 for row in rows], dtype=np.float64))
    solution = solver @ level
    generator = np.random.default_rng(rng)
    drawn = np.log(np.stack([_medians(row, draws, generator) for row in rows]))
    slopes = (solver @ drawn)[:-1]
    ends = np.nanquantile(slopes, [0.025, 0.975], axis=1).T
    fractions = [row.fraction for row in rows]
    return Fit(
        tuple(axes),
        tuple(solution[:-1].tolist()),
        tuple((float(low), float(high)) for low, high in ends),
        float(np.exp(solution[-1])),
        float(np.sqrt(np.mean((level - design @ solution) ** 2))),
        len(rows),
        min(fractions),
        max(fractions),
    )


def _medians(row: Measurement, draws: int, generator: np.random.Generator) -> Floats:
    """Return medians of trials drawn anew, (draws,); a censored one counts as the largest seen."""
    seen = np.array([n for n in row.thresholds if n is not None])
    values = np.array([seen.max() if n is None else n for n in row.thresholds])
    picked = generator.integers(0, len(values), (draws, len(values)))
    return np.asarray(np.median(values[picked], axis=1))


def plot_thresholds(
    rows: dict[str, Sequence[Measurement]], *, corrected: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw n50/(M·M/(2E*)) over M, a line a series; M log M rises here, M is level.

    With ``corrected`` n50/(1 − n50/M²) takes the place of n50 (drawn without replacement).
    """
    axes = own_axes(ax)
    for name, series in rows.items():
        order = np.array([row.order for row in series], dtype=np.float64)
        count = np.array([row.n50 for row in series], dtype=np.float64)
        if corrected:
            count = count / (1 - count / order**2)
        scale = order * np.array([row.effective_dim for row in series])
        axes.plot(order, count / scale, "o-", label=name, markersize=4)
    axes.set_xscale("log")
    axes.set_xlabel("order M")
    top = "n50/(1 − n50/M²)" if corrected else "n50"
    axes.set_ylabel(f"{top} / (M · M/2E*)")
    axes.legend(frameon=False)
    return axes
