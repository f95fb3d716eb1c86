"""How our figures look: colours that colour-blind readers tell apart, one size, one font."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyzers._words import irreps_name

__all__ = ["FOUND", "MUTED", "PREDICTED", "family_label", "own_axes", "save_figure"]

# Okabe and Ito's palette (2008): blue, vermilion, grey.
FOUND = "#0072B2"
PREDICTED = "#D55E00"
MUTED = "#B0B0B0"


def own_axes(ax: Axes | None) -> Axes:
    """Return ``ax``, or the axes of a new figure."""
    if ax is not None:
        return ax
    axes: Axes = Figure(figsize=(7.2, 4.0), layout="constrained").add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def family_label(irreps: tuple[int, ...], dim: int) -> str:
    """Return ``"ρ3 (d=2)"``, or ``"ρ1,ρ2"`` for a pair of dimension 1."""
    name = irreps_name(irreps)
    return name if dim == 1 else f"{name} (d={dim})"


def save_figure(axes: Axes, folder: Path, name: str) -> Path:
    """Write ``name``.png and ``name``.svg into ``folder``; return the path of the latter."""
    figure = axes.get_figure(root=True)
    if not isinstance(figure, Figure):
        raise TypeError("the axes belong to no figure; make them with own_axes")
    for suffix, dpi in (("png", 160), ("svg", 72)):
        figure.savefig(folder / f"{name}.{suffix}", dpi=dpi)
    return folder / f"{name}.svg"
