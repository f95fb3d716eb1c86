"""Abelian networks as algebraic solutions: built from their factors and read back."""

import numpy as np
import pytest
from numpy.typing import NDArray

from groupfeat.groups import group_from_spec, irreps
from groupfeat.training import (
    FrequencySolution,
    TrainConfig,
    abelian_solutions,
    exact_network,
    prune_network,
    train,
)

Complexes = NDArray[np.complex128]
TURN = np.exp(2j * np.pi / 3)


def star(first: list[tuple[complex, ...]], second: list[tuple[complex, ...]]) -> Complexes:
    """The ring product: all products of one triple each, (1, 1, 1) included in both."""
    one = (1, 1, 1)
    return np.array([np.multiply(a, b) for a in (one, *first) for b in (one, *second)])


def network_of(triples: Complexes, order: int, k: int = 1) -> tuple[NDArray, NDArray]:
    """a(g) = Re A e^{2πikg/M}, v(t) = Re C e^{−2πikt/M}."""
    wave = np.exp(2j * np.pi * k * np.arange(order) / order)
    halves = [np.real(np.outer(wave, t)) for t in triples.T[:2]]
    return np.concatenate(halves), np.real(np.outer(triples[:, 2], wave.conj()))


def read(triples: Complexes, order: int = 11) -> FrequencySolution:
    reps = irreps(group_from_spec(f"C{order}"))
    found = [s for s in abelian_solutions(*network_of(triples, order), reps) if s.nodes]
    assert len(found) == 1
    return found[0]


XI, NU, ALPHA, BETA = np.exp(0.7j), np.exp(0.4j), np.exp(0.3j), np.exp(-0.5j)
QUARTER: list[tuple[complex, ...]] = [(1j, -1j, 1)]
SOLUTIONS = {
    "4 = (ν=i) * ξ": star(QUARTER, [(XI, -1j / XI, 1j)]),
    "6 = ν * syn": star([(NU, -NU, -1 / NU**2)], [(TURN,) * 3, (1 / TURN,) * 3]),
    "6 = (ν=i) * syn(αβ)": star(
        QUARTER, [(ALPHA * TURN, TURN / ALPHA, TURN), (BETA / TURN, 1 / TURN / BETA, 1 / TURN)]
    ),
}


@pytest.mark.parametrize("kind", SOLUTIONS)
def test_known_solutions_are_named_in_any_order_sign_phase_and_scale(kind: str) -> None:
    rng = np.random.default_rng(0)
    triples = SOLUTIONS[kind]
    for _ in range(3):
        moved = triples[rng.permutation(len(triples))].copy()
        moved[:, :2] *= rng.choice([-1, 1], (len(moved), 1))  # the same node
        size = rng.uniform(0.5, 2, len(moved))
        moved[:, :2] *= size[:, None]
        moved[:, 2] /= size**2
        found = read(moved)
        assert (found.kind, found.order, found.nodes) == (kind, len(triples), len(triples))
        assert found.factor_error < 1e-10
        assert found.signal == pytest.approx(len(triples))
        held = {name: v for name, v in found.violations.items() if name != "bias"}
        assert max(held.values()) < 1e-10


def test_the_bias_vanishes_for_six_and_not_for_four() -> None:
    bias = {kind: read(triples).violations["bias"] for kind, triples in SOLUTIONS.items()}
    assert bias["4 = (ν=i) * ξ"] == pytest.approx(np.sqrt(2))
    assert bias["6 = (ν=i) * syn(αβ)"] == pytest.approx(0, abs=1e-12)
    assert bias["6 = ν * syn"] == pytest.approx(0, abs=1e-12)


def test_parallel_nodes_count_once_and_noise_spoils_the_factors() -> None:
    triples = SOLUTIONS["4 = (ν=i) * ξ"]
    split = np.concatenate([triples, triples[:2] * np.array([2, 2, 0.25])])
    found = read(split)
    assert (found.nodes, found.order, found.kind) == (6, 4, "4 = (ν=i) * ξ")
    rng = np.random.default_rng(0)
    spoilt = triples * np.exp(1j * rng.uniform(-1, 1, triples.shape))
    found = read(spoilt)
    assert found.kind == "none"
    assert max(v for name, v in found.violations.items() if name != "bias") > 0.1


