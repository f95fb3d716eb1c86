"""Saddles, passes and the disconnectivity graph of σ = x² on full data, in closed form."""

from dataclasses import dataclass
from itertools import combinations

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.exact._families import PredictedFamily, predicted_families
from groupfeat.groups import Irreps, check_irreps

__all__ = ["Barrier", "barriers", "disconnectivity_graph", "pass_levels"]


@dataclass(frozen=True)
class Barrier:
    """The saddle between two families.

    Parameters
    ----------
    between
        Positions of the two families in `predicted_families`.
    energy
        E_k E_l/(E_k + E_l): the level of the saddles that join the two directly.
    pass_energy
        The highest level that some path between the two keeps to; more than
        ``energy`` where a detour through the highest family is better.
    index
        Ascending directions of the saddle: 1.
    """

    between: tuple[int, int]
    energy: float
    pass_energy: float
    index: int


def barriers(irreps: Irreps) -> tuple[Barrier, ...]:
    """Return the barrier between every two families.

    Examples
    --------
    >>> from groupfeat.energy import barriers
    >>> from groupfeat.groups import irreps, symmetric
    >>> last = barriers(irreps(symmetric(4)))[-1]
    >>> last.between, round(last.energy, 9), round(last.pass_energy, 9)
    ((2, 3), 2.0, 3.0)
    """
    check_irreps(irreps)
    families = predicted_families(irreps)
    passes = pass_levels(irreps)
    return tuple(
        Barrier((i, j), _saddle(families[i], families[j]), float(passes[i, j]), 1)
        for i, j in combinations(range(len(families)), 2)
    )


def pass_levels(irreps: Irreps) -> NDArray[np.float64]:
    """Return the highest level that a path from a maximum of family k to one of l can keep to.

    With 1 the highest family, every best path goes through it: the level is
    min(E_k E_1/(E_k + E_1), E_l E_1/(E_l + E_1)). On the diagonal it is E_k
    where the family is connected, and for a real irrep of dimension 1 the level
    of the pass between two of its four points (0 where there is no other family).

    Returns
    -------
    ndarray
        Shape (families, families), symmetric.

    References
    ----------
    docs/landscape.md, Theorem 3.
    """
    check_irreps(irreps)
    families = predicted_families(irreps)
    count = len(families)
    if not count:
        return np.zeros((0, 0))
    best = _leaving_levels(families)
    found: NDArray[np.float64] = np.minimum(best[:, None], best[None, :])
    for k, family in enumerate(families):
        found[k, k] = family.energy if family.components == 1 else best[k]
    return found


def disconnectivity_graph(irreps: Irreps) -> "nx.DiGraph[object]":
    """Return the merge tree of the sets {E > c}, 0 ≤ c: edges go from a node to what it joins.

    Leaves are ``("maximum", family, component)``, one a connected piece of a
    family, inner nodes ``("merge", i)`` with the highest first. Each node has
    ``energy``; leaves have ``family`` and ``irreps`` besides. A node's energy is
    the level below which its leaves lie in one component of {E > c}.

    Examples
    --------
    >>> from groupfeat.energy import disconnectivity_graph
    >>> from groupfeat.groups import irreps, symmetric
    >>> tree = disconnectivity_graph(irreps(symmetric(3)))
    >>> sorted(tree.predecessors(("merge", 0)))
    [('maximum', 0, 0), ('maximum', 0, 1), ('maximum', 0, 2), ('maximum', 0, 3), ('maximum', 1, 0)]
    >>> round(tree.nodes["merge", 0]["energy"], 9)
    1.0
    """
    check_irreps(irreps)
    families = predicted_families(irreps)
    tree: nx.DiGraph[object] = nx.DiGraph()
    waiting: dict[float, list[object]] = {}
    levels = _leaving_levels(families)
    for k, family in enumerate(families):
        for piece in range(family.components):
            leaf = ("maximum", k, piece)
            tree.add_node(leaf, energy=family.energy, family=k, irreps=family.irreps)
            waiting.setdefault(float(levels[k]), []).append(leaf)
    trunk: list[object] = []
    if len(families) == 1 and families[0].components == 1:
        return tree
    # Every family joins the highest one at its own best saddle, in this order.
    for i, level in enumerate(sorted(waiting, reverse=True)):
        node = ("merge", i)
        tree.add_node(node, energy=level)
        tree.add_edges_from((child, node) for child in trunk + waiting[level])
        trunk = [node]
    return tree


def _saddle(first: PredictedFamily, second: PredictedFamily) -> float:
    return first.energy * second.energy / (first.energy + second.energy)


def _leaving_levels(families: tuple[PredictedFamily, ...]) -> NDArray[np.float64]:
    """Return the highest saddle of each family: with the highest other one; 0 if it is alone."""
    by_height = sorted(range(len(families)), key=lambda k: -families[k].energy)[:2]
    found = np.zeros(len(families))
    for k, family in enumerate(families):
        other = next((j for j in by_height if j != k), None)
        found[k] = 0.0 if other is None else _saddle(family, families[other])
    return found
