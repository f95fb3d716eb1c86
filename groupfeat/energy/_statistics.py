"""Counting statistics: Wilson intervals and the chance of something unseen."""

import math

__all__ = ["unseen_probability", "wilson_interval"]


def wilson_interval(count: int, total: int, *, z: float = 1.959964) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion ``count/total`` (95 % by default).

    References
    ----------
    E. B. Wilson, J. Amer. Statist. Assoc. 22 (1927) 209–212.
    """
    if total < 1 or not 0 <= count <= total:
        raise ValueError(f"expected 0 <= count <= total and total >= 1, got {count} of {total}")
    share, z2 = count / total, z * z
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = z / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    # At the ends the formula gives 0 and 1 up to rounding.
    low = centre - half if count else 0.0
    high = centre + half if count < total else 1.0
    return low, high


def unseen_probability(counts: list[int], *, confidence: float = 0.95) -> float:
    """Return an upper estimate of the chance that a further start finds an unseen class.

    The larger of Good and Turing's (classes seen once)/(starts) and the bound
    1 − (1 − confidence)^(1/starts) that holds when all starts agree.

    References
    ----------
    I. J. Good, Biometrika 40 (1953) 237–264.
    """
    total = sum(counts)
    if total < 1:
        return 1.0
    once = sum(1 for count in counts if count == 1)
    return min(1.0, max(once / total, 1 - (1 - confidence) ** (1 / total)))
