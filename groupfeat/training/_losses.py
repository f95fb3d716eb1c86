"""Losses of answers Ŷ and their gradients, chunk by chunk."""

import torch
from torch import Tensor
from torch.nn import functional

from groupfeat.training import _kernels_hidden as kernels

__all__ = ["output_gradient"]

Pair = tuple[Tensor, Tensor]


def output_gradient(
    logits: Tensor, target: Tensor, share: Tensor, loss: str, count: int
) -> tuple[float, Tensor]:
    """Return the part of the loss of a chunk of ``logits`` (c, M) and its gradient for them.

    ``share`` is n_t/n of the whole set of ``count`` examples; ``"mse_samples"`` expects logits
    that are already centred over samples. ``logits`` may be overwritten.
    """
    if loss in ("cross_entropy", "stablemax"):
        rows = torch.arange(len(target), device=target.device)
        softmax = _stablemax if loss == "stablemax" else _cross_entropy
        value, pull = softmax(logits, rows, target)
        return float(value) / count, pull.div_(count)
    scale = 2 / count if loss == "mse_classes" else 1.0
    if logits.device.type == "cpu" and kernels.compiled():
        found = logits.numpy()
        by_classes, number = loss == "mse_classes", found.dtype.type(scale)
        squares = kernels.residuals(by_classes, found, target.numpy(), share.numpy(), number)
        return 0.5 * scale * squares, logits
    if loss == "mse_classes":
        logits.sub_(logits.mean(1, keepdim=True)).add_(1 / logits.shape[1])
    else:
        logits.add_(share)
    logits[torch.arange(len(target), device=target.device), target] -= 1
    return 0.5 * scale * float(logits.square().sum()), logits.mul_(scale)


def _cross_entropy(logits: Tensor, rows: Tensor, target: Tensor) -> Pair:
    value = functional.cross_entropy(logits, target, reduction="sum")
    pull = torch.softmax(logits, 1)
    pull[rows, target] -= 1
    return value, pull


def _stablemax(logits: Tensor, rows: Tensor, target: Tensor) -> Pair:
    """Return −Σ log(s_t/Σ s) and its gradient; s = x + 1 for x ≥ 0, else 1/(1 − x)."""
    below = 1 / (1 - logits.clamp(max=0))
    s = torch.where(logits >= 0, logits + 1, below)
    slope = below * below  # 1 for x ≥ 0
    total = s.sum(1, keepdim=True)
    value = (total[:, 0].log() - s[rows, target].log()).sum()
    pull = slope / total
    pull[rows, target] -= slope[rows, target] / s[rows, target]
    return value, pull
