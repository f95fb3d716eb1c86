"""Predicted and found maxima of the energy."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from analyzers._words import irreps_name
from analyzers.style import FOUND, MUTED, PREDICTED, family_label, own_axes
from groupfeat.energy import (
    FoundMaxima,
    energy_and_gradient,
    find_maxima,
    full_pairs,
    riemannian_spectrum,
    sample_pairs,
)
from groupfeat.groups import FiniteGroup, Irreps

__all__ = [
    "COLUMNS",
    "describe_maxima",
    "measure_maxima",
    "plot_levels",
    "plot_spectra",
    "summarize",
    "tabulate",
]

COLUMNS = ("irreps", "kind", "orbit", "E", "E*", "flat", "ascending", "starts", "gradient")
"""Heads of the rows of `tabulate`."""


def measure_maxima(
    irreps: Irreps,
    *,
    activation: str = "square",
    starts: int = 200,
    train_fraction: float = 1.0,
    method: str = "fast",
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[FoundMaxima, float]:
    """Search maxima on all pairs or on a random share of them; also return the seconds."""
    group: FiniteGroup = irreps.group
    pairs = sample_pairs(group, train_fraction, rng=seed)
    energy_and_gradient(np.zeros(2 * group.order), pairs)  # compiles, outside the clock
    start = time.perf_counter()
    found = find_maxima(
        irreps,
        pairs=pairs,
        activation=activation,
        method=method,
        starts=starts,
        rng=seed,
        progress=progress,
    )
    return found, time.perf_counter() - start


def describe_maxima(found: FoundMaxima, seconds: float) -> dict[str, Any]:
    """Return predicted and found maxima as plain values for JSON."""
    return {
        "predicted": [
            {
                "irreps": list(family.irreps),
                "dim": family.dim,
                "type": family.type,
                "energy": family.energy,
                "flat_dim": family.flat_dim,
            }
            for family in found.predicted
        ],
        "found": [
            {
                "kind": c.kind,
                "shape": c.shape,
                "orbit": c.orbit,
                "converged": c.is_converged,
                "irreps": list(c.irreps),
                "energy": c.energy,
                "count": c.count,
                "probability": c.probability,
                "probability_interval": list(c.probability_interval),
                "flat_dim": c.flat_dim,
                "index": c.index,
                "isotypic_share": c.isotypic_share,
                "rank_one_share": c.rank_one_share,
                "gradient_norm": c.gradient_norm,
                "matches": c.matches,
                "distance": None if c.matches is None else c.distance,
            }
            for c in found.classes
        ],
        "unmatched": found.unmatched if found.predicted or not found.classes else None,
        "unseen_probability": found.unseen_probability,
        "unseen_orbit_probability": found.unseen_orbits,
        "starts_for_unseen": {str(p): found.starts_needed(p) for p in (0.01, 0.001)},
        "converged": sum(s.startswith("converged") for s in found.ascent.statuses),
        "starts": len(found.ascent.statuses),
        "seconds": seconds,
    }


def tabulate(found: FoundMaxima) -> list[tuple[Any, ...]]:
    """Return a row a class for people, in the order of ``COLUMNS``."""
    return [
        (
            irreps_name(c.irreps),
            f"{c.kind}, {c.shape}" if c.shape else c.kind,
            c.orbit,
            f"{c.energy:.9g}",
            "–" if c.matches is None else f"{found.predicted[c.matches].energy:.6g}",
            c.flat_dim,
            c.index,
            c.count,
            f"{c.gradient_norm:.0e}",
        )
        for c in found.classes
    ]


def summarize(found: FoundMaxima) -> str:
    """Return what converged, what matched and what may be unseen, in a sentence."""
    statuses = found.ascent.statuses
    converged = sum(s.startswith("converged") for s in statuses)
    seen = len({c.matches for c in found.classes if c.matches is not None})
    matched = (
        f"{found.unmatched} unmatched, {seen} of {len(found.predicted)} families seen (there are "
        "no others)"
        if found.predicted
        else "no closed form to match"
    )
    if not found.classes:
        return "E = 0 everywhere: the trivial group has no nontrivial irrep and no maxima"
    gone = sum(s.startswith("E vanishes") for s in statuses)
    ended = f"{converged} of {len(statuses)} starts converged"
    if gone:
        ended += f", {gone} ended where E vanishes"
    text = (
        f"{ended}, {matched}; a further start finds "
        f"something unseen with probability <= {found.unseen_probability:.3f} "
        f"({found.starts_needed(0.01)} starts for 0.01)"
    )
    if not found.is_converged:
        text += "; what did not converge is listed where it stopped and need not be a maximum"
    return text


def plot_levels(found: FoundMaxima, *, ax: Axes | None = None) -> Axes:
    """Draw the energy of every found maximum over its family, predicted levels as lines."""
    axes = own_axes(ax)
    names = [family_label(family.irreps, family.dim) for family in found.predicted]
    for x, family in enumerate(found.predicted):
        axes.hlines(family.energy, x - 0.38, x + 0.38, color=PREDICTED, linewidth=2.5, zorder=2)
    for c in found.classes:
        x = c.matches if c.matches is not None else len(names)
        axes.scatter(x, c.energy, s=60 + 400 * c.probability, color=FOUND, alpha=0.55, zorder=3)
        axes.annotate(
            f"{c.count}", (x, c.energy), xytext=(0, 12), textcoords="offset points", ha="center"
        )
    labels = [*names, "no family"] if found.unmatched else names
    rotation = 60 if len(labels) > 6 else 0
    axes.set_xticks(range(len(labels)), labels, rotation=rotation)
    axes.set_xlim(-0.6, max(len(labels), 1) - 0.4)
    axes.set_ylim(0, 1.18 * max([c.energy for c in found.classes], default=1.0))
    axes.set_ylabel("energy E at ‖w‖ = 1")
    axes.set_title("Maxima: predicted level (line), found (disc, starts that ended there)")
    return axes


def plot_spectra(found: FoundMaxima, irreps: Irreps, *, ax: Axes | None = None) -> Axes:
    """Draw the Riemannian Hessian's eigenvalues at one found maximum a family, in units of 4E."""
    axes = own_axes(ax)
    pairs = full_pairs(irreps.group)
    for c in found.classes:
        if c.matches is None:
            continue
        values = riemannian_spectrum(c.representative, pairs).eigenvalues / (4 * c.energy)
        spread = c.matches + np.linspace(-0.3, 0.3, len(values))
        axes.scatter(spread, values, s=9, color=FOUND)
        axes.annotate(
            f"{c.flat_dim} flat",
            (c.matches, 0.0),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
        )
    for level in (0, -1, -2):
        axes.axhline(level, color=MUTED, linewidth=0.8, zorder=0)
    names = [family_label(family.irreps, family.dim) for family in found.predicted]
    axes.set_xticks(range(len(names)), names, rotation=60 if len(names) > 6 else 0)
    axes.set_ylim(-2.3, 0.5)
    axes.set_ylabel("Hessian eigenvalue / 4E")
    axes.set_title("Curvature at the maxima: predicted 0 (flat), −1 and −2")
    return axes
