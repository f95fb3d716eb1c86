"""One step of a stack as a function of tensors that stay where they are.

Nothing of a step is read by the host, nothing it needs comes from there: the numbers of the
coming steps lie in a table on the device, and a run whose loss is not finite is held still by a
mask. A step can therefore be recorded once and replayed.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groupfeat.training.many._stack_network import StackPass, StackSpec, stack_gradients
from groupfeat.training.many._stack_pairs import StackedPairs
from groupfeat.training.run._optimizers import rate_factor
from groupfeat.training.run._updates import (
    ADAM_STILL,
    GD_STILL,
    AdamNumbers,
    adam_numbers,
    adam_update,
    gd_update,
)
from groupfeat.training.setup._config import TrainConfig

__all__ = ["TABLE_STEPS", "StepState", "fill_table", "step_numbers", "take_step"]

TABLE_STEPS = 64
_NAMES = ("learning_rate", "weight_decay", "momentum", "adam_beta1", "adam_beta2", "adam_epsilon")


class StepState(NamedTuple):
    """What a step of R runs reads, and changes in place.

    ``parameters``: W (R, rows, K), V transposed (R, M, K); ``moments``: the optimiser's, under the
    same names with a letter. ``padding`` (R, 1, K): where a hidden node is none. ``table``
    (TABLE_STEPS, numbers, R, 1, 1): step t's numbers at (t − 1) mod TABLE_STEPS; ``still``
    (numbers, 1, 1, 1): those of a step that changes nothing. ``epoch`` (1,): steps taken.
    ``alive`` (R, 1, 1): whether a run still moves. ``lost_at`` (R,): steps after which its loss was
    first not finite, −1 while it is.
    """

    parameters: dict[str, Tensor]
    moments: dict[str, Tensor]
    pairs: StackedPairs
    spec: StackSpec
    padding: Tensor | None
    table: Tensor
    still: Tensor
    work: StackPass
    epoch: Tensor
    alive: Tensor
    lost_at: Tensor

    @classmethod
    def of(
        cls,
        configs: Sequence[TrainConfig],
        parameters: dict[str, Tensor],
        moments: dict[str, Tensor],
        pairs: StackedPairs,
        epoch: int,
    ) -> "StepState":
        """Return the state of runs that are all alive after ``epoch`` steps; fills no table."""
        like, target = parameters["W"], pairs.target
        widths = torch.tensor([config.n_hidden for config in configs])
        beyond = (torch.arange(like.shape[2]) >= widths[:, None])[:, None]
        beta = torch.tensor([config.beta for config in configs], dtype=torch.float64)
        still = like.new_tensor(ADAM_STILL if "W.m" in moments else GD_STILL)[:, None, None, None]
        return cls(
            parameters,
            moments,
            pairs,
            StackSpec(configs[0].activation, configs[0].loss, beta.to(like)[:, None, None]),
            beyond.to(target.device) if beyond.any() else None,
            like.new_zeros(TABLE_STEPS, len(still), len(configs), 1, 1),
            still,
            StackPass.of(pairs, like, parameters["V"]),
            target.new_full((1,), epoch),
            torch.ones(len(configs), 1, 1, dtype=torch.bool, device=target.device),
            target.new_full((len(configs),), -1),
        )


def take_step(state: StepState) -> None:
    """Take a step of every run that is alive; one whose loss is not finite stays as it was."""
    first, second = state.parameters["W"], state.parameters["V"]
    loss, *gradients = stack_gradients(first, second, state.pairs, state.spec, state.work)
    fine = loss.isfinite()[:, None, None]
    lost = (state.alive & ~fine).flatten()
    state.lost_at.copy_(torch.where(lost, state.epoch, state.lost_at))
    state.alive.logical_and_(fine)
    due = state.table.index_select(0, state.epoch % TABLE_STEPS)[0]
    held, numbers = ~state.alive, torch.where(state.alive, due, state.still)
    state.epoch.add_(1)
    for name, gradient in zip("WV", gradients, strict=True):
        if state.padding is not None:  # V's gradient is σ(0) there
            gradient.masked_fill_(state.padding, 0)
        parameter, moments = state.parameters[name], state.moments
        if f"{name}.m" in moments:
            parts = gradient, moments[f"{name}.m"], moments[f"{name}.v"]
            adam_update(parameter, *parts, AdamNumbers(*numbers), held)
        else:
            rate, decay, momentum = numbers.unbind()
            buffer = moments.get(f"{name}.b")
            gd_update(parameter, gradient, buffer, rate, decay, momentum, held)


def fill_table(state: StepState, configs: Sequence[TrainConfig], epoch: int) -> None:
    """Write the numbers of the steps in whose block step ``epoch`` + 1 lies."""
    begin = epoch - epoch % TABLE_STEPS + 1
    found = step_numbers(configs, range(begin, begin + TABLE_STEPS), "W.m" in state.moments)
    state.table.copy_(torch.from_numpy(found)[..., None, None])


def step_numbers(configs: Sequence[TrainConfig], epochs: range, adam: bool) -> NDArray[np.float64]:
    """Return what steps at these ``epochs`` need, (steps, numbers, R), in double precision."""
    columns = ([getattr(config, name) for config in configs] for name in _NAMES)
    rates, decay, momentum, beta1, beta2, epsilon = (np.array(c, dtype=float) for c in columns)
    rate = _rate_factors(configs, epochs) * rates
    if adam:
        numbers: tuple[NDArray[np.float64], ...] = adam_numbers(
            coupled=configs[0].optimizer == "adam",
            rate=rate,
            decay=decay,
            beta1=beta1,
            beta2=beta2,
            epsilon=epsilon,
            epoch=np.array(epochs)[:, None],
        )
    else:
        numbers = rate, decay, momentum
    return np.stack([np.broadcast_to(number, rate.shape) for number in numbers], 1)


def _rate_factors(configs: Sequence[TrainConfig], epochs: range) -> NDArray[np.float64]:
    """Return the schedules' factors, (steps, R); runs of one schedule share a column."""
    names = [(config.schedule, config.warmup_epochs, config.epochs) for config in configs]
    columns = {
        name: [rate_factor(config, epoch) for epoch in epochs]
        for name, config in dict(zip(names, configs, strict=True)).items()
    }
    return np.array([columns[name] for name in names]).T
