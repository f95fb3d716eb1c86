"""Which irreps a weight lives on, and how close to rank one its Fourier blocks are."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups import Irrep, Irreps, isotypic_shares

__all__ = ["family_shares", "rank_one_shares"]

Floats = NDArray[np.float64]


def family_shares(weights: ArrayLike, irreps: Irreps) -> Floats:
    """Return the share of ‖w‖² = ‖a‖² + ‖b‖² in each real family, (..., 2M) to (..., families)."""
    w = np.asarray(weights, dtype=np.float64)
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
    w = np.asarray(weights, dtype=np.float64)
    blocks = w.reshape(*w.shape[:-1], 2, irrep.group.order)
    flat = irrep.matrices().reshape(irrep.group.order, -1)
    coefficients = (blocks @ flat).reshape(*blocks.shape[:-1], irrep.dim, irrep.dim)
    squares = np.linalg.svd(coefficients, compute_uv=False) ** 2
    rank = 2 if irrep.frobenius_schur == -1 else 1
    leading, total = squares[..., :rank].sum(-1), squares.sum(-1)
    return np.divide(leading, total, out=np.zeros_like(total), where=total > 0).min(-1)
