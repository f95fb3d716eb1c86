"""The graph of maxima and saddles: the exact one on full data, laws on subsets."""

from dataclasses import replace

import numpy as np
import pytest

from groupfeat.energy import (
    LandscapeGraph,
    barriers,
    critical_levels,
    energy,
    explore_landscape,
    family_shares,
    full_pairs,
    merge_graphs,
    pass_levels,
    predicted_families,
    random_starts,
    sample_pairs,
    sign_symmetries,
)
from groupfeat.energy.saddles._same_points import Sameness
from groupfeat.groups import cyclic, group_from_spec, irreps, symmetric


def maximin(levels: np.ndarray) -> np.ndarray:
    """Best lowest level over all paths, by Floyd and Warshall's recursion."""
    best = levels.copy()
    for k in range(len(best)):
        best = np.maximum(best, np.minimum(best[:, k : k + 1], best[k : k + 1, :]))
    return best


def levels_of(graph: LandscapeGraph) -> np.ndarray:
    levels = np.full((len(graph.maxima), len(graph.maxima)), -np.inf)
    np.fill_diagonal(levels, graph.maxima.energies)
    for (i, j), e in zip(graph.ends.tolist(), graph.saddles.energies.tolist(), strict=True):
        if i != j and min(i, j) >= 0:
            levels[i, j] = levels[j, i] = max(levels[i, j], e)
    return levels


@pytest.fixture(scope="module")
def subset_graph() -> LandscapeGraph:
    return explore_landscape(sample_pairs(cyclic(7), 46 / 49, rng=1), rng=0)


@pytest.mark.parametrize("spec", ["C7", "S3", "D5", "Q8"])
def test_full_data_reproduces_the_exact_graph(spec: str) -> None:
    group = group_from_spec(spec)
    table = irreps(group)
    graph = explore_landscape(
        full_pairs(group), starts=200, searches=400, rng=0, labels=lambda w: family_shares(w, table)
    )
    families = predicted_families(table)
    place = np.argmax(family_shares(graph.maxima.weights, table)[:, 1:], axis=1)
    assert sorted(place.tolist()) == list(range(len(families)))
    np.testing.assert_allclose(
        graph.maxima.energies, [families[k].energy for k in place], rtol=1e-9
    )
    np.testing.assert_array_equal(graph.maxima.nullities, [families[k].flat_dim for k in place])
    exact = {b.between: b.energy for b in barriers(table)}
    found: dict[tuple[int, ...], float] = {}
    for s, (i, j) in enumerate(graph.ends.tolist()):
        if i != j:
            found[tuple(sorted((int(place[i]), int(place[j]))))] = float(graph.saddles.energies[s])
    assert found.keys() == exact.keys()
    for between, level in exact.items():
        assert found[between] == pytest.approx(level, rel=1e-9)
    np.testing.assert_allclose(graph.barriers(), maximin(levels_of(graph)), rtol=1e-9)
    apart = ~np.eye(len(place), dtype=bool)
    expected = pass_levels(table)[np.ix_(place, place)]
    np.testing.assert_allclose(graph.barriers()[apart], expected[apart], rtol=1e-9)
    allowed = [c.energy for c in critical_levels(table) if c.index == 1]
    assert all(min(abs(e - a) for a in allowed) < 1e-9 for e in graph.saddles.energies)


def test_subset_has_one_component_and_no_unseen_maximum(subset_graph: LandscapeGraph) -> None:
    graph = subset_graph
    assert len(graph.maxima) >= 6
    assert len(graph.saddles) >= 30
    assert len(graph.components) == 1
    assert graph.only_from_saddles == 0
    assert graph.ends.min() >= 0
    assert not graph.maxima.nullities.any()
    assert not graph.saddles.nullities.any()
    assert graph.maxima.gradient_norms.max() <= 1e-8
    assert graph.saddles.gradient_norms.max() <= 1e-8
    # Each saddle lies below both its ends, and energies are those of other code.
    tops = graph.maxima.energies[graph.ends]
    assert np.all(tops > graph.saddles.energies[:, None])
    np.testing.assert_allclose(energy(graph.maxima.weights, graph.pairs), graph.maxima.energies)
    assert graph.maxima_counts.sum() == graph.maxima_tries
    assert graph.saddle_counts.sum() >= 0.95 * graph.saddle_tries


def test_merge_tree_is_the_best_path(subset_graph: LandscapeGraph) -> None:
    tree = subset_graph.merge_tree()
    assert len(tree) == len(subset_graph.maxima) - 1
    assert [m.energy for m in tree] == sorted((m.energy for m in tree), reverse=True)
    assert sorted(sum(tree[-1].parts, ())) == list(range(len(subset_graph.maxima)))
    np.testing.assert_allclose(subset_graph.barriers(), maximin(levels_of(subset_graph)))


