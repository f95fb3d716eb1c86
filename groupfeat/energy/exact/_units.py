"""Points of a predicted family: random ones, the nearest to a weight, and its flat directions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy.exact._families import PredictedFamily, check_families
from groupfeat.energy.objective._checks import check_count, check_weights
from groupfeat.groups import Irrep, Irreps, check_irreps

__all__ = ["NearestPoints", "blocks_of", "flat_directions", "nearest_in_family", "sample_family"]

Floats = NDArray[np.float64]
Matrix = NDArray[np.inexact[Any]]
_BISECTIONS = 52


@dataclass(frozen=True)
class NearestPoints:
    """The nearest point of a family to each weight, with its proof.

    Parameters
    ----------
    points
        Unit weights on the family, shape (..., 2M).
    distances
        ‖weight − point‖, shape (...).
    gaps
        An upper bound on the overlap ⟨weight, v⟩ over the whole family (by
        duality) less the overlap reached, shape (...): what a nearer point could
        still win. Zero up to rounding.
    """

    points: Floats = field(repr=False)
    distances: Floats
    gaps: Floats


def sample_family(
    family: PredictedFamily, irreps: Irreps, *, count: int, rng: int | np.random.Generator
) -> Floats:
    """Return random maxima of ``family``, unit weights of shape (count, 2M).

    a(g) ∝ Re y*ρ(g)*x and b(h) ∝ Re z*ρ(h)*y, so that â ∝ x y* and b̂ ∝ y z*
    (plus the conjugate copy for complex and quaternionic types), with x, y, z
    uniform unit vectors of the type's field and ‖a‖ = ‖b‖.

    Raises
    ------
    ValueError
        If the family is of another group or ``count`` is no number of points.
    """
    check_irreps(irreps)
    check_families([family], irreps)
    count = check_count(count, "count", least=0)
    generator = np.random.default_rng(rng)

    def draw() -> Matrix:
        vectors: Matrix = generator.standard_normal((count, family.dim))
        if family.type != "real":
            vectors = vectors + 1j * generator.standard_normal((count, family.dim))
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    x, y, z = draw(), draw(), draw()
    return _points(x, y, z, family, irreps)


def nearest_in_family(weights: ArrayLike, family: PredictedFamily, irreps: Irreps) -> NearestPoints:
    """Return the point of ``family`` that is nearest to each weight, shape (..., 2M).

    The point x, y, z overlaps w = [a; b] by a constant times Re(x*ây + y*b̂z),
    at best ‖ây‖ + ‖b̂*y‖. Its greatest square over unit y equals
    min_θ λ_max(â*â/θ + b̂b̂*/(1 − θ)), 0 < θ < 1: a convex problem in one number,
    solved by bisection, whose value bounds every point of the family.

    Raises
    ------
    ValueError
        If the weights are not finite and real of shape (..., 2M), or the family is of another
        group.

    References
    ----------
    The two agree because the joint range of two Hermitian forms is convex (O.
    Toeplitz, F. Hausdorff; L. Brickman, Proc. Amer. Math. Soc. 12 (1961) 61–66).

    Examples
    --------
    >>> from groupfeat.energy import nearest_in_family, predicted_families, sample_family
    >>> from groupfeat.groups import irreps, symmetric
    >>> reps = irreps(symmetric(4))
    >>> family = predicted_families(reps)[2]
    >>> points = sample_family(family, reps, count=5, rng=0)
    >>> found = nearest_in_family(2 * points, family, reps)
    >>> bool(abs(found.points - points).max() < 1e-12), bool(found.gaps.max() < 1e-12)
    (True, True)
    """
    check_irreps(irreps)
    check_families([family], irreps)
    w = check_weights(weights, irreps.group)
    flat = w.reshape(-1, w.shape[-1])
    # Squares of very small or large weights would leave the range of numbers.
    size = np.abs(flat).max(axis=1, initial=0)
    size = np.where(size > 0, size, 1.0)
    first, second = blocks_of(flat / size[:, None], irreps[family.irreps[0]])
    y, bound = _best_middle(first, second)
    x = _unit(np.einsum("nij,nj->ni", first, y))
    z = _unit(np.einsum("nji,nj->ni", second.conj(), y))
    points = _points(x, y, z, family, irreps)
    gaps = size * bound * _scale(family, irreps) - np.sum(points * flat, axis=1)
    distances = np.linalg.norm(flat - points, axis=1)
    return NearestPoints(
        points.reshape(w.shape), distances.reshape(w.shape[:-1]), gaps.reshape(w.shape[:-1])
    )


def flat_directions(point: ArrayLike, family: PredictedFamily, irreps: Irreps) -> Floats:
    """Return an orthonormal basis of the family's tangent space at ``point``, (2M, flat_dim).

    Raises
    ------
    ValueError
        If ``point``, shape (2M,), is farther than 1e-6 from the family, or that is of another
        group.
    """
    nearest = nearest_in_family(point, family, irreps)
    if nearest.points.ndim != 1 or nearest.distances > 1e-6:
        raise ValueError(
            f"expected one point of family {family.irreps}, got shape {nearest.points.shape} at "
            f"distance {float(np.max(nearest.distances)):.1e}; pass nearest_in_family(...).points"
        )
    first, second = blocks_of(nearest.points[None], irreps[family.irreps[0]])
    y = _best_middle(first, second)[0][0]
    x, z = _unit(first[0] @ y), _unit(second[0].conj().T @ y)
    steps = np.eye(family.dim)
    if family.type != "real":
        steps = np.concatenate([steps, 1j * steps])
    moves = []
    for turn in range(3):
        frame: list[Matrix] = [np.broadcast_to(v, steps.shape) for v in (x, y, z)]
        radial = np.real(steps @ frame[turn][0].conj())[:, None]
        frame[turn] = steps - radial * frame[turn]
        moved = _points(frame[0], frame[1], frame[2], family, irreps)
        # x stands in the first half only, z in the second.
        moved[:, irreps.group.order :] *= turn > 0
        moved[:, : irreps.group.order] *= turn < 2
        moves.append(moved)
    found, _, _ = np.linalg.svd(np.concatenate(moves).T, full_matrices=False)
    return found[:, : family.flat_dim]


def blocks_of(weights: Floats, irrep: Irrep) -> tuple[Matrix, Matrix]:
    """Return â and b̂ of weights (N, 2M) on one irrep, shape (N, d, d) each."""
    order, d = irrep.group.order, irrep.dim
    flat = irrep.matrices().reshape(order, -1)
    first, second = weights[:, :order] @ flat, weights[:, order:] @ flat
    return first.reshape(-1, d, d), second.reshape(-1, d, d)


def function_of(blocks: Matrix, family: PredictedFamily, irreps: Irreps) -> Floats:
    """Return the real functions with Fourier blocks (N, d, d) on ``family`` alone, (N, M)."""
    order = irreps.group.order
    flat = irreps[family.irreps[0]].matrices().reshape(order, -1)
    values = blocks.reshape(len(blocks), -1) @ flat.conj().T
    found: Floats = values.real * (family.dim * len(family.irreps) / order)
    return found


def _points(x: Matrix, y: Matrix, z: Matrix, family: PredictedFamily, irreps: Irreps) -> Floats:
    """Return [a; b] ∝ [Re y*ρ(g)*x; Re z*ρ(h)*y], unit for unit x, y, z of shape (N, d)."""
    flat = irreps[family.irreps[0]].matrices().reshape(irreps.group.order, -1)
    scale = _scale(family, irreps)
    halves = [
        np.real((left.conj()[:, :, None] * right[:, None, :]).reshape(-1, family.dim**2) @ flat.T)
        for left, right in ((x, y), (y, z))
    ]
    return np.concatenate(halves, axis=1) * scale


def _scale(family: PredictedFamily, irreps: Irreps) -> float:
    """Return 1/(√2 ‖Re y*ρ*x‖): the norm is M/d for real type, M/(2d) otherwise, squared."""
    twice = 1 if family.type == "real" else 2
    return float(np.sqrt(family.dim * twice / (2 * irreps.group.order)))


def _best_middle(first: Matrix, second: Matrix) -> tuple[Matrix, Floats]:
    """Return unit y (N, d) of greatest ‖Ay‖ + ‖B*y‖, and the dual bound on it (N,)."""
    p = np.swapaxes(first.conj(), -1, -2) @ first
    q = second @ np.swapaxes(second.conj(), -1, -2)

    def top(theta: Floats) -> tuple[Floats, Matrix]:
        t = theta[:, None, None]
        values, vectors = np.linalg.eigh(p / t + q / (1 - t))
        return values[:, -1], vectors[:, :, -1]

    def slope(y: Matrix, theta: Floats) -> Floats:
        return _form(q, y) / (1 - theta) ** 2 - _form(p, y) / theta**2

    low, high = np.zeros(len(p)), np.ones(len(p))
    best = np.full(len(p), np.inf)
    below = above = np.zeros(first.shape[:2], dtype=first.dtype)
    for _ in range(_BISECTIONS):
        theta = np.clip(0.5 * (low + high), 1e-15, 1 - 1e-15)
        value, y = top(theta)
        best = np.minimum(best, value)
        falling = slope(y, theta) < 0
        below = np.where(falling[:, None], y, below)
        above = np.where(falling[:, None], above, y)
        low, high = np.where(falling, theta, low), np.where(falling, high, theta)
    theta = np.clip(0.5 * (low + high), 1e-15, 1 - 1e-15)
    return _between(below, above, lambda y: slope(y, theta)), np.sqrt(best)


def _between(below: Matrix, above: Matrix, slope: Callable[[Matrix], Floats]) -> Matrix:
    """Return unit y on the arc from ``below`` to ``above`` where ``slope`` changes sign.

    Where λ_max is simple the two agree; where it is not, they span its eigenspace.
    """
    below = np.where(np.any(below != 0, axis=1)[:, None], below, above)
    above = np.where(np.any(above != 0, axis=1)[:, None], above, below)
    phase = np.sum(above.conj() * below, axis=1, keepdims=True)
    size = np.abs(phase)
    above = above * np.divide(phase, size, out=np.ones_like(phase), where=size > 0)
    low, high = np.zeros(len(below)), np.ones(len(below))
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        y = _unit((1 - middle)[:, None] * below + middle[:, None] * above)
        falling = slope(y) < 0
        low, high = np.where(falling, middle, low), np.where(falling, high, middle)
    middle = 0.5 * (low + high)
    return _unit((1 - middle)[:, None] * below + middle[:, None] * above)


def _form(matrix: Matrix, y: Matrix) -> Floats:
    found: Floats = np.real(np.einsum("ni,nij,nj->n", y.conj(), matrix, y))
    return found


def _unit(vectors: Matrix) -> Matrix:
    """Return vectors (..., d) over their norms; the first axis where a vector vanishes."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    axis = np.zeros_like(vectors)
    axis[..., 0] = 1
    return np.divide(vectors, norms, out=axis, where=norms > 0)
