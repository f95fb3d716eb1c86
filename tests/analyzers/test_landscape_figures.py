"""Pictures of a landscape: a leaf a maximum, a fork a barrier, a line two joined maxima."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analyzers.landscape_figures import family_names, plot_disconnectivity, plot_landscape_graph
from analyzers.style import save_figure
from groupfeat.energy import LandscapeGraph, explore_landscape, full_pairs, sample_pairs
from groupfeat.groups import cyclic, irreps, symmetric


@pytest.fixture(scope="module")
def graph() -> LandscapeGraph:
    return explore_landscape(sample_pairs(cyclic(5), 0.8, rng=0), starts=200, searches=300, rng=0)


def test_tree_has_a_leaf_a_maximum_and_a_fork_a_barrier(
    graph: LandscapeGraph, tmp_path: Path
) -> None:
    axes = plot_disconnectivity(graph)
    leaves = sorted(int(t.get_text()) for t in axes.get_xticklabels())
    assert leaves == list(range(len(graph.maxima)))
    flat = sorted(
        float(line.get_ydata()[0])
        for line in axes.lines
        if np.ptp(line.get_ydata()) == 0 and np.ptp(line.get_xdata()) > 0
    )
    np.testing.assert_allclose(flat, sorted(m.energy for m in graph.merge_tree()))
    drawn = np.concatenate([c.get_offsets() for c in axes.collections])
    np.testing.assert_allclose(np.sort(drawn[:, 1]), np.sort(graph.maxima.energies))
    assert f"{len(graph.maxima)} maxima, 1 component" in axes.get_title()
    assert save_figure(axes, tmp_path, "tree").exists()


def test_forks_do_not_cross(graph: LandscapeGraph) -> None:
    axes = plot_disconnectivity(graph)
    order = [int(t.get_text()) for t in axes.get_xticklabels()]
    for merge in graph.merge_tree():
        places = sorted(order.index(i) for part in merge.parts for i in part)
        assert places == list(range(places[0], places[0] + len(places)))


def test_graph_has_a_line_for_each_joined_pair(graph: LandscapeGraph) -> None:
    axes = plot_landscape_graph(graph)
    joined = {tuple(sorted(ends)) for ends in graph.ends.tolist() if ends[0] != ends[1]}
    assert len(axes.lines) == len(joined)
    assert len(axes.collections) == len(graph.maxima)
    assert f"of {len(graph.saddles)} saddles" in axes.get_title()


def test_families_name_the_leaves() -> None:
    group = symmetric(3)
    found = explore_landscape(full_pairs(group), starts=20, searches=20, rng=0)
    names = family_names(found, irreps(group))
    assert set(names) == {"ρ1", "ρ2"}
    texts = [t.get_text() for t in plot_disconnectivity(found, names=names).get_xticklabels()]
    assert sorted(texts) == sorted(names)


@pytest.mark.parametrize("plot", [plot_disconnectivity, plot_landscape_graph])
def test_names_must_fit(graph: LandscapeGraph, plot: object) -> None:
    assert callable(plot)
    with pytest.raises(ValueError, match="one a maximum"):
        plot(graph, names=("only one",))


def test_a_tree_without_maxima_is_refused() -> None:
    none = explore_landscape(full_pairs(cyclic(5)), "linear", starts=5, searches=5, rng=0)
    with pytest.raises(ValueError, match="no maximum"):
        plot_disconnectivity(none)


def test_the_stem_hangs_below_the_lowest_fork(graph: LandscapeGraph) -> None:
    lowest = min(float(line.get_ydata().min()) for line in plot_disconnectivity(graph).lines)
    assert lowest < min(m.energy for m in graph.merge_tree())


def test_discs_grow_with_the_share_of_starts(graph: LandscapeGraph) -> None:
    counts = np.arange(len(graph.maxima)) * 10
    told = replace(graph, maxima_counts=counts)
    for axes in (plot_disconnectivity(told), plot_landscape_graph(told)):
        assert len({float(c.get_sizes()[0]) for c in axes.collections}) == len(counts)


def test_the_line_between_two_maxima_is_their_highest_saddle(graph: LandscapeGraph) -> None:
    """Widths run from the lowest to the highest of the best saddles; the order is no matter."""
    turned = np.arange(len(graph.saddles))[::-1]
    other = replace(
        graph,
        saddles=graph.saddles.take(turned),
        saddle_counts=graph.saddle_counts[turned],
        ends=graph.ends[turned],
    )
    one, two = (
        [line.get_linewidth() for line in plot_landscape_graph(g).lines] for g in (graph, other)
    )
    np.testing.assert_allclose(one, two)
    best: dict[tuple[int, ...], float] = {}
    for ends, level in zip(graph.ends.tolist(), graph.saddles.energies.tolist(), strict=True):
        if ends[0] != ends[1]:
            key = tuple(sorted(ends))
            best[key] = max(level, best.get(key, level))
    title = plot_landscape_graph(graph).get_title()
    assert f"E {min(best.values()):.3f} (pale) to {max(best.values()):.3f} (dark)" in title
