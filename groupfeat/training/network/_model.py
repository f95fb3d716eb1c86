"""A network's trained parameters, how they start, and the layers they amount to.

A trained embedding, complex weights, a bias and batch norm all act before σ and
linearly in the operands: together they amount to one matrix W on one-hot operands
(`Layers.first`), through which their gradients follow by autograd.
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from groupfeat.training.network._hidden import Layers
from groupfeat.training.network._network import PairTensors
from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.tasks._tasks import Task

__all__ = ["Composer", "initial_parameters"]

Parameters = dict[str, Tensor]
DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.float32}
"""Of weights and optimiser."""
_NORM_EPSILON = 1e-5


def initial_parameters(task: Task, config: TrainConfig, seed: int) -> Parameters:
    """Return the initial parameters by name; V is stored transposed, (M, K).

    Drawn in a fixed order, W and V first, so that a variant does not change
    the draw of what it shares with the plain network.
    """
    generator = torch.Generator().manual_seed(seed)
    dtype, hidden = DTYPES[config.precision], config.n_hidden

    def draw(rows: int, columns: int) -> Tensor:
        if config.init == "normal":
            return torch.randn(rows, columns, generator=generator, dtype=dtype)
        uniform = torch.rand(rows, columns, generator=generator, dtype=dtype)
        return (2 * uniform - 1) / math.sqrt(rows)

    operands = len(task.sizes)
    inputs = operands * config.embedding if config.embedding else sum(task.sizes)
    found = {"W": draw(inputs, hidden) * config.init_scale}
    found["V"] = (draw(hidden, task.n_classes) * config.alpha).T.contiguous()
    if config.complex_weights:
        found["W_imag"] = draw(inputs, hidden) * config.init_scale
        found["V_imag"] = (draw(hidden, task.n_classes) * config.alpha).T.contiguous()
    if config.embedding:
        wide = 1.0 if config.init == "normal" else math.sqrt(task.sizes[0])  # entries of order 1
        found["E"] = draw(task.sizes[0], config.embedding) * wide
    if config.bias:
        found["bias"] = torch.zeros(hidden, dtype=dtype)
        if config.loss != "mse_samples":  # that loss cannot see it
            found["output_bias"] = torch.zeros(task.n_classes, dtype=dtype)
    if config.batch_norm:
        found |= {
            "scale": torch.ones(hidden, dtype=dtype),
            "shift": torch.zeros(hidden, dtype=dtype),
        }
    for layer in range(1, config.other_layers + 1):
        found[f"U{layer}"] = draw(hidden, hidden) / (
            math.sqrt(hidden) if config.init == "normal" else 1
        )
    return found


class Composer:
    """Parameters to layers, and the layers' gradients back to the parameters."""

    def __init__(self, task: Task, config: TrainConfig, pairs: PairTensors) -> None:
        if config.embedding and len(set(task.sizes)) > 1:
            raise ValueError(
                f"operands share one embedding, but {task.name} has operands of {task.sizes} "
                "symbols; set embedding=0"
            )
        self.config, self.operands, self.first_size = config, len(task.sizes), task.sizes[0]
        self.plain = not (
            config.embedding or config.complex_weights or config.bias or config.batch_norm
        )
        self.gram = _gram(pairs, sum(task.sizes)) if config.batch_norm else None

    def layers(self, parameters: Mapping[str, Tensor]) -> Layers:
        """Return what the parameters amount to; differentiable."""
        first, second = parameters["W"], parameters["V"]
        if not self.plain:
            first = self._joined(parameters, "W", self._embedded)
            second = self._joined(parameters, "V", lambda part, _: part)
        if "bias" in parameters:
            first = self._shifted(first, parameters["bias"])
        if self.gram is not None:
            first = self._normalised(first, parameters)
        others = tuple(parameters[f"U{layer}"] for layer in range(1, self.config.other_layers + 1))
        return Layers(first, second, parameters.get("output_bias"), others)

    def gradients(
        self, parameters: Mapping[str, Tensor], pull: Callable[[Layers], tuple[float, Layers]]
    ) -> tuple[float, Parameters]:
        """Return the loss and each parameter's gradient; ``pull`` gives those of the layers."""
        if self.plain:
            loss, found = pull(self.layers(parameters))
            return loss, self._named(found)
        leaves = {name: part.detach().requires_grad_() for name, part in parameters.items()}
        with torch.enable_grad():
            layers = self.layers(leaves)
        loss, found = pull(_detached(layers))
        outputs, seeds = _flat(layers), _flat(found)
        gradients = torch.autograd.grad(outputs, list(leaves.values()), seeds)
        return loss, dict(zip(leaves, gradients, strict=True))

    def _named(self, found: Layers) -> Parameters:
        named = {"W": found.first, "V": found.second}
        return named | {f"U{i}": layer for i, layer in enumerate(found.others, 1)}

    def _joined(
        self,
        parameters: Mapping[str, Tensor],
        name: str,
        through: Callable[[Tensor, Tensor | None], Tensor],
    ) -> Tensor:
        names = [name, f"{name}_imag"] if self.config.complex_weights else [name]
        return torch.cat([through(parameters[part], parameters.get("E")) for part in names], 1)

    def _embedded(self, weights: Tensor, embedding: Tensor | None) -> Tensor:
        if embedding is None:
            return weights
        return torch.cat([embedding @ block for block in weights.chunk(self.operands)])

    def _shifted(self, first: Tensor, by: Tensor) -> Tensor:
        """Add a row to all rows of the first operand: every example sums exactly one of them."""
        return torch.cat([first[: self.first_size] + by, first[self.first_size :]])

    def _normalised(self, first: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
        share, gram = self.gram  # type: ignore[misc]
        centred = first - (share @ first) / self.operands
        variance = ((gram @ centred) * centred).sum(0)
        scale = parameters["scale"] / (variance + _NORM_EPSILON).sqrt()
        return self._shifted(centred * scale, parameters["shift"])


def _gram(pairs: PairTensors, rows: int) -> tuple[Tensor, Tensor]:
    """Return Xᵀ1/n, shape (rows,), and XᵀX/n of one-hot operands."""
    like = pairs.share
    gram = like.new_zeros(rows * rows)
    for left in pairs.rows:
        for right in pairs.rows:
            gram += torch.bincount(left * rows + right, minlength=rows * rows).to(like)
    share = sum(torch.bincount(part, minlength=rows) for part in pairs.rows)
    return share.to(like) / len(pairs), gram.reshape(rows, rows) / len(pairs)  # type: ignore[union-attr]


def _detached(layers: Layers) -> Layers:
    bias = layers.output_bias
    return Layers(
        layers.first.detach(),
        layers.second.detach(),
        None if bias is None else bias.detach(),
        tuple(part.detach() for part in layers.others),
    )


def _flat(layers: Layers) -> list[Tensor]:
    bias = [] if layers.output_bias is None else [layers.output_bias]
    return [layers.first, layers.second, *bias, *layers.others]
