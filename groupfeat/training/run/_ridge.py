"""V in closed form."""

import torch
from torch import Tensor

from groupfeat.training.network._hidden import Layers, NetSpec, Workspace, hidden_layers
from groupfeat.training.network._network import PairTensors, mean_features

__all__ = ["ridge_solution"]


def ridge_solution(layers: Layers, pairs: PairTensors, spec: NetSpec, ridge: float) -> Tensor:
    """Return V = (F̃ᵀF̃ + ηI)⁻¹F̃ᵀỸ, transposed, shape (M, K).

    Solved through whichever of the K × K and the n × n matrix is smaller, so
    that memory grows with the smaller of K² and n².

    References
    ----------
    arXiv:2509.21519, Proposition 1.
    """
    mean, order = mean_features(layers, pairs, spec), len(layers.second)
    hidden, count = layers.first.shape[1], len(pairs)
    if count < hidden:
        features = _centred(layers, pairs, spec, mean)
        labels = torch.nn.functional.one_hot(pairs.target, order).to(mean) - pairs.share
        gram = features @ features.T
        gram.diagonal().add_(ridge)
        return torch.cholesky_solve(labels, torch.linalg.cholesky(gram)).T @ features
    gram = torch.diag(torch.full_like(mean, ridge))
    moments = torch.zeros_like(layers.second)
    for part in pairs.chunks(hidden):
        features = _centred(layers, part, spec, mean)
        gram.addmm_(features.T, features)
        moments.index_add_(0, part.target, features)  # ỸᵀF̃ = YᵀF̃, as F̃ is centred
    return torch.cholesky_solve(moments.T, torch.linalg.cholesky(gram)).T.contiguous()


def _centred(layers: Layers, part: PairTensors, spec: NetSpec, mean: Tensor) -> Tensor:
    return hidden_layers(layers, part.rows, spec, Workspace()).last - mean
