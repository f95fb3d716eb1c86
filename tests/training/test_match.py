"""Node matching: planted families, noise, random weights, trained networks."""

import numpy as np
import pytest
from numpy.typing import NDArray

from groupfeat.energy import predicted_families, sample_family
from groupfeat.groups import Irreps, group_from_spec, irreps, real_families
from groupfeat.training import MatchThresholds, TrainConfig, match_nodes, train


def planted(
    reps: Irreps, count: int, noise: float
) -> tuple[NDArray[np.float64], list[tuple[int, ...]]]:
    rng = np.random.default_rng(0)
    columns, truth = [], []
    for family in predicted_families(reps):
        points = sample_family(family, reps, count=count, rng=rng)
        points += noise * rng.standard_normal(points.shape) / np.sqrt(points.shape[1])
        columns.append(points)
        truth += [family.irreps] * count
    return np.concatenate(columns).T, truth


@pytest.mark.parametrize("spec", ["C7", "S3", "S4", "Q8", "F21", "D5", "2x3x4"])
@pytest.mark.parametrize("noise", [0.0, 0.15])
def test_planted_nodes_are_recovered(spec: str, noise: float) -> None:
    reps = irreps(group_from_spec(spec))
    first, truth = planted(reps, 4, noise)
    match = match_nodes(first, np.ones((len(truth), reps.group.order)), reps)
    assert [node.irreps for node in match.nodes] == truth
    assert match.share == 1
    assert match.missing == ()
    assert set(match.by_irrep.values()) == {4}
    bar = 1e-9 if noise == 0 else 0.2
    for node in match.nodes:
        assert abs(node.energy_ratio - 1) < bar
        assert node.rank_one_share > 1 - bar


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
