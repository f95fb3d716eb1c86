"""Which energy: variants of ½‖Rᵀσ(Xw)‖², and the linear map on targets that makes each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy.objective._checks import check_reals, check_same_group
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.groups import CharacterTable, FiniteGroup, Irreps, isotypic_projector

__all__ = [
    "ENERGY_VARIANTS",
    "Readout",
    "Variant",
    "get_variant",
    "make_readout",
    "removed_variant",
    "residual_variant",
]

Floats = NDArray[np.floating[Any]]

ENERGY_VARIANTS = ("raw", "cross", "ht")
"""raw: σ(a+b), centred. cross: ½[σ(a+b) − σ(a−b)], centred. ht: unbiased for full data."""


@dataclass(frozen=True, eq=False)
class Variant:
    """Which energy is meant.

    Parameters
    ----------
    name
        One of ``ENERGY_VARIANTS``, ``"removed"`` or ``"residual"``.
    matrix
        ``"removed"``: the projector of functions of the target on what is left, (M, M).
        ``"residual"``: the residual R, (n, m).
    group
        The group whose irreps were removed, checked against that of the pairs.
    """

    name: str
    matrix: NDArray[np.float64] | None = field(default=None, repr=False)
    group: FiniteGroup | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        with_matrix = self.name in ("removed", "residual")
        if not with_matrix and self.name not in ENERGY_VARIANTS:
            raise ValueError(
                f"unknown variant {self.name!r}; known: {', '.join(ENERGY_VARIANTS)}, or a value "
                "of removed_variant or residual_variant"
            )
        if with_matrix != (self.matrix is not None):
            raise ValueError(
                f"variant {self.name!r} {'needs a' if with_matrix else 'takes no'} matrix; "
                "build it by removed_variant or residual_variant"
            )

    @property
    def is_cross(self) -> bool:
        """Whether the part of σ that is even in b is taken away."""
        return self.name == "cross"


def get_variant(variant: str | Variant) -> Variant:
    """Return the variant called ``variant``.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    return variant if isinstance(variant, Variant) else Variant(variant)


def removed_variant(table: CharacterTable | Irreps, families: Sequence[Sequence[int]]) -> Variant:
    """Return E_S, the energy that is left once a network represents the irreps in S fully.

    The residual is R = P⊥Y(I − P_S), P_S the projector of functions of the target on the
    isotypic part of S. On full data E_S has maxima on missing irreps only, at their old
    energies; on subsets the definition stands, not the statement.

    Parameters
    ----------
    table
        Irreps or characters of the group.
    families
        S, entries of `real_families` (closed under conjugation); may be empty.

    Raises
    ------
    ValueError
        If an entry lacks a conjugate irrep.

    References
    ----------
    arXiv:2509.21519, Theorem 7 (printed proof for d = 1).

    Examples
    --------
    >>> from groupfeat.energy import energy, full_pairs, predicted_families, removed_variant
    >>> from groupfeat.energy import sample_family
    >>> from groupfeat.groups import cyclic, irreps
    >>> reps = irreps(cyclic(5))
    >>> first, second = predicted_families(reps)
    >>> w = sample_family(second, reps, count=1, rng=0)
    >>> for gone in (first, second):
    ...     variant = removed_variant(reps, [gone.irreps])
    ...     print(round(float(energy(w, full_pairs(reps.group), variant=variant)[0]), 9))
    1.25
    0.0
    """
    chosen = sorted({k for family in families for k in family})
    order = table.group.order
    left = np.eye(order)
    if chosen:
        left -= isotypic_projector(table, chosen)
    return Variant("removed", left, table.group)


def residual_variant(residual: ArrayLike) -> Variant:
    """Return E = ½‖Rᵀσ(Xw)‖² of a given residual R, a row a pair, in the order of the pair set.

    Parameters
    ----------
    residual
        R, shape (n, m); taken as it is, not centred.

    Raises
    ------
    ValueError
        If it is not a finite real matrix.
    """
    matrix = check_reals(residual, "the residual").copy()
    if matrix.ndim != 2:
        raise ValueError(
            f"the residual must be a matrix (n, m), got shape {matrix.shape}; one row a pair"
        )
    return Variant("residual", matrix)


