"""Graphs of a group: what they connect, and every subgroup against published counts."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from groupfeat.groups import (
    FiniteGroup,
    cayley_graph,
    conjugation_graph,
    derived_subgroup,
    group_from_spec,
    is_normal,
    lattice_graph,
    subgroup_lattice,
)

SPECS = ["C1", "C12", "S4", "Q8", "F21", "D6", "C2xC2xC2"]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_cayley_graph(spec: str, side: str) -> None:
    group = group_from_spec(spec)
    graph = cayley_graph(group, side=side)  # type: ignore[arg-type]
    assert nx.is_strongly_connected(graph)
    table = group.cayley_table
    for g, h, s in graph.edges(data="generator"):
        assert h == (table[g, s] if side == "right" else table[s, g])
    assert graph.number_of_edges() == group.order * len(group.generators)
    assert nx.get_node_attributes(graph, "order") == dict(enumerate(group.element_orders))


def test_cosets_are_the_components_of_a_subgroups_graph() -> None:
    group = group_from_spec("S4")
    members = derived_subgroup(group)
    graph = cayley_graph(group, members[1:].tolist())
    components = {frozenset(c) for c in nx.weakly_connected_components(graph)}
    assert components == {frozenset(group.cayley_table[g, members].tolist()) for g in range(24)}


def test_bad_generators_are_named() -> None:
    group = group_from_spec("S3")
    for chosen, told in [([9], "generator 9 is not in 0..5"), ([0], "identity"), ([1, 1], "twice")]:
        with pytest.raises(ValueError, match=told):
            cayley_graph(group, chosen)
    with pytest.raises(ValueError, match="side must be"):
        cayley_graph(group, side="up")  # type: ignore[arg-type]


@pytest.mark.parametrize("spec", SPECS)
def test_conjugation_has_the_classes_as_components(spec: str) -> None:
    group = group_from_spec(spec)
    graph = conjugation_graph(group)
    labels = nx.get_node_attributes(graph, "conjugacy_class")
    components = list(nx.weakly_connected_components(graph))
    assert len(components) == len(group.conjugacy_classes)
    assert all(len({labels[g] for g in c}) == 1 for c in components)


# Subgroups and classes of them. S_n: OEIS A005432, A000638. A5, A6: J. Neubüser's lists as in
# the ATLAS-related tables of marks (59, 9) and (501, 22). C2^n: Galois numbers, OEIS A006116.
PUBLISHED = [
    ("S3", 6, 4),
    ("S4", 30, 11),
    ("S5", 156, 19),
    ("A5", 59, 9),
    ("A6", 501, 22),
    ("C2xC2", 5, 5),
    ("C2xC2xC2", 16, 16),
    ("C2xC2xC2xC2", 67, 67),
    ("C2xC2xC2xC2xC2", 374, 374),
]


@pytest.mark.parametrize(("spec", "count", "classes"), PUBLISHED)
def test_published_numbers_of_subgroups(spec: str, count: int, classes: int) -> None:
    lattice = subgroup_lattice(group_from_spec(spec))
    assert (len(lattice), max(lattice.class_index) + 1) == (count, classes)


@pytest.mark.parametrize("n", [4, 5, 6, 12])
def test_dihedral_groups_have_sigma_plus_tau_subgroups(n: int) -> None:
    # S. R. Cavior, The subgroups of the dihedral group, Math. Mag. 48 (1975).
    divisors = [d for d in range(1, n + 1) if n % d == 0]
    lattice = subgroup_lattice(group_from_spec(f"D{n}"))
    assert len(lattice) == len(divisors) + sum(divisors)


@pytest.mark.parametrize("spec", ["S4", "Q8", "F21", "D6", "C2xC2xC2", "C4xC6", "SL(2,3)"])
def test_every_subgroup_is_found_and_the_order_is_inclusion(spec: str) -> None:
    group = group_from_spec(spec)
    lattice = subgroup_lattice(group)
    found = {frozenset(s.tolist()) for s in lattice.subgroups}
    assert found == by_closure_of_triples(group)
    graph = lattice_graph(lattice)
    assert nx.is_directed_acyclic_graph(graph)
    inclusions = nx.DiGraph(
        (i, j)
        for i, low in enumerate(lattice.subgroups)
        for j, high in enumerate(lattice.subgroups)
        if i != j and np.isin(low, high).all()
    )
    assert set(graph.edges) == set(nx.transitive_reduction(inclusions).edges)
    for i, j, index in graph.edges(data="index"):
        assert graph.nodes[j]["order"] == index * graph.nodes[i]["order"]
    for data in graph.nodes.values():
        assert data["normal"] == is_normal(group, data["elements"])


def by_closure_of_triples(group: FiniteGroup) -> set[frozenset[int]]:
    """All groups here have subgroups on at most three generators."""
    chosen = (c for n in range(4) for c in combinations(range(group.order), n))
    return {frozenset(group.subgroup(list(c)).tolist()) for c in chosen}


def test_too_many_subgroups_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 50 subgroups"):
        subgroup_lattice(group_from_spec("C2xC2xC2xC2"), max_count=50)
