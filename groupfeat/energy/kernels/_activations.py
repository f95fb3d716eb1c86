"""σ and σ' of a vector of lanes. Each activation is a type, so each kernel is compiled for one.

Coefficients of tanh and erf: S. L. Moshier, Cephes Math Library 2.8 (double precision);
exp: Taylor polynomial after Cody–Waite reduction.
"""

import math
from typing import Any, NamedTuple

from numba import njit
from numba.extending import overload

from groupfeat.energy.kernels._vectors import (
    absolute,
    extract,
    fma,
    insert,
    lane_count,
    largest,
    power_of_two,
    round_,
    select,
)

__all__ = ["WIDE", "Custom", "Square", "evaluate", "kernel_activation"]


class Square(NamedTuple):
    """x²; the kernel's slope is x, the factor 2 goes into what multiplies it."""

    q: float
    factor: float = 2.0


class HalfSquare(NamedTuple):
    """x²/2."""

    q: float
    factor: float = 1.0


class Cube(NamedTuple):
    """x³; the kernel's slope is x², the factor 3 goes into what multiplies it."""

    q: float
    factor: float = 3.0


class Power(NamedTuple):
    """|x|^q; the kernel's slope is |x|^(q−1) sign x."""

    q: float
    factor: float


class LeakyRelu(NamedTuple):
    """max(x, qx); q = 0 is ReLU."""

    q: float
    factor: float = 1.0


class Silu(NamedTuple):
    """x/(1 + e^−x)."""

    q: float
    factor: float = 1.0


class Gelu(NamedTuple):
    """x(1 + erf(x/√2))/2."""

    q: float
    factor: float = 1.0


class Tanh(NamedTuple):
    """tanh x."""

    q: float
    factor: float = 1.0


class Sigmoid(NamedTuple):
    """1/(1 + e^−x)."""

    q: float
    factor: float = 1.0


class Softplus(NamedTuple):
    """ln(1 + e^x)."""

    q: float
    factor: float = 1.0


class Linear(NamedTuple):
    """x."""

    q: float
    factor: float = 1.0


class Polynomial(NamedTuple):
    """Σ c_i xⁱ."""

    q: object
    factor: float = 1.0


class Custom(NamedTuple):
    """Compiled functions of one number: σ and σ'."""

    value: object
    slope: object
    factor: float = 1.0


# --- functions of vectors -----------------------------------------------------------------------
def _horner(x, coefficients):
    """Return the polynomial with the highest coefficient first; at least two."""
    found = x * coefficients[0] + coefficients[1]
    for c in coefficients[2:]:
        found = found * x + c
    return found


@overload(_horner)
def _horner_overload(x, coefficients):
    # Numba has no slices of mixed constants in tuples: the loop runs over positions.
    count = len(coefficients)

    def found(x, coefficients):
        total = x * coefficients[0] + coefficients[1]
        for i in range(2, count):
            total = total * x + coefficients[i]
        return total

    return found


_EXP = tuple(1.0 / math.factorial(i) for i in range(13, -1, -1))
_LN2_HIGH, _LN2_LOW = 0.693145751953125, 1.42860682030941723212e-6
_TANH_P = (-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3)
_TANH_Q = (1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3)
_ERF_T = (
    9.60497373987051638749e0,
    9.00260197203842689217e1,
    2.23200534594684319226e3,
    7.00332514112805075473e3,
    5.55923013010394962768e4,
)
_ERF_U = (
    1.0,
    3.35617141647503099647e1,
    5.21357949780152679795e2,
    4.59432382970980127987e3,
    2.26290000613890934246e4,
    4.92673942608635921086e4,
)
_ERFC_P = (
    2.46196981473530512524e-10,
    5.64189564831068821977e-1,
    7.46321056442269912687e0,
    4.86371970985681366614e1,
    1.96520832956077098242e2,
    5.26445194995477358631e2,
    9.34528527171957607540e2,
    1.02755188689515710272e3,
    5.57535335369399327526e2,
)
_ERFC_Q = (
    1.0,
    1.32281951154744992508e1,
    8.67072140885989742329e1,
    3.54937778887819891062e2,
    9.75708501743205489753e2,
    1.82390916687909736289e3,
    2.24633760818710981792e3,
    1.65666309194161350182e3,
    5.57535340817727675546e2,
)
# 2/(2k + 1) for ln(1 + y) = 2 artanh(y/(2 + y)), y <= 1.
_ARTANH = tuple(2.0 / (2 * k + 1) for k in range(17, -1, -1))


@njit(cache=True, error_model="numpy")
def _exp_negative(x):
    """Return e^x for x <= 0; values below e^−87 may be anything below that."""
    y = largest(x, -87.0)
    k = round_(y * 1.4426950408889634)
    r = y - k * _LN2_HIGH - k * _LN2_LOW
    return _horner(r, _EXP) * power_of_two(k)