@pytest.mark.parametrize("order", [7, 11])
def test_violations_are_harmonics_of_the_answers(order: int) -> None:
    """By the three-dimensional Fourier transform of (a(g) + b(h))² v(t), node by node unlike.

    A product of a and b has ¼ABC at χ(g)χ(h)χ̄(t), a square ⅛A²C at χ²(g)χ̄(t).
    """
    rng = np.random.default_rng(0)
    drawn = np.exp(2j * np.pi * rng.uniform(size=(3, 4, 3)))
    drawn[..., 2] *= rng.uniform(0.5, 2, (3, 4))
    # The last with B = iA, whose second harmonics in g and in h have the sum 0.
    for values in (*drawn, np.array([[1, 1j, 1 + 1j]])):
        found = read(values, order)
        w, v = network_of(values, order)
        answers = np.einsum("ghk,kt->ght", (w[:order, None] + w[None, order:]) ** 2, v)
        at = np.abs(np.fft.fftn(answers)) / order**3
        signal = 4 * at[1, 1, -1]
        assert abs(found.signal) == pytest.approx(signal)
        expected = {
            "ABC'": 4 * at[1, 1, 1],
            "AB'C": 4 * at[1, -1, -1],
            "A'BC": 4 * at[-1, 1, -1],
            "AAC": 8 * np.hypot(at[2, 0, -1], at[0, 2, -1]),
            "AAC'": 8 * np.hypot(at[2, 0, 1], at[0, 2, 1]),
            "bias": 4 * at[0, 0, -1],
        }
        assert found.violations == pytest.approx(
            {name: value / signal for name, value in expected.items()}
        )


def test_nodes_of_opposite_sign_are_one_direction() -> None:
    triples = SOLUTIONS["4 = (ν=i) * ξ"]
    split = np.concatenate([triples, triples[:3] * np.array([-3, -3, 0.5])])
    found = read(split)
    assert (found.nodes, found.order) == (7, 4)
    assert found.signal == pytest.approx(4 + 3 * 3**2 * 0.5)


@pytest.mark.parametrize(
    "first",
    [(NU, 1 / NU, 1), (NU, -NU, -1 / NU**2), (1j, 1j, -1)],
    ids=["AB = 1", "ν that is not i", "A = B"],
)
def test_six_nodes_of_another_first_factor_have_no_name(first: tuple[complex, ...]) -> None:
    """They factor without error, but syn(αβ) goes with ν = i alone."""
    second = [
        (ALPHA * TURN, TURN / ALPHA, TURN),
        (BETA / TURN, 1 / TURN / BETA, 1 / TURN),
    ]
    found = read(star([first], second))
    assert (found.order, found.kind) == (6, "none")
    assert found.factor_error < 1e-10


def test_exact_networks_are_solutions() -> None:
    reps = irreps(group_from_spec("C23"))
    found = abelian_solutions(*exact_network(reps, method="single"), reps)
    assert len(found) == 11
    assert {s.kind for s in found} == {"4 = (ν=i) * ξ"}
    pairs = abelian_solutions(*exact_network(reps, method="pairs"), reps)
    assert {s.order for s in pairs} == {6}
    assert max(max(s.violations.values()) for s in pairs) < 1e-10


def test_a_trained_network_uses_them() -> None:
    group = group_from_spec("C11")
    reps = irreps(group)
    (run,) = train(group, TrainConfig(n_hidden=128, settle_epochs=900, epochs=1400), seeds=[0])
    found = abelian_solutions(run.first_layer, run.second_layer, reps)
    assert all(max(list(s.violations.values())[:5]) < 0.2 for s in found)
    assert all(3 < s.order <= 12 for s in found)
    pruned = prune_network(run.first_layer, run.second_layer, reps)
    orders = [s.order for s in abelian_solutions(pruned.first_layer, pruned.second_layer, reps)]
    assert set(orders) <= {4, 5, 6}


def test_non_abelian_groups_are_refused() -> None:
    reps = irreps(group_from_spec("S3"))
    with pytest.raises(ValueError, match="S3 is not abelian"):
        abelian_solutions(*exact_network(reps), reps)
