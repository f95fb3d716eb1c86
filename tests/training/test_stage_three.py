"""Theorems 6 and 7: repulsion of nodes, and what the residual still asks for."""

import mpmath
import numpy as np
import pytest

from groupfeat.energy import (
    ascend,
    full_pairs,
    get_activation,
    predicted_families,
    random_starts,
    removed_variant,
    sample_pairs,
)
from groupfeat.groups import group_from_spec, irreps, real_families
from groupfeat.training import (
    TrainConfig,
    exact_network,
    hidden_features,
    match_nodes,
    modulated_maxima,
    network_residual,
    repulsion,
    residual_shares,
    train,
)

SPECS = ["S4", "Q8", "F21", "C23"]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("activation", ["square", "relu"])
def test_theorem_6_holds_for_any_features(spec: str, activation: str) -> None:
    group = group_from_spec(spec)
    rng = np.random.default_rng(0)
    pairs = sample_pairs(group, 0.6, rng=0)
    features = hidden_features(rng.standard_normal((2 * group.order, 9)), pairs, activation)
    np.testing.assert_allclose(features.mean(0), 0, atol=1e-12)
    gram = features.T @ features
    for ridge in (1e-2, 1.0, 1e4):
        inverse = np.linalg.inv(gram + ridge * np.eye(9))
        for j, other in ((0, 1), (3, 7), (8, 2)):
            found = repulsion(features, j, other, ridge)
            rest = np.delete(features, [j, other], axis=1)
            # P through the n × n form of the paper: η(F'F'ᵀ + ηI)⁻¹.
            large = ridge * np.linalg.inv(rest @ rest.T + ridge * np.eye(len(features)))
            assert found.overlap == pytest.approx(
                features[:, j] @ large @ features[:, other], rel=1e-6
            )
            assert found.entry == pytest.approx(inverse[j, other])
            assert found.determinant > 0
            assert found.error < 1e-6
            assert found.repels


@pytest.mark.parametrize("count", [6, 24, 25, 40])
@pytest.mark.parametrize("ridge", [1e-13, 1e-6, 1e8, 1e20])
def test_theorem_6_where_columns_depend_and_the_ridge_is_extreme(count: int, ridge: float) -> None:
    """25 centred features on 25 pairs are dependent; B once in 60 digits."""
    group = group_from_spec("C5")
    w = np.random.default_rng(0).standard_normal((10, count))
    features = hidden_features(w, full_pairs(group))
    found = repulsion(features, 0, 1, ridge)
    assert found.repels
    assert found.determinant > 0
    assert found.error < 1e-8
    with mpmath.workdps(60):
        exact = mpmath.matrix(features.tolist())
        unit = mpmath.zeros(count, 1)
        unit[1] = 1
        column = mpmath.lu_solve(exact.T * exact + mpmath.mpf(ridge) * mpmath.eye(count), unit)
    assert found.entry == pytest.approx(float(column[0]), rel=1e-8)


def test_alike_nodes_repel_and_unlike_attract() -> None:
    group = group_from_spec("C23")
    rng = np.random.default_rng(0)
    w = rng.standard_normal((46, 4))
    w[:, 1] = w[:, 0] + 0.1 * rng.standard_normal(46)
    features = hidden_features(w, full_pairs(group))
    alike = repulsion(features, 0, 1, 1.0)
    assert alike.overlap > 0
    assert alike.entry < 0
    features[:, 1] *= -1
    assert repulsion(features, 0, 1, 1.0).entry > 0
    with pytest.raises(ValueError, match="ridge must be positive"):
        repulsion(features, 0, 1, 0)
    with pytest.raises(ValueError, match="two different columns"):
        repulsion(features, 1, 1, 1.0)


