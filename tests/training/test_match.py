"""Node matching: planted families, noise, random weights, trained networks."""

import numpy as np
import pytest
from numpy.typing import NDArray

from analyzers.recovery import measure_recovery, plant_nodes
from groupfeat.energy import (
    energy,
    energy_in_irreps,
    family_shares,
    full_pairs,
    predicted_families,
    rank_one_shares,
    sample_family,
)
from groupfeat.groups import Irreps, group_from_spec, irreps, real_families
from groupfeat.training import (
    MatchThresholds,
    TrainConfig,
    exact_network,
    match_nodes,
    node_geometry,
    null_model,
    train,
)


def planted(
    reps: Irreps, count: int, noise: float
) -> tuple[NDArray[np.float64], list[tuple[int, ...]]]:
    first, _, truth = plant_nodes(reps, count, noise, rng=0)
    return first, truth


@pytest.mark.parametrize("spec", ["C7", "S3", "S4", "Q8", "F21", "D5", "2x3x4"])
@pytest.mark.parametrize("noise", [0.0, 0.15])
def test_planted_nodes_are_recovered(spec: str, noise: float) -> None:
    reps = irreps(group_from_spec(spec))
    first, second, truth = plant_nodes(reps, 4, noise, rng=0)
    match = match_nodes(first, second, reps)
    assert [node.irreps for node in match.nodes] == truth
    assert match.share == 1
    assert match.missing == ()
    assert set(match.by_irrep.values()) == {4}
    bar = 1e-9 if noise == 0 else 0.2
    for node in match.nodes:
        assert abs(node.energy_ratio - 1) < bar
        assert node.rank_one_share > 1 - bar
        assert node.output_share > 1 - bar
        assert node.output_cosine > 1 - bar
        assert node.block_irreps == (node.irreps,) * 3
        assert node.faults == ()
    for node in node_geometry(first, second, reps, match):
        assert abs(node.distance - noise) < (1e-7 if noise == 0 else 0.1)


@pytest.mark.parametrize("spec", ["C7", "S4", "Q8", "F21"])
def test_reports_agree_with_the_energy_layer(spec: str) -> None:
    """Shares, rank-one shares and energies once through Fourier blocks, once by definition."""
    reps = irreps(group_from_spec(spec))
    first, second, _ = plant_nodes(reps, 2, 0.5, rng=1)
    half = reps.group.order
    centred = first.reshape(2, half, -1)
    unit = (centred - centred.mean(1, keepdims=True)).reshape(2 * half, -1).T
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    levels = {family.irreps: family.energy for family in predicted_families(reps)}
    families = real_families(reps)
    shares = family_shares(unit, reps)
    energies = energy_in_irreps(unit, reps)
    np.testing.assert_allclose(energies, energy(unit, full_pairs(reps.group)))
    for node in match_nodes(first, second, reps).nodes:
        place = families.index(node.irreps)
        assert node.isotypic_share == pytest.approx(shares[node.index, 1:].max())
        assert node.isotypic_share == pytest.approx(shares[node.index, place])
        ratio = energies[node.index] / levels[node.irreps]
        assert node.energy_ratio == pytest.approx(ratio)
        rank_one = rank_one_shares(unit[node.index], reps[node.irreps[0]])
        assert node.rank_one_share == pytest.approx(float(rank_one))


@pytest.mark.parametrize("spec", ["S4", "Q8", "F21", "C23"])
def test_recovery_falls_with_noise_while_precision_stays(spec: str) -> None:
    found = measure_recovery(irreps(group_from_spec(spec)), (0.0, 0.2, 0.3, 0.6), nodes=200)
    recalls = [row.recall for row in found]
    assert recalls[0] == 1
    assert recalls[1] >= 0.99
    assert recalls[3] < 0.2  # noise² = 0.36 leaves a share of 0.74 on average
    assert recalls == sorted(recalls, reverse=True)
    assert min(row.precision for row in found[:3]) >= 0.98


