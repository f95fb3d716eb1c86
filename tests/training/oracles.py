"""Plain twins of the training layer: one-hot inputs with autograd, and numpy from the formulas."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import erf, expit
from torch import Tensor
from torch.nn import functional

from groupfeat.energy import PairSet
from groupfeat.groups import cyclic
from groupfeat.training import Task, TrainConfig, product_task
from groupfeat.training.network._model import initial_parameters

Floats = NDArray[np.float64]

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
_NUMPY_SIGMA = {
    "square": lambda x: x * x,
    "half_square": lambda x: x * x / 2,
    "cube": lambda x: x**3,
    "power": lambda x: np.abs(x) ** 3,
    "relu": lambda x: np.where(x > 0, x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "silu": lambda x: x * expit(x),
    "gelu": lambda x: x * (1 + erf(x / np.sqrt(2))) / 2,
    "tanh": np.tanh,
    "sigmoid": expit,
    "softplus": lambda x: np.logaddexp(0, x),
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


def loss_of_answer(answer: Tensor, y: Tensor, loss: str) -> Tensor:
    """Return the loss of Ŷ (n, M) from its formula, differentiable."""
    if loss == "cross_entropy":
        return functional.cross_entropy(answer, y.argmax(1))
    if loss == "stablemax":
        s = torch.where(answer >= 0, answer + 1, 1 / (1 - answer.clamp(max=0)))
        return -(s / s.sum(1, keepdim=True)).log()[y > 0].mean()
    gap = y - answer
    if loss == "mse_samples":
        return 0.5 * (gap - gap.mean(0)).square().sum()
    return (gap - gap.mean(1, keepdim=True)).square().sum(1).mean()


def loss_by_definition(
    first: Tensor, second: Tensor, pairs: PairSet, activation: str, loss: str, beta: float
) -> Tensor:
    """Return the loss of a two-layer network, differentiable."""
    x, y = one_hot(pairs, first.dtype)
    return loss_of_answer(beta * (_SIGMA[activation](x @ first) @ second), y, loss)


def operand_features(
    parts: Mapping[str, Tensor], task: Task, codes: NDArray[np.intp], config: TrainConfig
) -> Tensor:
    """Return the last hidden layer (n, K) of k operands as one would write it in torch."""
    columns = [
        functional.one_hot(torch.from_numpy(x), m).double()
        for x, m in zip(task.operands(codes), task.sizes, strict=True)
    ]
    sigma, first = _SIGMA[config.activation], parts["W"]
    if config.complex_weights:
        first = torch.complex(first, parts["W_imag"])
    if config.embedding:
        columns = [x @ parts["E"] for x in columns]
    hidden = torch.cat(columns, 1).to(first.dtype) @ first + parts.get("bias", 0)
    if config.batch_norm:
        scale, shift = parts["scale"], parts["shift"]
        hidden = functional.batch_norm(hidden, None, None, scale, shift, training=True)
    hidden = sigma(hidden)
    for layer in range(1, config.other_layers + 1):
        value = sigma(hidden @ parts[f"U{layer}"])
        hidden = hidden + value if config.residual else value
    return hidden


def variant_loss(parts: Mapping[str, Tensor], pairs: PairSet, config: TrainConfig) -> Tensor:
    """Return the loss of any variant, layer by layer as one would write it in torch."""
    x, y = one_hot(pairs, parts["W"].dtype)
    sigma, order = _SIGMA[config.activation], pairs.order
    first, second = parts["W"], parts["V"].T
    if config.complex_weights:
        first = torch.complex(first, parts["W_imag"])
        second = torch.complex(second, parts["V_imag"].T)
    if config.embedding:
        x = torch.cat([x[:, :order] @ parts["E"], x[:, order:] @ parts["E"]], 1)
    hidden = x.to(first.dtype) @ first
    if config.bias:
        hidden = hidden + parts["bias"]
    if config.batch_norm:
        scale, shift = parts["scale"], parts["shift"]
        hidden = functional.batch_norm(hidden, None, None, scale, shift, training=True)
    hidden = sigma(hidden)
    for layer in range(1, config.other_layers + 1):
        value = sigma(hidden @ parts[f"U{layer}"])
        hidden = hidden + value if config.residual else value
    answer = config.beta * (hidden @ second)
    answer = answer.real if config.complex_weights else answer
    return loss_of_answer(answer + parts.get("output_bias", 0), y, config.loss)


def numpy_variant_loss(parts: Mapping[str, Floats], pairs: PairSet, config: TrainConfig) -> float:
    """Return the same loss in numpy, one pair at a time up to the answers."""
    sigma = _NUMPY_SIGMA[config.activation]
    first, second = parts["W"], parts["V"].T
    if config.complex_weights:
        first, second = first + 1j * parts["W_imag"], second + 1j * parts["V_imag"].T
    blocks = np.split(first, 2)
    if config.embedding:
        blocks = [parts["E"] @ block for block in blocks]
    hidden = np.stack(
        [blocks[0][g] + blocks[1][h] for g, h in zip(pairs.left, pairs.right, strict=True)]
    )
    hidden = hidden + parts.get("bias", 0)
    if config.batch_norm:
        spread = np.sqrt(hidden.var(0) + 1e-5)
        hidden = (hidden - hidden.mean(0)) / spread * parts["scale"] + parts["shift"]
    hidden = sigma(hidden)
    for layer in range(1, config.other_layers + 1):
        value = sigma(hidden @ parts[f"U{layer}"])
        hidden = hidden + value if config.residual else value
    answer = config.beta * np.real(hidden @ second) + parts.get("output_bias", 0)
    return _numpy_loss(answer, pairs, config.loss)


def _numpy_loss(answer: Floats, pairs: PairSet, loss: str) -> float:
    rows = np.arange(len(pairs))
    if loss.startswith("mse"):
        gap = -answer
        gap[rows, pairs.target] += 1
        if loss == "mse_samples":
            return float(((gap - gap.mean(0)) ** 2).sum() / 2)
        return float(((gap - gap.mean(1, keepdims=True)) ** 2).sum() / len(pairs))
    if loss == "stablemax":
        below = np.minimum(answer, 0)
        weights = np.where(answer >= 0, answer + 1, 1 / (1 - below))
    else:
        weights = np.exp(answer - answer.max(1, keepdims=True))
    return float(-np.log(weights[rows, pairs.target] / weights.sum(1)).mean())


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


def initial_weights(
    order: int, config: TrainConfig, seed: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Return the initial W (2M, K) and V (K, M) of a seed."""
    named = dataclasses.replace(config, precision=str(dtype).removeprefix("torch."))
    start: dict[str, Any] = initial_parameters(product_task(cyclic(order)), named, seed)
    return start["W"], start["V"].T.contiguous()
