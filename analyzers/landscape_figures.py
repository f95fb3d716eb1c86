"""Pictures of a landscape between its maxima: disconnectivity tree, graph of maxima and saddles."""

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from analyzers._words import irreps_name
from analyzers.style import FOUND, MUTED, PREDICTED, own_axes
from groupfeat.energy import LandscapeGraph, family_shares
from groupfeat.groups import Irreps, real_families

__all__ = ["family_names", "plot_disconnectivity", "plot_landscape_graph"]


def plot_disconnectivity(
    graph: LandscapeGraph, *, names: tuple[str, ...] = (), ax: Axes | None = None
) -> Axes:
    """Draw the merge tree: a leaf a maximum, a fork the level at which two parts join.

    Parameters
    ----------
    graph
        As `explore_landscape` returns it.
    names
        A name for each maximum, by default its number.
    ax
        Axes to draw on.

    Raises
    ------
    ValueError
        If ``names`` are not as many as the maxima, or there is no maximum.
    """
    count = len(graph.maxima)
    if names and len(names) != count:
        raise ValueError(f"expected {count} names, one a maximum, got {len(names)}")
    if not count:
        raise ValueError("the graph has no maximum to draw; explore_landscape with more starts")
    axes = own_axes(ax)
    tree = graph.merge_tree()
    place = {leaf: float(x) for x, leaf in enumerate(_leaf_order(graph))}
    # Each part of the landscape: where its stem stands and how far down it is drawn.
    stems: dict[tuple[int, ...], tuple[float, float]] = {
        (i,): (place[i], float(graph.maxima.energies[i])) for i in range(count)
    }
    for merge in tree:
        ends = [stems.pop(part) for part in merge.parts]
        for x, level in ends:
            axes.plot([x, x], [level, merge.energy], color=FOUND, linewidth=1.6)
        axes.plot([ends[0][0], ends[1][0]], [merge.energy] * 2, color=FOUND, linewidth=1.6)
        joined = tuple(sorted(merge.parts[0] + merge.parts[1]))
        stems[joined] = ((ends[0][0] + ends[1][0]) / 2, merge.energy)
    tops = graph.maxima.energies
    low = min([m.energy for m in tree], default=float(tops.min()))
    floor = low - 0.1 * (float(tops.max()) - low or 1.0)
    for x, level in stems.values():
        axes.plot([x, x], [level, floor], color=MUTED, linewidth=1.6)
    total = max(int(graph.maxima_counts.sum()), 1)
    for i, x in place.items():
        size = 20 + 500 * graph.maxima_counts[i] / total
        axes.scatter(x, tops[i], s=size, color=PREDICTED, alpha=0.8, zorder=3)
    order = sorted(place, key=lambda leaf: place[leaf])
    axes.set_xticks(range(count), [names[i] if names else str(i) for i in order])
    axes.set_xlim(-0.6, count - 0.4)
    axes.set_xlabel("maximum (disc: share of random starts that end there)")
    axes.set_ylabel("energy E at ‖w‖ = 1")
    axes.set_title(
        f"{graph.pairs.group.name}, {len(graph.pairs)} pairs: "
        f"{count} maxima, {len(graph.components)} component{'s' * (len(graph.components) > 1)}"
    )
    return axes


def plot_landscape_graph(
    graph: LandscapeGraph, *, names: tuple[str, ...] = (), ax: Axes | None = None
) -> Axes:
    """Draw maxima as discs and the best saddle between each two as a line, dark if it lies high.

    Parameters, errors as for `plot_disconnectivity`.
    """
    count = len(graph.maxima)
    if names and len(names) != count:
        raise ValueError(f"expected {count} names, one a maximum, got {len(names)}")
    axes = own_axes(ax)
    best = _best_edges(graph)
    places = nx.circular_layout(nx.path_graph(_leaf_order(graph)))
    levels = np.array(list(best.values())) if best else np.zeros(1)
    low, high = float(levels.min()), float(levels.max())
    for (i, j), level in sorted(best.items(), key=lambda edge: edge[1]):
        height = (level - low) / (high - low) if high > low else 1.0
        (x0, y0), (x1, y1) = places[i], places[j]
        axes.plot(
            [x0, x1], [y0, y1], color=FOUND, alpha=0.12 + 0.8 * height, linewidth=0.6 + 2.4 * height
        )
    total = max(int(graph.maxima_counts.sum()), 1)
    for i in range(count):
        x, y = places[i]
        size = 250 + 1200 * graph.maxima_counts[i] / total
        axes.scatter(x, y, s=size, color=PREDICTED, zorder=3)
        label = names[i] if names else str(i)
        axes.annotate(label, (x, y), ha="center", va="center", color="white", zorder=4)
        axes.annotate(
            f"{graph.maxima.energies[i]:.3f}",
            (1.36 * x, 1.26 * y),
            ha="center",
            va="center",
            fontsize=8,
        )
    axes.set_xlim(-1.6, 1.6)
    axes.set_ylim(-1.45, 1.45)
    axes.set_aspect("equal")
    axes.set_axis_off()
    joined = int(np.sum(graph.ends[:, 0] != graph.ends[:, 1]))
    axes.set_title(
        f"{graph.pairs.group.name}, {len(graph.pairs)} pairs: {joined} of {len(graph.saddles)} "
        f"saddles join two maxima\nlines: highest saddle, E {low:.3f} (pale) to {high:.3f} (dark)",
        fontsize=10,
    )
    return axes


def family_names(graph: LandscapeGraph, irreps: Irreps) -> tuple[str, ...]:
    """Return for each maximum the irreps of its largest isotypic part, as ``"ρ1,ρ6"``."""
    families = real_families(irreps)
    largest = np.argmax(family_shares(graph.maxima.weights, irreps), axis=1)
    return tuple(irreps_name(families[i]) for i in largest.tolist())


def _leaf_order(graph: LandscapeGraph) -> list[int]:
    """Return the maxima so that no two branches of the tree cross."""
    groups: dict[tuple[int, ...], list[int]] = {(i,): [i] for i in range(len(graph.maxima))}
    for merge in graph.merge_tree():
        first, second = (groups.pop(part) for part in merge.parts)
        groups[tuple(sorted(first + second))] = first + second
    return [leaf for group in groups.values() for leaf in group]


def _best_edges(graph: LandscapeGraph) -> dict[tuple[int, int], float]:
    best: dict[tuple[int, int], float] = {}
    ends: NDArray[np.intp] = np.sort(graph.ends, axis=1)
    for (i, j), level in zip(ends.tolist(), graph.saddles.energies.tolist(), strict=True):
        if 0 <= i < j:
            best[i, j] = max(best.get((i, j), -np.inf), level)
    return best
