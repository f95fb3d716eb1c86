"""Activations σ by name, with first and second derivative."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit

__all__ = ["ACTIVATIONS", "Activation", "get_activation"]

Array = NDArray[np.floating[Any]]
Function = Callable[[Array, float], Array]


@dataclass(frozen=True)
class Activation:
    """An activation σ with parameter q (unused by most).

    Parameters
    ----------
    name
        As on the command line.
    code
        Its number in the kernels.
    parameter
        The exponent of ``power``, the slope of ``leaky_relu``.
    is_smooth
        Whether σ is twice continuously differentiable.
    """

    name: str
    code: int
    parameter: float
    is_smooth: bool

    def value(self, x: Array) -> Array:
        """Return σ(x), same shape."""
        return _FORMULAS[self.name][0](x, self.parameter)

    def derivative(self, x: Array) -> Array:
        """Return σ'(x), same shape."""
        return _FORMULAS[self.name][1](x, self.parameter)

    def second_derivative(self, x: Array) -> Array:
        """Return σ''(x), same shape (0 at kinks)."""
        return _FORMULAS[self.name][2](x, self.parameter)


def get_activation(name: str | Activation, parameter: float | None = None) -> Activation:
    """Return the activation called ``name``.

    Parameters
    ----------
    name
        One of ``ACTIVATIONS``.
    parameter
        Exponent q ≥ 2 of ``power`` (|x|^q, default 3), slope of ``leaky_relu`` (default 0.01).

    Raises
    ------
    ValueError
        If the name is unknown or the parameter out of range.
    """
    if isinstance(name, Activation):
        return name
    if name not in _FORMULAS:
        raise ValueError(f"unknown activation {name!r}; known: {', '.join(ACTIVATIONS)}")
    default = {"power": 3.0, "leaky_relu": 0.01}.get(name, 0.0)
    q = default if parameter is None else float(parameter)
    if name == "power" and not q >= 2:
        raise ValueError(f"power needs an exponent q >= 2, got {q}")
    return Activation(name, ACTIVATIONS.index(name), q, name not in ("relu", "leaky_relu"))


def _gelu_slope(x: Array, _: float) -> Array:
    return 0.5 * (1 + erf(x / np.sqrt(2))) + x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def _silu_curvature(x: Array, _: float) -> Array:
    s = expit(x)
    return s * (1 - s) * (2 + x * (1 - 2 * s))


def _sigmoid_slope(x: Array, _: float) -> Array:
    return expit(x) * (1 - expit(x))


# Name: σ, σ', σ'' as functions of x and the parameter q. The order is the kernels' code.
_FORMULAS: dict[str, tuple[Function, Function, Function]] = {
    "square": (lambda x, _: x**2, lambda x, _: 2 * x, lambda x, _: np.full_like(x, 2)),
    "half_square": (lambda x, _: x**2 / 2, lambda x, _: x.copy(), lambda x, _: np.ones_like(x)),
    "cube": (lambda x, _: x**3, lambda x, _: 3 * x**2, lambda x, _: 6 * x),
    "power": (
        lambda x, q: np.abs(x) ** q,
        lambda x, q: q * np.sign(x) * np.abs(x) ** (q - 1),
        lambda x, q: q * (q - 1) * np.abs(x) ** (q - 2),
    ),
    "relu": (
        lambda x, _: np.maximum(x, 0),
        lambda x, _: (x > 0).astype(x.dtype),
        lambda x, _: np.zeros_like(x),
    ),
    "leaky_relu": (
        lambda x, q: np.where(x > 0, x, q * x),
        lambda x, q: np.where(x > 0, 1.0, q),
        lambda x, _: np.zeros_like(x),
    ),
    "silu": (
        lambda x, _: x * expit(x),
        lambda x, _: expit(x) * (1 + x * (1 - expit(x))),
        _silu_curvature,
    ),
    "gelu": (
        lambda x, _: 0.5 * x * (1 + erf(x / np.sqrt(2))),
        _gelu_slope,
        lambda x, _: (2 - x**2) * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi),
    ),
    "tanh": (
        lambda x, _: np.tanh(x),
        lambda x, _: 1 - np.tanh(x) ** 2,
        lambda x, _: -2 * np.tanh(x) * (1 - np.tanh(x) ** 2),
    ),
    "sigmoid": (
        lambda x, _: expit(x),
        _sigmoid_slope,
        lambda x, q: _sigmoid_slope(x, q) * (1 - 2 * expit(x)),
    ),
    "softplus": (
        lambda x, _: np.logaddexp(0, x),
        lambda x, _: expit(x),
        _sigmoid_slope,
    ),
    "linear": (lambda x, _: x.copy(), lambda x, _: np.ones_like(x), lambda x, _: np.zeros_like(x)),
}

ACTIVATIONS = tuple(_FORMULAS)
"""Names that `get_activation` knows."""
