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
    size = x.abs()
    signed = x * size
    return x * signed, 3 * signed


def _silu(x: Tensor) -> Pair:
    s = torch.sigmoid(x)
    value = x * s
    return value, torch.addcmul(s, value, 1 - s)


def _gelu(x: Tensor) -> Pair:
    s = torch.erf(x * math.sqrt(0.5)).add_(1).mul_(0.5)
    density = (x * x).mul_(-0.5).exp_()
    return x * s, torch.addcmul(s, x, density, value=1 / math.sqrt(2 * math.pi))


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
        (x > 0).to(x.dtype).mul_(0.99).add_(0.01),
    ),
    "silu": _silu,
    "gelu": _gelu,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": lambda x: (functional.softplus(x), torch.sigmoid(x)),
    "linear": lambda x: (x, torch.ones_like(x)),
}
