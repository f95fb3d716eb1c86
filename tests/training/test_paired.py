"""Paired nodes: the tied network against its formula, its gradients against autograd."""

from dataclasses import replace

import pytest
import torch

from groupfeat.energy import full_pairs, sample_pairs
from groupfeat.groups import cyclic, symmetric
from groupfeat.training import PairTensors, TrainConfig, train_paired
from groupfeat.training.baselines._paired import _paired_gradients, paired_layers
from groupfeat.training.network._network import NetSpec, measure


def drawn() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(12, 5, generator=generator, dtype=torch.float64),
        torch.randn(6, 5, generator=generator, dtype=torch.float64),
    )


@pytest.mark.parametrize("activation", ["square", "relu"])
@pytest.mark.parametrize("loss", ["mse_classes", "mse_samples"])
def test_folded_gradients_are_those_of_the_tied_network(activation: str, loss: str) -> None:
    pairs = PairTensors.of(sample_pairs(symmetric(3), 0.7, rng=0), torch.float64)
    first, second = drawn()
    got = _paired_gradients(first, second, pairs, NetSpec(activation, loss))
    leaves = [part.clone().requires_grad_() for part in (first, second)]
    u, v = leaves[0].chunk(2)
    a, b = u[pairs.rows[0]], v[pairs.rows[1] - 6]
    sigma = torch.square if activation == "square" else torch.relu
    features = sigma(a + b) - sigma(a - b)
    logits = features @ leaves[1].T
    truth = torch.nn.functional.one_hot(pairs.target, 6).to(torch.float64)
    if loss == "mse_samples":
        residual = truth - truth.mean(0) - logits + logits.mean(0)
        value = 0.5 * (residual**2).sum()
    else:
        residual = truth - logits
        value = ((residual - residual.mean(1, keepdim=True)) ** 2).sum() / len(pairs)
    value.backward()
    for ours, leaf in zip(got, leaves, strict=True):
        torch.testing.assert_close(ours, leaf.grad, rtol=1e-9, atol=1e-12)


def test_a_pair_of_squares_is_a_product() -> None:
    first, second = drawn()
    layers = paired_layers(first, second)
    x = layers.first[torch.tensor([2])] + layers.first[torch.tensor([6 + 4])]
    expected = 4 * (first[2] * first[10]) @ second.T
    torch.testing.assert_close((x**2 @ layers.second.T)[0], expected)


def test_weights_are_drawn_from_their_own_seed() -> None:
    config = TrainConfig(n_hidden=8, epochs=3, eval_every=1)
    group = cyclic(5)
    one, same, other = (
        train_paired(group, replace(config, pair_seed=1, init_seed=init)) for init in (7, 7, 8)
    )
    assert one == same
    assert (one.train_accuracy, one.test_accuracy) != (other.train_accuracy, other.test_accuracy)


def test_it_generalises_with_data_and_not_without() -> None:
    config = TrainConfig(n_hidden=64, epochs=800, eval_every=20, stop_accuracy=0.95)
    group = cyclic(11)
    kept, lost = (
        train_paired(group, TrainConfig(**{**config.to_dict(), "train_fraction": p}), seed=0)
        for p in (0.8, 0.1)
    )
    assert kept.generalized_at is not None
    assert kept.epochs == kept.generalized_at
    assert kept.train_accuracy > 0.95
    assert lost.generalized_at is None
    assert (lost.train_accuracy, lost.epochs) == (1.0, 800)
    assert lost.test_accuracy < 0.5
    again = train_paired(group, TrainConfig(**{**config.to_dict(), "train_fraction": 0.8}), seed=0)
    assert again == kept


def test_all_pairs_are_their_own_test() -> None:
    group = cyclic(5)
    run = train_paired(group, TrainConfig(n_hidden=32, train_fraction=1.0, epochs=400))
    assert run.test_accuracy == run.train_accuracy == 1.0
    first, second = drawn()
    pairs = PairTensors.of(full_pairs(symmetric(3)), torch.float64)
    accuracy, _ = measure(paired_layers(first, second), pairs, NetSpec("square", "mse_classes"))
    u, v = first.chunk(2)
    answers = (4 * u[:, None] * v[None] @ second.T).argmax(-1)
    table = torch.tensor(symmetric(3).cayley_table.tolist())
    assert accuracy == pytest.approx(float((answers == table).double().mean()))


def test_weight_decay_is_coupled() -> None:
    """A decay beyond the loss's pull leaves nothing that answers."""
    config = TrainConfig(n_hidden=8, epochs=300, eval_every=300, stop_accuracy=1.0)
    accuracies = [
        train_paired(cyclic(7), TrainConfig(**{**config.to_dict(), "weight_decay": decay}))
        for decay in (0.0, 5.0)
    ]
    assert accuracies[0].train_accuracy > 0.5 > accuracies[1].train_accuracy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("schedule", "cosine"),
        ("bias", True),
        ("complex_weights", True),
        ("batch_norm", True),
        ("other_layers", 1),
        ("weight_norm", "node"),
        ("adam_beta1", 0.1),
        ("stop", "never"),
        ("embedding", 3),
    ],
)
def test_settings_it_would_not_heed_are_refused(name: str, value: object) -> None:
    config = TrainConfig(**{"n_hidden": 8, name: value})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"paired nodes do not heed {name}, got {value!r}"):
        train_paired(cyclic(5), config)


def test_what_it_cannot_do_is_said() -> None:
    with pytest.raises(ValueError, match="even n_hidden and Adam, got 7 and 'adam'"):
        train_paired(cyclic(5), TrainConfig(n_hidden=7))
    with pytest.raises(ValueError, match="even n_hidden and Adam, got 8 and 'sgd'"):
        train_paired(cyclic(5), TrainConfig(n_hidden=8, optimizer="sgd"))
