"""Networks of paired nodes: σ(a + b) − σ(a − b), so that what is even in b cancels."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from groupfeat.groups import FiniteGroup
from groupfeat.training.many._train import training_pairs
from groupfeat.training.network._model import DTYPES, initial_parameters
from groupfeat.training.network._network import (
    Layers,
    NetSpec,
    PairTensors,
    answer_shift,
    layer_gradients,
    measure,
)
from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.tasks._tasks import product_task

__all__ = ["PairedRun", "paired_layers", "train_paired"]


_USED = frozenset(
    (
        "n_hidden",
        "task",
        "train_fraction",
        "pair_seed",
        "init_seed",
        "init",
        "init_scale",
        "alpha",
        "beta",
        "activation",
        "loss",
        "optimizer",
        "learning_rate",
        "weight_decay",
        "epochs",
        "eval_every",
        "stop_accuracy",
        "settle_epochs",
        "precision",
    )
)


@dataclass(frozen=True)
class PairedRun:
    """How a network of paired nodes ended.

    Parameters
    ----------
    seed, epochs
        Its seed, and steps taken.
    train_accuracy, test_accuracy
        Last values; test accuracy is that of train pairs where all pairs are trained on.
    generalized_at
        First evaluated epoch whose test accuracy reaches ``stop_accuracy``, or None.
    """

    seed: int
    epochs: int
    train_accuracy: float
    test_accuracy: float
    generalized_at: int | None


def train_paired(group: FiniteGroup, config: TrainConfig, *, seed: int = 0) -> PairedRun:
    """Train K/2 pairs of nodes [u; v], [u; −v] with output weights c, −c, tied throughout.

    For σ = x² a pair is the node 4(u·)(v·): it climbs the energy of the cross term.
    Adam with the config's rate and (coupled) weight decay; a run stops when it generalises.

    Parameters
    ----------
    group
        The group.
    config
        Its size, data, start, activation, loss, β, rate, decay, precision, epochs and seeds are
        used (``settle_epochs`` is not: the run stops at once); everything else must stand at its
        default.
    seed
        Of pairs and weights, as in `train`.

    Raises
    ------
    ValueError
        If ``n_hidden`` is odd, or the config asks for anything else than the settings named.
    """
    _check(config)
    settled = config.resolved(group.order).seeded(seed)
    dtype = DTYPES[settled.precision]
    pairs = training_pairs(group, settled, seed)
    seen, rest = PairTensors.of(pairs, dtype), pairs.complement()
    unseen = seen if rest is None else PairTensors.of(rest, dtype)
    start = initial_parameters(product_task(group), settled, settled.init_seed or 0)
    half = settled.n_hidden // 2
    first, second = start["W"][:, :half].contiguous(), start["V"][:, :half].contiguous()
    return _descend(first, second, seen, unseen, settled, seed)


def _check(config: TrainConfig) -> None:
    if config.n_hidden % 2 or config.optimizer != "adam":
        raise ValueError(
            f"paired nodes need an even n_hidden and Adam, got {config.n_hidden} and "
            f"{config.optimizer!r}"
        )
    for each in fields(config):
        value = getattr(config, each.name)
        if each.name not in _USED and value != each.default:
            raise ValueError(
                f"paired nodes do not heed {each.name}, got {value!r}; leave it at {each.default!r}"
            )


def paired_layers(first: Tensor, second: Tensor) -> Layers:
    """Return the 2K nodes of K pairs: W = [u u; v −v], V = [c −c] (transposed, (M, 2K))."""
    u, v = first.chunk(2)
    return Layers(torch.cat([first, torch.cat([u, -v])], 1), torch.cat([second, -second], 1))


def _paired_gradients(
    first: Tensor, second: Tensor, pairs: PairTensors, spec: NetSpec
) -> tuple[Tensor, Tensor]:
    """Return the loss's gradients for u, v stacked, and c: those of the nodes, folded back."""
    found = layer_gradients(paired_layers(first, second), pairs, spec)[1]
    plus, minus = found.first.chunk(2, 1)
    up, down = minus.chunk(2)
    out, opposite = found.second.chunk(2, 1)
    return plus + torch.cat([up, -down]), out - opposite


def _accuracy(
    first: Tensor, second: Tensor, seen: PairTensors, judged: PairTensors, spec: NetSpec
) -> float:
    layers = paired_layers(first, second)
    return measure(layers, judged, spec, shift=answer_shift(layers, seen, spec))[0]


def _descend(
    first: Tensor,
    second: Tensor,
    seen: PairTensors,
    unseen: PairTensors,
    config: TrainConfig,
    seed: int,
) -> PairedRun:
    rounded = config.precision == "bfloat16"
    spec = NetSpec(config.activation, config.loss, config.beta, rounded=rounded)
    optimizer = torch.optim.Adam(
        [first, second], config.learning_rate, weight_decay=config.weight_decay or 0.0
    )
    reached: int | None = None
    epoch, test = 0, 0.0
    while epoch < config.epochs and reached is None:
        epoch += 1
        first.grad, second.grad = _paired_gradients(first, second, seen, spec)
        optimizer.step()
        if epoch % config.eval_every == 0 or epoch == config.epochs:
            test = _accuracy(first, second, seen, unseen, spec)
            reached = epoch if test >= config.stop_accuracy else None
    train = _accuracy(first, second, seen, seen, spec)
    return PairedRun(seed, epoch, train, test, reached)
