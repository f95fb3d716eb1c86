"""E(w), its gradient and Hessian on any pair set."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy._activations import Activation, get_activation
from groupfeat.energy._pairs import PairSet

__all__ = ["energy", "energy_and_gradient", "energy_hessian"]

Floats = NDArray[np.float64]
# Below about a millisecond of work a launch of threads waits longer than it saves.
_PARALLEL_WORK = 1_000_000


def energy(weights: ArrayLike, pairs: PairSet, activation: str | Activation = "square") -> Floats:
    """E(w) = ½ Σ_t (c_t − (n_t/n) Σ_s c_s)², c_t = Σ_{gh=t} σ(a[g] + b[h]).

    Parameters
    ----------
    weights
        w = [a; b], shape (..., 2M).
    pairs
        The pairs that are summed over.
    activation
        Name or `Activation`.

    Returns
    -------
    ndarray
        Shape (...).

    Raises
    ------
    ValueError
        If the last axis is not 2M long or a weight is not finite.

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
    return energy_and_gradient(weights, pairs, activation)[0]


def energy_and_gradient(
    weights: ArrayLike, pairs: PairSet, activation: str | Activation = "square"
) -> tuple[Floats, Floats]:
    """Return E, shape (...), and ∇E = Xᵀ diag(σ'(Xw)) ỸỸᵀσ(Xw), shape (..., 2M).

    Parameters, errors and source as for `energy`.
    """
    from groupfeat.energy._kernels import LANES, energy_gradient_blocks, energy_gradient_serial

    w = check_weights(weights, pairs)
    sigma = get_activation(activation)
    flat = w.reshape(-1, w.shape[-1])
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
        sigma.code,
        sigma.parameter,
        np.empty((blocks, pairs.order, size)),
        np.empty((blocks, 3, size)),
        energies,
        gradients,
    )
    slopes = gradients.transpose(0, 2, 1).reshape(-1, width)[:count]
    return energies.reshape(-1)[:count].reshape(w.shape[:-1]), slopes.reshape(w.shape)


def energy_hessian(
    weight: ArrayLike, pairs: PairSet, activation: str | Activation = "square"
) -> Floats:
    """Return ∇²E of one weight, shape (2M, 2M): JᵀQᵀQJ plus the curvature of σ.

    With J = ∂c/∂w (M × 2M) and Q = I − q1ᵀ, q_t = n_t/n, the second part is
    Xᵀ diag(e_t σ''(Xw)) X, e = QᵀQc. Dense; O(n + M³).
    """
    w = check_weights(weight, pairs)
    if w.ndim != 1:
        raise ValueError(f"the Hessian is of one weight, expected shape (2M,), got {w.shape}")
    sigma, order = get_activation(activation), pairs.order
    left, right, target = pairs.left, pairs.right + order, pairs.target
    x = w[left] + w[right]
    share = pairs.target_counts / len(pairs)
    jacobian = np.zeros((order, 2 * order))
    slope = sigma.derivative(x)
    np.add.at(jacobian, (target, left), slope)
    np.add.at(jacobian, (target, right), slope)
    sums = np.bincount(target, sigma.value(x), order)
    centred = sums - share * sums.sum()
    pull = (centred - share @ centred)[target] * sigma.second_derivative(x)
    projected = jacobian - np.outer(share, jacobian.sum(0))
    hessian: Floats = projected.T @ projected
    diagonal = np.bincount(left, pull, 2 * order) + np.bincount(right, pull, 2 * order)
    hessian[np.arange(2 * order), np.arange(2 * order)] += diagonal
    # Each pair stands once in a pair set, so (left, right) addresses are distinct.
    hessian[left, right] += pull
    hessian[right, left] += pull
    return hessian


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
