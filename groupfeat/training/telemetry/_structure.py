"""How diagonal ΦᵀΦ and ΦΦᵀ are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groupfeat.training.telemetry._features import Features

__all__ = ["LARGEST_KERNEL", "Diagonality", "diagonality", "measure_gram", "measure_kernel"]

LARGEST_KERNEL = 4096
"""Most examples for which ΦΦᵀ is formed (n × n float64: 128 MiB)."""


@dataclass(frozen=True)
class Diagonality:
    """How far a positive semidefinite matrix A is from a diagonal one; 0 when it is diagonal.

    Parameters
    ----------
    frobenius
        ‖A − diag A‖_F/‖A‖_F, in [0, 1).
    mean
        Mean of |A_ij|, i ≠ j, over the mean of A_ii. None where A was not formed.
    maximum
        Largest |A_ij|/√(A_ii A_jj), i ≠ j, over entries with A_ii A_jj > 0. None likewise.
    """

    frobenius: float
    mean: float | None
    maximum: float | None


def diagonality(matrix: NDArray[np.float64]) -> Diagonality:
    """Return the three measures of a symmetric positive semidefinite matrix.

    Examples
    --------
    >>> import numpy as np
    >>> found = diagonality(np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> round(found.frobenius, 4), found.mean, round(found.maximum, 4)
    (0.4472, 0.5, 0.5)
    """
    size, diagonal = len(matrix), np.diag(matrix)
    total = float(np.vdot(matrix, matrix))
    absolute = np.abs(matrix)
    np.fill_diagonal(absolute, 0.0)
    off = absolute.sum() / max(size * (size - 1), 1)
    level = diagonal.mean()
    roots = np.sqrt(np.maximum(diagonal, 0))
    scale = np.divide(1, roots, out=np.zeros(size), where=roots > 0)
    absolute *= scale
    absolute *= scale[:, None]
    return Diagonality(
        _share_off(total, float(np.vdot(diagonal, diagonal))),
        float(off / level) if level > 0 else 0.0,
        float(absolute.max(initial=0)),
    )


def measure_gram(features: Features) -> Diagonality:
    """Return how diagonal ΦᵀΦ (K × K) is; O(nK²)."""
    return diagonality(features.gram)


def measure_kernel(features: Features, *, largest: int = LARGEST_KERNEL) -> Diagonality:
    """Return how diagonal ΦΦᵀ (n × n; P⊥FFᵀP⊥ when centred over samples) is.

    Up to ``largest`` examples the matrix is formed, O(n²K). Beyond, ``frobenius`` alone is
    told, exactly and without an n × n matrix: ‖ΦΦᵀ‖_F = ‖ΦᵀΦ‖_F and (ΦΦᵀ)_ii = ‖φ_i‖².
    """
    if len(features) <= largest:
        return diagonality(features.kernel)
    total = float(np.vdot(features.gram, features.gram))
    squares = sum(float(np.sum(np.sum(rows**2, 1) ** 2)) for _, rows in features.chunks())
    return Diagonality(_share_off(total, squares), None, None)


def _share_off(total: float, diagonal: float) -> float:
    return float(np.sqrt(max(total - diagonal, 0.0) / total)) if total > 0 else 0.0