def test_thresholds_can_be_moved() -> None:
    reps = irreps(group_from_spec("S4"))
    first, second, truth = plant_nodes(reps, 4, 0.4, rng=0)
    strict = match_nodes(first, second, reps)
    loose = match_nodes(
        first, second, reps, thresholds=MatchThresholds(share=0.7, rank_one=0.7, energy=0.4)
    )
    assert strict.matched < loose.matched == len(truth)
    assert {"share"} <= {fault for node in strict.nodes for fault in node.faults}
    assert strict.impure == tuple(n.index for n in strict.nodes if n.faults)
    with pytest.raises(ValueError, match=r"threshold share must be in \[0, 1\], got 2"):
        MatchThresholds(share=2)


def test_the_row_of_v_must_agree() -> None:
    reps = irreps(group_from_spec("C7"))
    first, second, truth = plant_nodes(reps, 2, 0.0, rng=0)
    second[[0, 2]] = second[[2, 0]]  # rows of two frequencies change places
    match = match_nodes(first, second, reps)
    assert match.impure == (0, 2)
    swapped = match.nodes[0]
    assert swapped.faults == ("blocks",)
    assert swapped.block_irreps == (truth[0], truth[0], truth[2])
    assert swapped.output_share < 1e-9
    assert abs(swapped.output_cosine) < 1e-9
    second[1] *= -1  # on its frequency, but against it
    assert match_nodes(first, second, reps).nodes[1].output_cosine == pytest.approx(-1)


def test_dead_and_constant_nodes_are_named() -> None:
    reps = irreps(group_from_spec("S3"))
    first, second = exact_network(reps)
    first, second = first.copy(), second.copy()
    first[:, 2] *= 1e-3
    second[4] = 0
    match = match_nodes(first, second, reps)
    assert (match.dead, match.constant, match.alive) == ((2, 4), (9,), 7)
    sparse = match_nodes(first, second, reps, thresholds=MatchThresholds(alive=0))
    assert sparse.dead == (4,)


@pytest.mark.parametrize("spec", ["S4", "F21", "Q8", "C11"])
def test_the_recovered_vectors_make_the_node(spec: str) -> None:
    """â ∝ xy*, b̂ ∝ yz*: rebuilt from x, y, z alone, the node comes back."""
    reps = irreps(group_from_spec(spec))
    first, second, _ = plant_nodes(reps, 2, 0.0, rng=3)
    for node in node_geometry(first, second, reps, match_nodes(first, second, reps)):
        rho = reps[node.irreps[0]].matrices()
        a = np.einsum("gij,i,j->g", rho.conj(), node.x, node.y.conj()).real
        b = np.einsum("gij,i,j->g", rho.conj(), node.y, node.z.conj()).real
        a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
        own_a, own_b = np.split(first[:, node.index] * np.sqrt(2), 2)
        assert abs(own_a @ a) == pytest.approx(1, abs=1e-7)
        assert abs(own_b @ b) == pytest.approx(1, abs=1e-7)
        for vector in (node.x, node.y, node.z):
            assert np.linalg.norm(vector) == pytest.approx(1)


