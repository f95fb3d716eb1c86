"""E(w) and its gradient on any pair set, in every variant."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from groupfeat.energy.objective._activations import Activation, get_activation
from groupfeat.energy.objective._checks import check_overflow, check_weights
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.objective._prepared import prepare
from groupfeat.energy.objective._variants import Variant, get_variant

__all__ = ["energy", "energy_and_gradient"]


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
        float64, or float32 for speed, whatever the type of ``weights``. In float32 E and ∇E of
        x² and ReLU are right to about 1e-6; where sums over pairs cancel, to less: on C₂₃
        sigmoid loses 1e-3, and ∇E of its ``"ht"`` all digits.

    Returns
    -------
    ndarray
        Shape (...).

    Raises
    ------
    ValueError
        If the weights are not real and finite, the last axis is not 2M long, E overflows, or a
        name is unknown.

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
    w = check_weights(weights, pairs.group)
    precision = check_precision(dtype)
    prepared = prepare(pairs, get_activation(activation), get_variant(variant), precision)
    if not w.size:
        return np.zeros(w.shape[:-1], precision), np.zeros(w.shape, precision)
    with np.errstate(over="ignore"):  # float32; check_overflow tells
        energies, gradients = prepared.evaluate(w.reshape(-1, w.shape[-1]))
    check_overflow(energies, w)
    return energies.reshape(w.shape[:-1]), gradients.reshape(w.shape)


def check_precision(dtype: DTypeLike) -> np.dtype[Any]:
    """Return float64 or float32 as a dtype, or raise ``ValueError``."""
    precision = np.dtype(dtype)
    if precision not in (np.float64, np.float32):
        raise ValueError(f"dtype must be float64 or float32, got {precision}")
    return precision
