"""The exact landscape of σ = x² on full data as plain values, and its picture."""

from typing import Any

import networkx as nx
from matplotlib.axes import Axes

from analyzers.style import PREDICTED, own_axes
from groupfeat.energy import barriers, basin_probabilities, predicted_families
from groupfeat.groups import Irreps

__all__ = ["describe_landscape", "plot_exact_tree"]


def describe_landscape(irreps: Irreps, *, samples: int = 8192, seed: int = 0) -> dict[str, Any]:
    """Return families with basin probabilities, and the barriers between them.

    ``energy`` of a barrier is its saddle's, ``pass_energy`` the level that the best
    path between the two keeps to (docs/landscape.md, Theorem 3).

    Raises
    ------
    ValueError
        If fewer than 100 samples are asked for, or more than a million.
    """
    if samples < 100:
        raise ValueError(f"samples must be at least 100, got {samples}")
    probabilities, errors = basin_probabilities(irreps, samples=samples, rng=seed)
    families = zip(predicted_families(irreps), probabilities, errors, strict=True)
    return {
        "families": [
            {
                "irreps": list(f.irreps),
                "dim": f.dim,
                "type": f.type,
                "energy": f.energy,
                "flat_dim": f.flat_dim,
                "hessian_spectrum": [list(pair) for pair in f.hessian_spectrum],
                "basin_probability": float(p),
                "basin_error": float(e),
            }
            for f, p, e in families
        ],
        "barriers": [
            {
                "between": list(b.between),
                "energy": b.energy,
                "pass_energy": b.pass_energy,
                "index": b.index,
            }
            for b in barriers(irreps)
        ],
    }


def plot_exact_tree(tree: "nx.DiGraph[Any]", *, ax: Axes | None = None) -> Axes:
    """Draw a merge tree: a line falls from each maximum to the level where it joins others.

    Parameters
    ----------
    tree
        As `groupfeat.energy.disconnectivity_graph` gives it: edges from a node to what it joins,
        ``energy`` on every node, ``irreps`` on the leaves.
    ax
        Axes to draw on.
    """
    axes = own_axes(ax)
    height = nx.get_node_attributes(tree, "energy")
    roots = [node for node in tree if tree.out_degree(node) == 0]
    leaves = [leaf for root in roots for leaf in _leaves(tree, root)]
    x: dict[Any, float] = {leaf: float(i) for i, leaf in enumerate(leaves)}
    for node in nx.topological_sort(tree):
        if node not in x:
            children = [x[child] for child in tree.predecessors(node)]
            x[node] = sum(children) / len(children)
    for child, parent in tree.edges:
        axes.vlines(x[child], height[parent], height[child], color=PREDICTED, linewidth=1.5)
        left, right = sorted((x[child], x[parent]))
        axes.hlines(height[parent], left, right, color=PREDICTED, linewidth=1.5)
    names = ["ρ" + ",ρ".join(map(str, tree.nodes[leaf]["irreps"])) for leaf in leaves]
    # A family of several pieces is named once.
    shown = [name if name not in names[:i] else "" for i, name in enumerate(names)]
    axes.set_xticks(range(len(leaves)), shown, rotation=60 if len(leaves) > 12 else 0)
    axes.set_ylim(0, 1.05 * max(height.values(), default=1.0))
    axes.set_ylabel("energy E at ‖w‖ = 1")
    axes.set_title("Maxima and the levels where paths join them")
    return axes


def _leaves(tree: "nx.DiGraph[Any]", node: Any) -> list[Any]:
    """Return the leaves above ``node``, those of the longest trunk first."""
    children = sorted(tree.predecessors(node), key=lambda child: tree.in_degree(child) == 0)
    return [leaf for child in children for leaf in _leaves(tree, child)] if children else [node]
