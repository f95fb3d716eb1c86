"""Plain torch twins of the training layer: one-hot inputs and autograd."""

import torch
from torch import Tensor
from torch.nn import functional

from groupfeat.energy import PairSet
from groupfeat.training import TrainConfig

_SIGMA = {
    "square": lambda x: x**2,
    "half_square": lambda x: x**2 / 2,
    "cube": lambda x: x**3,
    "power": lambda x: x.abs() ** 3,
    "relu": torch.relu,
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.01),
    "silu": functional.silu,
    "gelu": functional.gelu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": functional.softplus,
    "linear": lambda x: x,
}


def one_hot(pairs: PairSet, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return X (n, 2M) and Y (n, M)."""
    order = pairs.order
    left, right, target = (
        functional.one_hot(torch.from_numpy(array.copy()), order).to(dtype)
        for array in (pairs.left, pairs.right, pairs.target)
    )
    return torch.cat([left, right], dim=1), target


def loss_by_definition(
    first: Tensor, second: Tensor, pairs: PairSet, activation: str, loss: str, beta: float
) -> Tensor:
    """Return the loss from its formula, differentiable."""
    x, y = one_hot(pairs, first.dtype)
    answer = beta * (_SIGMA[activation](x @ first) @ second)
    if loss == "cross_entropy":
        return functional.cross_entropy(answer, y.argmax(1))
    if loss == "mse_samples":
        gap = y - answer
        return 0.5 * (gap - gap.mean(0)).square().sum()
    gap = y - answer
    return (gap - gap.mean(1, keepdim=True)).square().sum(1).mean()


def train_by_definition(
    first: Tensor, second: Tensor, pairs: PairSet, config: TrainConfig, steps: int
) -> list[float]:
    """Return the losses of a plain Adam loop."""
    parameters = [first.clone().requires_grad_(), second.clone().requires_grad_()]
    decay = config.weight_decay or 0.0
    optimizer = torch.optim.Adam(parameters, config.learning_rate, weight_decay=decay)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_by_definition(*parameters, pairs, config.activation, config.loss, config.beta)
        loss.backward()
        losses.append(float(loss.detach()))
        optimizer.step()
    last = loss_by_definition(*parameters, pairs, config.activation, config.loss, config.beta)
    losses.append(float(last.detach()))
    return losses
