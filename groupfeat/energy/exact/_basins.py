"""Basins of the flow ẇ = ∇E for σ = x² on full data, in closed form."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy.exact._blow_up import blow_up_times
from groupfeat.energy.exact._blow_up_law import BlowUpLaw, blow_up_law
from groupfeat.energy.exact._families import predicted_families
from groupfeat.energy.objective._checks import check_weights
from groupfeat.groups import Irreps, check_irreps, fourier_transform

__all__ = ["basin_probabilities", "find_basins"]

Floats = NDArray[np.float64]
_LOG_STEP = 0.1
_TAIL = 45.0


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

    References
    ----------
    docs/landscape.md, Theorem 4.
    """
    check_irreps(irreps)
    order = irreps.group.order
    w = check_weights(weights, irreps.group).reshape(-1, 2 * order)
    a, b = fourier_transform(w[:, :order], irreps), fourier_transform(w[:, order:], irreps)
    chosen = [family.irreps[0] for family in predicted_families(irreps)]
    times = [blow_up_times(a[k].astype(complex), b[k].astype(complex)) for k in chosen]
    return np.argmin(np.stack(times, axis=1), axis=1)


def basin_probabilities(
    irreps: Irreps, *, samples: int = 8192, rng: int | np.random.Generator = 0
) -> tuple[Floats, Floats]:
    """Return the probability that a uniform start flows to each family, and its standard error.

    Under a uniform start the blocks are independent Gaussian matrices over the
    type's field, so the blow-up times are independent and
    P(k) = ∫ Π_{l≠k} P(T_l > t) dP(T_k < t). The law of T depends on dimension
    and type only. It is integrated for d = 1 (and quaternionic d = 2), so that
    the error of abelian groups is 0, rounding apart; for larger blocks it is a
    mean over sampled directions, and the error is the jackknife's over all that
    was sampled.

    Parameters
    ----------
    irreps
        All irreps of the group.
    samples
        Directions drawn for each dimension and type.
    rng
        Seed or generator.

    Returns
    -------
    probabilities, errors
        Shape (number of families,) each; the probabilities add up to 1.

    Examples
    --------
    >>> from groupfeat.energy import basin_probabilities
    >>> from groupfeat.groups import cyclic, irreps
    >>> probabilities, errors = basin_probabilities(irreps(cyclic(8)))
    >>> probabilities.round(6).tolist(), errors.tolist()
    ([0.206725, 0.264425, 0.264425, 0.264425], [0.0, 0.0, 0.0, 0.0])
    """
    check_irreps(irreps)
    families = predicted_families(irreps)
    if not families:
        return np.zeros(0), np.zeros(0)
    generator = np.random.default_rng(rng)
    kinds = sorted({(f.dim, f.type) for f in families})
    number = np.array([sum((f.dim, f.type) == kind for f in families) for kind in kinds])
    laws = [blow_up_law(*kind, samples=samples, rng=generator) for kind in kinds]
    grid = _grid(laws)
    tails = [law.tails(grid) for law in laws]
    means = [(s.mean(0), f.mean(0)) for s, f in tails]
    shares = _shares(means, number)
    variance = np.zeros(len(kinds))
    for j, (law, (s, f)) in enumerate(zip(laws, tails, strict=True)):
        if law.is_exact:
            continue
        parts = len(s)
        without = [
            _shares([*means[:j], _leave_out(s, f, part), *means[j + 1 :]], number)
            for part in range(parts)
        ]
        variance += (parts - 1) * np.var(without, axis=0)
    place = [kinds.index((f.dim, f.type)) for f in families]
    return shares[place], np.sqrt(variance)[place]


def _grid(laws: list[BlowUpLaw]) -> Floats:
    """Return times in equal steps of ln t, from where nothing has blown up to where all have."""
    low = min(law.range[0] for law in laws)
    high = max(law.range[1] for law in laws)
    return np.exp(np.arange(np.log(low) - 8, np.log(high) + _TAIL, _LOG_STEP))


def _leave_out(survival: Floats, density: Floats, part: int) -> tuple[Floats, Floats]:
    parts = len(survival)
    return (
        (survival.sum(0) - survival[part]) / (parts - 1),
        (density.sum(0) - density[part]) / (parts - 1),
    )


def _shares(tails: list[tuple[Floats, Floats]], number: NDArray[np.intp]) -> Floats:
    """Return P(k) of one family of each kind by the trapezoid rule in ln t."""
    found = []
    for k, (_, density) in enumerate(tails):
        product = density.copy()
        for j, (survival, _) in enumerate(tails):
            product *= survival ** (number[j] - (j == k))
        found.append(product.sum() * _LOG_STEP)
    # The rule's total is 1 up to rounding.
    return np.array(found) / float(number @ np.array(found))
