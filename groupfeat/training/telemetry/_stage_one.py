"""Stage I: V learns while the features stand still. Proposition 1 and Lemma 1, exactly.

With Φ = USQᵀ the gradient flow V' = βΦᵀ(T − βΦV) − ηV decouples, so that G_F(t) is known for
every t; the printed expansions and approximations can be held against it.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from groupfeat.training.telemetry._features import Features
from groupfeat.training.telemetry._gradient import checked_second

__all__ = [
    "LazyFlow",
    "Spectrum",
    "early_gradient",
    "gradient_norms",
    "lazy_flow",
    "measure_spectrum",
    "printed_norm",
    "strongest_ridge",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LazyFlow:
    """The gradient flow of V on ½‖T − βΦV‖² + (η/2)‖V‖² with Φ fixed.

    Parameters
    ----------
    left, values, right
        U (n, r), S (r,), Q (K, r): the singular value decomposition of Φ, r its rank.
    targets
        T, shape (n, M).
    start
        V(0), shape (K, M); its part along 1 set aside when centred over classes.
    ridge, beta
        η ≥ 0 and β.
    """

    left: Floats = field(repr=False)
    values: Floats = field(repr=False)
    right: Floats = field(repr=False)
    targets: Floats = field(repr=False)
    start: Floats = field(repr=False)
    ridge: float
    beta: float

    @property
    def rate(self) -> float:
        """β²σ² + η, σ the least nonzero singular value of Φ: the slowest rate within its range.

        The part of V(0) that Φ does not see decays at rate η alone; it enters
        G_F only where the limit does not fit T.
        """
        return float(self.beta**2 * self.values.min() ** 2 + self.ridge)

    def weights(self, time: float) -> Floats:
        """Return V(t), shape (K, M); ``time`` may be infinite."""
        fit = self.beta * self.values / (self.beta**2 * self.values**2 + self.ridge)
        limit = fit[:, None] * (self.left.T @ self.targets)
        begin = self.right.T @ self.start
        seen = _decay(self.beta**2 * self.values**2 + self.ridge, time)
        unseen = _decay(np.array([self.ridge]), time)[0]
        rest = self.start - self.right @ begin
        return self.right @ (limit + seen[:, None] * (begin - limit)) + unseen * rest

    def gradient(self, time: float) -> Floats:
        """Return G_F(t) = β(T − βΦV)Vᵀ, shape (n, K)."""
        v = self.weights(time)
        fitted = self.left @ (self.values[:, None] * (self.right.T @ v))
        return self.beta * (self.targets - self.beta * fitted) @ v.T


def lazy_flow(
    features: Features, second_layer: object, *, ridge: float = 0.0, beta: float = 1.0
) -> LazyFlow:
    """Return the exact flow of V from ``second_layer`` (K, M) with these features.

    Forms Φ whole and its SVD: O(nK min(n, K)).

    Raises
    ------
    ValueError
        If V does not fit the features, the ridge is negative, or no feature varies.
    """
    if not (np.isfinite(ridge) and ridge >= 0):
        raise ValueError(f"ridge must be zero or more, got {ridge}")
    start = checked_second(second_layer, features)
    left, values, right = features.decomposition
    return LazyFlow(left, values, right, features.targets(), start, ridge, beta)


def early_gradient(
    features: Features, second_layer: object, time: float, *, beta: float = 1.0
) -> Floats:
    """Return the first two orders of G_F(t) at small t for η = 0, shape (n, K).

    β(T − βΦV₀)V₀ᵀ + t β [(T − βΦV₀)(βΦᵀ(T − βΦV₀))ᵀ − βΦβΦᵀ(T − βΦV₀)V₀ᵀ]; for V₀ → 0 this is
    t β² TTᵀΦ. The printed expansion leaves out one factor β (it is that of (T − βΦV)Vᵀ) and
    keeps of the order t only what survives V₀ → 0.

    References
    ----------
    arXiv:2509.21519, Lemma 1.
    """
    start, whole = checked_second(second_layer, features), features.dense()
    residual = features.targets() - beta * (whole @ start)
    push = beta * (whole.T @ residual)
    order_one = residual @ push.T - beta * (whole @ push) @ start.T
    gradient: Floats = beta * (residual @ start.T + time * order_one)
    return gradient


@dataclass(frozen=True)
class Spectrum:
    """c₁ and c₂ of ΦΦᵀ ≈ Kc₁P⊥ and ΦᵀΦ ≈ nc₂I, and how good that is.

    Parameters
    ----------
    c1, c2
        ‖Φ‖²/(K(n − 1)) and ‖Φ‖²/(nK), the least-squares values.
    c1_targets
        tr(TᵀΦΦᵀT)/(K tr TᵀT): what c₁ must be on the directions that G_F ∝ TTᵀΦ is made of.
    kernel_error, gram_error
        ‖ΦΦᵀ − Kc₁P⊥‖_F/‖Kc₁P⊥‖_F and ‖ΦᵀΦ − nc₂I‖_F/‖nc₂I‖_F; 0 where exact.
    rank, least, largest
        Rank of Φ, its least nonzero and its largest singular value.
    """

    c1: float
    c2: float
    c1_targets: float
    kernel_error: float
    gram_error: float
    rank: int
    least: float
    largest: float


def measure_spectrum(features: Features) -> Spectrum:
    """Return c₁, c₂, the errors of both approximations and the ends of Φ's spectrum.

    Raises
    ------
    ValueError
        If the features are not centred over samples: P⊥ belongs to that convention.
    """
    if features.centre != "samples":
        raise ValueError('c₁ and c₂ are defined for centre="samples"; form the features so')
    _, values, _ = features.decomposition
    n, width = len(features), features.width
    total, fourth = float(np.sum(values**2)), float(np.sum(values**4))
    c1, c2 = total / (width * (n - 1)), total / (n * width)
    on_targets = float(np.vdot(features.pulls, features.pulls) / np.trace(features.target_gram))
    # Least squares leaves ‖A‖² − ‖best multiple‖²; ‖ΦΦᵀ‖_F = ‖ΦᵀΦ‖_F.
    errors = [np.sqrt(max(fourth * size / total**2 - 1, 0)) for size in (n - 1, width)]
    return Spectrum(
        c1,
        c2,
        on_targets / width,
        float(errors[0]),
        float(errors[1]),
        len(values),
        float(values[-1]),
        float(values[0]),
    )


def gradient_norms(features: Features, ridges: NDArray[np.float64], *, beta: float = 1.0) -> Floats:
    """Return ‖G_F(∞)‖_F at each ridge, shape of ``ridges``, exactly, by one SVD of Φ."""
    left, values, _ = features.decomposition
    targets = features.targets()
    inside = left.T @ targets
    outside = targets - left @ inside
    outside_gram = outside.T @ outside
    squares = beta**2 * values**2
    found = []
    for ridge in np.ravel(ridges):
        unfit = (ridge / (squares + ridge))[:, None] * inside
        weights = (beta * values / (squares + ridge))[:, None] * inside
        inner = np.vdot(unfit.T @ unfit + outside_gram, weights.T @ weights)
        found.append(beta * np.sqrt(max(float(inner), 0.0)))
    return np.reshape(found, np.shape(ridges))


def printed_norm(
    features: Features, spectrum: Spectrum, ridges: NDArray[np.float64], *, targets: bool = False
) -> Floats:
    """Return ‖η/((Kc₁ + η)(nc₂ + η)) TTᵀΦ‖_F, the printed approximation of ‖G_F(∞)‖.

    With ``targets`` both factors are (Kc₁ + η) with c₁ as `Spectrum.c1_targets`: when K is large
    Φ acts on the directions of T as one multiple of an isometry, so that
    G_F(∞) = η(ΦΦᵀ + ηI)⁻¹ TTᵀ (ΦΦᵀ + ηI)⁻¹Φ has both inverses equal.
    """
    sums = features.pulls
    size = np.sqrt(max(float(np.vdot(features.target_gram, sums @ sums.T)), 0.0))
    first, second = features.width * spectrum.c1, len(features) * spectrum.c2
    if targets:
        first = second = features.width * spectrum.c1_targets
    factor: Floats = ridges / ((first + ridges) * (second + ridges))
    return factor * size


def strongest_ridge(features: Features, *, per_decade: int = 40, beta: float = 1.0) -> float | None:
    """Return the η at which ‖G_F(∞)‖ is largest; None where it grows all the way to η → 0.

    The latter happens when Φ cannot fit T (rank below the number of samples that
    T needs): then G_F(∞) does not vanish with η.
    """
    _, values, _ = features.decomposition
    low, high = np.log10(values[-1] ** 2) - 4, np.log10(values[0] ** 2) + 2
    grid = np.logspace(low, high, 1 + int(per_decade * (high - low))) * beta**2
    best = int(np.argmax(gradient_norms(features, grid, beta=beta)))
    return float(grid[best]) if best else None


def _decay(rates: Floats, time: float) -> Floats:
    if np.isinf(time):
        return (rates == 0).astype(np.float64)
    return np.exp(-rates * time)
