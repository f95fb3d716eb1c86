"""The gradients of a plain network of two layers on a CPU, in few calls a chunk.

Between two chunks the caches are full of numbers, so that every line of Python is slow: what can
be made ready once a run is.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor

from groupfeat.training.kernels import _hidden as kernels
from groupfeat.training.network._hidden import (
    Layers,
    NetSpec,
    Workspace,
    answer_buffer,
    is_compiled,
)
from groupfeat.training.network._losses import SQUARED

__all__ = ["Examples", "PlainPass", "is_plain", "loss_scale"]

Array = NDArray[Any]


class Examples(Protocol):
    """A chunk of examples: ``rows`` (2, c) of W, their classes ``target`` (c,)."""

    @property
    def rows(self) -> Tensor: ...

    @property
    def target(self) -> Tensor: ...


class _Chunk(NamedTuple):
    """A chunk of examples and where its numbers go, as tensors and as arrays on their memory."""

    left: Array
    right: Array
    target: Array
    features: Tensor
    logits: Tensor
    pull: Tensor
    turned_pull: Tensor
    feature_array: Array
    logit_array: Array
    pull_array: Array


def loss_scale(parts: Sequence[Examples], loss: str) -> float:
    """Return what a squared loss multiplies ½‖R‖² by: 2/n with a mean over n pairs, else 1."""
    return 2 / sum(part.target.shape[0] for part in parts) if loss == "mse_classes" else 1.0


def is_plain(layers: Layers, rows: Tensor, spec: NetSpec) -> bool:
    """Tell whether `PlainPass` can do it: compiled loops, squared loss, W and V alone."""
    alone = layers.output_bias is None and not layers.others
    return alone and spec.loss in SQUARED and is_compiled(layers.first, rows, spec)


class PlainPass:
    """A pass over the same examples with the same W and V, whose values change between passes.

    ``parts`` are the examples of one run, ``share`` is n_t/n over them.
    """

    def __init__(
        self,
        layers: Layers,
        parts: Sequence[Examples],
        share: Tensor,
        spec: NetSpec,
        work: Workspace,
    ) -> None:
        first, second = layers.first, layers.second
        self.layers, self.parts, self.spec, self.share = layers, parts, spec, share.numpy()
        self.scale = loss_scale(parts, spec.loss)
        self.arrays, number = (first.numpy(), second.numpy()), first.numpy().dtype.type
        self.numbers = number(self.scale), number(spec.beta)
        self.found = Layers(work.like("first", first), work.like("second", second))
        self.found_array = self.found.first.numpy()
        self.answers = answer_buffer(second, work)
        self.answer_array = self.answers.numpy()
        self.chunks = [self._chunk(part, work) for part in parts]

    def _chunk(self, part: Examples, work: Workspace) -> _Chunk:
        like, count = self.layers.first, part.target.shape[0]
        order, hidden = self.layers.second.shape
        features = work.get("features", count, hidden, like)
        logits = work.get("logits", count, self.answers.shape[1], like)
        pull = work.get("pull", count, order, like)
        left, right = part.rows.numpy()
        arrays = features.numpy(), logits.numpy(), pull.numpy()
        return _Chunk(left, right, part.target.numpy(), features, logits, pull, pull.T, *arrays)

    def gradients(self, mean: Tensor | None) -> tuple[float, Layers]:
        """Return loss and gradients; ``mean``: the mean features (K,) where answers are centred."""
        (first, second), (scale, beta) = self.arrays, self.numbers
        code, by_classes = kernels.CODES[self.spec.activation], mean is None
        share, v, found = self.share, self.layers.second, self.found.second
        kernels.turn(second, self.answer_array)
        shift = None if mean is None else mean @ self.answers
        self.found_array.fill(0)
        keep, squares = 0.0, 0.0
        for chunk in self.chunks:
            kernels.fill_features(code, first, chunk.left, chunk.right, chunk.feature_array)
            torch.mm(chunk.features, self.answers, out=chunk.logits)
            if shift is not None:
                chunk.logits.sub_(shift)
            if beta != 1:
                chunk.logits.mul_(self.spec.beta)
            squares += kernels.residuals(
                by_classes, chunk.logit_array, chunk.target, share, scale, chunk.pull_array
            )
            found.addmm_(chunk.turned_pull, chunk.features, beta=keep, alpha=self.spec.beta)
            keep = 1.0  # the first product overwrites what the buffer held
            torch.mm(chunk.pull, v, out=chunk.features)
            kernels.pull_back(
                code, beta, first, chunk.left, chunk.right, chunk.feature_array, self.found_array
            )
        return 0.5 * self.scale * squares, self.found
