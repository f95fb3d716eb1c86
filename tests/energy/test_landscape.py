"""The theorems of docs/landscape.md, step by step, against numbers."""

from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest

from groupfeat.energy import (
    CriticalLevel,
    barriers,
    critical_levels,
    disconnectivity_graph,
    energy,
    energy_and_gradient,
    explore_landscape,
    family_shares,
    find_basins,
    full_pairs,
    pass_levels,
    predicted_families,
    random_starts,
    riemannian_gradient,
    riemannian_spectrum,
    sample_critical,
    sample_family,
    symmetry_directions,
)
from groupfeat.groups import Irreps, fourier_transform, group_from_spec, irreps
from tests.energy.landscape_numerics import Floats, census, flow_to_the_end, highest_string


def transform(w: Floats, reps: Irreps) -> list[tuple[Floats, Floats]]:
    """Return (â, b̂) of every irrep."""
    order = reps.group.order
    halves = (fourier_transform(w[:order], reps), fourier_transform(w[order:], reps))
    return list(zip(*halves, strict=True))


def rank_of(block: Floats) -> int:
    return int(np.sum(np.linalg.svd(block, compute_uv=False) > 1e-6))


@pytest.mark.parametrize("spec", ["C8", "S4", "Q8", "F21"])
def test_gradient_in_blocks(spec: str) -> None:
    """∇E is A ↦ 4ABB*, B ↦ 4A*AB on every nontrivial irrep, 0 on the trivial one."""
    reps = irreps(group_from_spec(spec))
    (w,) = random_starts(reps.group.order, 1, rng=0)
    slopes = transform(energy_and_gradient(w, full_pairs(reps.group))[1], reps)
    for k, ((a, b), (da, db)) in enumerate(zip(transform(w, reps), slopes, strict=True)):
        factor = 4 if k else 0
        np.testing.assert_allclose(da, factor * a @ b @ b.conj().T, atol=1e-11)
        np.testing.assert_allclose(db, factor * a.conj().T @ a @ b, atol=1e-11)


