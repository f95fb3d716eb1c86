"""E on the unit sphere to second order at many weights at once, in the eigenbasis of its Hessian.

For small groups: dense, O(M³) a weight and iteration, as batched matrix products and `eigh`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from groupfeat.energy.objective._activations import Activation, get_activation
from groupfeat.energy.objective._checks import check_batch
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.objective._sphere import VANISHING
from groupfeat.energy.objective._terms import pair_curvatures, pair_slopes, pair_values
from groupfeat.energy.objective._variants import Readout, Variant, get_variant, make_readout

__all__ = [
    "FlatDirections",
    "LocalModel",
    "Problem",
    "local_model",
    "make_problem",
    "symmetry_directions",
]

Floats = NDArray[np.float64]
FlatDirections = Callable[[Floats], Floats]
"""Weights (B, 2M) to directions (B, 2M, r) along which E is known to be constant."""
_RANK_TOLERANCE = 1e-10
# Generators move a unit weight by O(1) or not at all; squared lengths below this are rounding.


@dataclass(frozen=True, eq=False)
class Problem:
    """Which E is meant, and along which directions it is known to be constant."""

    pairs: PairSet
    activation: Activation
    variant: Variant
    flat: FlatDirections | None

    @cached_property
    def readout(self) -> Readout:
        """The linear map from pairs to targets."""
        return make_readout(self.pairs, self.variant)

    @cached_property
    def form(self) -> Floats:
        """S of E = ½cᵀSc − ½κΣf², one row a target."""
        form: Floats = self.readout.apply(np.eye(self.readout.n_labels))[1].astype(np.float64)
        return form


def make_problem(
    pairs: PairSet,
    activation: str | Activation,
    variant: str | Variant = "raw",
    flat: FlatDirections | None = None,
) -> Problem:
    """Return the problem with names resolved."""
    return Problem(pairs, get_activation(activation), get_variant(variant), flat)


@dataclass(frozen=True)
class LocalModel:
    """E, its gradient and the eigenvalues of its Hessian on the sphere, at B weights.

    Parameters
    ----------
    energies
        E, shape (B,).
    gradients
        Riemannian gradient, shape (B, 2M).
    relative_gradients
        ‖Riemannian gradient‖/‖∇E‖, shape (B,); 0 where ∇E vanishes.
    values
        Eigenvalues of the Riemannian Hessian, ascending, shape (B, 2M); those of the
        normal and of the declared flat directions stand first, and are −inf.
    vectors
        Eigenvectors as columns, shape (B, 2M, 2M).
    """

    energies: Floats
    gradients: Floats
    relative_gradients: Floats
    values: Floats
    vectors: Floats

    @property
    def slopes(self) -> Floats:
        """Components of the gradient along the eigenvectors, 0 on declared ones, (B, 2M)."""
        slopes = np.einsum("bij,bi->bj", self.vectors, self.gradients)
        return np.where(np.isfinite(self.values), slopes, 0.0)


def local_model(w: Floats, problem: Problem) -> LocalModel:
    """Return the local model of E at unit weights ``w`` (B, 2M), flat directions set apart."""
    energies, gradients, hessians = _derivatives(w, problem)
    flat = problem.flat
    radial = np.einsum("bi,bi->b", gradients, w)
    tangent = gradients - radial[:, None] * w
    norms = np.linalg.norm(gradients, axis=1)
    relative = np.divide(
        np.linalg.norm(tangent, axis=1), norms, out=np.zeros_like(norms), where=norms > VANISHING
    )
    # Normal and flat directions are pushed below all others, so that one eigh serves every weight.
    normal = w[:, :, None] * w[:, None, :]
    apart = normal if flat is None else normal + _projectors(flat(w), w)
    inside = np.eye(w.shape[1]) - apart
    hessians = inside @ (hessians - radial[:, None, None] * np.eye(w.shape[1])) @ inside
    depth = 4 * np.linalg.norm(hessians, axis=(1, 2)) + 1e-300
    values, vectors = np.linalg.eigh(hessians - depth[:, None, None] * apart)
    values = np.where(values < -depth[:, None] / 2, -np.inf, values)
    return LocalModel(energies, tangent, relative, values, vectors)


def symmetry_directions(weights: ArrayLike, pairs: PairSet) -> Floats:
    """Return the directions along which E of σ = x² on all pairs cannot change, (B, 2M, 3M).

    E depends on the Fourier blocks through ‖â_k b̂_k‖_F only, so it is constant under
    â_k → U_k â_k V_k, b̂_k → V_k* b̂_k W_k with unitary U, V, W. The generators are the
    skew elements x − x⁻¹ of the group algebra, acting on the left of a, between a and b, and
    on the right of b. At a critical point with E > 0 they span the tangent space of its
    manifold (theory sheet §2), so their rank is the nullity that theory demands.

    Raises
    ------
    ValueError
        If the weights are no batch (B, 2M) of finite real numbers.
    """
    group = pairs.group
    w = check_batch(weights, group, name="weights", least=0)
    table, inverse, order = group.cayley_table, group.inverse, group.order
    a, b = w[:, :order], w[:, order:]
    zero = np.zeros((len(w), order, order))
    # [:, x, g]: a(xg) − a(x⁻¹g), and a(gx) − a(gx⁻¹).
    left_a, right_a = a[:, table] - a[:, table[inverse]], a[:, table.T] - a[:, table.T[inverse]]
    left_b, right_b = b[:, table] - b[:, table[inverse]], b[:, table.T] - b[:, table.T[inverse]]
    parts = [(left_a, zero), (right_a, -left_b), (zero, right_b)]
    rows = np.concatenate([np.concatenate(part, axis=2) for part in parts], axis=1)
    return rows.transpose(0, 2, 1)


def _projectors(directions: Floats, w: Floats) -> Floats:
    """Return the orthogonal projectors onto the span of tangent ``directions`` (B, 2M, r)."""
    tangent = directions - w[:, :, None] * np.einsum("bi,bir->br", w, directions)[:, None, :]
    values, vectors = np.linalg.eigh(tangent @ tangent.transpose(0, 2, 1))
    kept = vectors * (values > _RANK_TOLERANCE)[:, None, :]
    return kept @ kept.transpose(0, 2, 1)


def _derivatives(w: Floats, problem: Problem) -> tuple[Floats, Floats, Floats]:
    """Return E (B,), ∇E (B, 2M) and ∇²E (B, 2M, 2M): `energy_hessian`'s formula, all abreast."""
    pairs, sigma, cross = problem.pairs, problem.activation, problem.variant.is_cross
    order, n, labels = pairs.order, len(pairs), problem.readout.labels
    form, kappa = problem.form, problem.readout.kappa
    a, b = w[:, pairs.left], w[:, order + pairs.right]
    value = pair_values(sigma, cross, a, b)
    slopes = np.concatenate(pair_slopes(sigma, cross, a, b), axis=1)
    same, mixed = pair_curvatures(sigma, cross, a, b)
    columns = np.concatenate([pairs.left, order + pairs.right])
    sums = _scatter(value, labels, len(form))
    pull = sums @ form
    energies = 0.5 * (np.sum(sums * pull, axis=1) - kappa * np.sum(value**2, axis=1))
    force = pull[:, labels] - kappa * value
    gradient = _scatter(np.tile(force, 2) * slopes, columns, 2 * order)
    jacobian = _scatter(slopes, np.tile(labels, 2) * 2 * order + columns, len(form) * 2 * order)
    jacobian = jacobian.reshape(len(w), len(form), 2 * order)
    hessian = jacobian.transpose(0, 2, 1) @ (form @ jacobian)
    curved = np.tile(force * same, 2) - kappa * slopes**2
    hessian[:, np.arange(2 * order), np.arange(2 * order)] += _scatter(curved, columns, 2 * order)
    twisted = force * mixed - kappa * slopes[:, :n] * slopes[:, n:]
    across = _scatter(twisted, pairs.left * order + pairs.right, order**2)
    across = across.reshape(len(w), order, order)
    hessian[:, :order, order:] += across
    hessian[:, order:, :order] += across.transpose(0, 2, 1)
    return energies, gradient, hessian


def _scatter(terms: NDArray[np.floating[Any]], places: NDArray[np.intp], width: int) -> Floats:
    """Add up ``terms`` (B, m) that go to the same of ``width`` places, (B, width)."""
    m = len(places)
    matrix = csr_array((np.ones(m), (np.arange(m), places)), shape=(m, width))
    return np.asarray(terms @ matrix)
