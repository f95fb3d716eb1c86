"""Stage III: how nodes repel each other, and what the residual still asks for."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy import (
    PairSet,
    ascend,
    family_shares,
    get_activation,
    random_starts,
    removed_variant,
    residual_variant,
)
from groupfeat.groups import Irreps, check_irreps, isotypic_shares, real_families

__all__ = [
    "Modulation",
    "Repulsion",
    "hidden_features",
    "modulated_maxima",
    "network_residual",
    "repulsion",
    "residual_shares",
]

Floats = NDArray[np.float64]


def hidden_features(first_layer: ArrayLike, pairs: PairSet, activation: str = "square") -> Floats:
    """Return F̃ = P⊥σ(XW), centred over the pairs, shape (n, K)."""
    w = np.asarray(first_layer, dtype=np.float64)
    features = get_activation(activation).value(w[pairs.left] + w[pairs.right + pairs.order])
    centred: Floats = features - features.mean(0)
    return centred


@dataclass(frozen=True)
class Repulsion:
    """Theorem 6 on one pair of nodes, both sides computed on their own.

    Parameters
    ----------
    entry
        b_jl of B = (F̃ᵀF̃ + ηI)⁻¹.
    overlap
        f̃_jᵀ P f̃_l with P = I − F'(F'ᵀF' + ηI)⁻¹F'ᵀ, F' the other columns of F̃.
    determinant
        Of the 2 × 2 matrix ηI + [f̃_j f̃_l]ᵀ P [f̃_j f̃_l]; positive for η > 0.
    """

    entry: float
    overlap: float
    determinant: float

    @property
    def error(self) -> float:
        """|b_jl det + f̃_jᵀPf̃_l| relative to |f̃_jᵀPf̃_l|: 0 by block inversion."""
        gap = abs(self.entry * self.determinant + self.overlap)
        return gap / max(abs(self.overlap), 1e-300)

    @property
    def repels(self) -> bool:
        """Whether sign b_jl = −sign f̃_jᵀPf̃_l."""
        return bool(np.sign(self.entry) == -np.sign(self.overlap))


def repulsion(features: ArrayLike, j: int, other: int, ridge: float) -> Repulsion:
    """Check b_jl = −f̃_jᵀ P f̃_l / det(ηI₂ + [f̃_j f̃_l]ᵀP[f̃_j f̃_l]) on two columns of F̃ (n, K).

    [F̃B]_j = b_jj f̃_j + Σ_l b_jl f̃_l: a node is pushed away from those whose features resemble
    its own, beyond what the other nodes explain.

    Raises
    ------
    ValueError
        If ridge ≤ 0, or the columns are not two of F̃'s.

    References
    ----------
    arXiv:2509.21519, Theorem 6. The printed statement gives the sign; the identity behind it is
    the inverse of a 2 × 2 Schur complement.
    """
    f = np.asarray(features, dtype=np.float64)
    if f.ndim != 2 or j == other or not (0 <= j < f.shape[1] and 0 <= other < f.shape[1]):
        raise ValueError(f"expected two different columns of F̃, got {j}, {other} of {f.shape}")
    if ridge <= 0:
        raise ValueError(f"ridge must be positive, got {ridge}; at 0 B need not exist")
    rest, two = np.delete(f, [j, other], axis=1), f[:, [j, other]]
    # By singular values: the Gram matrix of dependent columns forgets a small ridge.
    left, values, _ = np.linalg.svd(rest, full_matrices=False)
    inner = left.T @ two
    outside = two - left @ inner
    root = np.concatenate([outside, np.sqrt(ridge / (values**2 + ridge))[:, None] * inner])
    overlap = float(root[:, 0] @ root[:, 1])
    whole = np.concatenate([root, np.sqrt(ridge) * np.eye(2)])  # wholeᵀ whole: the 2 × 2 matrix
    determinant = float(np.prod(np.linalg.svd(whole, compute_uv=False)) ** 2)
    return Repulsion(_inverse_entry(f, j, other, ridge), overlap, determinant)


def _inverse_entry(f: Floats, j: int, other: int, ridge: float) -> float:
    """Return b_jl, j ≠ l, of (FᵀF + ηI)⁻¹; without cancellation for small and for large η."""
    missing = max(0, f.shape[1] - len(f))
    _, values, right = np.linalg.svd(np.pad(f, ((0, missing), (0, 0))), full_matrices=False)
    weights, squares = right[:, j] * right[:, other], values**2
    if ridge < squares.max():
        return float(np.sum(weights / (squares + ridge)))
    return -float(np.sum(weights * squares / (squares + ridge))) / ridge


def network_residual(
    first_layer: ArrayLike,
    pairs: PairSet,
    *,
    second_layer: ArrayLike | None = None,
    ridge: float = 1e-6,
    activation: str = "square",
) -> Floats:
    """Return R = Ỹ − F̃V, shape (n, M).

    Parameters
    ----------
    first_layer
        W, shape (2M, K); K may be 0.
    pairs
        The pairs.
    second_layer
        V, or None for the ridge solution V = (F̃ᵀF̃ + ηI)⁻¹F̃ᵀỸ.
    ridge
        η of that solution.
    activation
        Name of σ.
    """
    features = hidden_features(first_layer, pairs, activation)
    wanted = -np.tile(pairs.target_counts / len(pairs), (len(pairs), 1))
    wanted[np.arange(len(pairs)), pairs.target] += 1
    if second_layer is None:
        gram = features.T @ features + ridge * np.eye(features.shape[1])
        solved = np.linalg.solve(gram, features.T @ wanted)
    else:
        solved = np.asarray(second_layer, dtype=np.float64)
    residual: Floats = wanted - features @ solved
    return residual


def residual_shares(residual: ArrayLike, irreps: Irreps) -> dict[tuple[int, ...], float]:
    """Return how much of each irrep the answers still miss: ‖R P_k‖²/‖Y P_k‖².

    Rows of R (n, M) are functions of the target. ‖Y P_k‖² = n d_k²/M (twice that for a pair) on
    any pairs. 0 where the irrep is fully represented. Where nothing of it is, R P_k = Ỹ P_k: 1 on
    all pairs, and on others 1 − M‖p P_k‖²/d_k² (over 2 for a pair), p_t = n_t/n, which is less
    unless all targets are met equally often.
    """
    check_irreps(irreps)
    values = np.asarray(residual, dtype=np.float64)
    order = irreps.group.order
    norms = np.sum(values**2, axis=1)
    parts = norms @ isotypic_shares(values, irreps)
    scale = len(values) / order
    return {
        family: float(part / (scale * sum(irreps[k].dim ** 2 for k in family)))
        for family, part in zip(real_families(irreps)[1:], parts[1:], strict=True)
    }


@dataclass(frozen=True)
class Modulation:
    """Theorem 7: where random nodes end on the energy of what is left.

    Parameters
    ----------
    learned
        S, the families taken as fully represented.
    ends
        Starts that ended (isotypic share ≥ 0.99) on each family.
    elsewhere
        Starts that ended on no single family.
    energies
        Mean energy of the ends on each family.
    """

    learned: tuple[tuple[int, ...], ...]
    ends: dict[tuple[int, ...], int]
    elsewhere: int
    energies: dict[tuple[int, ...], float] = field(repr=False)


def modulated_maxima(
    irreps: Irreps,
    pairs: PairSet,
    learned: tuple[tuple[int, ...], ...] = (),
    *,
    residual: ArrayLike | None = None,
    starts: int = 100,
    rng: int | np.random.Generator,
) -> Modulation:
    """Climb E_S(w) = ½‖Rᵀσ(Xw)‖², σ = x², from random starts.

    Parameters
    ----------
    irreps
        All irreps of the group.
    pairs
        The pairs of the energy.
    learned
        S: R is Ỹ without the part in S.
    residual
        R itself (`network_residual`), in place of ``learned``.
    starts, rng
        Number of uniform starts, and their seed.

    References
    ----------
    arXiv:2509.21519, Theorem 7: on all pairs E_S has maxima on missing irreps alone.
    """
    check_irreps(irreps)
    variant = removed_variant(irreps, learned) if residual is None else residual_variant(residual)
    points = random_starts(irreps.group.order, starts, rng=rng)
    found = ascend(points, pairs, get_activation("square"), variant=variant)
    shares = family_shares(found.weights, irreps)[:, 1:]
    best, pure = shares.argmax(1), shares.max(1) >= 0.99
    families = real_families(irreps)[1:]
    ends = {f: int(np.sum(pure & (best == i))) for i, f in enumerate(families)}
    energies = {
        f: float(found.energies[pure & (best == i)].mean())
        for i, f in enumerate(families)
        if ends[f]
    }
    return Modulation(tuple(learned), ends, int(np.sum(~pure)), energies)
