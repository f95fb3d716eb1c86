"""Groups as networkx graphs: Cayley graph, conjugation, subgroup lattice."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from groupfeat.groups.structure._lattice import SubgroupLattice
from groupfeat.groups.table._arguments import whole_number
from groupfeat.groups.table._finite_group import FiniteGroup
from groupfeat.groups.table._kinds import check_group

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["cayley_graph", "conjugation_graph", "lattice_graph"]


def cayley_graph(
    group: FiniteGroup,
    generators: Sequence[int] | None = None,
    *,
    side: Literal["right", "left"] = "right",
) -> "nx.DiGraph[Any]":
    """Return the Cayley graph: nodes are elements, edges g → gs (``side="left"``: g → sg).

    Nodes carry ``name`` and ``order``, edges ``generator``. The graph is
    strongly connected exactly if the elements given generate the group.

    Raises
    ------
    ValueError
        If a generator is no element, is the identity or is repeated.
    """
    check_group(group)
    import networkx as nx

    given = group.generators if generators is None else generators
    chosen = [whole_number(s, "a generator") for s in given]
    _check_generators(group, chosen)
    if side not in ("right", "left"):
        raise ValueError(f"side must be 'right' or 'left', got {side!r}")
    graph: nx.DiGraph[Any] = nx.DiGraph(name=f"Cayley graph of {group.name}")
    _add_elements(graph, group)
    for s in chosen:
        targets = group.cayley_table[:, s] if side == "right" else group.cayley_table[s]
        graph.add_edges_from(enumerate(targets.tolist()), generator=s)
    return graph


def conjugation_graph(group: FiniteGroup) -> "nx.DiGraph[Any]":
    """Return the graph g → sgs⁻¹ over the generators s; its components are conjugacy classes.

    Nodes carry ``name``, ``order`` and ``conjugacy_class``.
    """
    import networkx as nx

    graph: nx.DiGraph[Any] = nx.DiGraph(name=f"conjugation in {group.name}")
    _add_elements(graph, group)
    for g, label in enumerate(group.conjugacy_classes.labels.tolist()):
        graph.nodes[g]["conjugacy_class"] = label
    table = group.cayley_table
    for s in group.generators:
        moved = table[table[s], group.inverse[s]]
        edges = [(g, h) for g, h in enumerate(moved.tolist()) if g != h]
        graph.add_edges_from(edges, generator=s)
    return graph


def lattice_graph(lattice: SubgroupLattice) -> "nx.DiGraph[Any]":
    """Return the Hasse diagram of the subgroups, an edge from each to those directly above it.

    Nodes are positions in ``lattice.subgroups`` and carry ``elements``,
    ``order``, ``normal`` and ``class_index``; edges carry ``index``.
    """
    import networkx as nx

    graph: nx.DiGraph[Any] = nx.DiGraph(name=f"subgroups of {lattice.group.name}")
    orders, normal = lattice.orders, lattice.normal
    for i, members in enumerate(lattice.subgroups):
        graph.add_node(
            i,
            elements=tuple(members.tolist()),
            order=orders[i],
            normal=normal[i],
            class_index=lattice.class_index[i],
        )
    graph.add_edges_from((i, j, {"index": orders[j] // orders[i]}) for i, j in lattice.covers)
    return graph


def _add_elements(graph: "nx.DiGraph[Any]", group: FiniteGroup) -> None:
    for g, (name, order) in enumerate(
        zip(group.element_names, group.element_orders.tolist(), strict=True)
    ):
        graph.add_node(g, name=name, order=order)


def _check_generators(group: FiniteGroup, chosen: list[int]) -> None:
    for position, s in enumerate(chosen):
        if not 0 <= s < group.order:
            raise ValueError(f"generator {s} is not in 0..{group.order - 1} of {group.name}")
        if s == 0 and group.order > 1:
            raise ValueError("the identity is no generator: it would add a loop at every element")
        if s in chosen[:position]:
            raise ValueError(f"generator {s} is given twice")
