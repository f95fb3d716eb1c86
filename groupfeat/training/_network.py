"""Loss, gradients and answers of Ŷ = β σ(XW)V, by gathers and cache-sized chunks."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from groupfeat.energy import PairSet
from groupfeat.training._activations import activate

__all__ = ["PairTensors", "evaluate", "loss_and_gradients"]

_CHUNK_ENTRIES = 1 << 18


@dataclass(frozen=True)
class PairTensors:
    """A pair set as tensors.

    Parameters
    ----------
    left, right, target
        Rows of W for g and for h (offset by M), and the products gh; shape (n,).
    share
        n_t/n, shape (M,).
    """

    left: Tensor
    right: Tensor
    target: Tensor
    share: Tensor

    @classmethod
    def of(cls, pairs: PairSet, dtype: torch.dtype) -> "PairTensors":
        """Return the tensors of ``pairs``; ``share`` in ``dtype``."""
        left, right, target = (
            torch.from_numpy(array.copy()) for array in (pairs.left, pairs.right, pairs.target)
        )
        share = torch.from_numpy(pairs.target_counts / len(pairs)).to(dtype)
        return cls(left, right + pairs.order, target, share)

    def __len__(self) -> int:
        return len(self.target)

    def chunks(self, width: int) -> Iterator["PairTensors"]:
        """Yield slices whose hidden layer of ``width`` nodes stays in cache."""
        size = max(64, _CHUNK_ENTRIES // width)
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            yield PairTensors(self.left[part], self.right[part], self.target[part], self.share)


def loss_and_gradients(
    first: Tensor,
    second: Tensor,
    pairs: PairTensors,
    *,
    activation: str,
    loss: str,
    beta: float = 1.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the loss and its gradients for W (2M, K) and V (K, M).

    Written out by hand: with G = ∂loss/∂Ŷ, ∂V = βFᵀG and ∂W gathers
    (βGVᵀ) ⊙ σ'(XW) over the pairs of each row. Memory does not grow with n.
    """
    grad_first, grad_second = torch.zeros_like(first), torch.zeros_like(second)
    total = first.new_zeros(())
    mean = _mean_features(first, pairs, activation) if loss == "mse_samples" else None
    for part in pairs.chunks(first.shape[1]):
        features, slope = activate(activation, first[part.left] + first[part.right])
        centred = features if mean is None else features - mean
        value, pull = _output_gradient(beta * (centred @ second), part, loss, len(pairs))
        total += value
        grad_second.addmm_(features.T, pull, alpha=beta)
        back = (pull @ second.T).mul_(slope).mul_(beta)
        grad_first.index_add_(0, part.left, back)
        grad_first.index_add_(0, part.right, back)
    return total, grad_first, grad_second


def evaluate(
    first: Tensor,
    second: Tensor,
    pairs: PairTensors,
    *,
    activation: str,
    loss: str,
    beta: float = 1.0,
) -> tuple[float, float]:
    """Return accuracy and loss on ``pairs``."""
    correct, total = 0, first.new_zeros(())
    mean = _mean_features(first, pairs, activation) if loss == "mse_samples" else None
    for part in pairs.chunks(first.shape[1]):
        features = activate(activation, first[part.left] + first[part.right])[0]
        logits = beta * (features @ second)
        correct += int((logits.argmax(1) == part.target).sum())
        shifted = logits if mean is None else logits - beta * (mean @ second)
        total += _output_gradient(shifted, part, loss, len(pairs))[0]
    return correct / len(pairs), float(total)


def _mean_features(first: Tensor, pairs: PairTensors, activation: str) -> Tensor:
    total = first.new_zeros(first.shape[1])
    for part in pairs.chunks(first.shape[1]):
        total += activate(activation, first[part.left] + first[part.right])[0].sum(0)
    return total / len(pairs)


def _output_gradient(
    logits: Tensor, part: PairTensors, loss: str, count: int
) -> tuple[Tensor, Tensor]:
    """Return the loss of a chunk of ``logits`` (c, M) and its gradient for them."""
    rows = torch.arange(len(part))
    if loss == "cross_entropy":
        value = functional.cross_entropy(logits, part.target, reduction="sum") / count
        pull = torch.softmax(logits, 1)
        pull[rows, part.target] -= 1
        return value, pull / count
    if loss == "mse_samples":
        residual = logits + part.share
        residual[rows, part.target] -= 1
        return 0.5 * residual.square().sum(), residual
    residual = logits - logits.mean(1, keepdim=True) + 1 / logits.shape[1]
    residual[rows, part.target] -= 1
    return residual.square().sum() / count, residual * (2 / count)
