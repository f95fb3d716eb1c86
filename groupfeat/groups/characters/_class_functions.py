"""Class functions: multiplicities, tensor products, squares, kernels, induction, restriction.

A class function is its array of values on the k classes, shape (..., k), in
the order of ``group.conjugacy_classes``; a row of a character table is one.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups.characters._character_table import CharacterTable
from groupfeat.groups.table._arguments import number_array
from groupfeat.groups.table._checks import checked_elements
from groupfeat.groups.table._element_orders import powers_of
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = [
    "character_center",
    "character_kernel",
    "exterior_square",
    "induced_character",
    "multiplicities",
    "power_map",
    "restricted_character",
    "symmetric_square",
]

_TOLERANCE = 1e-6


def power_map(group: FiniteGroup, exponent: int) -> NDArray[np.intp]:
    """Return the class of gⁿ for each class of g, shape (k,); n may be negative."""
    classes = group.conjugacy_classes
    powers = powers_of(group.cayley_table, classes.representatives, exponent % group.exponent)
    return classes.labels[powers]


def multiplicities(character: ArrayLike, table: CharacterTable) -> NDArray[np.intp]:
    """Return how often each irrep occurs, ⟨χ, χ_k⟩, shape (..., k).

    Raises
    ------
    ValueError
        If some ⟨χ, χ_k⟩ is no whole number ≥ 0: the values are no character.

    Examples
    --------
    >>> from groupfeat.groups import character_table, multiplicities, symmetric
    >>> table = character_table(symmetric(4))
    >>> multiplicities(table.values[3] ** 2, table).tolist()
    [1, 0, 1, 1, 1]
    """
    values = _checked(character, table.group)
    inner = values * table.group.conjugacy_classes.sizes @ table.values.conj().T / table.group.order
    whole = np.rint(inner.real)
    broken = np.argwhere(~((np.abs(inner - whole) < _TOLERANCE) & (whole >= 0)))
    if len(broken):
        *place, k = (int(i) for i in broken[0])
        raise ValueError(
            f"expected a character, but irrep {k} would occur {inner[(*place, k)]:.4f} times"
        )
    return whole.astype(np.intp)


def symmetric_square(character: ArrayLike, group: FiniteGroup) -> NDArray[Any]:
    """Return (χ(g)² + χ(g²))/2, shape (..., k): the character of Sym² ρ."""
    values = _checked(character, group)
    return (values**2 + values[..., power_map(group, 2)]) / 2


def exterior_square(character: ArrayLike, group: FiniteGroup) -> NDArray[Any]:
    """Return (χ(g)² − χ(g²))/2, shape (..., k): the character of Λ² ρ."""
    values = _checked(character, group)
    return (values**2 - values[..., power_map(group, 2)]) / 2


def character_kernel(character: ArrayLike, group: FiniteGroup) -> NDArray[np.intp]:
    """Return the elements with χ(g) = χ(1), sorted: the kernel of ρ."""
    values = _checked(character, group, stacked=False)
    return np.flatnonzero((np.abs(values - values[0]) < _TOLERANCE)[group.conjugacy_classes.labels])


def character_center(character: ArrayLike, group: FiniteGroup) -> NDArray[np.intp]:
    """Return the elements with |χ(g)| = χ(1), sorted: those that ρ sends to scalars."""
    values = np.abs(_checked(character, group, stacked=False))
    return np.flatnonzero((np.abs(values - values[0]) < _TOLERANCE)[group.conjugacy_classes.labels])


def restricted_character(
    character: ArrayLike, group: FiniteGroup, subgroup: Sequence[int] | NDArray[np.intp]
) -> NDArray[Any]:
    """Return χ on the elements of a subgroup, in the order given, shape (..., |H|)."""
    elements = checked_subgroup(group, subgroup)
    return _checked(character, group)[..., group.conjugacy_classes.labels[elements]]


def induced_character(
    character: ArrayLike, group: FiniteGroup, subgroup: Sequence[int] | NDArray[np.intp]
) -> NDArray[Any]:
    """Return ψ↑G(g) = (|C_G(g)|/|H|) Σ_{h ∈ H, h ~ g} ψ(h), shape (..., k).

    Parameters
    ----------
    character
        ψ on the elements of the subgroup H, shape (..., |H|), in their order.
    group
        The group G.
    subgroup
        All elements of H.

    Raises
    ------
    ValueError
        If the elements are no subgroup, or ψ has another length.

    References
    ----------
    J.-P. Serre, Linear Representations of Finite Groups, §7.2.
    """
    elements = checked_subgroup(group, subgroup)
    values = number_array(character, "a class function")
    if values.ndim == 0 or values.shape[-1] != len(elements):
        raise ValueError(f"expected values of shape (..., {len(elements)}), got {values.shape}")
    classes = group.conjugacy_classes
    fused = np.zeros((len(elements), len(classes)))
    fused[np.arange(len(elements)), classes.labels[elements]] = 1
    return values @ fused * (group.order / classes.sizes / len(elements))


def _checked(character: ArrayLike, group: FiniteGroup, *, stacked: bool = True) -> NDArray[Any]:
    values, count = number_array(character, "a class function"), len(group.conjugacy_classes)
    if values.ndim == 0 or values.shape[-1] != count or (values.ndim > 1 and not stacked):
        shape = f"(..., {count})" if stacked else f"({count},)"
        raise ValueError(f"expected one value a class, shape {shape}, got {values.shape}")
    return values


def checked_subgroup(
    group: FiniteGroup, subgroup: Sequence[int] | NDArray[np.intp]
) -> NDArray[np.intp]:
    elements = checked_elements(subgroup, group.order, group.name)
    closed = group.subgroup(elements.tolist())
    if not np.array_equal(np.sort(elements), closed):
        raise ValueError(
            f"the {len(elements)} elements are no subgroup (they generate {len(closed)}); "
            "pass group.subgroup(elements)"
        )
    return elements