@njit(cache=True, error_model="numpy")
def _tanh(x):
    """Return tanh x."""
    size = absolute(x)
    square = x * x
    near = fma(x * square, _horner(square, _TANH_P) / _horner(square, _TANH_Q), x)
    decay = _exp_negative(size * -2.0)
    far = (1.0 - decay) / (1.0 + decay)
    return select(0.625 - size, near, select(x, far, 0.0 - far))


@njit(cache=True, error_model="numpy")
def _erf(x):
    """Return erf x."""
    size = absolute(x)
    square = x * x
    near = x * (_horner(square, _ERF_T) / _horner(square, _ERF_U))
    bounded = select(size - 8.0, size * 0.0 + 8.0, size)
    tail = _exp_negative(bounded * bounded * -1.0)
    far = 1.0 - tail * (_horner(bounded, _ERFC_P) / _horner(bounded, _ERFC_Q))
    return select(1.0 - size, near, select(x, far, 0.0 - far))


# --- activations --------------------------------------------------------------------------------
def _square(act, x):
    return x * x, x


def _half_square(act, x):
    return x * x * 0.5, x


def _cube(act, x):
    square = x * x
    return square * x, square


def _power(act, x):
    size, one = absolute(x), x * 0.0 + 1.0
    lower = one
    if act.q == math.floor(act.q):
        for _ in range(int(act.q) - 1):
            lower = lower * size
    else:
        for i in range(lane_count(x)):
            lower = insert(lower, i, extract(size, i) ** (act.q - 1.0))
    return lower * size, lower * select(x, one, 0.0 - one)


def _leaky_relu(act, x):
    slope = select(x, x * 0.0 + 1.0, x * 0.0 + act.q)
    return slope * x, slope


def _silu(act, x):
    s = 0.5 + 0.5 * _tanh(0.5 * x)
    return x * s, s * (1.0 + x * (1.0 - s))


def _gelu(act, x):
    s = 0.5 + 0.5 * _erf(x * 0.7071067811865476)
    return x * s, s + x * _exp_negative(x * x * -0.5) * 0.3989422804014327


def _hyperbolic(act, x):
    s = _tanh(x)
    return s, 1.0 - s * s


def _sigmoid(act, x):
    s = 0.5 + 0.5 * _tanh(0.5 * x)
    return s, s * (1.0 - s)


def _softplus(act, x):
    decay = _exp_negative(absolute(x) * -1.0)
    z = decay / (2.0 + decay)
    return largest(x, 0.0) + z * _horner(z * z, _ARTANH), 0.5 + 0.5 * _tanh(0.5 * x)


def _linear(act, x):
    return x, x * 0.0 + 1.0


def _polynomial(act, x):
    value, slope = x * 0.0, x * 0.0
    for i in range(len(act.q) - 1, -1, -1):
        slope = slope * x + value
        value = value * x + act.q[i]
    return value, slope


def _custom(act, x):
    value, slope = x * 0.0, x * 0.0
    for i in range(lane_count(x)):
        u = extract(x, i)
        value = insert(value, i, act.value(u))
        slope = insert(slope, i, act.slope(u))
    return value, slope


_FORMULAS = {
    Square: _square,
    HalfSquare: _half_square,
    Cube: _cube,
    Power: _power,
    LeakyRelu: _leaky_relu,
    Silu: _silu,
    Gelu: _gelu,
    Tanh: _hyperbolic,
    Sigmoid: _sigmoid,
    Softplus: _softplus,
    Linear: _linear,
    Polynomial: _polynomial,
    Custom: _custom,
}
WIDE = (Square, HalfSquare, Cube, LeakyRelu, Linear, Softplus)
"""Activations that are faster in tiles of eight registers; the others in tiles of four."""
_NAMED = {
    "square": Square,
    "half_square": HalfSquare,
    "cube": Cube,
    "relu": LeakyRelu,
    "leaky_relu": LeakyRelu,
    "silu": Silu,
    "gelu": Gelu,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "softplus": Softplus,
    "linear": Linear,
}


def evaluate(act, x):
    """Return σ(x) and σ'(x)/factor of lanes x."""
    return _FORMULAS[type(act)](act, x)


@overload(evaluate)
def _evaluate_overload(act, x):
    return _FORMULAS[act.instance_class]


def kernel_activation(
    name: str, parameter: float, coefficients: object, functions: tuple[object, ...]
) -> Any:
    """Return the kernels' activation."""
    if functions:
        return Custom(functions[0], functions[1])
    if name == "polynomial":
        return Polynomial(coefficients)
    if name == "power":
        return Power(parameter, parameter)
    return _NAMED[name](parameter)
