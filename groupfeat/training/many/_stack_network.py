"""Losses, gradients and answers of a stack of two-layer networks Ŷ = β σ(XW)V, by `bmm`.

As in `_network`, with one more axis: W is (R, rows, K), V transposed is (R, M, K). No sum runs
over the first axis, so that no run sees another, and every sum has a fixed order, on a GPU too:
W's rows gather what they are owed, nothing is scattered.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from groupfeat.training.many._stack_pairs import StackedPairs
from groupfeat.training.many._stack_plan import CPU_ENTRIES, GPU_ENTRIES
from groupfeat.training.network._activations import activate
from groupfeat.training.network._losses import row_losses

__all__ = ["StackPass", "StackSpec", "measure_stack", "stack_gradients", "stack_shift"]


class StackSpec(NamedTuple):
    """What is computed: ``beta`` is (R, 1, 1)."""

    activation: str
    loss: str
    beta: Tensor


class _Chunk(NamedTuple):
    """Examples of every run: ``rows`` (R·c, k) of the flattened W, and the way back to them.

    Row r of W gathers the hidden gradients ``sources[bounds[r]:bounds[r + 1]]`` of R·c.
    """

    pairs: StackedPairs
    rows: Tensor
    sources: Tensor
    bounds: Tensor


class StackPass(NamedTuple):
    """The examples of a stack, cut up, and the memory that every pass over them writes anew.

    ``first``, ``second``: the gradients; ``back`` (R·c, K), ``logits`` (R·c, M): of the largest
    chunk.
    """

    chunks: tuple[_Chunk, ...]
    first: Tensor
    second: Tensor
    back: Tensor
    logits: Tensor

    @classmethod
    def of(cls, pairs: StackedPairs, first: Tensor, second: Tensor) -> "StackPass":
        """Return the passes over ``pairs`` of networks of these shapes."""
        runs, height, hidden = first.shape
        chunks = tuple(_owed(part, rows, runs * height) for part, rows in _cut(pairs, first))
        most = max(len(chunk.rows) for chunk in chunks)
        gradients = torch.empty_like(first), torch.empty_like(second)
        back, logits = (first.new_empty(most, width) for width in (hidden, second.shape[1]))
        return cls(chunks, *gradients, back, logits)


def _cut(pairs: StackedPairs, first: Tensor) -> Iterator[tuple[StackedPairs, Tensor]]:
    """Yield chunks and their rows of the flattened W, (R·c, k)."""
    runs, height, hidden = first.shape
    shift = torch.arange(0, runs * height, height, device=first.device)[:, None]
    entries = CPU_ENTRIES if first.device.type == "cpu" else GPU_ENTRIES
    for part in pairs.chunks(entries, max(hidden, pairs.share.shape[2])):
        yield part, (part.rows + shift).flatten(1).T.contiguous()


def _owed(part: StackedPairs, rows: Tensor, count: int) -> _Chunk:
    sources = rows.flatten().argsort(stable=True) // rows.shape[1]
    bounds = rows.new_zeros(count + 1)
    bounds[1:] = torch.bincount(rows.flatten(), minlength=count).cumsum(0)
    return _Chunk(part, rows, sources, bounds)


def stack_gradients(
    first: Tensor, second: Tensor, pairs: StackedPairs, spec: StackSpec, work: StackPass
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the losses (R,) and their gradients for W and for V transposed, which ``work`` holds.

    ``work`` is the `StackPass` of these ``pairs``.
    """
    total, mean = torch.zeros_like(pairs.total), _mean_answers(first, second, pairs, spec)
    flat, hidden = work.first.zero_().flatten(0, 1), first.shape[2]
    work.second.zero_()
    for part, rows, sources, bounds in work.chunks:
        x = embedding_bag(rows, first.view(-1, hidden), mode="sum")
        features, slope = activate(spec.activation, x.view(len(first), -1, hidden))
        back, logits = work.back[: len(rows)], work.logits[: len(rows)]
        logits = logits.view(*part.target.shape, -1)
        torch.bmm(features, second.mT, out=logits)
        if mean is not None:
            logits -= mean
        values, pull = row_losses(logits.mul_(spec.beta), part.target, pairs.share, spec.loss)
        weight = part.weight / _over(pairs, spec)
        total += (values * weight).sum(1)
        pull *= weight[..., None] * spec.beta
        work.second.baddbmm_(pull.mT, features)
        torch.bmm(pull, second, out=back.view_as(slope)).mul_(slope)
        flat += embedding_bag(sources, back, bounds, mode="sum", include_last_offset=True)
    return total, work.first, work.second


def stack_shift(
    first: Tensor, second: Tensor, pairs: StackedPairs, spec: StackSpec
) -> Tensor | None:
    """Return `answer_shift` of each run over its training ``pairs``, (R, 1, M), or None."""
    mean = _mean_answers(first, second, pairs, spec)
    return None if mean is None else pairs.share - spec.beta * mean


def measure_stack(
    first: Tensor,
    second: Tensor,
    pairs: StackedPairs,
    spec: StackSpec,
    shift: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return accuracies and losses, (R,) each; ``shift``: `stack_shift` of the training pairs."""
    total, correct = torch.zeros_like(pairs.total), torch.zeros_like(pairs.total)
    mean = _mean_answers(first, second, pairs, spec)
    for part, features in _features(first, pairs, spec):
        logits = torch.bmm(features, second.mT).mul_(spec.beta)
        judged = logits if shift is None else logits + shift
        hit = judged.argmax(2) == part.target
        correct += (hit * part.weight).sum(1)
        if mean is not None:
            logits -= spec.beta * mean
        values, _ = row_losses(logits, part.target, pairs.share, spec.loss)
        total += (values * (part.weight / _over(pairs, spec))).sum(1)
    return correct / pairs.total, total


def _over(pairs: StackedPairs, spec: StackSpec) -> Tensor:
    """Return what each run's loss is divided by, (R, 1)."""
    count = pairs.total[:, None]
    return torch.ones_like(count) if spec.loss == "mse_samples" else count


def _features(
    first: Tensor, pairs: StackedPairs, spec: StackSpec
) -> Iterator[tuple[StackedPairs, Tensor]]:
    """Yield the chunks and their σ(XW), (R, c, K)."""
    runs, _, hidden = first.shape
    for part, rows in _cut(pairs, first):
        x = embedding_bag(rows, first.view(-1, hidden), mode="sum")
        yield part, activate(spec.activation, x.view(runs, -1, hidden))[0]


def _mean_answers(
    first: Tensor, second: Tensor, pairs: StackedPairs, spec: StackSpec
) -> Tensor | None:
    """Return the mean answer over each run's examples over β, (R, 1, M), where centred by it."""
    if spec.loss != "mse_samples":
        return None
    total = first.new_zeros(len(first), 1, first.shape[2])
    for part, features in _features(first, pairs, spec):
        total.baddbmm_(part.weight[:, None], features)
    return torch.bmm(total / pairs.total[:, None, None], second.mT)
