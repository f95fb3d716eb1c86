"""When a block of the flow blows up, and the law of that time under a uniform start."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, gammaln

from groupfeat.energy.exact._families import FIELD_DIMS

__all__ = ["BlowUpLaw", "blow_up_law", "blow_up_times"]

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
_NEWTON = 80
_BLOCK = 4096
_RATIO_STEP = 0.2
_RATIO_END = 90.0
JACKKNIFE = 16
"""Parts that the sampled directions are cut into, for the error."""


def blow_up_times(first: Complex, second: Complex) -> Floats:
    """Return when A' = 4ABB*, B' = 4A*AB blows up, for A, B of shape (N, d, d); result (N,).

    C = A*A − BB* is conserved, so S = A*A obeys S' = 8S² − 4(CS + SC) and its
    inverse a linear equation. The solution blows up at the root t of
    λ_max(A K(t) A*) = 1, K(t) = 8 ∫₀ᵗ exp(−8Cs) ds, which grows with t. For
    d = 1 this is t = ln(x/y)/(8(x − y)), x = |A|², y = |B|². Where AB = 0
    nothing moves and the time is inf.
    """
    squares = np.swapaxes(first.conj(), -1, -2) @ first
    values, vectors = np.linalg.eigh(squares - second @ np.swapaxes(second.conj(), -1, -2))
    rotated = first @ vectors
    times = np.full(len(first), np.inf)
    moving = np.flatnonzero(np.any(first @ second != 0, axis=(-2, -1)))
    rotated, values = rotated[moving], values[moving]
    size = np.sum(np.abs(first[moving]) ** 2, axis=(-2, -1))
    size += np.sum(np.abs(second[moving]) ** 2, axis=(-2, -1))
    low, high = np.zeros(len(moving)), 1 / (8 * size)
    open_ended = np.ones(len(moving), dtype=bool)
    while open_ended.any():
        reached = _growth(rotated[open_ended], values[open_ended], high[open_ended])[0] >= 0
        rows = np.flatnonzero(open_ended)
        low[rows[~reached]] = high[rows[~reached]]
        high[rows[~reached]] *= 2
        open_ended[rows] = ~reached & (high[rows] < 1e300)
    times[moving] = _refined(rotated, values, low, high)
    return times


def _refined(rotated: Complex, values: Floats, low: Floats, high: Floats) -> Floats:
    """Return the roots in (low, high]: Newton steps in ln λ over ln t, else bisection."""
    at = high.copy()
    active = np.arange(len(at))
    for _ in range(_NEWTON):
        if not len(active):
            break
        t = at[active]
        value, slope = _growth(rotated[active], values[active], t)
        above = value >= 0
        low[active] = np.where(above, low[active], t)
        high[active] = np.where(above, t, high[active])
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            moved = t * np.exp(-value / slope)
        inside = (moved > low[active]) & (moved < high[active])
        settled = np.abs(moved - t) <= 4e-16 * t
        at[active] = np.where(inside | settled, moved, 0.5 * (low[active] + high[active]))
        active = active[~settled & (high[active] - low[active] > 4e-16 * t)]
    return at


def _growth(rotated: Complex, values: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Return ln λ_max(A K(t) A*) and its derivative over ln t; inf where K overflows."""
    weights = _integrals(values, t[:, None])
    scaled = rotated * np.sqrt(weights)[:, None, :]
    gram = scaled @ np.swapaxes(scaled.conj(), -1, -2)
    finite: NDArray[np.bool_] = np.all(np.isfinite(gram), axis=(-1, -2))
    found, vectors = np.linalg.eigh(np.where(finite[:, None, None], gram, np.eye(gram.shape[-1])))
    largest = np.maximum(found[:, -1], 1e-300)
    parts = np.abs(np.einsum("nji,nj->ni", rotated.conj(), vectors[:, :, -1])) ** 2
    with np.errstate(over="ignore", invalid="ignore"):
        slopes = t * np.sum(parts * 8 * np.exp(-8 * values * t[:, None]), axis=1) / largest
    return np.where(finite, np.log(largest), np.inf), np.where(finite, slopes, 1.0)


