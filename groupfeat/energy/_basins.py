"""Basins of the flow ẇ = ∇E for σ = x² on full data, in closed form."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy._energy import check_weights
from groupfeat.energy._families import predicted_families
from groupfeat.energy._pairs import full_pairs
from groupfeat.groups import Irreps, fourier_transform

__all__ = ["basin_probabilities", "blow_up_times", "find_basins"]

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
_BISECTIONS = 60
_BLOCK = 4096


def blow_up_times(first: Complex, second: Complex) -> Floats:
    """Return when A' = 4ABB*, B' = 4A*AB blows up, for A, B of shape (N, d, d); result (N,).

    C = A*A − BB* is conserved, so S = A*A obeys S' = 8S² − 4(CS + SC) and its
    inverse a linear equation. The solution blows up at the root t of
    λ_max(A K(t) A*) = 1, K(t) = 8 ∫₀ᵗ exp(−8Cs) ds, which grows with t. For
    d = 1 this is t = ln(x/y)/(8(x − y)), x = |A|², y = |B|².
    """
    squares = np.swapaxes(first.conj(), -1, -2) @ first
    values, vectors = np.linalg.eigh(squares - second @ np.swapaxes(second.conj(), -1, -2))
    rotated = first @ vectors

    def grown(t: Floats) -> NDArray[np.bool_]:
        weights = _integrals(values, t[:, None])
        scaled = rotated * np.sqrt(weights)[:, None, :]
        gram = scaled @ np.swapaxes(scaled.conj(), -1, -2)
        finite = np.isfinite(gram).all((-1, -2))
        safe = np.where(finite[:, None, None], gram, 0)
        return ~finite | (np.linalg.eigvalsh(safe)[:, -1] >= 1)

    size = np.sum(np.abs(first) ** 2, axis=(-2, -1)) + np.sum(np.abs(second) ** 2, axis=(-2, -1))
    low = np.zeros(len(first))
    high = 1 / (8 * np.maximum(size, 1e-300))
    while not (done := grown(high)).all():
        low, high = np.where(done, low, high), np.where(done, high, 2 * high)
        if high.max() > 1e300:
            break
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        above = grown(middle)
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return high


def find_basins(weights: ArrayLike, irreps: Irreps) -> NDArray[np.intp]:
    """Return the position in `predicted_families` of the maximum each start flows to.

    The energy is homogeneous, so the flow ẇ = ∇E and the flow on the sphere have
    the same trajectories up to scale. On full data with σ = x² the irreps decouple
    and each block blows up in finite time: the first one wins.

    Parameters
    ----------
    weights
        Starts w = [a; b], shape (N, 2M); their scale does not matter.
    irreps
        All irreps of the group.

    Returns
    -------
    ndarray
        Positions, shape (N,). Starts on a basin boundary (measure zero) go to the first.
    """
    order = irreps.group.order
    w = check_weights(weights, full_pairs(irreps.group)).reshape(-1, 2 * order)
    a, b = fourier_transform(w[:, :order], irreps), fourier_transform(w[:, order:], irreps)
    chosen = [family.irreps[0] for family in predicted_families(irreps)]
    times = [blow_up_times(a[k].astype(complex), b[k].astype(complex)) for k in chosen]
    return np.argmin(np.stack(times, axis=1), axis=1)


def basin_probabilities(
    irreps: Irreps, *, samples: int = 20000, rng: int | np.random.Generator = 0
) -> tuple[Floats, Floats]:
    """Return the probability that a uniform start flows to each family, and its standard error.

    Under a uniform start the blocks are independent Gaussian matrices over the
    type's field, so the blow-up times are independent and
    P(k) = E[Π_{l≠k} P(T_l > T_k)]. The law of T depends on dimension and type
    only; it is sampled once for each, which leaves a one-dimensional mean.

    Parameters
    ----------
    irreps
        All irreps of the group.
    samples
        Blow-up times drawn for each dimension and type.
    rng
        Seed or generator.

    Returns
    -------
    probabilities, errors
        Shape (number of families,) each; the probabilities add up to 1.
    """
    families = predicted_families(irreps)
    if not families:
        return np.zeros(0), np.zeros(0)
    generator = np.random.default_rng(rng)
    kinds = sorted({(f.dim, f.type) for f in families})
    number = [sum((f.dim, f.type) == kind for f in families) for kind in kinds]
    times = [np.sort(_sampled_times(*kind, samples, generator)) for kind in kinds]
    shares, errors = {}, {}
    for i, kind in enumerate(kinds):
        alive = np.ones(samples)
        for j, other in enumerate(times):
            later = samples - np.searchsorted(other, times[i], side="right") + (i == j) * 0.5
            alive *= (later / samples) ** (number[j] - (i == j))
        shares[kind], errors[kind] = float(alive.mean()), float(alive.std() / np.sqrt(samples))
    total = sum(shares[kind] * count for kind, count in zip(kinds, number, strict=True))
    found = [(shares[f.dim, f.type] / total, errors[f.dim, f.type] / total) for f in families]
    return np.array([p for p, _ in found]), np.array([e for _, e in found])


def _integrals(values: Floats, t: Floats) -> Floats:
    """Return 8 ∫₀ᵗ exp(−8cs) ds = (1 − exp(−8ct))/c, and 8t at c = 0; +inf where it overflows."""
    product = 8 * values * t
    small = np.abs(product) < 1e-8
    with np.errstate(over="ignore"):
        ratio = -np.expm1(-product) / np.where(small, 1.0, product)
    return 8 * t * np.where(small, 1 - product / 2, ratio)


def _sampled_times(dim: int, kind: str, samples: int, rng: np.random.Generator) -> Floats:
    """Draw blow-up times of Gaussian blocks with E|A_ij|² = 1/d (the factor M is common to all)."""
    blocks = [
        blow_up_times(_gaussian(dim, kind, size, rng), _gaussian(dim, kind, size, rng))
        for size in [_BLOCK] * (samples // _BLOCK) + [samples % _BLOCK]
        if size
    ]
    return np.concatenate(blocks)


def _gaussian(dim: int, kind: str, count: int, rng: np.random.Generator) -> Complex:
    if kind == "quaternionic":
        half = (count, dim // 2, dim // 2)
        p, q = (rng.standard_normal(half) + 1j * rng.standard_normal(half) for _ in "pq")
        found: Complex = np.block([[p, q], [-q.conj(), p.conj()]]) / np.sqrt(2 * dim)
        return found
    real = rng.standard_normal((count, dim, dim)) / np.sqrt(dim)
    if kind == "real":
        return real.astype(complex)
    imaginary = rng.standard_normal((count, dim, dim)) / np.sqrt(dim)
    return (real + 1j * imaginary) / np.sqrt(2)
