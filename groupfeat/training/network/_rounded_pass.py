"""Gradients by products with operands in bfloat16; everything else in single precision.

A processor with AMX adds the products up in single precision and rounds the sum once, at its end.
So a product is laid out for its sum to be small: the target is taken off inside of it,
R = βFV − Y, whose rounding is then relative to the residual and not to the answer. What both
losses subtract, a mean over classes or over samples, is linear and comes off the sums in single
precision.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor

from groupfeat.training.kernels import _hidden as kernels
from groupfeat.training.kernels import _rounded as rounded
from groupfeat.training.network._hidden import (
    Layers,
    NetSpec,
    Workspace,
    add_back,
    answer_width,
    hidden_layers,
)
from groupfeat.training.network._plain_pass import Examples, loss_scale

__all__ = ["RoundedPass", "gradients_by_torch"]

Array = NDArray[Any]


class _Operands(NamedTuple):
    """What every chunk's product takes.

    ``v`` (W, K): V, centred over classes where the loss is, M rows and rows of zeros. R begins as
    ``start`` (W,), at an example's class as ``hit``; ``start_error``, ``hit_error`` (M,): what
    they lost in rounding. ``sums`` (M,): Σ R over examples, added up where the loss asks.
    """

    v: Tensor
    start: Tensor
    hit: Tensor
    start_error: Tensor
    hit_error: Tensor
    sums: Tensor


def _operands(second: Tensor, work: Workspace) -> _Operands:
    """Return places for them, as a loss that is centred over classes needs them; V to be filled."""
    order, hidden = second.shape
    width, like = answer_width(order), second.new_empty(0, dtype=torch.bfloat16)
    v = work.get("rounded V", width, hidden, like)
    v[order:].zero_()
    start, hit = second.new_zeros(2, width, dtype=torch.bfloat16)
    level = round(256 / order) / 256  # near 1/M, and exact less 1 too: R is nearly centred
    start[:order], hit[:order] = level, level - 1
    return _Operands(v, start, hit, *second.new_zeros(3, order))


def _center_over_samples(
    operands: _Operands, second: Tensor, share: Tensor, spec: NetSpec, mean: Tensor
) -> None:
    """Let R begin so that it is centred over samples; ``share`` is n_t/n."""
    exact, order = share - spec.beta * (second @ mean), len(second)
    for place, error, value in (
        (operands.start, operands.start_error, exact),
        (operands.hit, operands.hit_error, exact - 1),
    ):
        place[:order] = value
        torch.sub(value, place[:order], out=error)
    operands.sums.zero_()


class _Chunk(NamedTuple):
    """A chunk of examples and where its numbers go, as tensors and as arrays of their bits."""

    left: Array
    right: Array
    target: Array
    features: Tensor
    rows: Tensor
    turned_rows: Tensor
    feature_bits: Array
    row_bits: Array


class RoundedPass:
    """A pass over the same examples with the same W and V, whose values change between passes.

    As `PlainPass`; the loops write and read bfloat16 themselves.
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
        self.layers, self.parts, self.spec, self.share = layers, parts, spec, share
        self.work, self.scale = work, loss_scale(parts, spec.loss)
        self.first, number = first.numpy(), first.numpy().dtype.type
        self.found = Layers(work.like("first", first), work.like("second", second))
        self.found_arrays = tuple(part.numpy() for part in self.found[:2])
        self.operands = operands = _operands(second, work)
        self.operand_bits = tuple(_bits(part) for part in operands[:3])
        self.operand_arrays = tuple(part.numpy() for part in operands[3:])
        self.answers = operands.v.T
        self.second, self.factor = second.numpy(), number(spec.beta * self.scale)
        self.part = self._buffer("part", answer_width(len(second)), second.shape[1])
        self.part_bits = _bits(self.part)
        self.chunks = [self._chunk(part) for part in parts]

    def _buffer(self, name: str, rows: int, columns: int) -> Tensor:
        like = self.layers.first.new_empty(0, dtype=torch.bfloat16)
        return self.work.get(f"rounded {name}", rows, columns, like)

    def _chunk(self, part: Examples) -> _Chunk:
        count, (order, hidden) = part.target.shape[0], self.layers.second.shape
        features = self._buffer("features", count, hidden)
        rows = self._buffer("rows", count, answer_width(order))
        left, right = part.rows.numpy()
        arrays = _bits(features), _bits(rows)
        return _Chunk(left, right, part.target.numpy(), features, rows, rows.T, *arrays)

    def gradients(self, mean: Tensor | None) -> tuple[float, Layers]:
        """Return loss and gradients; ``mean``: the mean features (K,) where answers are centred."""
        code, beta, operands = kernels.CODES[self.spec.activation], self.spec.beta, self.operands
        (v, start, hit), (start_error, hit_error, sums) = self.operand_bits, self.operand_arrays
        (found_first, found_second), by_classes = self.found_arrays, mean is None
        rounded.round_answers(self.second, by_classes, v)
        if mean is not None:
            _center_over_samples(operands, self.layers.second, self.share, self.spec, mean)
        found_first.fill(0)
        squares = 0.0
        for i, chunk in enumerate(self.chunks):
            kernels.fill_features(code, self.first, chunk.left, chunk.right, chunk.feature_bits)
            rounded.begin_rows(start, hit, chunk.target, chunk.row_bits)
            torch.addmm(chunk.rows, chunk.features, self.answers, alpha=beta, out=chunk.rows)
            if by_classes:
                squares += rounded.sum_of_squares(chunk.row_bits, len(sums))
            else:
                squares += rounded.center_rows(
                    start_error, hit_error, chunk.target, chunk.row_bits, sums
                )
            torch.mm(chunk.turned_rows, chunk.features, out=self.part)
            rounded.add_product(self.part_bits, i > 0, found_second)
            torch.mm(chunk.rows, operands.v, out=chunk.features)
            kernels.pull_back(
                code,
                self.factor,
                self.first,
                chunk.left,
                chunk.right,
                chunk.feature_bits,
                found_first,
            )
        means = sums if mean is None else mean.numpy()
        rounded.finish(by_classes, self.factor, sums, means, found_second)
        return 0.5 * self.scale * squares, self.found


