"""Theorem 6's signs, nodes, steps and stage boundaries against independent twins."""

import numpy as np
import pytest

from groupfeat.energy import predicted_families, sample_family, sample_pairs
from groupfeat.groups import group_from_spec, irreps, isotypic_projector, real_families
from groupfeat.training import telemetry as tele
from tests.training.telemetry import oracles as slow


@pytest.mark.parametrize(("width", "ridge"), [(6, 0.5), (30, 5.0)])
def test_conditional_overlaps_and_signs(width: int, ridge: float) -> None:
    """−b_jl/(b_jj b_ll − b_jl²) is f̃_jᵀPf̃_l with P from the other columns, so signs oppose."""
    group = group_from_spec("C5")
    weights = np.random.default_rng(0).standard_normal((10, width))
    features = tele.layer_features(weights, sample_pairs(group, 0.7, rng=0))
    b = tele.interaction_matrix(features, ridge)
    phi = features.dense()
    np.testing.assert_allclose(b @ (phi.T @ phi + ridge * np.eye(width)), np.eye(width), atol=1e-8)
    overlaps = tele.conditional_overlaps(b)
    assert not np.diag(overlaps).any()
    for j, l_ in [(0, 1), (1, 4), (5, 2), (3, 0)]:
        wanted = slow.conditional_overlap(phi, j, l_, ridge)
        assert overlaps[j, l_] == pytest.approx(wanted, rel=1e-7)
        assert np.sign(b[j, l_]) == -np.sign(wanted)


def test_repulsion_by_definition() -> None:
    group = group_from_spec("S3")
    rng = np.random.default_rng(1)
    weights = rng.standard_normal((12, 9))
    families = [0, 0, 1, 1, 2, -1, 2, 0, 1]
    features = tele.layer_features(weights, sample_pairs(group, 0.8, rng=0))
    phi = features.dense()
    b = np.linalg.inv(phi.T @ phi + 0.3 * np.eye(9))
    similar, opposed, near, far = 0, 0, [], []
    for j in range(9):
        for l_ in range(j):
            if abs(slow.cosine(phi[:, j], phi[:, l_])) > 0.2:
                similar += 1
                opposed += (b[j, l_] < 0) == (phi[:, j] @ phi[:, l_] > 0)
            if min(families[j], families[l_]) >= 0:
                strength = abs(b[j, l_]) / np.sqrt(b[j, j] * b[l_, l_])
                (near if families[j] == families[l_] else far).append(strength)
    found = tele.measure_repulsion(features, 0.3, families=families, cosine=0.2)
    assert found.similar_pairs == similar > 5
    assert found.similar_repel == pytest.approx(opposed / similar)
    assert opposed > 0
    assert found.within_family == pytest.approx(np.mean(near))
    assert found.across_families == pytest.approx(np.mean(far))
    alone = tele.measure_repulsion(tele.layer_features(weights[:, :1], features_pairs()), 0.3)
    assert (alone.similar_repel, alone.within_family) == (None, None)


def features_pairs():  # type: ignore[no-untyped-def]
    return sample_pairs(group_from_spec("S3"), 0.8, rng=0)


def test_two_copies_of_a_node_repel() -> None:
    weights = np.repeat(np.random.default_rng(2).standard_normal((12, 1)), 2, axis=1)
    found = tele.measure_repulsion(tele.layer_features(weights, features_pairs()), 0.1)
    assert (found.similar_repel, found.similar_pairs) == (1.0, 1)


@pytest.mark.parametrize("ridge", [0.0, -1.0, np.inf])
def test_ridge_must_be_positive(ridge: float) -> None:
    features = tele.layer_features(np.ones((12, 2)), features_pairs())
    with pytest.raises(ValueError, match="ridge must be positive"):
        tele.interaction_matrix(features, ridge)


def test_nodes_by_projectors_and_the_definition_of_energy() -> None:
    reps = irreps(group_from_spec("D5"))
    pairs = sample_pairs(reps.group, 0.6, rng=0)
    rng = np.random.default_rng(0)
    w, v = rng.standard_normal((20, 7)), rng.standard_normal((7, 10))
    w[:, 3] = 0
    nodes = tele.measure_nodes(w, v, reps, pairs, activation="relu")
    np.testing.assert_allclose(
        nodes.strength, [np.linalg.norm(w[:, j]) * np.linalg.norm(v[j]) for j in range(7)]
    )
    for position, family in enumerate(real_families(reps)):
        projector = np.kron(np.eye(2), isotypic_projector(reps, family))
        part = np.sum((projector @ w) ** 2, axis=0) / np.maximum(np.sum(w**2, axis=0), 1e-300)
        np.testing.assert_allclose(nodes.shares[:, position], part, atol=1e-12)
    unit = w / np.maximum(np.linalg.norm(w, axis=0), 1e-300)
    phi, targets = slow.dense(unit, pairs, "relu", "samples")
    np.testing.assert_allclose(nodes.energy, 0.5 * np.sum((targets.T @ phi) ** 2, axis=0))
    rest = nodes.shares[:, 1:]
    best = np.argmax(rest, axis=1)
    assert nodes.family.tolist() == [b + 1 if j != 3 else -1 for j, b in enumerate(best)]
    wanted = rest.max(1)[4] / rest[4].sum()
    assert nodes.top_share[4] == pytest.approx(wanted)
    assert not nodes.is_alive[3]
    assert nodes.is_alive.sum() == 6


