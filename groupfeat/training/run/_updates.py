"""One step of each optimiser on tensors, for one run (numbers) or a stack of runs (tensors)."""

from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

__all__ = ["ADAM_STILL", "GD_STILL", "AdamNumbers", "adam_numbers", "adam_update", "gd_update"]


class AdamNumbers(NamedTuple):
    """What an Adam step needs, in the order of the compiled one; each a number or (R, 1, 1).

    The mean becomes ``keep_mean`` = β₁ of itself plus ``new_mean`` = 1 − β₁ of the gradient, the
    square likewise with β₂. ``coupled`` times the parameter is added to the gradient; ``shrink``
    multiplies the parameter;
    ``step`` = rate/(1 − β₁ᵗ), ``root`` = 1/√(1 − β₂ᵗ).
    """

    keep_mean: Any
    new_mean: Any
    keep_square: Any
    new_square: Any
    coupled: Any
    shrink: Any
    step: Any
    root: Any
    epsilon: Any


# Numbers of a step that changes nothing: Adam's, and rate, decay and momentum.
ADAM_STILL = AdamNumbers(1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0)
GD_STILL = (0.0, 0.0, 1.0)


def adam_numbers(
    *, coupled: bool, rate: Any, decay: Any, beta1: Any, beta2: Any, epsilon: Any, epoch: Any
) -> AdamNumbers:
    """Return the numbers of step ``epoch`` (from 1), computed in double precision.

    In single precision 1 − β₂ would keep few of its digits.

    ``coupled``: weight decay as an L2 term in the gradient (Adam), else decoupled (AdamW).
    """
    return AdamNumbers(
        beta1,
        1 - beta1,
        beta2,
        1 - beta2,
        decay if coupled else 0.0 * decay,
        1.0 + 0.0 * decay if coupled else 1 - rate * decay,
        rate / (1 - beta1**epoch),
        1 / np.sqrt(1 - beta2**epoch),
        epsilon,
    )


def adam_update(
    parameter: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    numbers: AdamNumbers,
    held: Tensor | None = None,
) -> None:
    """Take an Adam step in place.

    Where ``held``, with `ADAM_STILL` for numbers, nothing changes.
    """
    gradient = _held(gradient + numbers.coupled * parameter, held, -0.0)  # x + (−0) is x
    mean.mul_(numbers.keep_mean).add_(numbers.new_mean * gradient)
    square.mul_(numbers.keep_square).add_((numbers.new_square * gradient).mul_(gradient))
    down = square.sqrt().mul_(numbers.root).add_(numbers.epsilon)
    move = _held((numbers.step * mean).div_(down), held, 0.0)
    parameter.mul_(numbers.shrink).sub_(move)


def gd_update(
    parameter: Tensor,
    gradient: Tensor,
    buffer: Tensor | None,
    rate: Any,
    decay: Any,
    momentum: Any,
    held: Tensor | None = None,
) -> None:
    """Take a gradient step in place; ``buffer`` holds what momentum keeps.

    Where ``held``, with `GD_STILL` for numbers, nothing changes.
    """
    gradient = _held(gradient + decay * parameter, held, -0.0)
    if buffer is not None:
        gradient = buffer.mul_(momentum).add_(gradient)
    parameter.sub_(_held(rate * gradient, held, 0.0))


def _held(part: Tensor, held: Tensor | None, value: float) -> Tensor:
    """Return ``part``, changed in place to ``value`` where ``held``; 0·∞ would be NaN there."""
    return part if held is None else part.masked_fill_(held, value)