def test_a_graph_without_its_saddles_falls_apart(subset_graph: LandscapeGraph) -> None:
    none = np.zeros(0, dtype=np.intp)
    alone = replace(
        subset_graph,
        saddles=subset_graph.saddles.take(none),
        saddle_counts=none,
        ends=subset_graph.ends[none],
    )
    assert len(alone.components) == len(alone.maxima)
    assert alone.merge_tree() == ()
    assert np.isneginf(alone.barriers()[0, 1])


def test_networkx_graph_carries_certificates(subset_graph: LandscapeGraph) -> None:
    graph = subset_graph.to_networkx()
    assert graph.number_of_nodes() == len(subset_graph.maxima)
    assert graph.number_of_edges() == len(subset_graph.saddles)
    assert all(data["index"] == 0 for _, data in graph.nodes(data=True))
    assert all(data["index"] == 1 for _, _, data in graph.edges(data=True))


def test_two_runs_merge_into_one(subset_graph: LandscapeGraph) -> None:
    other = explore_landscape(subset_graph.pairs, starts=200, searches=60, rng=9)
    assert len(other.saddles) < len(subset_graph.saddles)
    both = merge_graphs(other, subset_graph)
    assert len(both.maxima) == len(subset_graph.maxima)
    assert len(both.saddles) == len(subset_graph.saddles)
    assert both.maxima_tries == 1200
    assert both.maxima_counts.sum() == 1200
    total = other.saddle_counts.sum() + subset_graph.saddle_counts.sum()
    assert both.saddle_counts.sum() == total
    np.testing.assert_allclose(both.barriers(), subset_graph.barriers(), rtol=1e-9)
    joined = np.sort(both.ends, axis=1)
    np.testing.assert_array_equal(joined, np.sort(subset_graph.ends, axis=1))


def test_graphs_of_different_problems_do_not_merge(subset_graph: LandscapeGraph) -> None:
    other = explore_landscape(
        sample_pairs(cyclic(7), 46 / 49, rng=2), starts=20, searches=20, rng=0
    )
    with pytest.raises(ValueError, match="different pair sets"):
        merge_graphs(subset_graph, other)


def test_how_pairs_were_drawn_counts_for_horvitz_thompson_alone() -> None:
    drawn = sample_pairs(cyclic(5), 0.8, sampling="per_target", rng=0)
    plain = replace(drawn, sampling="without")
    for variant in ("raw", "ht"):
        one, other = (
            explore_landscape(pairs, variant=variant, starts=4, searches=4, rng=seed)
            for seed, pairs in enumerate((drawn, plain))
        )
        if variant == "raw":
            merge_graphs(one, other)
        else:
            with pytest.raises(ValueError, match="different pair sets, energies"):
                merge_graphs(one, other)


def test_without_the_sign_every_maximum_counts_twice(subset_graph: LandscapeGraph) -> None:
    double = explore_landscape(subset_graph.pairs, rng=0, modulo_sign=False)
    assert len(double.maxima) == 2 * len(subset_graph.maxima)
    np.testing.assert_allclose(
        np.sort(double.maxima.energies), np.sort(np.repeat(subset_graph.maxima.energies, 2))
    )


@pytest.mark.parametrize(
    ("activation", "share", "expected"),
    [
        ("square", 0.8, True),
        ("tanh", 0.8, True),
        ("sigmoid", 0.8, True),
        ("relu", 1.0, True),
        ("relu", 0.8, False),
        ("silu", 0.8, False),
        ("silu", 1.0, True),
    ],
)
def test_sign_symmetry(activation: str, share: float, expected: bool) -> None:
    pairs = sample_pairs(symmetric(3), share, rng=0)
    assert ((-1, -1) in sign_symmetries(pairs, activation)) is expected
    points = random_starts(6, 1, rng=4)
    same = energy(points, pairs, activation) - energy(-points, pairs, activation)
    assert bool(abs(same[0]) < 1e-12) is expected


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("spec", "n"), [("C7", 46), ("C7", 38), ("C7", 28), ("S3", 30)])
def test_subsets_of_small_groups_are_connected(spec: str, n: int, seed: int) -> None:
    group = group_from_spec(spec)
    pairs = sample_pairs(group, n / group.order**2, rng=seed)
    graph = explore_landscape(pairs, rng=seed)
    again = explore_landscape(pairs, rng=seed + 1000)
    assert len(graph.components) == 1
    assert graph.only_from_saddles == 0
    assert graph.ends.min() >= 0
    assert len(merge_graphs(graph, again).maxima) == len(graph.maxima)


