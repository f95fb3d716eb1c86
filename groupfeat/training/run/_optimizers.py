"""Full-batch steps of named optimisers on named parameters, with a state that can be stored."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groupfeat.training.kernels._adam import adam_step
from groupfeat.training.kernels._hidden import compiled
from groupfeat.training.run._updates import AdamNumbers, adam_numbers, adam_update, gd_update
from groupfeat.training.setup._config import TrainConfig

__all__ = ["Optimizer", "orthogonalized", "rate_factor"]

Parameters = dict[str, Tensor]
# Newton–Schulz quintic of K. Jordan et al., "Muon" (2024): pushes singular values to about 1.
_QUINTIC = (3.4445, -4.7750, 2.0315)
_QUINTIC_STEPS = 5


def rate_factor(config: TrainConfig, epoch: int) -> float:
    """Return what the schedule multiplies the learning rate by in step ``epoch`` (from 1)."""
    warm = config.warmup_epochs
    if epoch <= warm:
        return epoch / warm
    if config.schedule == "constant":
        return 1.0
    passed = (epoch - warm - 1) / max(config.epochs - warm, 1)
    if config.schedule == "linear":
        return 1 - passed
    return 0.5 * (1 + math.cos(math.pi * passed))


class Optimizer:
    """Steps of the config's optimiser; parameters and state are changed in place."""

    def __init__(
        self, parameters: Parameters, config: TrainConfig, state: Parameters | None = None
    ) -> None:
        self.config, self.parameters = config, parameters
        self.decay = config.weight_decay or 0.0
        self.state = self._fresh() if state is None else state
        self._pulled: dict[str, tuple[Tensor, NDArray[Any]]] = {}
        self._flat = self._flat_arrays() if config.optimizer not in ("gd", "sgd") else {}
        self._plain = self._gd if config.optimizer in ("gd", "sgd") else self._adam

    def step(self, gradients: Parameters, epoch: int) -> None:
        """Take step number ``epoch`` (from 1)."""
        rate = rate_factor(self.config, epoch)
        if self.config.optimizer == "muon":
            matrices = {name: part for name, part in gradients.items() if self._orthogonal(name)}
            gradients = {name: part for name, part in gradients.items() if name not in matrices}
            self._muon(matrices, rate * self.config.learning_rate)
            rate *= self.config.fallback_rate or self.config.learning_rate
        else:
            rate *= self.config.learning_rate
        for name, gradient in gradients.items():
            self._plain(name, gradient, rate, epoch)

    def _orthogonal(self, name: str) -> bool:
        return self.config.optimizer == "muon" and name[0] in "WU"

    def _fresh(self) -> Parameters:
        kinds = {"adam": "mv", "adamw": "mv", "muon": "mv", "sgd": "b", "gd": ""}
        found: Parameters = {}
        for name, part in self.parameters.items():
            letters = "b" if self._orthogonal(name) else kinds[self.config.optimizer]
            if self.config.optimizer == "sgd" and not self.config.momentum:
                letters = ""
            found |= {f"{name}.{letter}": torch.zeros_like(part) for letter in letters}
        return found

    def _flat_arrays(self) -> dict[str, tuple[NDArray[Any], ...]]:
        """Return parameter and Adam's moments as flat arrays on the same memory, on a CPU."""
        found = {}
        for name, part in self.parameters.items():
            if part.device.type == "cpu" and compiled() and not self._orthogonal(name):
                parts = part, self.state[f"{name}.m"], self.state[f"{name}.v"]
                found[name] = tuple(each.view(-1).numpy() for each in parts)
        return found

    def _gd(self, name: str, gradient: Tensor, rate: float, _: int) -> None:
        buffer, momentum = self.state.get(f"{name}.b"), self.config.momentum
        gd_update(self.parameters[name], gradient, buffer, rate, self.decay, momentum)

    def _adam(self, name: str, gradient: Tensor, rate: float, epoch: int) -> None:
        numbers = self._adam_numbers(rate, epoch)
        if name in self._flat:
            parameter, *moments = self._flat[name]
            arrays = parameter, self._flat_gradient(name, gradient), *moments
            with np.errstate(over="ignore"):  # a rate beyond float32 is infinite, and ends the run
                rounded = [parameter.dtype.type(number) for number in numbers]
            adam_step(*arrays, *rounded)
        else:
            mean, square = self.state[f"{name}.m"], self.state[f"{name}.v"]
            adam_update(self.parameters[name], gradient, mean, square, numbers)

    def _adam_numbers(self, rate: float, epoch: int) -> AdamNumbers:
        config = self.config
        return adam_numbers(
            coupled=config.optimizer == "adam",
            rate=rate,
            decay=self.decay,
            beta1=config.adam_beta1,
            beta2=config.adam_beta2,
            epsilon=config.adam_epsilon,
            epoch=epoch,
        )

    def _flat_gradient(self, name: str, gradient: Tensor) -> NDArray[Any]:
        """Return a gradient as a flat array; the same tensor comes again where it is a buffer."""
        tensor, array = self._pulled.get(name, (None, None))
        if array is None or tensor is not gradient:
            array = gradient.contiguous().view(-1).numpy()
            if gradient.is_contiguous():
                self._pulled[name] = gradient, array
        return array

    def _muon(self, gradients: Parameters, rate: float) -> None:
        ahead = {name: self._ahead(name, gradient) for name, gradient in gradients.items()}
        if self.config.complex_weights:
            whole = orthogonalized(torch.complex(ahead["W"], ahead["W_imag"]))
            updates = {"W": whole.real, "W_imag": whole.imag}
        else:
            updates = {name: orthogonalized(part) for name, part in ahead.items()}
        for name, update in updates.items():
            parameter = self.parameters[name]
            parameter.mul_(1 - rate * self.decay)
            inputs, outputs = parameter.shape  # nn.Linear holds the transpose
            stretch = math.sqrt(max(1, outputs / inputs))
            parameter.add_(update, alpha=-rate * stretch)

    def _ahead(self, name: str, gradient: Tensor) -> Tensor:
        """Return the gradient with (Nesterov) momentum."""
        momentum = self.config.muon_momentum
        return gradient.lerp(self.state[f"{name}.b"].lerp_(gradient, 1 - momentum), momentum)


def orthogonalized(matrix: Tensor) -> Tensor:
    """Return a matrix with the same singular vectors and singular values near 1 (0.7 … 1.2).

    Five steps of the quintic Newton–Schulz iteration that K. Jordan's Muon uses; of a complex
    matrix with conjugate transposes, where the answer is the steepest direction under the largest
    singular value just as it is for a real one.
    """
    a, b, c = _QUINTIC
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.mH
    x = wide / (wide.norm() + 1e-7)
    for _ in range(_QUINTIC_STEPS):
        gram = x @ x.mH
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if matrix.shape[0] <= matrix.shape[1] else x.mH
