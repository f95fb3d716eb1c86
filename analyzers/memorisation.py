"""Which maxima random starts find as data grow: Fourier or memorising, for each activation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from analyzers.style import FOUND, MUTED, PREDICTED, own_axes
from groupfeat.energy import (
    MAXIMUM_KINDS,
    ascend,
    get_activation,
    maximum_kinds,
    predicted_families,
    random_starts,
    sample_pairs,
)
from groupfeat.groups import Irreps

__all__ = [
    "PhaseDiagram",
    "crossing_fraction",
    "describe_phases",
    "localised_energy",
    "measure_phases",
    "plot_phase_energies",
    "plot_phases",
]

_COLOURS = (FOUND, PREDICTED, "#E69F00", MUTED)


@dataclass(frozen=True, eq=False)
class PhaseDiagram:
    """End points of random starts over (activation, train fraction), by kind.

    Parameters
    ----------
    group
        Its name.
    order, effective_dim
        M, and the least M/(2E*) of its families.
    activations, fractions
        The axes.
    counts
        End points of each of ``MAXIMUM_KINDS``, shape (activations, fractions, 4).
    energies
        Their mean energy, NaN where there are none, same shape.
    converged
        Starts that converged, shape (activations, fractions). ReLU's maxima lie on kinks.
    starts, seed
        Random starts at each point; pair sets of one seed are nested.
    """

    group: str
    order: int
    effective_dim: float
    activations: tuple[str, ...]
    fractions: tuple[float, ...]
    counts: NDArray[np.intp] = field(repr=False)
    energies: NDArray[np.float64] = field(repr=False)
    converged: NDArray[np.intp] = field(repr=False)
    starts: int
    seed: int

    @property
    def shares(self) -> NDArray[np.float64]:
        """Shares of the kinds, shape (activations, fractions, 4)."""
        return np.asarray(self.counts / self.starts, dtype=np.float64)


def localised_energy(order: int, fraction: ArrayLike) -> NDArray[np.float64]:
    """Return Mp(1 − p)/2, the mean energy (σ = x²) of w = e_g on n = pM² pairs."""
    p = np.asarray(fraction, dtype=np.float64)
    return np.asarray(order * p * (1 - p) / 2)


def crossing_fraction(effective_dim: float) -> float:
    """Return p = d/(1 + d), below which w = e_g has more energy than p²E*, E* = M/(2d)."""
    return effective_dim / (1 + effective_dim)


def measure_phases(
    irreps: Irreps,
    *,
    activations: Sequence[str] = ("square", "cube", "relu", "silu", "tanh"),
    fractions: Sequence[float] = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    starts: int = 64,
    seed: int = 0,
    max_iterations: int = 1500,
) -> PhaseDiagram:
    """Climb from random starts on a growing pair set and tell the kinds of the end points."""
    group = irreps.group
    shape = (len(activations), len(fractions))
    counts = np.zeros((*shape, len(MAXIMUM_KINDS)), dtype=np.intp)
    energies = np.full((*shape, len(MAXIMUM_KINDS)), np.nan)
    converged = np.zeros(shape, dtype=np.intp)
    points = random_starts(group.order, starts, rng=seed)
    for j, p in enumerate(fractions):
        pairs = sample_pairs(group, p, rng=seed)
        for i, name in enumerate(activations):
            ended = ascend(
                points, pairs, get_activation(name), tolerance=1e-6, max_iterations=max_iterations
            )
            kinds = maximum_kinds(ended.weights, pairs, irreps, name)
            converged[i, j] = sum(s.startswith("converged") for s in ended.statuses)
            for k, kind in enumerate(MAXIMUM_KINDS):
                counts[i, j, k] = int(np.sum(kinds == kind))
                if counts[i, j, k]:
                    energies[i, j, k] = float(ended.energies[kinds == kind].mean())
    dims = [group.order / (2 * f.energy) for f in predicted_families(irreps)]
    return PhaseDiagram(
        group.name,
        group.order,
        min(dims),
        tuple(activations),
        tuple(float(p) for p in fractions),
        counts,
        energies,
        converged,
        starts,
        seed,
    )


def describe_phases(measured: PhaseDiagram) -> dict[str, Any]:
    """Return the diagram as plain values for JSON; energies of absent kinds are None."""
    return {
        "group": measured.group,
        "order": measured.order,
        "effective_dim": measured.effective_dim,
        "activations": list(measured.activations),
        "fractions": list(measured.fractions),
        "kinds": list(MAXIMUM_KINDS),
        "counts": measured.counts.tolist(),
        "energies": [
            [[None if np.isnan(e) else e for e in cell] for cell in row]
            for row in measured.energies.tolist()
        ],
        "converged": measured.converged.tolist(),
        "starts": measured.starts,
        "seed": measured.seed,
    }


def plot_phases(measured: PhaseDiagram, *, ax: Axes | None = None) -> Axes:
    """Draw for each activation and fraction a bar of the kinds' shares."""
    axes = own_axes(ax)
    width = 0.8
    count = len(measured.fractions)
    for i, name in enumerate(measured.activations):
        x = i * (count + 1.5) + np.arange(count)
        bottom = np.zeros(count)
        for k, kind in enumerate(MAXIMUM_KINDS):
            height = measured.shares[i, :, k]
            label = kind if i == 0 else None
            axes.bar(x, height, width, bottom=bottom, color=_COLOURS[k], label=label)
            bottom += height
        axes.text(float(x.mean()), 1.02, name, ha="center")
        axes.text(float(x[0]), -0.03, f"{measured.fractions[0]:g}", ha="center", va="top")
        axes.text(float(x[-1]), -0.03, f"{measured.fractions[-1]:g}", ha="center", va="top")
    axes.set_xticks([])
    axes.set_xlabel("share of the pairs p, rising from left to right in each block", labelpad=16)
    axes.set_ylabel("share of random starts")
    axes.set_ylim(0, 1.1)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=4, frameon=False)
    return axes


def plot_phase_energies(
    measured: PhaseDiagram, *, activation: str = "square", ax: Axes | None = None
) -> Axes:
    """Draw mean E/(p²M) of Fourier and memorising end points over p, for x² with both formulas."""
    axes = own_axes(ax)
    row = measured.activations.index(activation)
    p = np.array(measured.fractions)
    for k in (0, 1, 2):
        axes.plot(
            p,
            measured.energies[row, :, k] / (p**2 * measured.order),
            "o",
            color=_COLOURS[k],
            label=MAXIMUM_KINDS[k],
        )
    if activation == "square":
        fine = np.linspace(p.min(), 1, 200)
        level = np.full_like(fine, 1 / (2 * measured.effective_dim))
        axes.plot(fine, level, color=_COLOURS[0], label="1/(2d): planted maximum")
        alone = localised_energy(1, fine) / fine**2
        axes.plot(
            fine[alone > 0], alone[alone > 0], color=_COLOURS[1], label="(1 − p)/(2p): w = e_g"
        )
    axes.set_xlabel("share of the pairs p")
    axes.set_ylabel("E / (p² M)")
    axes.set_yscale("log")
    axes.legend(frameon=False)
    return axes