def test_merging_does_not_depend_on_the_order_of_maxima(subset_graph: LandscapeGraph) -> None:
    turned = np.roll(np.arange(len(subset_graph.maxima)), 3)
    place = np.argsort(turned)
    other = replace(
        subset_graph,
        maxima=subset_graph.maxima.take(turned),
        maxima_counts=subset_graph.maxima_counts[turned],
        ends=place[subset_graph.ends],
    )
    other = replace(other, searched=other.searched + np.uint64(1))
    both = merge_graphs(other, subset_graph)
    assert len(both.saddles) == len(subset_graph.saddles)
    np.testing.assert_allclose(both.barriers(), subset_graph.barriers(), rtol=1e-9)
    np.testing.assert_array_equal(both.maxima_counts, 2 * subset_graph.maxima_counts)
    alone = np.zeros(0, dtype=np.intp)
    bare = replace(
        other,
        saddles=other.saddles.take(alone),
        saddle_counts=alone,
        ends=other.ends[alone],
    )
    second = merge_graphs(bare, subset_graph)
    np.testing.assert_allclose(second.barriers(), subset_graph.barriers(), rtol=1e-9)


def test_points_of_equal_label_and_different_energy_are_two() -> None:
    points = random_starts(3, 3, rng=0)
    same = Sameness(((1, 1),), lambda w: np.zeros((len(w), 1)))
    assert same.find(points, np.array([2.0, 1.99, 2.0])).tolist() == [0, 1, 0]


def test_manifolds_do_not_merge_by_distance() -> None:
    """Two random points of one manifold lie apart: without labels it would count twice."""
    pairs, table = full_pairs(symmetric(3)), irreps(symmetric(3))

    def labels(w: np.ndarray) -> np.ndarray:
        return family_shares(w, table)

    first, second = (
        explore_landscape(pairs, starts=20, searches=20, rng=seed, labels=labels) for seed in (0, 1)
    )
    assert len(merge_graphs(first, second, labels=labels).maxima) == len(first.maxima) == 2
    with pytest.raises(ValueError, match="pass labels"):
        merge_graphs(first, second)


def test_merging_keeps_the_ends_that_either_run_knows(subset_graph: LandscapeGraph) -> None:
    lost = replace(
        subset_graph,
        ends=np.where(np.arange(2) == 1, -1, subset_graph.ends),
        searched=subset_graph.searched + np.uint64(1),
    )
    assert len(lost.components) > 1
    for one, other in ((lost, subset_graph), (subset_graph, lost)):
        both = merge_graphs(one, other)
        assert both.ends.min() >= 0
        np.testing.assert_allclose(both.barriers(), subset_graph.barriers(), rtol=1e-9)


def test_points_near_each_other_up_to_signs_are_one() -> None:
    w = random_starts(3, 1, rng=0)[0]
    aside = random_starts(3, 1, rng=1)[0]
    points = np.array([w, -w, w + 5e-4 * aside, w + 1e-2 * aside])
    for signs, expected in ((((1, 1), (-1, -1)), [0, 0, 0, 3]), (((1, 1),), [0, 1, 0, 3])):
        assert Sameness(signs, None).find(points, np.ones(4)).tolist() == expected


def test_what_may_be_unseen_is_counted(subset_graph: LandscapeGraph) -> None:
    """Each class met once: the next is as likely new; maxima that no start met do not count."""
    once = np.ones(len(subset_graph.saddles), dtype=np.intp)
    assert replace(subset_graph, saddle_counts=once).unseen_saddles == 1
    assert replace(subset_graph, maxima_counts=once[: len(subset_graph.maxima)]).unseen_maxima == 1
    alone = np.zeros(len(subset_graph.maxima), dtype=np.intp)
    alone[0] = 100
    told = replace(subset_graph, maxima_counts=alone).unseen_maxima
    assert told == pytest.approx(1 - 0.05 ** (1 / 100))
    assert replace(subset_graph, maxima_counts=alone).only_from_saddles == len(alone) - 1
    assert 0 < subset_graph.unseen_maxima < 0.01
    assert 0 < subset_graph.unseen_saddles < 0.02


def test_the_largest_component_stands_first(subset_graph: LandscapeGraph) -> None:
    ends = np.where(subset_graph.ends == 0, -1, subset_graph.ends)
    apart = replace(subset_graph, ends=ends)
    assert apart.components == (tuple(range(1, len(subset_graph.maxima))), (0,))


def test_a_search_does_not_count_twice(subset_graph: LandscapeGraph) -> None:
    """Merged with itself a graph would look complete: each class met twice at least."""
    few = explore_landscape(subset_graph.pairs, starts=40, searches=60, rng=3)
    again = explore_landscape(subset_graph.pairs, starts=40, searches=60, rng=3)
    assert len(few.searched) == len(np.unique(few.searched)) == 100
    for other in (few, again, replace(few, searched=few.searched[::7])):
        with pytest.raises(ValueError, match=r"searches were counted before.*another rng"):
            merge_graphs(few, other)
    both = merge_graphs(few, subset_graph)
    with pytest.raises(ValueError, match="100 of the 100 searches"):
        merge_graphs(both, few)
    assert len(both.searched) == both.maxima_tries + both.saddle_tries
