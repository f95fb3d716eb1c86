"""E(w) and its gradient on any pair set, in every variant."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy.sparse import csr_array

from groupfeat.energy._activations import ACTIVATIONS, Activation, get_activation
from groupfeat.energy._pairs import PairSet
from groupfeat.energy._terms import pair_slopes, pair_values
from groupfeat.energy._variants import Readout, Variant, get_variant, make_readout

__all__ = ["energy", "energy_and_gradient"]

Floats = NDArray[np.floating[Any]]
# Below about a millisecond of work a launch of threads waits longer than it saves.
_PARALLEL_WORK = 1_000_000
_BLOCK_ENTRIES = 2_000_000


def energy(
    weights: ArrayLike,
    pairs: PairSet,
    activation: str | Activation = "square",
    *,
    variant: str | Variant = "raw",
    dtype: DTypeLike = np.float64,
) -> NDArray[Any]:
    """E(w) = ½ Σ_t (c_t − (n_t/n) Σ_s c_s)², c_t = Σ_{gh=t} σ(a[g] + b[h]).

    Parameters
    ----------
    weights
        w = [a; b], shape (..., 2M).
    pairs
        The pairs that are summed over.
    activation
        Name or `Activation`.
    variant
        ``"raw"`` as above. ``"cross"``: ½[σ(a+b) − σ(a−b)] in place of σ(a+b), which for
        σ = x² is 2ab. ``"ht"``: Horvitz–Thompson weights, so that the mean over random pair
        sets is the energy of full data. Or a value of `removed_variant` or `residual_variant`.
    dtype
        float64, or float32 for speed.

    Returns
    -------
    ndarray
        Shape (...).

    Raises
    ------
    ValueError
        If the last axis is not 2M long, a weight is not finite, or a name is unknown.

    References
    ----------
    arXiv:2509.21519, Theorem 1, with E = ½‖Ỹᵀσ(Xw)‖² (docs/decisions/0003).

    Examples
    --------
    >>> import numpy as np
    >>> from groupfeat.energy import energy, full_pairs
    >>> from groupfeat.groups import cyclic
    >>> sign = np.array([1.0, -1.0]) / 2
    >>> float(energy(np.concatenate([sign, sign]), full_pairs(cyclic(2))))
    1.0
    """
    return energy_and_gradient(weights, pairs, activation, variant=variant, dtype=dtype)[0]


def energy_and_gradient(
    weights: ArrayLike,
    pairs: PairSet,
    activation: str | Activation = "square",
    *,
    variant: str | Variant = "raw",
    dtype: DTypeLike = np.float64,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return E, shape (...), and ∇E = Xᵀ diag(σ'(Xw)) ỸỸᵀσ(Xw), shape (..., 2M).

    Parameters, errors and source as for `energy`.
    """
    w = check_weights(weights, pairs)
    kind, sigma = get_variant(variant), get_activation(activation)
    precision = check_precision(dtype)
    flat = w.reshape(-1, w.shape[-1])
    if kind.name == "raw" and precision == np.float64 and sigma.name in ACTIVATIONS:
        energies, gradients = _with_kernels(flat, pairs, sigma)
    else:
        energies, gradients = _plainly(flat.astype(precision), pairs, sigma, kind)
    return energies.reshape(w.shape[:-1]), gradients.reshape(w.shape)


def _with_kernels(flat: Floats, pairs: PairSet, sigma: Activation) -> tuple[Floats, Floats]:
    from groupfeat.energy._kernels import LANES, energy_gradient_blocks, energy_gradient_serial

    count, width = flat.shape
    size = min(LANES, -(-count // 16) * 16) or 16
    blocks = -(-count // size)
    padded = np.zeros((blocks * size, width))
    padded[:count] = flat
    lanes = np.ascontiguousarray(padded.reshape(blocks, size, width).transpose(0, 2, 1))
    energies = np.empty((blocks, size))
    gradients = np.empty((blocks, width, size))
    work = len(pairs) * blocks * size
    fill = energy_gradient_serial if work < _PARALLEL_WORK else energy_gradient_blocks
    fill(
        lanes,
        pairs.left,
        pairs.right,
        pairs.target,
        pairs.target_counts / len(pairs),
        ACTIVATIONS.index(sigma.name),
        sigma.parameter,
        np.empty((blocks, pairs.order, size)),
        np.empty((blocks, 3, size)),
        energies,
        gradients,
    )
    slopes = gradients.transpose(0, 2, 1).reshape(-1, width)[:count]
    return energies.reshape(-1)[:count], slopes


def _plainly(
    flat: Floats, pairs: PairSet, sigma: Activation, kind: Variant
) -> tuple[Floats, Floats]:
    readout = make_readout(pairs, kind)
    found = np.empty(len(flat), flat.dtype), np.empty_like(flat)
    step = max(1, _BLOCK_ENTRIES // len(pairs))
    for start in range(0, len(flat), step):
        block = slice(start, start + step)
        energies, gradients = _block(flat[block].T, pairs, sigma, kind.is_cross, readout)
        found[0][block], found[1][block] = energies, gradients.T
    return found


def _block(
    w: Floats, pairs: PairSet, sigma: Activation, is_cross: bool, readout: Readout
) -> tuple[Floats, Floats]:
    order, n = pairs.order, len(pairs)
    ones = np.ones(n, dtype=w.dtype)
    labels, lefts, rights = (
        csr_array((ones, (rows, np.arange(n))), shape=(size, n))
        for rows, size in (
            (readout.labels, readout.n_labels),
            (pairs.left, order),
            (pairs.right, order),
        )
    )
    a, b = w[pairs.left], w[order + pairs.right]
    value = pair_values(sigma, is_cross, a, b)
    slope_a, slope_b = pair_slopes(sigma, is_cross, a, b)
    energies, pull = readout.apply(labels @ value)
    energies -= 0.5 * readout.kappa * np.einsum("nl,nl->l", value, value)
    force = pull[readout.labels] - readout.kappa * value
    return energies, np.concatenate([lefts @ (force * slope_a), rights @ (force * slope_b)])


def check_precision(dtype: DTypeLike) -> np.dtype[Any]:
    """Return float64 or float32 as a dtype, or raise ``ValueError``."""
    precision = np.dtype(dtype)
    if precision not in (np.float64, np.float32):
        raise ValueError(f"dtype must be float64 or float32, got {precision}")
    return precision


def check_weights(weights: ArrayLike, pairs: PairSet) -> NDArray[Any]:
    """Return weights (..., 2M) as float64, or say what is wrong with them."""
    w = np.asarray(weights, dtype=np.float64)
    if w.ndim == 0 or w.shape[-1] != 2 * pairs.order:
        raise ValueError(
            f"weights need shape (..., {2 * pairs.order}) for {pairs.group.name} "
            f"of order {pairs.order}, got {w.shape}"
        )
    if not np.isfinite(w).all():
        raise ValueError("weights must be finite, got NaN or infinity")
    return w
