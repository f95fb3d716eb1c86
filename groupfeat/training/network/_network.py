"""Loss, gradients and answers of Ŷ = β h(X)V, by gathers and cache-sized chunks.

h is σ(XW), then any further layers. X is never formed: a row of XW is a sum of rows of W.
V is kept transposed, (M, K), so that every product reads along K.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from groupfeat.energy import PairSet
from groupfeat.training.network._hidden import (
    Layers,
    NetSpec,
    Workspace,
    add_back,
    answer_buffer,
    feature_sum,
    hidden_layers,
)
from groupfeat.training.network._losses import count_right, output_gradient
from groupfeat.training.network._plain_pass import PlainPass, is_plain
from groupfeat.training.network._rounded_pass import RoundedPass, gradients_by_torch
from groupfeat.training.tasks._tasks import Indices, Task

__all__ = [
    "Layers",
    "NetSpec",
    "PairTensors",
    "answer_shift",
    "evaluate",
    "layer_gradients",
    "loss_and_gradients",
    "measure",
]

_CHUNK_ENTRIES = 1 << 19
_DEEP_EXAMPLES = 512
"""Where K × K layers follow, which every chunk reads anew."""


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
    _parts: dict[int, list["PairTensors"]] = field(default_factory=dict, init=False, repr=False)

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
        return cls(rows.add_(offsets[:, None]), target, share.to(dtype))

    def to(self, device: str) -> "PairTensors":
        """Return the same on ``device``."""
        return PairTensors(self.rows.to(device), self.target.to(device), self.share.to(device))

    def __len__(self) -> int:
        return self.target.shape[0]  # len of a tensor takes longer

    def chunks(self, width: int, *, rounded: bool = False, least: int = 64) -> list["PairTensors"]:
        """Return slices of about equal size whose ``width`` hidden nodes stay in cache.

        ``rounded``: they are half as wide. ``least``: examples at which it may be left.
        """
        most = max(least, (1 + rounded) * _CHUNK_ENTRIES // width)
        if most not in self._parts:
            count = -(-len(self) // most)
            bounds = [len(self) * i // count for i in range(count + 1)]
            self._parts[most] = [
                PairTensors(self.rows[:, a:b], self.target[a:b], self.share)
                for a, b in pairwise(bounds)
            ]
        return self._parts[most]


def layer_gradients(
    layers: Layers, pairs: PairTensors, spec: NetSpec, work: Workspace | None = None
) -> tuple[float, Layers]:
    """Return the loss and its gradients for every layer; memory does not grow with n.

    The gradients live in ``work`` until its next use.

    With G = ∂loss/∂Ŷ: ∂V = βhᵀG, and ∂W gathers (βGVᵀ) ⊙ σ'(XW) over the examples of each row,
    after it has come back through the other layers.
    """
    work, bias = work or Workspace(), layers.output_bias
    mean = mean_features(layers, pairs, spec, work) if spec.loss == "mse_samples" else None
    if is_plain(layers, pairs.rows, spec):
        return _ready_pass(layers, pairs, spec, work).gradients(mean)
    if spec.rounded:
        parts = _chunks(layers, pairs)
        return gradients_by_torch(layers, parts, pairs.share, spec, mean, work)
    found = Layers(
        work.zeros("first", layers.first),
        work.like("second", layers.second),
        None if bias is None else torch.zeros_like(bias),
        tuple(work.zeros(f"other {i}", part) for i, part in enumerate(layers.others)),
    )
    answers, keep, total = _turned(layers.second, work), 0.0, 0.0
    for part in _chunks(layers, pairs):
        hidden = hidden_layers(layers, part.rows, spec, work)
        logits = _answers(hidden.last, answers, layers, spec, mean, work)
        value, pull = output_gradient(logits, part.target, part.share, spec.loss, len(pairs), work)
        total += value
        if found.output_bias is not None:
            found.output_bias.add_(pull.sum(0))
        found.second.addmm_(pull.T, hidden.last, beta=keep, alpha=spec.beta)
        keep = 1.0  # the first product overwrites what the buffer held
        name = "back" if hidden.kept else "features"  # their last use was one line above
        back = work.get(name, len(part), layers.first.shape[1], pull)
        torch.mm(pull, layers.second, out=back)
        add_back(back, hidden, layers, part.rows, spec, found)
    return total, found


def _ready_pass(
    layers: Layers, pairs: PairTensors, spec: NetSpec, work: Workspace
) -> PlainPass | RoundedPass:
    parts = pairs.chunks(layers.first.shape[1], rounded=spec.rounded)
    if work.ready is None or not _is_for(work.ready, layers, parts, spec):
        kind = RoundedPass if spec.rounded else PlainPass
        work.ready = kind(layers, parts, pairs.share, spec, work)
    found: PlainPass | RoundedPass = work.ready
    return found


def _is_for(
    ready: PlainPass | RoundedPass, layers: Layers, parts: list[PairTensors], spec: NetSpec
) -> bool:
    """Tell whether a pass was made for these very arrays."""
    mine = ready.layers
    same = mine.first is layers.first and mine.second is layers.second
    return same and ready.parts is parts and ready.spec == spec


def _chunks(layers: Layers, pairs: PairTensors) -> list[PairTensors]:
    least = _DEEP_EXAMPLES if layers.others else 64
    return pairs.chunks(layers.first.shape[1], least=least)


def measure(
    layers: Layers,
    pairs: PairTensors,
    spec: NetSpec,
    work: Workspace | None = None,
    *,
    shift: Tensor | None = None,
) -> tuple[float, float]:
    """Return accuracy and loss on ``pairs``; ``shift``: `answer_shift` of the training pairs."""
    work, order = work or Workspace(), layers.second.shape[0]
    correct, total = 0, 0.0
    answers = _turned(layers.second, work)
    mean = mean_features(layers, pairs, spec, work) if spec.loss == "mse_samples" else None
    for part in _chunks(layers, pairs):
        features = hidden_layers(layers, part.rows, spec, work).last
        logits = _answers(features, answers, layers, spec, None, work)
        judged = logits if shift is None else logits[:, :order] + shift
        correct += count_right(judged, part.target, order)
        if mean is not None:
            logits -= spec.beta * (mean @ answers)
        total += output_gradient(logits, part.target, part.share, spec.loss, len(pairs), work)[0]
    return correct / len(pairs), total


def answer_shift(
    layers: Layers, pairs: PairTensors, spec: NetSpec, work: Workspace | None = None
) -> Tensor | None:
    """Return b = Ȳ − βh̄V over ``pairs``, shape (M,), under ``"mse_samples"``; else None.

    ½‖P⊥(Y − Ŷ)‖² is the least value of ½‖Y − Ŷ − 1bᵀ‖² over b, taken at this one: the loss sees
    answers up to a constant, which has to be added before the largest is looked for.
    """
    if spec.loss != "mse_samples":
        return None
    return pairs.share - spec.beta * (layers.second @ mean_features(layers, pairs, spec, work))


def mean_features(
    layers: Layers, pairs: PairTensors, spec: NetSpec, work: Workspace | None = None
) -> Tensor:
    """Return the mean over examples of the last hidden layer, shape (K,)."""
    work = work or Workspace()
    total = layers.first.new_zeros(layers.first.shape[1])
    for part in _chunks(layers, pairs):
        total += feature_sum(layers, part.rows, spec, work)
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
    return first.new_tensor(total), found.first, found.second.T


def evaluate(
    first: Tensor, second: Tensor, pairs: PairTensors, **settings: Any
) -> tuple[float, float]:
    """Return accuracy and loss on ``pairs``; arguments as in `loss_and_gradients`.

    Under ``"mse_samples"`` accuracy is that of the answers plus `answer_shift` of these pairs.
    """
    layers, spec = Layers(first, second.T.contiguous()), NetSpec(**settings)
    return measure(layers, pairs, spec, shift=answer_shift(layers, pairs, spec))


def _answers(
    features: Tensor,
    answers: Tensor,
    layers: Layers,
    spec: NetSpec,
    mean: Tensor | None,
    work: Workspace,
) -> Tensor:
    """Return βhV plus bias, centred where the mean of h is given; columns beyond M mean nothing."""
    logits = work.get("logits", len(features), answers.shape[1], features)
    torch.mm(features, answers, out=logits)
    if mean is not None:
        logits -= mean @ answers
    if spec.beta != 1:
        logits *= spec.beta
    if layers.output_bias is not None:
        logits[:, : layers.output_bias.shape[0]] += layers.output_bias
    return logits


def _turned(second: Tensor, work: Workspace) -> Tensor:
    """Return V as (K, M) in `answer_buffer`."""
    found = answer_buffer(second, work)
    found[:, : second.shape[0]].copy_(second.T)
    return found
