"""The law of the blow-up time of a block under a uniform start."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, gammaln

from groupfeat.energy.exact._blow_up import blow_up_times, scalar_times
from groupfeat.energy.exact._families import FIELD_DIMS

__all__ = ["BlowUpLaw", "blow_up_law"]

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
_BLOCK = 4096
_RATIO_STEP = 0.2
_RATIO_END = 90.0
JACKKNIFE = 16
"""Parts that the sampled directions are cut into, for the error."""


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
        """Least and largest scaled T of the directions."""
        return float(self.times.min()), float(self.times.max())


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
        weights = np.cosh(u / 2) ** -float(beta)
        times = scale * dim * scalar_times(u)
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
