"""G_F = −∂J/∂F, its cosines with the theory's directions, and its closed form at the ridge V.

Nothing of size n × K or n × n is formed unless n < K: with G_F = βRVᵀ, R = T − βΦV,
every norm and inner product is a trace of M × M matrices.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve

from groupfeat.training.telemetry._features import Features, as_float64, factored

__all__ = [
    "FeatureGradient",
    "checked_second",
    "measure_gradient",
    "ridge_limit",
    "solve_ridge",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FeatureGradient:
    """The gradient that reaches the features, G_F = −∂J/∂F = βRVᵀ.

    Parameters
    ----------
    norm
        ‖G_F‖_F.
    cosine_lazy
        Cosine with TTᵀΦ, the direction at the start of stage I.
    cosine_ridge
        Cosine with the closed form at the ridge V; None without a ridge.
    ridge_norm
        ‖G_F(∞)‖_F, the closed form's norm; None without a ridge.
    """

    norm: float
    cosine_lazy: float
    cosine_ridge: float | None
    ridge_norm: float | None


def measure_gradient(
    features: Features,
    second_layer: object,
    *,
    ridge: float | None = None,
    beta: float = 1.0,
    residual: Callable[[slice, Floats], Floats] | None = None,
) -> FeatureGradient:
    """Return ‖G_F‖, and its cosines with TTᵀΦ and with the closed form.

    Costs two passes over the features, O(nKM), and with a ridge one solve,
    O(nK min(n, K) + min(n, K)³).

    Parameters
    ----------
    features
        Of the training examples.
    second_layer
        V, shape (K, M).
    ridge
        η of the closed form; None leaves it out. In the optimiser's terms see `theory_ridge`.
    beta
        Output multiplier.
    residual
        Gives R for a slice of the examples and their rows of Φ, for other losses than the
        quadratic ones; by default T − βΦV.

    Raises
    ------
    ValueError
        If V does not fit the features, or the ridge is not positive or too small to solve with.

    References
    ----------
    arXiv:2509.21519, Proposition 1; the closed form's second inverse is K × K.
    """
    v = checked_second(second_layer, features, as_is=residual is not None)
    best = None if ridge is None else solve_ridge(features, ridge, beta=beta)
    size = features.n_classes
    own, cross, closed = np.zeros((3, size, size))
    pull, ridge_pull = np.zeros((2, size, size))
    for part, rows in features.chunks():
        targets = features.targets(part)
        gap = targets - beta * (rows @ v) if residual is None else residual(part, rows)
        own += gap.T @ gap
        pull += gap.T @ targets
        if best is not None:
            rest = targets - beta * (rows @ best)
            closed += rest.T @ rest
            cross += gap.T @ rest
            ridge_pull += rest.T @ targets
    sums = features.pulls
    norm = beta * _root(np.vdot(own, v.T @ v))
    lazy_norm = _root(np.vdot(features.target_gram, sums @ sums.T))
    lazy = _cosine(beta * np.vdot(pull, v.T @ sums.T), norm, lazy_norm)
    if best is None:
        return FeatureGradient(norm, lazy, None, None)
    ridge_norm = beta * _root(np.vdot(closed, best.T @ best))
    inner = beta**2 * np.vdot(cross, v.T @ best)
    return FeatureGradient(norm, lazy, _cosine(inner, norm, ridge_norm), ridge_norm)


def ridge_limit(features: Features, ridge: float, *, beta: float = 1.0) -> Floats:
    """Return G_F(∞) = η (β²ΦΦᵀ + ηI)⁻¹ TTᵀΦ β² (β²ΦᵀΦ + ηI)⁻¹, shape (n, K), as βRVᵀ.

    References
    ----------
    arXiv:2509.21519, Proposition 1. The slides print both inverses n × n; the second is K × K.
    """
    best = solve_ridge(features, ridge, beta=beta)
    whole = features.dense()
    gradient: Floats = beta * ((features.targets() - beta * (whole @ best)) @ best.T)
    return gradient


def solve_ridge(features: Features, ridge: float, *, beta: float = 1.0) -> Floats:
    """Return V = β(β²ΦᵀΦ + ηI)⁻¹ΦᵀT, shape (K, M), by the smaller of two systems.

    Raises
    ------
    ValueError
        If the ridge is not positive.
    LostRidgeError
        A ValueError: the ridge is too small beside the features to solve in float64.
    """
    if not (np.isfinite(ridge) and ridge > 0):
        raise ValueError(f"ridge must be positive, got {ridge}; without one leave it out")
    if len(features) < features.width:
        system = beta**2 * features.kernel + ridge * np.eye(len(features))
        answer = cho_solve(factored(system, ridge), features.targets())
        return beta * sum(
            (rows.T @ answer[part] for part, rows in features.chunks()),
            np.zeros((features.width, features.n_classes)),
        )
    system = beta**2 * features.gram + ridge * np.eye(features.width)
    return beta * np.asarray(cho_solve(factored(system, ridge), features.pulls.T))


def checked_second(second_layer: object, features: Features, *, as_is: bool = False) -> Floats:
    """Return V (VC with C = I − 11ᵀ/M when centred over classes) or say why it does not fit.

    The part of V along 1 then changes neither a quadratic loss nor G_F = βRVᵀ, as R1 = 0;
    ``as_is`` keeps it.
    """
    v = as_float64(second_layer, "V")
    if v.shape != (features.width, features.n_classes):
        raise ValueError(
            f"V must have shape ({features.width}, {features.n_classes}), got {v.shape}"
        )
    if features.centre == "samples" or as_is:
        return v
    return v - v.mean(axis=1, keepdims=True)


def _root(square: Any) -> float:
    return float(np.sqrt(max(float(square), 0.0)))


def _cosine(inner: Any, first: float, second: float) -> float:
    scale = first * second
    return float(np.clip(inner / scale, -1, 1)) if scale > 0 else 0.0