@pytest.mark.parametrize("spec", ["C7", "S3", "D5", "Q8", "A4", "F21", "SL(2,3)"])
def test_critical_points_have_the_stated_level_and_spectrum(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    pairs = full_pairs(reps.group)
    for seed, level in enumerate(critical_levels(reps, max_units=4)):
        check_level(sample_critical(dict(level.ranks), reps, rng=seed), level, reps)
    # Every family filled.
    ranks = {k: f.capacity for k, f in enumerate(predicted_families(reps))}
    w = sample_critical(ranks, reps, rng=0)
    expected = 1 / sum(r / predicted_families(reps)[k].energy for k, r in ranks.items())
    assert float(energy(w, pairs)) == pytest.approx(expected, rel=1e-11)


def test_quaternionic_irreps_of_rank_two() -> None:
    """SmallGroup(32,50) has a quaternionic irrep of dimension 4: a 2 x 2 block over H."""
    reps = irreps(group_from_spec("SmallGroup(32,50)"))
    position = next(k for k, f in enumerate(predicted_families(reps)) if f.type == "quaternionic")
    levels = [c for c in critical_levels(reps, max_units=3) if (position, 2) in c.ranks]
    assert [c.index for c in levels] == [5, 6]
    for level in levels:
        check_level(sample_critical(dict(level.ranks), reps, rng=1), level, reps)


def check_level(w: Floats, level: CriticalLevel, reps: Irreps) -> None:
    pairs = full_pairs(reps.group)
    assert np.linalg.norm(w) == pytest.approx(1, abs=1e-13)
    assert float(energy(w, pairs)) == pytest.approx(level.energy, rel=1e-11)
    assert np.abs(riemannian_gradient(w, pairs)).max() < 1e-12 * reps.group.order
    values = riemannian_spectrum(w, pairs).eigenvalues
    stated = np.concatenate([np.full(n, value) for value, n in level.hessian_spectrum])
    np.testing.assert_allclose(values, np.sort(stated), atol=1e-8 * level.energy)


@pytest.mark.parametrize(
    ("spec", "starts"), [("C7", 25), ("S3", 40), ("Q8", 40), ("D5", 30), ("S4", 5)]
)
def test_a_census_finds_partial_isometries_alone(spec: str, starts: int) -> None:
    """Theorems 1 and 2 at critical points of every index, found without the formula."""
    reps = irreps(group_from_spec(spec))
    census_agrees(reps, random_starts(reps.group.order, starts, rng=3))


def census_agrees(reps: Irreps, starts: Floats) -> list[tuple[int, ...]]:
    """Check every critical point that the census reaches; return the ranks seen."""
    pairs, families = full_pairs(reps.group), predicted_families(reps)
    found = census(pairs, starts)
    assert len(found) >= 0.95 * len(starts)
    seen = []
    for w in found:
        e = float(energy(w, pairs))
        blocks = transform(w, reps)
        assert max(np.abs(blocks[0][0]).max(), np.abs(blocks[0][1]).max()) < 1e-7
        for a, b in blocks:
            middle = a.conj().T @ a / e
            np.testing.assert_allclose(middle, b @ b.conj().T / e, atol=1e-7)
            np.testing.assert_allclose(middle @ middle, middle, atol=1e-7)
        halves = [2 if f.type == "quaternionic" else 1 for f in families]
        ranks = [
            rank_of(blocks[f.irreps[0]][0]) // h for f, h in zip(families, halves, strict=True)
        ]
        assert e == pytest.approx(
            1 / sum(r / f.energy for r, f in zip(ranks, families, strict=True)), rel=1e-9
        )
        check_spectrum(w, e, ranks, reps)
        seen.append(tuple(ranks))
    return seen


def check_spectrum(w: Floats, e: float, ranks: list[int], reps: Irreps) -> None:
    """Compare with h(r) = r(r+1)/2, r², r(2r−1) written out by type."""
    spectrum = riemannian_spectrum(w, full_pairs(reps.group))
    steps = {
        "real": lambda r: r * (r + 1) // 2,
        "complex": lambda r: r * r,
        "quaternionic": lambda r: r * (2 * r - 1),
    }
    kinds = [f.type for f in predicted_families(reps)]
    assert spectrum.index == sum(steps[t](r) for t, r in zip(kinds, ranks, strict=True)) - 1
    levels = np.unique(np.round(spectrum.eigenvalues / (4 * e), 5))
    assert set(levels.tolist()) <= {-2.0, -1.0, 0.0, 2.0}


@pytest.mark.parametrize("spec", ["S3", "C7", "Q8"])
def test_second_variation_in_blocks(spec: str) -> None:
    """The form ‖Dη + ξD‖² + 2Re⟨D, ξη⟩ − ‖ξ‖² − ‖η‖² of the proof, for random directions."""
    reps = irreps(group_from_spec(spec))
    order, pairs = reps.group.order, full_pairs(reps.group)
    w = sample_critical({0: 1, 1: 1}, reps, rng=0)
    e = float(energy(w, pairs))
    (v,) = random_starts(order, 1, rng=1)
    v -= (v @ w) * w
    total = 0.0
    for irrep, (a, b), (da, db) in zip(reps, transform(w, reps), transform(v, reps), strict=True):
        u, t = a / np.sqrt(e), b / np.sqrt(e)
        form = -np.sum(np.abs(da) ** 2) - np.sum(np.abs(db) ** 2)
        if not irrep.is_trivial:
            form += np.sum(np.abs(u @ db + da @ t) ** 2)
            form += 2 * np.real(np.vdot(u @ t, da @ db))
        total += 4 * e * irrep.dim / order * form
    step = 1e-4
    unit = v / np.linalg.norm(v)
    moved = [energy(w * np.cos(s) + unit * np.sin(s), pairs) for s in (-step, 0, step)]
    second = (moved[0] - 2 * moved[1] + moved[2]) / step**2 * (v @ v)
    assert total == pytest.approx(float(second), rel=1e-5)


@pytest.mark.parametrize("spec", ["C7", "S3", "Q8", "F21", "SmallGroup(32,50)"])
def test_critical_points_of_given_ranks_are_one_orbit(spec: str) -> None:
    """The rank of the unitary generators at a point is the dimension of its manifold."""
    reps = irreps(group_from_spec(spec))
    levels = critical_levels(reps, max_units=3)
    points = np.stack([sample_critical(dict(c.ranks), reps, rng=i) for i, c in enumerate(levels)])
    directions = symmetry_directions(points, full_pairs(reps.group))
    for level, moves in zip(levels, directions, strict=True):
        assert np.linalg.matrix_rank(moves, tol=1e-8) == level.flat_dim


def test_full_rank_over_the_reals_has_four_pieces() -> None:
    """det â and det b̂ have one sign each along a piece; rank 1 of dimension 2 is connected."""
    reps = irreps(group_from_spec("S3"))
    signs = set()
    for seed in range(40):
        a, b = transform(sample_critical({1: 2}, reps, rng=seed), reps)[2]
        e = 1 / (2 / predicted_families(reps)[1].energy)
        assert np.abs(np.linalg.det(a)) == pytest.approx(e) == np.abs(np.linalg.det(b))
        signs.add((np.sign(np.linalg.det(a)), np.sign(np.linalg.det(b))))
    assert len(signs) == 4


def test_levels_of_the_theory_sheet() -> None:
    found = {
        spec: {
            round(c.energy, 3) for c in critical_levels(irreps(group_from_spec(spec)), max_units=3)
        }
        for spec in ("C7", "Q8")
    }
    assert {0.875, 0.583} <= found["C7"]
    assert {0.8, 0.667} <= found["Q8"]


@pytest.mark.parametrize("spec", ["C9", "S4", "D8", "Q8xC2"])
def test_levels_count_all_choices_of_families(spec: str) -> None:
    """Grouped by kind they are as many as the plain product of ranks, level by level."""
    reps = irreps(group_from_spec(spec))
    families = predicted_families(reps)
    plain: dict[tuple[float, int], int] = {}
    stack: list[tuple[int, float, int, int]] = [(0, 0.0, -1, 0)]
    while stack:
        k, inverse, index, used = stack.pop()
        if k == len(families):
            key = (round(1 / inverse, 9), index) if used else None
            if key:
                plain[key] = plain.get(key, 0) + 1
            continue
        half = {"real": 0.5, "complex": 1.0, "quaternionic": 2.0}[families[k].type]
        for r in range(min(3 - used, families[k].capacity) + 1):
            steps = round(r + half * r * (r - 1))
            stack.append((k + 1, inverse + r / families[k].energy, index + steps, used + r))
    grouped: dict[tuple[float, int], int] = {}
    for level in critical_levels(reps, max_units=3):
        key = (round(level.energy, 9), level.index)
        grouped[key] = grouped.get(key, 0) + level.count
    assert grouped == plain


def test_levels_of_a_large_group_do_not_blow_up() -> None:
    levels = critical_levels(irreps(group_from_spec("C509")), max_units=6)
    assert len(levels) == 6
    assert levels[5].count == 254 * 253 * 252 * 251 * 250 * 249 // 720


def test_the_circle_over_a_saddle_rises_on_both_sides() -> None:
    """E(cos θ u + sin θ v) = e_k cos⁴θ + e_l sin⁴θ, lowest at s_kl."""
    reps = irreps(group_from_spec("S4"))
    pairs, families = full_pairs(reps.group), predicted_families(reps)
    angles = np.linspace(0, np.pi / 2, 2001)[:, None]
    for barrier in barriers(reps):
        k, m = barrier.between
        u, v = (sample_family(families[i], reps, count=1, rng=i)[0] for i in (k, m))
        profile = energy(np.cos(angles) * u + np.sin(angles) * v, pairs)
        stated = families[k].energy * np.cos(angles) ** 4 + families[m].energy * np.sin(angles) ** 4
        np.testing.assert_allclose(profile, stated[:, 0], rtol=1e-12)
        assert profile.min() == pytest.approx(barrier.energy, rel=1e-5)
        assert barrier.index == 1
        assert barrier.energy <= barrier.pass_energy < min(families[k].energy, families[m].energy)


def test_a_saddle_falls_to_its_two_families() -> None:
    """Up both sides of the one ascending direction the flow reaches the two families."""
    reps = irreps(group_from_spec("S4"))
    pairs = full_pairs(reps.group)
    rng = np.random.default_rng(0)
    for barrier in barriers(reps):
        saddle = sample_critical(dict.fromkeys(barrier.between, 1), reps, rng=rng)
        starts = saddle + 1e-4 * rng.standard_normal((40, 48))
        starts /= np.linalg.norm(starts, axis=1, keepdims=True)
        assert set(find_basins(starts, reps).tolist()) == set(barrier.between)
        ends = flow_to_the_end(starts[:2], pairs, steps=600)
        for end, k in zip(ends, find_basins(starts[:2], reps), strict=True):
            assert float(energy(end, pairs)) == pytest.approx(predicted_families(reps)[k].energy)


@pytest.mark.parametrize("spec", ["C2", "C3", "C4", "C2xC2", "C7", "S3", "S4", "Q8", "D6", "S5"])
def test_the_tree_is_that_of_all_saddles(spec: str) -> None:
    """Passes and tree against the widest paths in the graph of all nodes and saddles."""
    reps = irreps(group_from_spec(spec))
    families, tree = predicted_families(reps), disconnectivity_graph(reps)
    nodes = [("maximum", k, i) for k, f in enumerate(families) for i in range(f.components)]
    graph: nx.Graph[object] = nx.Graph()
    graph.add_nodes_from(nodes)
    for first, second in combinations(nodes, 2):
        if first[1] != second[1]:
            e = [families[n[1]].energy for n in (first, second)]
            graph.add_edge(first, second, level=e[0] * e[1] / sum(e))
    assert {n for n in tree if tree.in_degree(n) == 0} == set(nodes)
    widest = nx.maximum_spanning_tree(graph, weight="level")
    passes = pass_levels(reps)
    for first, second in combinations(nodes, 2):
        path = nx.shortest_path(widest, first, second) if graph.number_of_edges() else []
        level = min((widest.edges[e]["level"] for e in pairwise(path)), default=0)
        meeting = max(
            nx.descendants(tree, first) & nx.descendants(tree, second),
            key=lambda n: tree.nodes[n]["energy"],
        )
        assert tree.nodes[meeting]["energy"] == pytest.approx(level)
        assert passes[first[1], second[1]] == pytest.approx(level)
    for child, parent in tree.edges:
        assert tree.nodes[parent]["energy"] < tree.nodes[child]["energy"]
    assert nx.is_tree(tree)


@pytest.mark.parametrize(("spec", "between"), [("S3", (0, 1)), ("C7", (0, 2)), ("S4", (2, 3))])
def test_relaxed_strings_stay_under_the_pass(spec: str, between: tuple[int, int]) -> None:
    """No relaxed path keeps higher; each crosses its lowest point at a saddle of index 1."""
    strings_agree(irreps(group_from_spec(spec)), between, paths=2, seed=0)


def strings_agree(reps: Irreps, between: tuple[int, int], *, paths: int, seed: int) -> list[float]:
    pairs, families = full_pairs(reps.group), predicted_families(reps)
    saddles = np.array([b.energy for b in barriers(reps)])
    rng, found = np.random.default_rng(seed), []
    for _ in range(paths):
        ends = [sample_family(families[k], reps, count=1, rng=rng)[0] for k in between]
        (saddle,) = census(pairs, highest_string(ends[0], ends[1], pairs, rng)[None])
        level = float(energy(saddle, pairs))
        assert riemannian_spectrum(saddle, pairs).index == 1
        assert np.abs(saddles / level - 1).min() < 1e-8
        assert level <= pass_levels(reps)[between] * (1 + 1e-9)
        found.append(level)
    return found


def test_saddles_that_are_searched_give_the_same_passes() -> None:
    """Eigenvector following knows no formula: its widest paths on D5 are the stated passes."""
    reps = irreps(group_from_spec("D5"))
    graph = explore_landscape(
        full_pairs(reps.group),
        starts=80,
        searches=250,
        rng=0,
        labels=lambda w: family_shares(w, reps),
    )
    families = np.argmax(family_shares(graph.maxima.weights, reps), axis=1) - 1
    assert sorted(families.tolist()) == [0, 1, 2]
    stated = pass_levels(reps)[np.ix_(families, families)]
    apart = ~np.eye(3, dtype=bool)
    np.testing.assert_allclose(graph.barriers()[apart], stated[apart], rtol=1e-8)


def test_a_detour_over_the_highest_family_beats_the_direct_saddle() -> None:
    reps = irreps(group_from_spec("S4"))
    (last,) = (b for b in barriers(reps) if b.between == (2, 3))
    assert (last.energy, last.pass_energy) == pytest.approx((24 / 12, 24 / 8))
    families, pairs = predicted_families(reps), full_pairs(reps.group)
    u, v, sign = (sample_family(families[i], reps, count=1, rng=1)[0] for i in (2, 3, 0))
    angles = np.linspace(0, np.pi / 2, 1001)[:, None]
    way = [np.cos(angles) * x + np.sin(angles) * y for x, y in ((u, sign), (sign, v))]
    assert energy(np.concatenate(way), pairs).min() >= last.pass_energy


def test_bad_ranks_are_refused() -> None:
    reps = irreps(group_from_spec("S3"))
    with pytest.raises(ValueError, match="no room for 2 units on family 0"):
        sample_critical({0: 2}, reps, rng=0)
    with pytest.raises(ValueError, match="at least one unit"):
        sample_critical({}, reps, rng=0)
    for ranks in ({0: 0}, {0: 1, 1: 0}, {2: 1}):
        with pytest.raises(ValueError, match="no room for"):
            sample_critical(ranks, reps, rng=0)
    with pytest.raises(ValueError, match="a rank must be a whole number"):
        sample_critical({1: 1.5}, reps, rng=0)  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="the position of a family must be"):
        sample_critical({-1: 1}, reps, rng=0)
    with pytest.raises(ValueError, match="max_units must be at least 1"):
        critical_levels(reps, max_units=0)
    with pytest.raises(ValueError, match="max_units must be a whole number"):
        critical_levels(reps, max_units=2.5)  # type: ignore[arg-type]
