"""Hidden layers of a chunk of examples: forward, and back to the rows of W.

On a CPU the cheap activations of two operands go through compiled loops that
read W once; everything else is torch.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from groupfeat.training.kernels import _hidden as kernels
from groupfeat.training.network._activations import activate

__all__ = [
    "Hidden",
    "Layers",
    "NetSpec",
    "Workspace",
    "add_back",
    "answer_buffer",
    "answer_width",
    "feature_sum",
    "hidden_layers",
    "is_compiled",
]

_LANES = 16


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


class NetSpec(NamedTuple):
    """What is computed from the layers; ``rounded``: gradients by products in bfloat16."""

    activation: str
    loss: str
    beta: float = 1.0
    residual: bool = True
    complex_weights: bool = False
    rounded: bool = False


class Hidden(NamedTuple):
    """The last hidden layer (c, K) of a chunk, and what the way back needs.

    ``slope``: σ'(XW), or None where it is computed anew; ``kept``: input and slope of each other
    layer.
    """

    last: Tensor
    slope: Tensor | None
    kept: tuple[tuple[Tensor, Tensor], ...] = ()


class Workspace:
    """Buffers that are used again, chunk after chunk and step after step."""

    def __init__(self) -> None:
        self._memory: dict[str, Tensor] = {}
        self._views: dict[tuple[str, int, int], Tensor] = {}
        self.ready: Any = None  # the last `PlainPass` or `RoundedPass`

    def get(self, name: str, rows: int, columns: int, like: Tensor) -> Tensor:
        """Return a (rows, columns) buffer, not cleared; valid until the name is asked for again."""
        found = self._views.get((name, rows, columns))
        if found is None or found.dtype != like.dtype:
            size, memory = rows * columns, self._memory.get(name)
            if memory is None or memory.numel() < size or memory.dtype != like.dtype:
                step = 1 << max(12, size.bit_length() - 4)  # for chunks a little longer than these
                memory = self._memory[name] = like.new_empty(-(-size // step) * step)
                self._views = {k: view for k, view in self._views.items() if k[0] != name}
            found = memory[:size].view(rows, columns)
            self._views[name, rows, columns] = found
        return found

    def like(self, name: str, matrix: Tensor) -> Tensor:
        """Return a buffer of the shape of ``matrix``, not cleared."""
        return self.get(name, matrix.shape[0], matrix.shape[1], matrix)

    def zeros(self, name: str, matrix: Tensor) -> Tensor:
        """Return a buffer of the shape of ``matrix``, cleared."""
        return self.like(name, matrix).zero_()


def answer_width(order: int) -> int:
    """Return the least multiple of 16 that is not below ``order``."""
    return -(-order // _LANES) * _LANES


def answer_buffer(second: Tensor, work: Workspace) -> Tensor:
    """Return a place for V turned: (K, M), with further columns of zeros to a multiple of 16.

    The product with it along K is a tenth faster than with V's transpose, and fills the lanes.
    """
    order, hidden = second.shape
    width = answer_width(order)
    found = work.get("turned", hidden, width, second)
    if width > order:
        found[:, order:].zero_()
    return found


def is_compiled(first: Tensor, rows: Tensor, spec: NetSpec) -> bool:
    """Tell whether compiled loops do the hidden layer."""
    simple = spec.activation in kernels.CODES and not spec.complex_weights
    return simple and _is_summed_by_loops(first, rows)


def _is_summed_by_loops(first: Tensor, rows: Tensor) -> bool:
    """Tell whether compiled loops go from W to XW and back."""
    return len(rows) == 2 and first.device.type == "cpu" and kernels.compiled()


def hidden_layers(layers: Layers, rows: Tensor, spec: NetSpec, work: Workspace) -> Hidden:
    """Return the hidden layers of examples with these ``rows`` (k, c) of W."""
    first = layers.first
    whole = is_compiled(first, rows, spec)
    if _is_summed_by_loops(first, rows):
        x = work.get("features", rows.shape[1], first.shape[1], first)
        code = kernels.CODES[spec.activation if whole else "linear"]
        left, right = rows.numpy()
        kernels.fill_features(code, first.numpy(), left, right, x.numpy())
    else:
        x = first[rows[0]]
        for more in rows[1:]:
            x += first[more]
    if whole:
        found = Hidden(x, None)
    else:
        sigma = _complex_features if spec.complex_weights else activate
        found = Hidden(*sigma(spec.activation, x))
    return _through_others(found, layers, spec) if layers.others else found


def feature_sum(layers: Layers, rows: Tensor, spec: NetSpec, work: Workspace) -> Tensor:
    """Return the sum over examples of their last hidden layer, shape (K,)."""
    first = layers.first
    if layers.others or not is_compiled(first, rows, spec):
        return hidden_layers(layers, rows, spec, work).last.sum(0)
    total, one = first.new_zeros(first.shape[1]), work.get("feature row", 1, first.shape[1], first)
    code, (left, right) = kernels.CODES[spec.activation], rows.numpy()
    kernels.add_features(code, first.numpy(), left, right, one.numpy(), total.numpy())
    return total


def add_back(
    pull: Tensor, hidden: Hidden, layers: Layers, rows: Tensor, spec: NetSpec, found: Layers
) -> None:
    """Add to ``found`` the gradients of ``first`` and ``others``; ``pull`` (c, K) is overwritten.

    ``pull`` is the gradient at the last hidden layer over β.
    """
    back, scale = pull, spec.beta
    for matrix, gradient, (features, slope) in zip(
        reversed(layers.others), reversed(found.others), reversed(hidden.kept), strict=True
    ):
        step = slope.mul_(back)
        gradient.addmm_(features.T, step, alpha=scale)
        back = back.addmm_(step, matrix.T) if spec.residual else torch.mm(step, matrix.T, out=back)
    if hidden.slope is not None and spec.complex_weights:
        turned = torch.complex(*back.chunk(2, 1)) * hidden.slope
        back = torch.cat([turned.real, -turned.imag], 1)
    elif hidden.slope is not None:
        back.mul_(hidden.slope)
    if _is_summed_by_loops(layers.first, rows):
        code = kernels.CODES[spec.activation if hidden.slope is None else "linear"]
        arrays = layers.first.numpy(), *rows.numpy(), back.numpy(), found.first.numpy()
        kernels.pull_back(code, back.numpy().dtype.type(scale), *arrays)
    else:
        for part in rows:
            found.first.index_add_(0, part, back, alpha=scale)


def _through_others(hidden: Hidden, layers: Layers, spec: NetSpec) -> Hidden:
    features, kept = hidden.last, []
    for matrix in layers.others:
        value, slope = activate(spec.activation, features @ matrix)
        kept.append((features, slope))
        features = value.add_(features) if spec.residual else value
    return Hidden(features, hidden.slope, tuple(kept))


def _complex_features(activation: str, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return [Re σ(z) | −Im σ(z)], so that Re(σ(z)V) is its product with [Re V | Im V], and σ'."""
    value, slope = activate(activation, torch.complex(*x.chunk(2, 1)))
    return torch.cat([value.real, -value.imag], 1), slope
