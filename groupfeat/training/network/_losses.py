"""Losses of answers Ŷ and their gradients, chunk by chunk."""

import torch
from torch import Tensor

from groupfeat.training.kernels import _hidden as kernels
from groupfeat.training.network._hidden import Workspace

__all__ = ["SQUARED", "count_right", "output_gradient", "row_losses"]

Pair = tuple[Tensor, Tensor]
SQUARED = ("mse_classes", "mse_samples")


def output_gradient(
    logits: Tensor,
    target: Tensor,
    share: Tensor,
    loss: str,
    count: int,
    work: Workspace | None = None,
) -> tuple[float, Tensor]:
    """Return the part of the loss of a chunk of ``logits`` and its gradient for them, (c, M).

    ``share`` (M,) is n_t/n of the whole set of ``count`` examples; ``"mse_samples"`` expects
    logits that are already centred over samples. ``logits`` (c, M or more; further columns have
    no meaning) may be overwritten.
    """
    order = share.shape[0]
    if loss in SQUARED and logits.device.type == "cpu" and kernels.compiled():
        scale = 2 / count if loss == "mse_classes" else 1.0
        pull = (work or Workspace()).get("pull", logits.shape[0], order, logits)
        found = pull.numpy()
        arrays = logits.numpy(), target.numpy(), share.numpy()
        squares = kernels.residuals(loss == "mse_classes", *arrays, found.dtype.type(scale), found)
        return 0.5 * scale * squares, pull
    values, pull = row_losses(logits[:, :order], target, share, loss)
    over = 1 if loss == "mse_samples" else count
    return float(values.sum()) / over, pull.div_(over)


def count_right(logits: Tensor, target: Tensor, order: int) -> int:
    """Return how many of the ``logits`` (c, M or more) are largest, among M, at ``target``."""
    if logits.device.type == "cpu" and kernels.compiled():
        return int(kernels.count_right(logits.numpy(), target.numpy(), order))
    return int((logits[:, :order].argmax(1) == target).sum())


def row_losses(logits: Tensor, target: Tensor, share: Tensor, loss: str) -> Pair:
    """Return the loss of each row of ``logits`` (…, M), shape (…), and its gradient (…, M).

    Before division by the number of examples; ``target`` is (…), ``share`` broadcasts to (…, M).
    """
    at = target[..., None]
    if loss in SQUARED:
        gap = logits + share
        if loss == "mse_classes":
            gap = logits - logits.mean(-1, keepdim=True) + 1 / logits.shape[-1]
        gap.scatter_add_(-1, at, -torch.ones_like(gap[..., :1]))
        values = gap.square().sum(-1)
        return (values, gap.mul_(2)) if loss == "mse_classes" else (0.5 * values, gap)
    softmax = _stablemax if loss == "stablemax" else _cross_entropy
    return softmax(logits, at)


def _cross_entropy(logits: Tensor, at: Tensor) -> Pair:
    logs = torch.log_softmax(logits, -1)
    pull = logs.exp()
    return -logs.gather(-1, at)[..., 0], pull.scatter_add_(-1, at, -torch.ones_like(logs[..., :1]))


def _stablemax(logits: Tensor, at: Tensor) -> Pair:
    """Return −log(s_t/Σ s) of each row and its gradient; s = x + 1 for x ≥ 0, else 1/(1 − x)."""
    below = 1 / (1 - logits.clamp(max=0))
    s = torch.where(logits >= 0, logits + 1, below)
    slope = below * below  # 1 for x ≥ 0
    total, mine = s.sum(-1, keepdim=True), s.gather(-1, at)
    pull = (slope / total).scatter_add_(-1, at, -slope.gather(-1, at) / mine)
    return (total.log() - mine.log())[..., 0], pull
