"""Loss, gradients and answers of Ŷ = β h(X)V, by gathers and cache-sized chunks.

h is σ(XW), then any further layers. X is never formed: a row of XW is a sum of rows of W.
V is kept transposed, (M, K), so that every product reads along K.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from groupfeat.energy import PairSet
from groupfeat.training._activations import activate
from groupfeat.training._losses import output_gradient
from groupfeat.training._tasks import Indices, Task

__all__ = [
    "Layers",
    "NetSpec",
    "PairTensors",
    "evaluate",
    "layer_gradients",
    "loss_and_gradients",
    "measure",
]

_CHUNK_ENTRIES = 1 << 20
Kept = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True, eq=False)
class PairTensors:
    """Examples as tensors.

    Parameters
    ----------
    rows
        Rows of W for each operand (operand j's rows stand after those of operands before it);
        shape (k, n).
    target
        Their classes, shape (n,).
    share
        n_t/n, shape (M,).
    """

    rows: Tensor
    target: Tensor
    share: Tensor = field(repr=False)

    @classmethod
    def of(cls, pairs: PairSet, dtype: torch.dtype) -> "PairTensors":
        """Return the tensors of ``pairs``; ``share`` in ``dtype``."""
        left, right, target = (
            torch.from_numpy(array.copy()) for array in (pairs.left, pairs.right, pairs.target)
        )
        share = torch.from_numpy(pairs.target_counts / len(pairs)).to(dtype)
        return cls(torch.stack([left, right + pairs.order]), target, share)

    @classmethod
    def of_codes(cls, task: Task, codes: Indices, dtype: torch.dtype) -> "PairTensors":
        """Return the tensors of a task's examples."""
        target = torch.from_numpy(task.targets(codes))
        share = torch.bincount(target, minlength=task.n_classes).to(torch.float64) / len(codes)
        rows = torch.from_numpy(task.operands(codes))
        offsets = torch.tensor((0, *task.sizes[:-1])).cumsum(0)
        return cls(rows + offsets[:, None], target, share.to(dtype))

    def to(self, device: str) -> "PairTensors":
        """Return the same on ``device``."""
        return PairTensors(self.rows.to(device), self.target.to(device), self.share.to(device))

    def __len__(self) -> int:
        return len(self.target)

    def chunks(self, width: int) -> Iterator["PairTensors"]:
        """Yield slices whose hidden layer of ``width`` nodes stays in cache."""
        size = max(64, _CHUNK_ENTRIES // width)
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            yield PairTensors(self.rows[:, part], self.target[part], self.share)


class Layers(NamedTuple):
    """The matrices that act on one-hot operands.

    ``first`` (rows, K), ``second`` (M, K) (V transposed), ``output_bias`` (M,) or None,
    ``others``: further layers, (K, K) each. A complex network holds real parts, then imaginary
    parts, along K.
    """

    first: Tensor
    second: Tensor
    output_bias: Tensor | None = None
    others: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class NetSpec:
    """What is computed from the layers."""

    activation: str
    loss: str
    beta: float = 1.0
    residual: bool = True
    complex_weights: bool = False


def layer_gradients(layers: Layers, pairs: PairTensors, spec: NetSpec) -> tuple[Tensor, Layers]:
    """Return the loss and its gradients for every layer; memory does not grow with n.

    With G = ∂loss/∂Ŷ: ∂V = βhᵀG, and ∂W gathers (βGVᵀ) ⊙ σ'(XW) over the examples of each row,
    after it has come back through the other layers.
    """
    found = Layers(*(_zeros_like(part) for part in layers))
    total = layers.first.new_zeros(())
    mean = mean_features(layers, pairs, spec) if spec.loss == "mse_samples" else None
    for part in pairs.chunks(layers.first.shape[1]):
        features, kept = hidden_features(layers, part, spec)
        logits = _answers(features, layers, spec, mean)
        value, pull = output_gradient(logits, part.target, part.share, spec.loss, len(pairs))
        total += value
        if found.output_bias is not None:
            found.output_bias.add_(pull.sum(0))
        found.second.addmm_(pull.T, features, alpha=spec.beta)
        back = (pull @ layers.second).mul_(spec.beta)
        back = _back_through_others(back, kept, layers, found, spec)
        for rows in part.rows:
            found.first.index_add_(0, rows, back)
    return total, found


def measure(layers: Layers, pairs: PairTensors, spec: NetSpec) -> tuple[float, float]:
    """Return accuracy and loss on ``pairs``."""
    correct, total = 0, layers.first.new_zeros(())
    mean = mean_features(layers, pairs, spec) if spec.loss == "mse_samples" else None
    for part in pairs.chunks(layers.first.shape[1]):
        features, _ = hidden_features(layers, part, spec)
        logits = _answers(features, layers, spec, None)
        correct += int((logits.argmax(1) == part.target).sum())
        if mean is not None:
            logits = logits - spec.beta * (mean @ layers.second.T)
        total += output_gradient(logits, part.target, part.share, spec.loss, len(pairs))[0]
    return correct / len(pairs), float(total)


def hidden_features(layers: Layers, part: PairTensors, spec: NetSpec) -> tuple[Tensor, Kept]:
    """Return the last hidden layer (c, K), and each layer's input and slope on the way."""
    x = layers.first[part.rows[0]]
    for rows in part.rows[1:]:
        x += layers.first[rows]
    if spec.complex_weights:
        features, slope = _complex_features(x, spec.activation)
        return features, [(x, slope)]
    features, slope = activate(spec.activation, x)
    kept = [(x, slope)]
    for matrix in layers.others:
        value, slope = activate(spec.activation, features @ matrix)
        kept.append((features, slope))
        features = features + value if spec.residual else value
    return features, kept


def mean_features(layers: Layers, pairs: PairTensors, spec: NetSpec) -> Tensor:
    """Return the mean over examples of the last hidden layer, shape (K,)."""
    total = layers.first.new_zeros(layers.first.shape[1])
    for part in pairs.chunks(layers.first.shape[1]):
        total += hidden_features(layers, part, spec)[0].sum(0)
    return total / len(pairs)


def loss_and_gradients(
    first: Tensor, second: Tensor, pairs: PairTensors, **settings: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the loss and its gradients for W (2M, K) and V (K, M).

    Parameters
    ----------
    first, second
        W and V.
    pairs
        The examples.
    **settings
        ``activation``, ``loss`` and optionally ``beta``, as in `TrainConfig`.
    """
    layers = Layers(first, second.T.contiguous())
    total, found = layer_gradients(layers, pairs, NetSpec(**settings))
    return total, found.first, found.second.T


def evaluate(
    first: Tensor, second: Tensor, pairs: PairTensors, **settings: Any
) -> tuple[float, float]:
    """Return accuracy and loss on ``pairs``; arguments as in `loss_and_gradients`."""
    return measure(Layers(first, second.T.contiguous()), pairs, NetSpec(**settings))


def _answers(features: Tensor, layers: Layers, spec: NetSpec, mean: Tensor | None) -> Tensor:
    """Return βhV plus bias, (c, M), centred over samples where their mean is given."""
    logits = features @ layers.second.T
    if mean is not None:
        logits -= mean @ layers.second.T
    if spec.beta != 1:
        logits *= spec.beta
    return logits if layers.output_bias is None else logits.add_(layers.output_bias)


def _back_through_others(
    back: Tensor, kept: Kept, layers: Layers, found: Layers, spec: NetSpec
) -> Tensor:
    """Return ∂loss/∂(XW) of a chunk; gradients of the other layers are added to ``found``."""
    for matrix, gradient, (features, slope) in zip(
        reversed(layers.others), reversed(found.others), reversed(kept[1:]), strict=True
    ):
        pull = back * slope
        gradient.addmm_(features.T, pull)
        back = pull @ matrix.T + back if spec.residual else pull @ matrix.T
    slope = kept[0][1]
    if not spec.complex_weights:
        return back.mul_(slope)
    turned = torch.complex(*back.chunk(2, 1)) * slope
    return torch.cat([turned.real, -turned.imag], 1)


def _complex_features(x: Tensor, activation: str) -> tuple[Tensor, Tensor]:
    """Return [Re σ(z) | −Im σ(z)], so that Re(σ(z)V) is its product with [Re V | Im V], and σ'."""
    value, slope = activate(activation, torch.complex(*x.chunk(2, 1)))
    return torch.cat([value.real, -value.imag], 1), slope


def _zeros_like(part: Tensor | tuple[Tensor, ...] | None) -> Any:
    if part is None or isinstance(part, tuple):
        return None if part is None else tuple(torch.zeros_like(layer) for layer in part)
    return torch.zeros_like(part)