@pytest.mark.parametrize("spec", SPECS)
def test_theorem_7_learned_irreps_leave_the_residual_and_the_maxima(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    pairs, families = full_pairs(reps.group), real_families(reps)[1:]
    learned = families[: len(families) // 2]
    w, v = exact_network(reps, method="single")
    match = match_nodes(w, v, reps)
    held = [node.index for node in match.nodes if node.irreps in learned]
    residual = network_residual(w[:, held], pairs, ridge=1e-9)
    for family, share in residual_shares(residual, reps).items():
        assert share == pytest.approx(0 if family in learned else 1, abs=1e-6)
    levels = {family.irreps: family.energy for family in predicted_families(reps)}
    for found in (
        modulated_maxima(reps, pairs, learned, starts=24, rng=0),
        modulated_maxima(reps, pairs, residual=residual, starts=24, rng=1),
    ):
        assert found.elsewhere == 0
        assert sum(found.ends.values()) == 24
        assert all(found.ends[family] == 0 for family in learned)
        for family, energy in found.energies.items():
            assert energy == pytest.approx(levels[family], rel=1e-6)


def test_residual_of_nothing_and_of_all() -> None:
    reps = irreps(group_from_spec("F21"))
    pairs = full_pairs(reps.group)
    w, v = exact_network(reps)
    nothing = network_residual(np.zeros((42, 0)), pairs)
    assert residual_shares(nothing, reps) == {
        family: pytest.approx(1) for family in real_families(reps)[1:]
    }
    everything = network_residual(w, pairs, second_layer=v)
    assert all(share < 1e-20 for share in residual_shares(everything, reps).values())


@pytest.mark.parametrize("spec", ["S3", "C7", "Q8"])
def test_residual_and_shares_on_a_subset_by_projectors(spec: str) -> None:
    """Targets that are not met equally often: P⊥Y as written, and Y's own norm in each irrep."""
    reps = irreps(group_from_spec(spec))
    order, pairs = reps.group.order, sample_pairs(reps.group, 0.4, rng=1)
    assert len(set(pairs.target_counts.tolist())) > 1
    n = len(pairs)
    one_hot = np.eye(order)[pairs.target]
    centred = (np.eye(n) - 1 / n) @ one_hot
    nothing = network_residual(np.zeros((2 * order, 0)), pairs)
    np.testing.assert_allclose(nothing, centred, atol=1e-12)
    w = np.random.default_rng(0).standard_normal((2 * order, 4))
    v = np.random.default_rng(1).standard_normal((4, order))
    x = np.concatenate([np.eye(order)[pairs.left], np.eye(order)[pairs.right]], axis=1)
    features = (np.eye(n) - 1 / n) @ (x @ w) ** 2
    rest = network_residual(w, pairs, second_layer=v)
    np.testing.assert_allclose(rest, centred - features @ v, atol=1e-10)
    solved = network_residual(w, pairs, ridge=0.3)
    inverse = np.linalg.inv(features @ features.T + 0.3 * np.eye(n))
    np.testing.assert_allclose(solved, 0.3 * inverse @ centred, atol=1e-9)
    table, inverses = reps.group.cayley_table, reps.group.inverse
    for residual in (nothing, rest):
        for family, share in residual_shares(residual, reps).items():
            # P_k[s, t] = (d_k/M) χ_k(s t⁻¹), summed over the family.
            projector = np.zeros((order, order))
            for k in family:
                characters = np.trace(reps[k].matrices(), axis1=1, axis2=2)
                part = reps[k].dim / order * characters[table[:, inverses]]
                projector = projector + part.real
            parts = [np.linalg.norm(matrix @ projector) ** 2 for matrix in (residual, one_hot)]
            assert share == pytest.approx(parts[0] / parts[1])
            assert parts[1] == pytest.approx(n / order * sum(reps[k].dim ** 2 for k in family))
    assert min(residual_shares(nothing, reps).values()) < 0.99


def test_an_end_between_families_is_counted_elsewhere() -> None:
    """On a subset maxima are mixed: counted by isotypic projection of the ends themselves."""
    reps = irreps(group_from_spec("S3"))
    pairs = sample_pairs(reps.group, 0.75, rng=2)
    found = modulated_maxima(reps, pairs, starts=40, rng=3)
    points = random_starts(6, 40, rng=3)
    variant = removed_variant(reps, ())
    ends = ascend(points, pairs, get_activation("square"), variant=variant).weights
    table, inverses = reps.group.cayley_table, reps.group.inverse
    norms = []
    for family in real_families(reps)[1:]:
        (k,) = family
        characters = np.trace(reps[k].matrices(), axis1=1, axis2=2).real
        projector = reps[k].dim / 6 * characters[table[:, inverses]]
        norms.append(np.sum((ends.reshape(-1, 2, 6) @ projector) ** 2, axis=(1, 2)))
    top = np.max(norms, axis=0) / np.sum(ends**2, axis=1)
    assert np.sum((top >= 0.5) & (top < 0.98)) > 3
    assert found.elsewhere == np.sum(top < 0.99)
    assert sum(found.ends.values()) == np.sum(top >= 0.99)


def test_a_trained_network_over_time() -> None:
    """Energy decides the order: what is left is least on the sign, most on dimension three.

    Irreps that are represented in part leave a residual that no irrep's maxima survive in: what
    Theorem 7 says of full representation does not hold on the way there.
    """
    group = group_from_spec("S4")
    reps, pairs = irreps(group), full_pairs(group)
    history, mixed = [], []
    for epochs in (5, 40, 600):
        (run,) = train(group, TrainConfig(n_hidden=128, epochs=epochs), seeds=[0])
        residual = network_residual(run.first_layer, pairs, second_layer=run.second_layer)
        history.append(list(residual_shares(residual, reps).values()))
        found = modulated_maxima(reps, pairs, residual=residual, starts=12, rng=0)
        mixed.append(found.elsewhere)
    assert min(history[0]) > 0.8
    sign, two, *threes = history[1]
    assert sign < two < min(threes)
    assert max(history[2]) < 0.02
    assert mixed[0] < 6 < mixed[1]