def test_summary_counts_live_nodes_on_one_family() -> None:
    reps = irreps(group_from_spec("S4"))
    families = predicted_families(reps)
    columns = [sample_family(f, reps, count=2, rng=0) for f in families[:3]]
    w = np.concatenate([*columns, 1e-4 * columns[0]]).T
    w[:24, 5] += 3 * sample_family(families[3], reps, count=1, rng=0)[0, :24]
    w += 0.7  # constants carry no energy and do not count
    nodes = tele.measure_nodes(w, np.ones((8, 24)), reps, features_all(reps.group))
    found = nodes.summary()
    assert nodes.family[:5].tolist() == [1, 1, 2, 2, 3]
    assert found["nodes_alive"] == 8
    trimmed = tele.measure_nodes(w - 0.7, np.ones((8, 24)), reps, features_all(reps.group))
    assert trimmed.summary()["nodes_alive"] == 6
    assert trimmed.summary()["nodes_settled"] == pytest.approx(5 / 6)
    assert trimmed.summary()["families_held"] == 3
    dead = tele.measure_nodes(0 * w, np.ones((8, 24)), reps, features_all(reps.group))
    assert dead.summary() == {"nodes_alive": 0, "families_held": 0}


def features_all(group):  # type: ignore[no-untyped-def]
    return sample_pairs(group, 1.0, rng=0)


def test_nodes_of_another_group_are_refused() -> None:
    reps = irreps(group_from_spec("S3"))
    with pytest.raises(ValueError, match=r"W must have shape \(12, K\)"):
        tele.measure_nodes(np.ones((10, 3)), np.ones((3, 6)), reps, features_pairs())


def test_steps_at_known_angles() -> None:
    before, after = np.array([[2.0, 0.0]]), np.array([[2.0, 1.0]])
    step = tele.measure_step(before, after, np.array([[1.0, 1.0]]))
    assert step.size == pytest.approx(0.5)
    assert step.cosine == pytest.approx(2 / np.sqrt(5))
    assert step.turn == pytest.approx(np.sqrt(0.5))
    assert tele.measure_step(before, -before).cosine == -1
    assert tele.measure_step(0 * before, after) == tele.Step(None, None, None)
    assert tele.measure_step(before, before, after).turn is None
    turned = tele.measure_step(np.array([1j]), np.array([-1j]))
    assert (turned.cosine, turned.size) == (-1, 2)


NAMES = ("epoch", "train_accuracy", "test_accuracy", "gradient_norm", "nodes_settled")


def rows_of(*table: tuple[float | None, ...]) -> list[dict[str, float | None]]:
    return [dict(zip(NAMES, row, strict=True)) for row in table]


def test_boundaries_by_their_rules() -> None:
    """A touch does not count, nor does epoch 0; a record without a value is passed over."""
    rows = rows_of(
        (0, 1.0, 0.99, 1.0, 0.7),
        (10, 0.99, None, 9.0, 0.2),
        (20, 0.5, 0.995, 3.0, 0.6),
        (30, 1.0, None, 8.0, 0.5),
        (40, 0.99, 1.0, 8.0, 0.9),
    )
    found = tele.stage_boundaries(rows)
    assert found == tele.StageBoundaries(30, 10, 20, 20, 0.99, 0.5)
    strict = tele.stage_boundaries(rows, accuracy=0.999, settled=0.55)
    assert strict == tele.StageBoundaries(None, 10, 40, 40, 0.999, 0.55)
    patient = tele.stage_boundaries(rows, accuracy=0.4, settle_epochs=20)
    assert (patient.memorized_at, patient.settle_epochs) == (10, 20)


@pytest.mark.parametrize(
    ("values", "steps", "at"),
    [
        ((1.0, 1.0, 1.0, 1.0), None, 10),  # epoch 0 is no achievement of training
        ((0.0, 1.0, 0.0, 1.0), None, 30),
        ((0.0, 1.0, 1.0, 0.0), None, None),
        ((0.0, 1.0, 1.0, 0.0), 10, 10),  # it lasted for as long as was asked
        ((0.0, 1.0, 1.0, 0.0), 20, None),
        ((1.0,), None, None),  # a run that ends before its first step
        ((), None, None),
    ],
)
def test_accuracies_have_the_rule_of_runs_and_features_last_to_the_end(
    values: tuple[float, ...], steps: int | None, at: int | None
) -> None:
    rows = rows_of(*((10 * k, x, x, None, x) for k, x in enumerate(values)))
    found = tele.stage_boundaries(rows, settle_epochs=steps)
    assert (found.memorized_at, found.generalized_at) == (at, at)
    assert found.features_at == (at if steps is None else None)
    assert found.peak_at is None


def test_without_a_test_set_nothing_generalises() -> None:
    rows = [{"epoch": 0, "train_accuracy": 0.0}, {"epoch": 5, "train_accuracy": 1.0}]
    assert tele.stage_boundaries(rows) == tele.StageBoundaries(5, None, None, None, 0.99, 0.5)
