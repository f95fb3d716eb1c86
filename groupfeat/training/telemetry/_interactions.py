"""Stage III: B = (ΦᵀΦ + ηI)⁻¹ and the signs of its entries."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_solve

from groupfeat.training.telemetry._features import Features, factored

__all__ = ["Repulsion", "conditional_overlaps", "interaction_matrix", "measure_repulsion"]

Floats = NDArray[np.float64]
_NOISE = 1e-9


@dataclass(frozen=True)
class Repulsion:
    """How nodes push one another, from the signs of b_jl.

    Parameters
    ----------
    similar_repel
        Share of node pairs with f̃_jᵀf̃_l and b_jl of opposite sign, among pairs with |cosine|
        of features above ``cosine``: the plain reading "similar nodes repel".
    similar_pairs
        Number of those pairs.
    within_family, across_families
        Mean |b_jl|/√(b_jj b_ll) over pairs of one irrep and of different irreps; None where no
        families were given or no such pair exists.
    cosine
        The bound on |cosine|.
    """

    similar_repel: float | None
    similar_pairs: int
    within_family: float | None
    across_families: float | None
    cosine: float


def interaction_matrix(features: Features, ridge: float) -> Floats:
    """Return B = (ΦᵀΦ + ηI)⁻¹, shape (K, K); O(nK² + K³).

    Raises
    ------
    ValueError
        If the ridge is not positive.
    LostRidgeError
        A ValueError: the ridge is too small beside the features to invert with in float64.
    """
    if not (np.isfinite(ridge) and ridge > 0):
        raise ValueError(f"ridge must be positive, got {ridge}")
    eye = np.eye(features.width)
    inverse: Floats = cho_solve(factored(features.gram + ridge * eye, ridge), eye)
    return (inverse + inverse.T) / 2


def conditional_overlaps(interaction: Floats) -> Floats:
    """Return f̃_jᵀ P_{η,−jl} f̃_l for all j ≠ l from B alone: −b_jl/(b_jj b_ll − b_jl²).

    P_{η,−jl} = η(F̃_r F̃_rᵀ + ηI)⁻¹ is built from the columns r other than j and l. The identity
    is the Schur complement of those columns in F̃ᵀF̃ + ηI; since B is positive definite it
    gives Theorem 6's sign b_jl = −sign(f̃_jᵀ P_{η,−jl} f̃_l). The diagonal is 0.

    References
    ----------
    arXiv:2509.21519, Theorem 6.
    """
    diagonal = np.diag(interaction)
    minors = np.outer(diagonal, diagonal) - interaction**2
    np.fill_diagonal(minors, 1.0)
    overlaps: Floats = -interaction / minors
    np.fill_diagonal(overlaps, 0.0)
    return overlaps


def measure_repulsion(
    features: Features, ridge: float, *, families: ArrayLike | None = None, cosine: float = 0.1
) -> Repulsion:
    """Return how the signs and sizes of b_jl go with similarity and with irreps.

    Parameters
    ----------
    features
        Of the training examples.
    ridge
        η.
    families
        Irrep family of each node, shape (K,); negative for nodes without one.
    cosine
        Nodes are similar when |cos(f̃_j, f̃_l)| exceeds this.
    """
    b = interaction_matrix(features, ridge)
    roots = np.sqrt(np.diag(features.gram))
    scale = np.divide(1, roots, out=np.zeros_like(roots), where=roots > 0)
    similarity = features.gram * np.outer(scale, scale)
    j, l_ = np.triu_indices(len(b), 1)
    near = np.abs(similarity[j, l_]) > cosine
    strength = b[j, l_] / np.sqrt(np.diag(b)[j] * np.diag(b)[l_])
    told = near & (np.abs(strength) > _NOISE)
    opposed = np.sign(strength[told]) == -np.sign(similarity[j, l_][told])
    within = across = None
    if families is not None:
        names = np.asarray(families)
        known = (names[j] >= 0) & (names[l_] >= 0)
        same = names[j] == names[l_]
        within, across = _mean(strength, known & same), _mean(strength, known & ~same)
    repel = float(opposed.mean()) if told.any() else None
    return Repulsion(repel, int(told.sum()), within, across, cosine)


def _mean(values: Floats, chosen: NDArray[np.bool_]) -> float | None:
    return float(np.abs(values[chosen]).mean()) if chosen.any() else None
