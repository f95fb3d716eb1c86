"""The picture of the exact disconnectivity graph."""

import numpy as np
import pytest

from analyzers.landscape import describe_landscape, plot_exact_tree
from groupfeat.energy import disconnectivity_graph
from groupfeat.groups import group_from_spec, irreps


@pytest.mark.parametrize("spec", ["C2", "C3", "S3", "S4", "C23"])
def test_lines_fall_from_each_node_to_its_parent(spec: str) -> None:
    tree = disconnectivity_graph(irreps(group_from_spec(spec)))
    axes = plot_exact_tree(tree)
    segments = [np.array(c.get_segments()[0]) for c in axes.collections]
    falls = sorted((round(s[1, 1], 9), round(s[0, 1], 9)) for s in segments[::2])
    energy = {node: round(tree.nodes[node]["energy"], 9) for node in tree}
    assert falls == sorted((energy[child], energy[parent]) for child, parent in tree.edges)
    # A line ends on the level of its parent, and no two leaves share a place.
    leaves = [node for node in tree if tree.in_degree(node) == 0]
    assert len(axes.get_xticks()) == len(leaves)
    for down, across in zip(segments[::2], segments[1::2], strict=True):
        assert down[0, 1] == across[0, 1]
        assert down[0, 0] in across[:, 0]


def test_the_description_holds_spectra_that_fill_the_sphere() -> None:
    reps = irreps(group_from_spec("Q8"))
    found = describe_landscape(reps)
    for family in found["families"]:
        assert sum(n for _, n in family["hessian_spectrum"]) == 2 * 8 - 1
    with pytest.raises(ValueError, match="samples must be at least 100, got 99"):
        describe_landscape(reps, samples=99)
