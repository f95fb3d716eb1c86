"""Losses of answers Ŷ and their gradients, chunk by chunk."""

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["output_gradient"]

Pair = tuple[Tensor, Tensor]


def output_gradient(
    logits: Tensor, target: Tensor, share: Tensor, loss: str, count: int
) -> tuple[Tensor, Tensor]:
    """Return the part of the loss of a chunk of ``logits`` (c, M) and its gradient for them.

    ``share`` is n_t/n of the whole set of ``count`` examples; ``"mse_samples"`` expects logits
    that are already centred over samples. ``logits`` may be overwritten.
    """
    rows = torch.arange(len(target), device=target.device)
    if loss == "mse_classes":
        residual = logits.sub_(logits.mean(1, keepdim=True)).add_(1 / logits.shape[1])
        residual[rows, target] -= 1
        return residual.square().sum() / count, residual.mul_(2 / count)
    if loss == "mse_samples":
        residual = logits.add_(share)
        residual[rows, target] -= 1
        return 0.5 * residual.square().sum(), residual
    softmax = _stablemax if loss == "stablemax" else _cross_entropy
    value, pull = softmax(logits, rows, target)
    return value / count, pull / count


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
