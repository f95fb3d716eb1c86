"""The hand-written gradients as a differentiable function, for any torch optimiser."""

from typing import Any

import torch
from torch import Tensor

from groupfeat.training.network._hidden import Layers, NetSpec
from groupfeat.training.network._network import PairTensors, layer_gradients

__all__ = ["pair_loss"]


class _PairLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, first: Tensor, second: Tensor, pairs: PairTensors, spec: NetSpec
    ) -> Tensor:
        layers = Layers(first.detach(), second.detach().T.contiguous())
        value, found = layer_gradients(layers, pairs, spec)
        ctx.save_for_backward(found.first, found.second)
        return first.new_tensor(value)

    @staticmethod
    def backward(ctx: Any, *pulls: Tensor) -> tuple[Tensor, Tensor, None, None]:
        first, second = ctx.saved_tensors
        return pulls[0] * first, (pulls[0] * second).T, None, None


def pair_loss(first: Tensor, second: Tensor, pairs: PairTensors, **settings: Any) -> Tensor:
    """Return the loss of Ŷ = βσ(XW)V as a scalar that ``backward`` goes through once.

    Both gradients are found on the way forward, by compiled loops where there are any; second
    derivatives are not to be had.

    Parameters
    ----------
    first, second
        W (2M, K) and V (K, M).
    pairs
        The examples.
    **settings
        ``activation``, ``loss`` and optionally ``beta``, as in `TrainConfig`.

    Examples
    --------
    >>> import torch
    >>> from groupfeat.energy import full_pairs
    >>> from groupfeat.groups import cyclic
    >>> from groupfeat.training import PairTensors, pair_loss
    >>> pairs = PairTensors.of(full_pairs(cyclic(3)), torch.float32)
    >>> w, v = (torch.ones(shape, requires_grad=True) for shape in ((6, 4), (4, 3)))
    >>> pair_loss(w, v, pairs, activation="square", loss="mse_samples").backward()
    >>> w.grad.shape, v.grad.shape
    (torch.Size([6, 4]), torch.Size([4, 3]))
    """
    found: Tensor = _PairLoss.apply(first, second, pairs, NetSpec(**settings))  # type: ignore[no-untyped-call]
    return found
