"""Which irreps a weight lives on, and how close to rank one its Fourier blocks are."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy.objective._activations import Activation, get_activation
from groupfeat.energy.objective._checks import check_weights
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.groups import Irrep, Irreps, check_irreps, isotypic_shares

__all__ = ["family_shares", "rank_one_shares", "target_shares"]

Floats = NDArray[np.float64]


def family_shares(weights: ArrayLike, irreps: Irreps) -> Floats:
    """Return the share of ‖w‖² = ‖a‖² + ‖b‖² in each real family, (..., 2M) to (..., families)."""
    check_irreps(irreps)
    w = check_weights(weights, irreps.group)
    blocks = w.reshape(*w.shape[:-1], 2, irreps.group.order)
    norms = np.sum(blocks**2, axis=-1, keepdims=True)
    parts = np.sum(isotypic_shares(blocks, irreps) * norms, axis=-2)
    total = np.sum(norms, axis=-2)
    return np.divide(parts, total, out=np.zeros_like(parts), where=total > 0)


def rank_one_shares(weights: ArrayLike, irrep: Irrep) -> Floats:
    """Return the lesser of σ₁²/Σσ² of â_k and b̂_k (rank two counts as one if quaternionic).

    Parameters
    ----------
    weights
        w = [a; b], shape (..., 2M).
    irrep
        The irrep k; a block without any part in it has share 0.

    Returns
    -------
    ndarray
        Shape (...), in [0, 1]; 1 at the predicted maxima.
    """
    w = check_weights(weights, irrep.group)
    blocks = w.reshape(*w.shape[:-1], 2, irrep.group.order)
    flat = irrep.matrices().reshape(irrep.group.order, -1)
    coefficients = (blocks @ flat).reshape(*blocks.shape[:-1], irrep.dim, irrep.dim)
    squares = np.linalg.svd(coefficients, compute_uv=False) ** 2
    rank = 2 if irrep.frobenius_schur == -1 else 1
    leading, total = squares[..., :rank].sum(-1), squares.sum(-1)
    return np.divide(leading, total, out=np.zeros_like(total), where=total > 0).min(-1)


def target_shares(weights: ArrayLike, pairs: PairSet, activation: str | Activation) -> Floats:
    """Return the largest share of one target in Σ_t (c_t − (n_t/n)Σ_s c_s)², (..., 2M) to (...).

    At most 1 − 1/M on full data, where a node tells one target from all the others.
    """
    w, sigma = check_weights(weights, pairs.group), get_activation(activation)
    flat = w.reshape(-1, w.shape[-1])
    values = sigma.value(flat[:, pairs.left] + flat[:, pairs.order + pairs.right])
    sums = np.stack([np.bincount(pairs.target, row, pairs.order) for row in values])
    share = pairs.target_counts / len(pairs)
    squares = (sums - share * sums.sum(1, keepdims=True)) ** 2
    total = squares.sum(1)
    found = np.divide(squares.max(1), total, out=np.zeros_like(total), where=total > 0)
    return found.reshape(w.shape[:-1])
