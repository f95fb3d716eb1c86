"""Pruning: what parallel, dead and superfluous nodes leave."""

import numpy as np
import pytest

from groupfeat.groups import group_from_spec, irreps
from groupfeat.training import (
    TrainConfig,
    exact_network,
    exact_sizes,
    match_nodes,
    merge_parallel,
    network_logits,
    pair_nodes,
    prune_network,
    train,
)


def test_merging_parallel_nodes_keeps_every_answer() -> None:
    rng = np.random.default_rng(0)
    w, v = rng.standard_normal((12, 5)), rng.standard_normal((11, 6))
    wide = np.concatenate([w, -2 * w[:, :3], 0.5 * w[:, 1:3], np.zeros((12, 1))], axis=1)
    first, second = merge_parallel(wide, v)
    assert first.shape == (12, 5)
    np.testing.assert_allclose(np.linalg.norm(first, axis=0), 1)
    np.testing.assert_allclose(network_logits(first, second), network_logits(wide, v), atol=1e-10)


def test_partners_are_found_up_to_sign_and_scale() -> None:
    reps = irreps(group_from_spec("D5"))
    w, _ = exact_network(reps, method="pairs")
    scrambled = w * np.where(np.arange(w.shape[1]) % 3, -1.5, 0.7)
    found = pair_nodes(scrambled)
    assert found.paired == w.shape[1]
    np.testing.assert_array_equal(found.partners, np.arange(w.shape[1]) ^ 1)
    np.testing.assert_allclose(found.scores, 1)
    assert pair_nodes(exact_network(reps, method="single")[0]).paired == 0
    noisy = scrambled + 0.2 * np.random.default_rng(0).standard_normal(w.shape)
    assert pair_nodes(noisy).paired < w.shape[1]
    assert pair_nodes(noisy, least=0).paired == w.shape[1]
    assert pair_nodes(np.zeros((20, 0))).paired == 0
    with pytest.raises(ValueError, match=r"W must have shape \(2M, K\)"):
        pair_nodes(np.ones(4))


@pytest.mark.parametrize("spec", ["S3", "D5", "Q8", "C7"])
def test_a_crowded_exact_network_shrinks(spec: str) -> None:
    """Turned copies and noise nodes around an exact network are pruned away."""
    reps = irreps(group_from_spec(spec))
    w, v = exact_network(reps, method="pairs")
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((len(w), 10)) * 1e-3
    first = np.concatenate([w, 1.3 * w, noise], axis=1)
    second = np.concatenate([v / 2, v / 2 / 1.3**2, 1e-3 * np.ones((10, v.shape[1]))])
    found = prune_network(first, second, reps, tolerance=1e-4)
    assert (found.hidden_before, found.accuracy_before, found.accuracy) == (first.shape[1], 1, 1)
    assert found.hidden <= exact_sizes(reps).pairs + 1
    assert found.relative_loss < 1.1e-4
    logits = network_logits(found.first_layer, found.second_layer)
    np.testing.assert_allclose(logits.mean(axis=(0, 1)), 0, atol=1e-9)  # the constant node
    np.testing.assert_array_equal(logits.argmax(-1), reps.group.cayley_table)
    wanted = np.eye(reps.group.order)[reps.group.cayley_table] - 1 / reps.group.order
    gap = np.linalg.norm(logits - wanted) ** 2 / np.linalg.norm(wanted) ** 2
    assert gap == pytest.approx(found.relative_loss, rel=0.05, abs=1e-9)
    assert match_nodes(found.first_layer, found.second_layer, reps).missing == ()


@pytest.mark.parametrize("spec", ["D5", "S4"])
def test_a_trained_network_shrinks_to_the_single_nodes(spec: str) -> None:
    group = group_from_spec(spec)
    reps = irreps(group)
    (run,) = train(group, TrainConfig(n_hidden=128, settle_epochs=400, epochs=900), seeds=[0])
    found = prune_network(run.first_layer, run.second_layer, reps)
    assert found.accuracy >= found.accuracy_before == 1
    assert found.relative_loss < 0.02
    # Seen: equal. A network of fewer nodes than the best exact one would be news.
    assert found.hidden <= exact_sizes(reps).single + 4
    argmax_only = prune_network(run.first_layer, run.second_layer, reps, tolerance=1)
    assert argmax_only.hidden < found.hidden
    assert argmax_only.accuracy == 1


def test_the_loss_exceeds_that_of_all_nodes_by_the_tolerance_at_most() -> None:
    """A ladder of tolerances: each is kept to, and each is used to more than a half somewhere."""
    group = group_from_spec("D5")
    reps = irreps(group)
    (run,) = train(group, TrainConfig(n_hidden=48, settle_epochs=50, epochs=700), seeds=[0])
    layers = run.first_layer, run.second_layer
    least = prune_network(*layers, reps, tolerance=0).relative_loss
    used = []
    for tolerance in np.geomspace(1e-4, 0.3, 12):
        found = prune_network(*layers, reps, tolerance=float(tolerance))
        used.append((found.relative_loss - least) / tolerance)
    assert max(used) <= 1 + 1e-9
    assert max(used) > 0.5
