"""V in closed form."""

import torch
from torch import Tensor

from groupfeat.training.network._hidden import Layers, NetSpec, Workspace, hidden_layers
from groupfeat.training.network._network import PairTensors, layer_gradients, mean_features

__all__ = ["ridge_gradients", "ridge_solution"]


def ridge_solution(layers: Layers, pairs: PairTensors, spec: NetSpec, ridge: float) -> Tensor:
    """Return V = (F̃ᵀF̃ + ηI)⁻¹F̃ᵀỸ, transposed, shape (M, K).

    With complex weights Ŷ = Re(FV) = [Re F | −Im F][Re V; Im V], which is real and linear in twice
    as many features: the same formula, with ‖V‖² = ‖Re V‖² + ‖Im V‖², shape (M, 2K).

    Solved through whichever of the K × K and the n × n matrix is smaller, so
    that memory grows with the smaller of K² and n². In float64 whatever the layers hold (``pairs``
    must be in float64): the matrix's condition is 1 + ‖F̃‖²/η, so that V has relative errors of
    about 2e-16‖F̃‖²/η, and rounding swallows η where that passes 1. V is NaN where the matrix then
    is not positive definite, or not finite.

    References
    ----------
    arXiv:2509.21519, Proposition 1.
    """
    layers = _double(layers)
    mean, order = mean_features(layers, pairs, spec), len(layers.second)
    hidden, count = layers.first.shape[1], len(pairs)
    if count < hidden:
        features = _centred(layers, pairs, spec, mean)
        labels = torch.nn.functional.one_hot(pairs.target, order).to(mean) - pairs.share
        gram = features @ features.T
        gram.diagonal().add_(ridge)
        return _solved(gram, labels).T @ features
    gram = torch.diag(torch.full_like(mean, ridge))
    moments = torch.zeros_like(layers.second)
    for part in pairs.chunks(hidden):
        features = _centred(layers, part, spec, mean)
        gram.addmm_(features.T, features)
        moments.index_add_(0, part.target, features)  # ỸᵀF̃ = YᵀF̃, as F̃ is centred
    return _solved(gram, moments.T).T.contiguous()


def ridge_gradients(
    layers: Layers, pairs: PairTensors, spec: NetSpec, ridge: float, work: Workspace
) -> tuple[float, Layers]:
    """Return the loss at the V solved for, and the layers' gradients there.

    The residual Ỹ − F̃V is of the order of η/(‖F̃‖² + η) where n < K: it is formed in float64, for
    a V in float32 would leave its own rounding.
    """
    solved = _double(layers)._replace(second=ridge_solution(layers, pairs, spec, ridge))
    loss, found = layer_gradients(solved, pairs, spec, work)
    bias, kind = found.output_bias, layers.first.dtype
    others = tuple(part.to(kind) for part in found.others)
    bias = None if bias is None else bias.to(kind)
    return loss, Layers(found.first.to(kind), found.second.to(kind), bias, others)


def _double(layers: Layers) -> Layers:
    bias = None if layers.output_bias is None else layers.output_bias.double()
    others = tuple(part.double() for part in layers.others)
    return Layers(layers.first.double(), layers.second.double(), bias, others)


def _solved(gram: Tensor, right: Tensor) -> Tensor:
    """Return gram⁻¹ right for a positive definite matrix; NaN for any other."""
    factor, failed = torch.linalg.cholesky_ex(gram)
    found = torch.cholesky_solve(right, factor)
    return torch.full_like(found, torch.nan) if bool(failed) else found


def _centred(layers: Layers, part: PairTensors, spec: NetSpec, mean: Tensor) -> Tensor:
    return hidden_layers(layers, part.rows, spec, Workspace()).last - mean
