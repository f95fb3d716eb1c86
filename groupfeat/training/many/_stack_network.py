"""Losses, gradients and answers of a stack of two-layer networks Ŷ = β σ(XW)V, by `bmm`.

As in `_network`, with one more axis: W is (R, rows, K), V transposed is (R, M, K). No sum runs
over the first axis, so that no run sees another.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from groupfeat.training.many._stack_pairs import StackedPairs
from groupfeat.training.many._stack_plan import CPU_ENTRIES, GPU_ENTRIES
from groupfeat.training.network._activations import activate
from groupfeat.training.network._losses import row_losses

__all__ = ["StackSpec", "measure_stack", "stack_gradients"]


class StackSpec(NamedTuple):
    """What is computed: ``beta`` is (R, 1, 1)."""

    activation: str
    loss: str
    beta: Tensor


class _Part(NamedTuple):
    """A chunk on its way: σ and σ' (R, c, K), logits (R, c, M), rows of the flattened W."""

    pairs: StackedPairs
    features: Tensor
    slope: Tensor
    logits: Tensor
    rows: Tensor


def stack_gradients(
    first: Tensor, second: Tensor, pairs: StackedPairs, spec: StackSpec
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the losses (R,) and their gradients for W and for V transposed."""
    total = torch.zeros_like(pairs.total)
    found_first, found_second = torch.zeros_like(first), torch.zeros_like(second)
    flat = found_first.view(-1, first.shape[2])
    for part in _forward(first, second, pairs, spec, _mean_answers(first, second, pairs, spec)):
        values, pull = row_losses(part.logits, part.pairs.target, pairs.share, spec.loss)
        weight = part.pairs.weight / _over(pairs, spec)
        total += (values * weight).sum(1)
        pull *= weight[..., None] * spec.beta
        found_second.baddbmm_(pull.mT, part.features)
        back = torch.bmm(pull, second).mul_(part.slope).flatten(0, 1)
        for rows in part.rows:
            flat.index_add_(0, rows, back)
    return total, found_first, found_second


def measure_stack(
    first: Tensor, second: Tensor, pairs: StackedPairs, spec: StackSpec
) -> tuple[Tensor, Tensor]:
    """Return accuracies and losses, (R,) each."""
    total, correct = torch.zeros_like(pairs.total), torch.zeros_like(pairs.total)
    mean = _mean_answers(first, second, pairs, spec)
    for part in _forward(first, second, pairs, spec, None):
        hit = part.logits.argmax(2) == part.pairs.target
        correct += (hit * part.pairs.weight).sum(1)
        logits = part.logits if mean is None else part.logits - spec.beta * mean
        values, _ = row_losses(logits, part.pairs.target, pairs.share, spec.loss)
        total += (values * (part.pairs.weight / _over(pairs, spec))).sum(1)
    return correct / pairs.total, total


def _over(pairs: StackedPairs, spec: StackSpec) -> Tensor:
    """Return what each run's loss is divided by, (R, 1)."""
    count = pairs.total[:, None]
    return torch.ones_like(count) if spec.loss == "mse_samples" else count


def _forward(
    first: Tensor, second: Tensor, pairs: StackedPairs, spec: StackSpec, mean: Tensor | None
) -> Iterator[_Part]:
    """Yield the chunks, answers less ``mean`` (R, 1, M)."""
    for part, features, slope, rows in _hidden(first, pairs, spec):
        logits = torch.bmm(features, second.mT)
        if mean is not None:
            logits -= mean
        yield _Part(part, features, slope, logits.mul_(spec.beta), rows)


def _hidden(
    first: Tensor, pairs: StackedPairs, spec: StackSpec
) -> Iterator[tuple[StackedPairs, Tensor, Tensor, Tensor]]:
    runs, height, hidden = first.shape
    shift = torch.arange(0, runs * height, height, device=first.device)[:, None]
    entries = CPU_ENTRIES if first.device.type == "cpu" else GPU_ENTRIES
    flat = first.view(-1, hidden)
    for part in pairs.chunks(entries, max(hidden, pairs.share.shape[2])):
        rows = (part.rows + shift).flatten(1)
        x = flat[rows[0]]
        for more in rows[1:]:
            x += flat[more]
        features, slope = activate(spec.activation, x.view(runs, -1, hidden))
        yield part, features, slope, rows


def _mean_answers(
    first: Tensor, second: Tensor, pairs: StackedPairs, spec: StackSpec
) -> Tensor | None:
    """Return the mean answer over each run's examples over β, (R, 1, M), where centred by it."""
    if spec.loss != "mse_samples":
        return None
    total = first.new_zeros(len(first), 1, first.shape[2])
    for part, features, _, _ in _hidden(first, pairs, spec):
        total.baddbmm_(part.weight[:, None], features)
    return torch.bmm(total / pairs.total[:, None, None], second.mT)
