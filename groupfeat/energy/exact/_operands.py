"""E for σ = x^k and words of k operands on full data: only the product of all halves is left."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy.exact._families import predicted_families
from groupfeat.energy.objective._checks import check_count, check_weights
from groupfeat.groups import Irreps, check_irreps, fourier_transform, inverse_fourier_transform

__all__ = ["operand_energy_and_gradient", "operand_levels"]

Floats = NDArray[np.float64]
_MOST_OPERANDS = 64
"""Beyond, (k!)² and M^k leave the range of float64 one after the other."""


def operand_energy_and_gradient(
    weights: ArrayLike, irreps: Irreps, operands: int
) -> tuple[Floats, Floats]:
    """Return E and ∇E of w = [a₁; …; a_k] for σ(x) = x^k on all M^k words g₁ ⋯ g_k.

    In (a₁[g₁] + ⋯ + a_k[g_k])^k a term that misses an operand adds the same to every target,
    so centring leaves k! a₁ * ⋯ * a_k alone: E = ((k!)²/2M) Σ_{ρ≠1} d_ρ ‖â₁ ⋯ â_k‖²_F.

    Parameters
    ----------
    weights
        Shape (..., kM).
    irreps
        All irreps of the group.
    operands
        k ≥ 2; k = 2 is `energy` of σ = x² on full data.

    Returns
    -------
    energy, gradient
        Shapes (...) and (..., kM).

    Raises
    ------
    ValueError
        If k is not whole and in 2..64, the last axis is not kM long, or a weight is not a finite
        real number.

    Examples
    --------
    >>> import numpy as np
    >>> from groupfeat.energy import operand_energy_and_gradient
    >>> from groupfeat.groups import cyclic, irreps
    >>> sign = np.array([1.0, -1.0]) / np.sqrt(6)
    >>> e, _ = operand_energy_and_gradient(np.tile(sign, 3), irreps(cyclic(2)), 3)
    >>> round(float(e), 9)
    2.666666667
    """
    check_irreps(irreps)
    order = irreps.group.order
    w = check_weights(weights, irreps.group, parts=_checked_operands(operands))
    parts = w.reshape(*w.shape[:-1], operands, order)
    scale = math.factorial(operands) ** 2
    energy = np.zeros(w.shape[:-1])
    pulls = []
    for irrep, blocks in zip(irreps, fourier_transform(parts, irreps), strict=True):
        factors = [blocks[..., i, :, :] for i in range(operands)]
        found, size = _pulls(factors)
        if irrep.is_trivial:
            found = np.zeros_like(found)
        else:
            energy += scale * irrep.dim / (2 * order) * size
        pulls.append(found)
    gradient = scale * np.real(inverse_fourier_transform(pulls, irreps))
    return energy, gradient.reshape(w.shape)


def _pulls(factors: list[NDArray[Any]]) -> tuple[NDArray[Any], Floats]:
    """Return L*PR* for each factor of P = L F R, stacked before the last axes, and ‖P‖²."""
    eye = np.broadcast_to(np.eye(factors[0].shape[-1]), factors[0].shape)
    before: list[NDArray[Any]] = [eye]
    after: list[NDArray[Any]] = [eye]
    for factor in factors:
        before.append(before[-1] @ factor)
    for factor in reversed(factors):
        after.append(factor @ after[-1])
    whole = before[-1]
    found = [
        np.swapaxes(left.conj(), -1, -2) @ whole @ np.swapaxes(right.conj(), -1, -2)
        for left, right in zip(before[:-1], after[-2::-1], strict=True)
    ]
    return np.stack(found, axis=-3), np.sum(np.abs(whole) ** 2, axis=(-2, -1))


def operand_levels(irreps: Irreps, operands: int) -> Floats:
    """Return E of rank-one blocks of equal length, one for each of `predicted_families`.

    (k!)² d/(2M) · (M/(kd))^k for real type, (k!)² d/M · (M/(2kd))^k otherwise: the largest E
    on the unit sphere among weights of one family. That these are all local maxima is checked by
    ascent for k = 3 on cyclic groups, and not proved.

    Raises
    ------
    ValueError
        If k is not whole and in 2..64.
    """
    check_irreps(irreps)
    _checked_operands(operands)
    order, factor = irreps.group.order, math.factorial(operands) ** 2
    levels = []
    for family in predicted_families(irreps):
        share = 1 if family.type == "real" else 2
        length = order / (share * operands * family.dim)
        levels.append(factor * share * family.dim / (2 * order) * length**operands)
    return np.array(levels)


def _checked_operands(operands: int) -> int:
    count = check_count(operands, "operands", least=2)
    if count > _MOST_OPERANDS:
        raise ValueError(
            f"operands must be at most {_MOST_OPERANDS}, got {count}: (k!)² leaves the range of "
            "float64"
        )
    return count