@dataclass(frozen=True, eq=False)
class Readout:
    """E = ½ cᵀSc − ½κ Σ f², c_l the sum of f over the pairs of label l.

    S = QᵀQ for every variant but ``ht``, where S = αI − β11ᵀ.

    Parameters
    ----------
    labels
        Label of each pair, shape (n,): its target, or its own number (residual).
    n_labels
        Number of labels.
    share
        q of Q = I − q1ᵀ, shape (M,); None for a residual.
    matrix
        What is applied after Q: (rows, labels), or None for the identity.
    scales
        (α, β, κ); used by ``ht`` only.
    """

    labels: NDArray[np.intp]
    n_labels: int
    share: NDArray[np.float64] | None
    matrix: NDArray[np.float64] | None
    scales: tuple[float, float, float] | None = None

    @property
    def kappa(self) -> float:
        """Weight κ of Σ f²."""
        return self.scales[2] if self.scales else 0.0

    def apply(self, sums: Floats) -> tuple[Floats, Floats]:
        """Return ½ cᵀSc, shape (L,), and Sc, shape (labels, L), of sums c (labels, L)."""
        if self.scales is not None:
            alpha, beta, _ = self.scales
            total = sums.sum(0)
            pull = alpha * sums - beta * total
            inner = np.einsum("tl,tl->l", sums - total / len(sums), pull)
            return 0.5 * (inner + total**2 * (alpha / len(sums) - beta)), pull
        read = sums
        if self.share is not None:
            share = self.share.astype(sums.dtype)[:, None]
            read = sums - share * sums.sum(0)
        if self.matrix is not None:
            matrix = self.matrix.astype(sums.dtype, copy=False)
            read = matrix @ read
        energies = 0.5 * np.einsum("tl,tl->l", read, read)
        if self.matrix is not None:
            read = matrix.T @ read
        if self.share is not None:
            read -= (share * read).sum(0)
        return energies, read


def make_readout(pairs: PairSet, variant: Variant) -> Readout:
    """Return the linear map of ``variant`` on ``pairs``, shapes checked.

    Raises
    ------
    ValueError
        If a residual has not one row a pair, a projector is of another group, or the pair set
        is too small for unbiased weights.
    """
    order, n = pairs.order, len(pairs)
    if variant.name == "ht":
        return Readout(pairs.target, order, None, None, _unbiased_scales(pairs))
    if variant.matrix is None:
        return Readout(pairs.target, order, pairs.target_counts / n, None)
    if variant.name == "removed":
        if variant.matrix.shape != (order, order):
            raise ValueError(
                f"the removed irreps are of a group of order {len(variant.matrix)}, the pairs of "
                f"{pairs.group.name} of order {order}; build both from one group"
            )
        if variant.group is not None:
            check_same_group(pairs.group, variant.group, names=("pairs", "the removed irreps"))
        return Readout(pairs.target, order, pairs.target_counts / n, variant.matrix)
    if len(variant.matrix) != n:
        raise ValueError(
            f"the residual has {len(variant.matrix)} rows, the pair set {n} pairs; one row a pair"
        )
    return Readout(np.arange(n), n, None, np.ascontiguousarray(variant.matrix.T))


def _unbiased_scales(pairs: PairSet) -> tuple[float, float, float]:
    """Return α, β, κ with which E has the energy of full data as its mean over the draws.

    Full data: 2E = Σ_ij K_ij f_i f_j, K = δ(t_i, t_j) − 1/M. Each term is divided by the
    chance that both pairs are drawn; what this does to i = j gives κ.
    """
    order, n = pairs.order, len(pairs)
    own, total = 1 - 1 / order, order**2
    if pairs.sampling == "per_target":
        k = n // order
        if np.any(pairs.target_counts != k):
            raise ValueError(
                "ht of per_target samples needs equally many pairs of each target, got "
                f"{pairs.target_counts.min()} to {pairs.target_counts.max()}"
            )
        if k < 2:
            raise ValueError("ht needs two pairs of each target, got one; raise train_fraction")
        same = (order - 1) ** 2 / (k * (k - 1))
        return same + order / k**2, order / k**2, same - (order - 1) / k
    if n < 2:
        raise ValueError("ht needs two pairs or more, got 1; raise train_fraction")
    if pairs.sampling == "with":
        both = n * (n - 1) / total**2
        return 1 / both, 1 / (order * both), own / both
    if pairs.multiplicities.max() > 1:
        raise ValueError(
            "ht needs to know how pairs were drawn: a pair stands twice in a set that is not of "
            "sampling 'with'; build PairSet(..., sampling='with') if it was drawn so"
        )
    both = n * (n - 1) / (total * (total - 1))
    return 1 / both, 1 / (order * both), own * (1 - (n - 1) / (total - 1)) / both
