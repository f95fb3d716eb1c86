"""Nodes that no longer take part leave the arithmetic.

With σ = x² a node with w = 0 answers 0 and has gradient 0, so it stays there: the rest of the
network trains as if it had never been. A node is set to 0 when its share in the answers is below
rounding.
"""

import torch
from torch import Tensor

__all__ = ["living_nodes", "put_back"]


def living_nodes(first: Tensor, second: Tensor, below: float) -> Tensor:
    """Return the columns k with max|w_k|²·max|v_k| above ``below`` times the largest; never none.

    ``first`` is W (2M, K), ``second`` is V transposed, (M, K).
    """
    strength = first.abs().amax(0).square() * second.abs().amax(0)
    alive = torch.nonzero(strength > below * strength.max())[:, 0]
    return alive if len(alive) else torch.arange(first.shape[1], device=first.device)


def put_back(part: Tensor, kept: Tensor, hidden: int) -> Tensor:
    """Return ``part`` (rows, len(kept)) with zeros in the columns that are not kept."""
    whole = part.new_zeros(len(part), hidden)
    whole[:, kept] = part
    return whole
