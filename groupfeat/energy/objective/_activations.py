"""Activations σ by name, with first and second derivative."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf, expit

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "custom_activation",
    "get_activation",
    "polynomial_activation",
]

Array = NDArray[np.floating[Any]]
Function = Callable[[Array, float], Array]

_STEP = 1e-5


@dataclass(frozen=True)
class Activation:
    """An activation σ with parameter q (unused by most).

    Parameters
    ----------
    name
        As on the command line.
    parameter
        The exponent of ``power``, the slope of ``leaky_relu``.
    is_smooth
        Whether σ is twice continuously differentiable.
    coefficients
        c₀, c₁, … of a polynomial Σ c_i xⁱ (`polynomial_activation`).
    functions
        σ and σ' on numbers, and σ'' or None (`custom_activation`).
    """

    name: str
    parameter: float
    is_smooth: bool
    coefficients: tuple[float, ...] = ()
    functions: tuple[Callable[[float], float], ...] = ()

    def value(self, x: Array) -> Array:
        """Return σ(x), same shape."""
        return self._formula(0, x)

    def derivative(self, x: Array) -> Array:
        """Return σ'(x), same shape."""
        return self._formula(1, x)

    def second_derivative(self, x: Array) -> Array:
        """Return σ''(x), same shape (0 at kinks)."""
        return self._formula(2, x)

    def _formula(self, order: int, x: Array) -> Array:
        if self.coefficients:
            derived = np.polynomial.Polynomial(self.coefficients).deriv(order)
            return np.asarray(derived(x) + np.zeros_like(x))
        if not self.functions:
            return _FORMULAS[self.name][order](x, self.parameter)
        if order < len(self.functions):
            flat = [self.functions[order](u) for u in x.ravel().tolist()]
            return np.array(flat, dtype=x.dtype).reshape(x.shape)
        return (self.derivative(x + _STEP) - self.derivative(x - _STEP)) / (2 * _STEP)


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
        if parameter is not None:
            raise ValueError(f"{name.name} is built already; give the parameter with a name")
        return name
    if name not in _FORMULAS:
        raise ValueError(f"unknown activation {name!r}; known: {', '.join(ACTIVATIONS)}")
    default = {"power": 3.0, "leaky_relu": 0.01}.get(name)
    if default is None and parameter:  # 0 is what those that take none hold
        raise ValueError(f"{name} takes no parameter, got {parameter}; power and leaky_relu do")
    q = (default or 0.0) if parameter is None else float(parameter)
    if name == "power" and not q >= 2:
        raise ValueError(f"power needs an exponent q >= 2, got {q}")
    if not np.isfinite(q):
        raise ValueError(f"{name} needs a finite parameter, got {q}")
    return Activation(name, q, name not in ("relu", "leaky_relu"))


def polynomial_activation(coefficients: ArrayLike) -> Activation:
    """Return σ(x) = Σ c_i xⁱ.

    Parameters
    ----------
    coefficients
        c₀, c₁, …, shape (degree + 1,); finite.

    Raises
    ------
    ValueError
        If there is none, or one is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from groupfeat.energy import polynomial_activation
    >>> polynomial_activation([0, 1, 0, 2]).derivative(np.array([1.0]))
    array([7.])
    """
    c = np.asarray(coefficients, dtype=np.float64)
    if c.ndim != 1 or not len(c) or not np.isfinite(c).all():
        raise ValueError(f"expected finite coefficients c0, c1, ..., got {coefficients!r}")
    return Activation("polynomial", 0.0, True, coefficients=tuple(c.tolist()))


def custom_activation(
    value: Callable[[float], float],
    derivative: Callable[[float], float],
    second_derivative: Callable[[float], float] | None = None,
    *,
    name: str = "custom",
    is_smooth: bool = True,
) -> Activation:
    """Return an activation from functions of one number compiled with ``numba.njit``.

    Parameters
    ----------
    value, derivative
        σ and σ', each a number to a number.
    second_derivative
        σ''; by default the Hessian takes central differences of σ' (error about 1e-9).
    name
        How results call it; none of ``ACTIVATIONS``.
    is_smooth
        Whether σ is twice continuously differentiable; False forgives kinks in the check.

    Raises
    ------
    TypeError
        If a function is not compiled.
    ValueError
        If the name is taken, or the derivative does not fit the function: the error of
        σ(x) + hσ'(x) must fall like h² on a grid over [−2, 2] (at most points, where there
        are kinks).
    """
    if name in _FORMULAS or name == "polynomial":
        raise ValueError(f"the name {name!r} is taken by another activation; choose a new one")
    functions = (value, derivative) + ((second_derivative,) if second_derivative else ())
    compiled = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
    for function in functions:
        if not callable(function) or (compiled and not hasattr(function, "py_func")):
            raise TypeError(
                f"expected functions compiled with numba.njit, got {function!r}; decorate it"
            )
    found = Activation(name, 0.0, is_smooth, functions=functions)
    for i in range(len(functions) - 1):
        _check_slope(name, i, found, 1.0 if is_smooth else 0.9)
    return found


def _check_slope(name: str, order: int, found: Activation, share: float) -> None:
    x = np.linspace(-2, 2, 83) + 0.0137  # 0 itself may be a kink
    low, high = found._formula(order, x), found._formula(order + 1, x)
    errors = [np.abs(found._formula(order, x + h) - low - h * high) for h in (1e-3, 5e-4)]
    scale = 1 + np.abs(low) + np.abs(high)
    fits = (errors[1] < 0.35 * errors[0]) | (errors[0] < 1e-9 * scale)
    if not np.mean(fits) >= share:
        worst = float(x[np.argmax(np.where(fits, 0, np.nan_to_num(errors[0], nan=np.inf)))])
        raise ValueError(
            f"derivative {order + 1} of {name} does not fit near x = {worst:.3g}: the error of a "
            "first-order step does not fall like the square of the step; check the formula"
        )


def _gelu_slope(x: Array, _: float) -> Array:
    return 0.5 * (1 + erf(x / np.sqrt(2))) + x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def _silu_curvature(x: Array, _: float) -> Array:
    s = expit(x)
    return s * (1 - s) * (2 + x * (1 - 2 * s))


def _sigmoid_slope(x: Array, _: float) -> Array:
    return expit(x) * (1 - expit(x))


# Name: σ, σ', σ'' as functions of x and the parameter q.
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