def _integrals(values: Floats, t: Floats) -> Floats:
    """Return 8 ∫₀ᵗ exp(−8cs) ds = (1 − exp(−8ct))/c, and 8t at c = 0; +inf where it overflows."""
    product = 8 * values * t
    small = np.abs(product) < 1e-8
    with np.errstate(over="ignore"):
        ratio = -np.expm1(-product) / np.where(small, 1.0, product)
    return 8 * t * np.where(small, 1 - product / 2, ratio)


@dataclass(frozen=True, eq=False)
class BlowUpLaw:
    """Law of the blow-up time T of a Gaussian block of one dimension and type.

    T falls with the square of the block's size, which is independent of its
    direction and chi-squared: P(T > t) is a mean of incomplete gamma functions
    over directions.

    Parameters
    ----------
    shape
        Half the number of real coordinates of the block pair.
    times
        Scaled T of each direction, shape (parts, N): P(T > t) is the weighted
        mean of the regularised gamma function γ(shape, times/t).
    weights
        Their weights, shape (parts, N), each row adding up to 1.
    is_exact
        Whether the directions are a quadrature rather than a sample.
    """

    shape: float
    times: Floats
    weights: Floats
    is_exact: bool

    def tails(self, t: Floats) -> tuple[Floats, Floats]:
        """Return P(T > t) and t times the density, shape (parts, len(t)) each."""
        survival = np.empty((len(self.times), len(t)))
        density = np.empty_like(survival)
        for i, moment in enumerate(t.tolist()):
            z = self.times / moment
            survival[:, i] = np.sum(gammainc(self.shape, z) * self.weights, axis=1)
            mass = np.exp(self.shape * np.log(z) - z - gammaln(self.shape))
            density[:, i] = np.sum(mass * self.weights, axis=1)
        return survival, density

    @cached_property
    def range(self) -> tuple[float, float]:
        """Least and largest scaled T of the directions that carry weight."""
        heavy = self.times[self.weights > 1e-18]
        return float(heavy.min()), float(heavy.max())


def blow_up_law(dim: int, kind: str, *, samples: int, rng: np.random.Generator) -> BlowUpLaw:
    """Return the law for E‖A‖²_F = E‖B‖²_F = d (the factor M is common to all irreps).

    One-dimensional blocks over the type's field (d = 1, or 2 if quaternionic)
    need only the law of |A|²/|B|², which is integrated; for larger ones
    ``samples`` directions are drawn.
    """
    beta = FIELD_DIMS[kind]
    size = dim // 2 if kind == "quaternionic" else dim
    shape = float(beta * size**2)
    # ‖A‖² + ‖B‖² = 2d · Γ(shape)/shape.
    scale = shape / (2 * dim)
    if size == 1:
        u = np.arange(-_RATIO_END, _RATIO_END + _RATIO_STEP / 2, _RATIO_STEP)
        share = 1 / (1 + np.exp(-u))
        weights = (share * (1 - share)) ** (beta / 2)
        times = scale * dim * _scalar_times(u)
        return BlowUpLaw(shape, times[None], (weights / weights.sum())[None], True)
    per_part = -(-samples // JACKKNIFE)
    drawn = []
    for start in range(0, per_part * JACKKNIFE, _BLOCK):
        count = min(_BLOCK, per_part * JACKKNIFE - start)
        first, second = (_gaussian(dim, kind, count, rng) for _ in "ab")
        squares = np.sum(np.abs(first) ** 2 + np.abs(second) ** 2, axis=(-2, -1))
        drawn.append(blow_up_times(first, second) * squares)
    times = scale * np.concatenate(drawn).reshape(JACKKNIFE, per_part)
    return BlowUpLaw(shape, times, np.full(times.shape, 1 / per_part), False)


def _scalar_times(u: Floats) -> Floats:
    """Return ln(x/y)/(8(x − y)) at x + y = 1, x = 1/(1 + e^−u)."""
    difference = np.where(np.abs(u) < 1e-8, 1.0, np.tanh(u / 2))
    return np.where(np.abs(u) < 1e-8, 2.0, u / difference) / 8


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
