"""Counting statistics: Wilson intervals and the chance of something unseen."""

import math
from collections.abc import Sequence
from statistics import NormalDist

from groupfeat.energy.objective._checks import check_count

__all__ = ["starts_needed", "unseen_probability", "wilson_interval"]

_LEAST_TARGET = 1e-100


def wilson_interval(count: int, total: int, *, z: float = 1.959964) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion ``count/total`` (95 % by default).

    References
    ----------
    E. B. Wilson, J. Amer. Statist. Assoc. 22 (1927) 209–212.
    """
    if not 0 < z < math.inf:
        raise ValueError(f"z must be positive and finite, got {z}; 1.96 is 95 %")
    count, total = check_count(count, "count", least=0), check_count(total, "total")
    if count > total:
        raise ValueError(f"expected 0 <= count <= total, got {count} of {total}")
    share, z2 = count / total, z * z
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = z / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    # At the ends the formula gives 0 and 1 up to rounding.
    low = centre - half if count else 0.0
    high = centre + half if count < total else 1.0
    return low, high


def unseen_probability(counts: Sequence[int], *, confidence: float = 0.95) -> float:
    """Return an upper estimate of the chance that a further start finds an unseen class.

    Good and Turing's f₁/n (f_r classes seen r times in n starts) plus z standard errors
    √(f₁ + 2f₂ − f₁²/n)/n, and no less than 1 − (1 − confidence)^(1/n), which holds
    when nothing was seen once.

    Parameters
    ----------
    counts
        Starts that ended in each class.
    confidence
        One-sided.

    References
    ----------
    I. J. Good, Biometrika 40 (1953) 237–264; W. W. Esty, Ann. Statist. 11 (1983) 905–912.

    Examples
    --------
    >>> from groupfeat.energy import unseen_probability
    >>> round(unseen_probability([60, 40]), 4), round(unseen_probability([60, 38, 1, 1]), 4)
    (0.0295, 0.043)
    """
    _check_share("confidence", confidence)
    _check_counts(counts)
    total = sum(counts)
    if total < 1:
        return 1.0
    once = sum(1 for count in counts if count == 1)
    twice = sum(1 for count in counts if count == 2)
    z = NormalDist().inv_cdf(confidence)
    error = math.sqrt(max(once + 2 * twice - once**2 / total, 0.0)) / total
    return min(1.0, max(once / total + z * error, 1 - (1 - confidence) ** (1 / total)))


def starts_needed(counts: Sequence[int], target: float, *, confidence: float = 0.95) -> int:
    """Return how many starts in all would bring `unseen_probability` down to ``target``.

    On the assumption that as many classes are seen once or twice then as now. Where none
    is, it is ln(1 − confidence)/ln(1 − target); an assumption it stays, since nothing bounds
    how many rare classes a landscape has.

    Examples
    --------
    >>> from groupfeat.energy import starts_needed
    >>> starts_needed([60, 40], 0.01), starts_needed([60, 38, 1, 1], 0.01)
    (299, 433)
    """
    _check_share("target", target)
    if target < _LEAST_TARGET:
        raise ValueError(f"target must be at least {_LEAST_TARGET}, got {target}")
    _check_share("confidence", confidence)
    _check_counts(counts)
    once = sum(1 for count in counts if count == 1)
    twice = sum(1 for count in counts if count == 2)
    alike = math.ceil(math.log1p(-confidence) / math.log1p(-target))
    z = NormalDist().inv_cdf(confidence)
    return max(alike, math.ceil((once + z * math.sqrt(once + 2 * twice)) / target))


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} must be in (0, 1), got {value}")


def _check_counts(counts: Sequence[int]) -> None:
    for count in counts:
        check_count(count, "every count", least=0)
