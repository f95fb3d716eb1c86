"""Basins of the flow ẇ = ∇E for σ = x² on full data, in closed form."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy.exact._blow_up import blow_up_times
from groupfeat.energy.exact._blow_up_law import BlowUpLaw, blow_up_law
from groupfeat.energy.exact._families import predicted_families
from groupfeat.energy.objective._checks import check_weights
from groupfeat.groups import Irreps, check_irreps, fourier_transform

__all__ = ["basin_probabilities", "find_basins"]

Floats = NDArray[np.float64]
Matrix = NDArray[np.inexact[Any]]
_NOISE = 8 * np.finfo(np.float64).eps
"""Rounding of a Fourier block over √M‖a‖: at most 1.4 eps on groups up to S6."""
_SAMPLES = 1_000_000
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
        Positions, shape (N,); −1 where E = 0 up to rounding and nothing flows. Starts on a
        basin boundary (measure zero) go to the first.

    Raises
    ------
    ValueError
        If the last axis is not 2M long or a weight is not finite.

    References
    ----------
    docs/landscape.md, Theorem 4.

    Examples
    --------
    >>> import numpy as np
    >>> from groupfeat.energy import find_basins, predicted_families, sample_family
    >>> from groupfeat.groups import irreps, symmetric
    >>> reps = irreps(symmetric(3))
    >>> starts = [sample_family(f, reps, count=1, rng=0)[0] for f in predicted_families(reps)]
    >>> find_basins([*starts, np.ones(12)], reps).tolist()
    [0, 1, -1]
    """
    check_irreps(irreps)
    order = irreps.group.order
    w = check_weights(weights, irreps.group).reshape(-1, 2, order)
    chosen = [family.irreps[0] for family in predicted_families(irreps)]
    if not chosen:
        return np.full(len(w), -1)
    # Each half over its own size: squares of one that is small would underflow.
    sizes = np.abs(w).max(axis=2)
    halves = w / np.where(sizes > 0, sizes, 1.0)[:, :, None]
    ratios = sizes / np.where(sizes.max(1) > 0, sizes.max(1), 1.0)[:, None]
    lengths = np.sqrt(order) * np.linalg.norm(halves, axis=2)
    transforms = [fourier_transform(halves[:, i], irreps) for i in range(2)]
    times = np.full((len(w), len(chosen)), np.inf)
    for column, k in enumerate(chosen):
        a, b = (transform[k] for transform in transforms)
        moving = _moves(a, b, lengths)
        scaled = [block[moving] * ratios[moving, i, None, None] for i, block in enumerate((a, b))]
        times[moving, column] = blow_up_times(*scaled)
    return np.where(np.isinf(times).all(axis=1), -1, np.argmin(times, axis=1))


def _moves(a: Matrix, b: Matrix, lengths: Floats) -> NDArray[np.bool_]:
    """Return where AB is more than the rounding of the transforms, whose blocks are ≤ lengths."""
    product, *norms = (np.linalg.norm(block, axis=(-2, -1)) for block in (a @ b, a, b))
    moves: NDArray[np.bool_] = product > _NOISE * (
        lengths[:, 0] * norms[1] + norms[0] * lengths[:, 1]
    )
    return moves


def basin_probabilities(
    irreps: Irreps, *, samples: int = 8192, rng: int | np.random.Generator = 0
) -> tuple[Floats, Floats]:
    """Return the probability that a uniform start flows to each family, and its standard error.

    Under a uniform start the blocks are independent Gaussian matrices over the
    type's field, so the blow-up times are independent and
    P(k) = ∫ Π_{l≠k} P(T_l > t) dP(T_k < t). The law of T depends on dimension
    and type only. It is integrated for d = 1 (and quaternionic d = 2), so that
    the error of abelian groups is 0 (they are right to 1e-12); for larger blocks it is a
    mean over sampled directions, and the error is the jackknife's over all that
    was sampled.

    Parameters
    ----------
    irreps
        All irreps of the group.
    samples
        Directions drawn for each dimension and type, at most 1,000,000: the error falls as the
        inverse root of their number, and the cost grows with it.
    rng
        Seed or generator.

    Returns
    -------
    probabilities, errors
        Shape (number of families,) each; the probabilities add up to 1.

    Raises
    ------
    ValueError
        If ``samples`` is not whole and in 1..1,000,000.

    Examples
    --------
    >>> from groupfeat.energy import basin_probabilities
    >>> from groupfeat.groups import cyclic, irreps
    >>> probabilities, errors = basin_probabilities(irreps(cyclic(8)))
    >>> probabilities.round(6).tolist(), errors.tolist()
    ([0.206725, 0.264425, 0.264425, 0.264425], [0.0, 0.0, 0.0, 0.0])
    """
    check_irreps(irreps)
    if not isinstance(samples, (int, np.integer)) or not 1 <= samples <= _SAMPLES:
        raise ValueError(
            f"samples must be whole and in 1..{_SAMPLES}, got {samples}; for smaller errors "
            "average the answers of several seeds"
        )
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
    shares /= number @ shares
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
    """Return P(k) of one family of each kind by the trapezoid rule in ln t; in all 1."""
    found = []
    for k, (_, density) in enumerate(tails):
        product = density.copy()
        for j, (survival, _) in enumerate(tails):
            product *= survival ** (number[j] - (j == k))
        found.append(product.sum() * _LOG_STEP)
    return np.array(found)