def _bits(part: Tensor) -> Array:
    """Return the bits of a bfloat16 tensor on its memory; numpy has no such type."""
    found: Array = part.view(torch.uint16).numpy()
    return found


def gradients_by_torch(
    layers: Layers,
    parts: Sequence[Examples],
    share: Tensor,
    spec: NetSpec,
    mean: Tensor | None,
    work: Workspace,
) -> tuple[float, Layers]:
    """Return the same as `RoundedPass` for any activation, number of operands and device."""
    found = Layers(work.zeros("first", layers.first), work.zeros("second", layers.second))
    second, order, scale = layers.second, len(share), loss_scale(parts, spec.loss)
    operands, back_spec = _operands(second, work), spec._replace(beta=spec.beta * scale)
    if mean is None:
        operands.v[:order] = second - second.mean(0)
    else:
        operands.v[:order] = second
        _center_over_samples(operands, second, share, spec, mean)
    squares = 0.0
    for part in parts:
        hidden = hidden_layers(layers, part.rows, spec, work)
        count, width = hidden.last.shape
        features = work.get("rounded features", count, width, operands.v).copy_(hidden.last)
        at = torch.arange(count, device=features.device), part.target
        rows = operands.start.repeat(count, 1)
        rows[at] = operands.hit[part.target]
        rows = torch.addmm(rows, features, operands.v.T, alpha=spec.beta)
        gap = rows[:, :order].to(second.dtype)
        if mean is None:
            gap -= gap.mean(1, keepdim=True)
        else:
            mine = gap[at] + operands.hit_error[part.target]
            gap += operands.start_error
            gap[at] = mine
            rows[:, :order] = gap
            gap = rows[:, :order].to(second.dtype)
            operands.sums.add_(gap.sum(0))
        squares += float(gap.square().sum())
        found.second.add_((rows.T @ features)[:order])
        torch.mm(rows, operands.v, out=features)
        back = work.get("back", count, width, second).copy_(features)
        add_back(back, hidden, layers, part.rows, back_spec, found)
    off = found.second.mean(0) if mean is None else operands.sums[:, None] * mean
    found.second.sub_(off).mul_(back_spec.beta)
    return 0.5 * scale * squares, found
