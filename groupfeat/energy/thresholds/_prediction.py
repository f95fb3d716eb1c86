"""Thresholds without a climb: a few rounds of the site equations, or a closed form."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from groupfeat.energy.exact._families import PredictedFamily
from groupfeat.energy.objective._checks import check_count
from groupfeat.energy.thresholds._sites import SitePredictor
from groupfeat.energy.thresholds._survival import Threshold, thresholds_of
from groupfeat.groups import Irreps, check_irreps

__all__ = ["fold_pairs", "predict_thresholds"]


def predict_thresholds(
    irreps: Irreps,
    families: Sequence[PredictedFamily] | None = None,
    *,
    trials: int = 20,
    variant: str = "raw",
    sampling: str = "without",
    passes: int = 5,
    keep: float = 0.9,
    rng: int = 0,
) -> tuple[Threshold, ...]:
    """Predict what `survival_thresholds` measures for existence, without climbing.

    On each pair set the planted maximum w* is put through ``passes`` rounds of the
    site equations (module `_sites`): w is replaced by the small roots of one cubic
    a weight, one pass over the pairs a round. Lost: a root has folded, or the
    isotypic share has fallen below ``keep``. Same pair orders, planted points and
    bisection as the measurement with the same ``rng``. No constant is fitted.

    Parameters
    ----------
    irreps, families, trials, variant, sampling, keep, rng
        As for `survival_thresholds`.
    passes
        Rounds; with 1, only w* itself is looked at.

    Raises
    ------
    ValueError
        If an option is none of the above.

    Examples
    --------
    >>> from groupfeat.energy import predict_thresholds, predicted_families, survival_thresholds
    >>> from groupfeat.groups import cyclic, irreps
    >>> reps = irreps(cyclic(23))
    >>> first = predicted_families(reps)[:1]
    >>> (told,), (seen,) = predict_thresholds(reps, first), survival_thresholds(reps, first)
    >>> abs(told.n50 / seen.n50 - 1) < 0.1
    True
    """
    check_irreps(irreps)
    passes = check_count(passes, "passes")
    return thresholds_of(
        irreps,
        families,
        lambda climber: SitePredictor(climber, passes),
        options=(trials, variant, "existence", sampling, keep, rng),
    )


def fold_pairs(order: int, effective_dim: float, *, sampling: str = "without") -> float:
    """Return the n at which one of 2M weights has folded with probability ½, in closed form.

    The first round of the site equations with what a pair set adds taken as
    Gaussian: D_i/λ ~ N(0, τ²), τ² = (1 − p)d/(pM), p = n/M², d = M/(2E*);
    √M·a[g] = cos θ with θ uniform (exact for abelian groups, d = 2). A weight has
    folded when (1 − D/λ)^{3/2} ≤ (3√3/2) τ |cos θ|. With replacement 1 − p is 1.
    No constant is fitted; raw energy only. For M → ∞ it tends to 2dM ln 2M, but so slowly that
    the factor is 6.0 for M = 100 and 4.6 still for M = 10⁹.

    Parameters
    ----------
    order
        M.
    effective_dim
        M/(2E*): d for real type, 2d for complex and quaternionic type.
    sampling
        ``"without"`` or ``"with"`` replacement.

    Raises
    ------
    ValueError
        If ``order`` is below 3, ``effective_dim`` not positive or ``sampling`` unknown.

    Examples
    --------
    >>> from groupfeat.energy import fold_pairs
    >>> round(fold_pairs(71, 2.0))  # measured: 2453
    2321
    """
    if not 3 <= order < np.inf or not 0 < effective_dim < np.inf:
        raise ValueError(
            f"expected an order of at least 3 and a positive effective_dim, got {order} and "
            f"{effective_dim}"
        )
    if sampling not in ("without", "with"):
        raise ValueError(f"sampling must be one of without, with, got {sampling!r}")
    size = np.abs(np.cos(np.linspace(0, 2 * np.pi, 2000, endpoint=False)))

    def excess(tau: float) -> float:
        edge = 1 - (1.5 * np.sqrt(3) * tau * size) ** (2 / 3)
        folded = float(np.mean(ndtr(-edge / tau)))
        return 2 * order * np.log1p(-folded) - np.log(0.5)

    tau = float(brentq(excess, 1e-3, 0.99))
    draws = order * effective_dim / tau**2
    return draws if sampling == "with" else draws / (1 + draws / order**2)
