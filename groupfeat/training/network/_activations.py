"""The energy layer's activations as torch operations: value and slope."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["TORCH_ACTIVATIONS", "activate"]

Pair = tuple[Tensor, Tensor]


def activate(name: str, x: Tensor) -> Pair:
    """Return σ(x) and σ'(x), both of the shape of ``x``."""
    return TORCH_ACTIVATIONS[name](x)


def _power(x: Tensor) -> Pair:
    squares = x * x
    return squares * x.abs(), 3 * x * x.abs()


def _silu(x: Tensor) -> Pair:
    s = torch.sigmoid(x)
    return x * s, s * (1 + x * (1 - s))


def _gelu(x: Tensor) -> Pair:
    s = 0.5 * (1 + torch.erf(x / math.sqrt(2)))
    return x * s, s + x * torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _tanh(x: Tensor) -> Pair:
    s = torch.tanh(x)
    return s, 1 - s * s


def _sigmoid(x: Tensor) -> Pair:
    s = torch.sigmoid(x)
    return s, s * (1 - s)


# Parameters as in groupfeat.energy's defaults: |x|³ and a leak of 0.01.
TORCH_ACTIVATIONS: dict[str, Callable[[Tensor], Pair]] = {
    "square": lambda x: (x * x, 2 * x),
    "half_square": lambda x: (0.5 * x * x, x),
    "cube": lambda x: (x * x * x, 3 * x * x),
    "power": _power,
    "relu": lambda x: (torch.relu(x), (x > 0).to(x.dtype)),
    "leaky_relu": lambda x: (
        functional.leaky_relu(x, 0.01),
        torch.full_like(x, 0.01).masked_fill_(x > 0, 1.0),
    ),
    "silu": _silu,
    "gelu": _gelu,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": lambda x: (functional.softplus(x), torch.sigmoid(x)),
    "linear": lambda x: (x, torch.ones_like(x)),
}
