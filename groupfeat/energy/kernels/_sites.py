"""What the equation of each weight needs: λ, D and F of one point, in two passes over the pairs."""

from numba import njit

__all__ = ["site_fields"]


@njit(cache=True, error_model="numpy")
def site_fields(  # type: ignore[no-untyped-def]
    w, left, right, target, share, diagonal, cross, sums, pull, force
):
    """Write D (2M,) into ``pull`` and F (2M,) into ``force``; return λ. ``sums`` (M,) is scratch.

    ``diagonal`` weighs −½Σσ²; with ``cross`` σ = 2ab and D = 0.
    """
    order, n = sums.shape[0], left.shape[0]
    sums[:] = 0.0
    total = 0.0
    squares = 0.0
    for i in range(n):
        a, b = w[left[i]], w[order + right[i]]
        value = 2.0 * a * b if cross else (a + b) * (a + b)
        sums[target[i]] += value
        total += value
        squares += value * value
    mean = 0.0
    level = -diagonal * squares
    for t in range(order):
        sums[t] -= share[t] * total
        mean += share[t] * sums[t]
        level += sums[t] * sums[t]
    pull[:] = 0.0
    force[:] = 0.0
    for i in range(n):
        g, h = left[i], order + right[i]
        a, b = w[g], w[h]
        value = 2.0 * a * b if cross else (a + b) * (a + b)
        slope = 2.0 * (sums[target[i]] - mean - diagonal * value)
        force[g] += slope * b
        force[h] += slope * a
        if not cross:
            pull[g] += slope
            pull[h] += slope
    return 2.0 * level