@pytest.mark.parametrize("spec", ["C3", "S3", "Q8"])
def test_the_null_model_is_calibrated(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    model = null_model(reps, samples=1500, rng=0)
    order = reps.group.order
    rng = np.random.default_rng(99)
    fresh = match_nodes(
        rng.standard_normal((2 * order, 1500)), rng.standard_normal((1500, order)), reps
    )
    low, high = model.match_interval
    assert low <= model.match_probability <= high
    assert abs(fresh.share - model.match_probability) < 0.05
    p_values = np.array([model.p_value(node.isotypic_share) for node in fresh.nodes])
    if spec == "C3":  # one family holds everything: a share tells nothing
        assert model.p_value(1.0) > 0.3
    else:
        for level in (0.1, 0.5):
            assert np.mean(p_values <= level) == pytest.approx(level, abs=0.05)
        assert model.p_value(1.0) == pytest.approx(1 / 1501)
    assert model.network_p_value(fresh) > 1e-3
    good = match_nodes(*exact_network(reps), reps)
    if spec != "C3":  # there random nodes match too often for a full match to mean much
        assert model.network_p_value(good) < 1e-10
    with pytest.raises(ValueError, match="samples must be at least 1"):
        null_model(reps, samples=0)


def test_the_null_of_c2_is_that_of_its_live_nodes() -> None:
    """E/E* = sin²2φ with φ uniform: P(≥ 0.8) = 1 − (2/π) asin √0.8; a seventh of nodes is dead."""
    model = null_model(irreps(group_from_spec("C2")), samples=8000)
    assert len(model.isotypic_shares) < 7600
    assert model.match_probability == pytest.approx(1 - 2 / np.pi * np.arcsin(0.8**0.5), abs=0.02)
    low, high = model.match_interval
    assert low < model.match_probability < high


def test_a_node_that_hardly_varies_is_no_constant() -> None:
    """Its constant part takes no part in what it is matched by."""
    reps = irreps(group_from_spec("S3"))
    w, v = exact_network(reps)
    shifted = 1e-5 * w + 1.0
    found = match_nodes(shifted, v, reps)
    assert (found.alive, found.matched, found.constant) == (9, 9, (9,))


@pytest.mark.parametrize("spec", ["S3", "C23", "S4", "F21", "Q8"])
def test_random_nodes_do_not_match(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    rng = np.random.default_rng(1)
    order = reps.group.order
    match = match_nodes(
        rng.standard_normal((2 * order, 1000)), rng.standard_normal((1000, order)), reps
    )
    assert match.alive == 1000
    assert match.share <= 0.01


def test_dead_nodes_and_constants_do_not_count() -> None:
    reps = irreps(group_from_spec("C7"))
    first, truth = planted(reps, 2, 0.0)
    second = np.ones((len(truth), 7))
    first = first + np.repeat([[3.0], [-3.0]], 7, axis=0)
    second[0] = 0
    match = match_nodes(first, second, reps)
    assert match.alive == len(truth) - 1
    assert 0 not in [node.index for node in match.nodes]
    assert match.share == 1


def test_blocks_on_different_irreps_do_not_match() -> None:
    reps = irreps(group_from_spec("C7"))
    points = [sample_family(f, reps, count=1, rng=0)[0] for f in predicted_families(reps)[:2]]
    mixed = np.concatenate([3 * points[0][:7], 0.8 * points[1][7:]])[:, None]
    loose = MatchThresholds(share=0.5, rank_one=0, energy=0)
    match = match_nodes(mixed, np.ones((1, 7)), reps, thresholds=loose)
    assert match.alive == 1
    assert match.matched == 0
    assert match.missing == real_families(reps)[1:]


def test_nothing_alive_is_an_answer() -> None:
    reps = irreps(group_from_spec("S3"))
    match = match_nodes(np.zeros((12, 4)), np.zeros((4, 6)), reps)
    assert (match.alive, match.share) == (0, 0.0)
    assert len(match.missing) == 2
    assert match_nodes(np.zeros((12, 0)), np.zeros((0, 6)), reps).alive == 0


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ((10, 4), (4, 6), r"W must have shape \(12, K\) for S3 of order 6, got \(10, 4\)"),
        ((12, 4), (3, 6), r"V must have shape \(4, 6\), got \(3, 6\)"),
    ],
)
def test_wrong_shapes_are_refused(
    first: tuple[int, int], second: tuple[int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        match_nodes(np.ones(first), np.ones(second), irreps(group_from_spec("S3")))


def test_infinite_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        match_nodes(np.full((12, 1), np.inf), np.ones((1, 6)), irreps(group_from_spec("S3")))


@pytest.mark.parametrize(("spec", "fraction"), [("S3", 0.9), ("D5", 0.8), ("C23", 0.8)])
def test_trained_networks_hold_every_irrep(spec: str, fraction: float) -> None:
    group = group_from_spec(spec)
    config = TrainConfig(train_fraction=fraction, epochs=2000)
    (run,) = train(group, config, seeds=[0])
    assert run.status == "generalised"
    assert run.last("test_accuracy") == 1
    match = match_nodes(run.first_layer, run.second_layer, irreps(group))
    assert match.share >= 0.95
    assert match.missing == ()
    if spec == "C23":
        assert all(len(node.irreps) == 2 for node in match.nodes)


def test_a_chance_never_seen_is_no_chance_of_zero() -> None:
    reps = irreps(group_from_spec("C11"))
    model = null_model(reps, samples=500)
    assert model.match_probability == 0
    assert 0 < model.network_p_value(match_nodes(*exact_network(reps), reps)) < 1e-10
