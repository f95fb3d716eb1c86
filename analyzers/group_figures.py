"""Pictures of a group: Cayley table, character table, Cayley graph, subgroup lattice."""

from collections.abc import Sequence

import networkx as nx
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyzers.style import FOUND, MUTED, PREDICTED
from groupfeat.groups import (
    CharacterTable,
    FiniteGroup,
    SubgroupLattice,
    cayley_graph,
    format_value,
    lattice_graph,
)

__all__ = [
    "plot_cayley_graph",
    "plot_cayley_table",
    "plot_character_table",
    "plot_subgroup_lattice",
]

_MOST_TEXT = 16


def plot_cayley_table(group: FiniteGroup, *, ax: Axes | None = None) -> Axes:
    """Draw the Cayley table, one colour an element; names of elements up to order 12."""
    axes = _square_axes(ax)
    axes.imshow(group.cayley_table, cmap="viridis", interpolation="nearest")
    axes.set_title(f"Cayley table of {group.name}, order {group.order}")
    axes.set_xlabel("h")
    axes.set_ylabel("g")
    if group.order <= 12:
        axes.set_xticks(range(group.order), group.element_names, rotation=90)
        axes.set_yticks(range(group.order), group.element_names)
    return axes


def plot_character_table(table: CharacterTable, *, ax: Axes | None = None) -> Axes:
    """Draw χ_i at each class: colour for the phase, strength for |χ|/d; values up to 16 classes."""
    axes = _square_axes(ax)
    values = table.values
    phase = (np.angle(values) / (2 * np.pi)) % 1
    strength = np.abs(values) / table.dims[:, None]
    colours = colormaps["twilight"](phase)[..., :3]
    shown = 1 - strength[..., None] * (1 - colours)
    axes.imshow(shown, interpolation="nearest", aspect="auto")
    axes.set_title(f"Characters of {table.group.name}")
    axes.set_ylabel("irrep")
    axes.set_xlabel("class, by representative (size)")
    classes = table.group.conjugacy_classes
    if len(table) <= _MOST_TEXT:
        names = [table.group.element_names[g] for g in classes.representatives]
        labels = [f"{n} ({s})" for n, s in zip(names, classes.sizes, strict=True)]
        axes.set_xticks(range(len(table)), labels, rotation=60, ha="right")
        axes.set_yticks(range(len(table)), [f"ρ{i}" for i in range(len(table))])
        for i, row in enumerate(values.tolist()):
            for j, value in enumerate(row):
                text = format_value(value, digits=2)
                ink = "w" if shown[i, j].mean() < 0.5 else "k"
                axes.text(j, i, text, ha="center", va="center", fontsize=7, color=ink)
    return axes


def plot_cayley_graph(
    group: FiniteGroup, generators: Sequence[int] | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw the Cayley graph, one colour a generator; generators of order 2 without arrows.

    Raises
    ------
    ValueError
        If the group has more than 250 elements, too many to tell apart.
    """
    if group.order > 250:
        raise ValueError(f"{group.name} has {group.order} elements; a picture shows up to 250")
    graph = cayley_graph(group, generators)
    edges: list[tuple[int, int, int]] = list(graph.edges(data="generator"))
    axes = _square_axes(ax)
    axes.set_axis_off()
    axes.set_title(f"Cayley graph of {group.name}")
    place = nx.kamada_kawai_layout(graph.to_undirected())
    chosen = sorted({s for *_, s in edges})
    palette = [FOUND, PREDICTED, "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
    for i, s in enumerate(chosen):
        drawn = [(g, h) for g, h, t in edges if t == s]
        involution = group.element_orders[s] == 2
        nx.draw_networkx_edges(
            graph,
            place,
            ax=axes,
            edgelist=drawn,
            edge_color=palette[i % len(palette)],
            arrowstyle="-" if involution else "-|>",
            node_size=80,
        )
        axes.plot([], [], color=palette[i % len(palette)], label=group.element_names[s])
    nx.draw_networkx_nodes(graph, place, ax=axes, node_size=80, node_color=MUTED)
    if group.order <= 24:
        names = dict(enumerate(group.element_names))
        nx.draw_networkx_labels(graph, place, labels=names, ax=axes, font_size=6)
    axes.legend(title="generator", fontsize=7, title_fontsize=7, loc="best")
    return axes


def plot_subgroup_lattice(lattice: SubgroupLattice, *, ax: Axes | None = None) -> Axes:
    """Draw the Hasse diagram by order; normal subgroups filled, others open.

    Raises
    ------
    ValueError
        If there are more than 400 subgroups, too many to tell apart.
    """
    if len(lattice) > 400:
        raise ValueError(
            f"{lattice.group.name} has {len(lattice)} subgroups; a picture shows up to 400"
        )
    graph = lattice_graph(lattice)
    axes = _square_axes(ax)
    place: dict[int, tuple[float, float]] = {}
    orders = np.array(lattice.orders)
    for order in np.unique(orders).tolist():
        row = np.flatnonzero(orders == order)
        for x, i in enumerate(row.tolist()):
            place[i] = (x - (len(row) - 1) / 2, float(np.log(order)))
    nx.draw_networkx_edges(
        graph, place, ax=axes, arrows=False, edge_color=MUTED, width=0.7, node_size=60
    )
    normal = [i for i in graph if graph.nodes[i]["normal"]]
    others = [i for i in graph if not graph.nodes[i]["normal"]]
    nx.draw_networkx_nodes(
        graph, place, ax=axes, nodelist=normal, node_size=60, node_color=FOUND, label="normal"
    )
    nx.draw_networkx_nodes(
        graph,
        place,
        ax=axes,
        nodelist=others,
        node_size=60,
        node_color="w",
        edgecolors=FOUND,
        label="not normal",
    )
    levels = np.unique(orders)
    axes.tick_params(left=True, labelleft=True)
    axes.set_yticks(np.log(levels), [str(level) for level in levels])
    axes.set_ylabel("order")
    axes.set_title(f"Subgroups of {lattice.group.name}: {len(lattice)}")
    axes.legend(fontsize=7)
    return axes


def _square_axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    return Figure(figsize=(4.8, 4.8), layout="constrained").add_subplot()
