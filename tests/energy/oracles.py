"""Slow, obvious twins of the energy layer."""

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy import Activation, PairSet
from groupfeat.groups import symmetric

Floats = NDArray[np.float64]


def design(pairs: PairSet) -> tuple[Floats, Floats]:
    """Return the one-hot X (n, 2M) and the centred Ỹ = P⊥Y (n, M), entry by entry."""
    n, order = len(pairs), pairs.order
    x, y = np.zeros((n, 2 * order)), np.zeros((n, order))
    for i in range(n):
        g, h = int(pairs.left[i]), int(pairs.right[i])
        x[i, g] = x[i, order + h] = 1
        y[i, pairs.group.cayley_table[g, h]] = 1
    return x, y - y.mean(0)


def energy_by_definition(w: Floats, pairs: PairSet, activation: Activation) -> float:
    """Return ½‖Ỹᵀσ(Xw)‖²."""
    x, y = design(pairs)
    return 0.5 * float(np.sum((y.T @ activation.value(x @ w)) ** 2))


def gradient_by_definition(w: Floats, pairs: PairSet, activation: Activation) -> Floats:
    """Return Xᵀ diag(σ'(Xw)) ỸỸᵀσ(Xw)."""
    x, y = design(pairs)
    u = x @ w
    found: Floats = x.T @ (activation.derivative(u) * (y @ (y.T @ activation.value(u))))
    return found


def printed_fourier_form(w: Floats, pairs: PairSet, irreps: object) -> float:
    """Return (M/2) Σ_{k≠0} (1/d_k) |tr ĉ_k|²/M², the slides' form with the trace (σ = x²)."""
    from groupfeat.groups import Irreps, fourier_transform

    assert isinstance(irreps, Irreps)
    order = pairs.order
    sums = np.zeros(order)
    np.add.at(sums, pairs.target, (w[pairs.left] + w[order + pairs.right]) ** 2)
    total = 0.0
    for irrep, block in zip(irreps, fourier_transform(sums, irreps), strict=True):
        if not irrep.is_trivial:
            total += abs(np.trace(block)) ** 2 / irrep.dim
    return total / (2 * order)


def sign_weight() -> Floats:
    """Return a = b = the sign of S3, unit norm: a closed-form critical point of ReLU."""
    sign = np.array([1.0 if s == 1 or s % 2 else -1.0 for s in symmetric(3).element_orders])
    return np.concatenate([sign, sign]) / np.sqrt(12)
