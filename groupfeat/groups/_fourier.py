"""Fourier transform on a group, its inverse, convolution, isotypic parts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups._characters import CharacterTable
from groupfeat.groups._finite_group import FiniteGroup
from groupfeat.groups._irreps import Irreps

__all__ = [
    "convolve",
    "fourier_transform",
    "inverse_fourier_transform",
    "isotypic_projector",
    "isotypic_shares",
    "real_families",
]

Array = NDArray[np.inexact[Any]]


def real_families(table: CharacterTable | Irreps) -> tuple[tuple[int, ...], ...]:
    """Return the irreps that share a real isotypic part: (k,), or (k, k̄) for a complex pair.

    Trivial first, in the order of the first member.
    """
    characters = table.table if isinstance(table, Irreps) else table
    pairs = enumerate(characters.conjugate.tolist())
    return tuple((i,) if i == j else (i, j) for i, j in pairs if i <= j)


def fourier_transform(function: ArrayLike, irreps: Irreps) -> list[Array]:
    """Return f̂(k) = Σ_g f(g) ρ_k(g) for every irrep.

    Parameters
    ----------
    function
        Values, shape (..., M).
    irreps
        All irreps of the group.

    Returns
    -------
    list of arrays
        One of shape (..., d_k, d_k) an irrep.
    """
    values = _checked(function, irreps.group.order)
    found: list[Array] = []
    for irrep in irreps:
        flat = irrep.matrices().reshape(irreps.group.order, -1)
        found.append((values @ flat).reshape(*values.shape[:-1], irrep.dim, irrep.dim))
    return found


def inverse_fourier_transform(coefficients: Sequence[ArrayLike], irreps: Irreps) -> Array:
    """Return f(g) = (1/M) Σ_k d_k tr(f̂(k) ρ_k(g)*), shape (..., M), complex unless exactly real."""
    if len(coefficients) != len(irreps):
        raise ValueError(
            f"expected {len(irreps)} coefficients, one an irrep, got {len(coefficients)}"
        )
    order = irreps.group.order
    total: Array = np.zeros(order)
    for irrep, coefficient in zip(irreps, coefficients, strict=True):
        block = np.asarray(coefficient)
        flat = block.reshape(*block.shape[:-2], irrep.dim**2)
        total = total + flat @ irrep.matrices().conj().reshape(order, -1).T * (irrep.dim / order)
    return total


def convolve(first: ArrayLike, second: ArrayLike, group: FiniteGroup) -> Array:
    """Return (a*b)(t) = Σ_{gh=t} a(g) b(h), shape (..., M); its transform is â·b̂."""
    a, b = _checked(first, group.order), _checked(second, group.order)
    # b at g⁻¹t for all t and g.
    return np.einsum("...g,...gt->...t", a, b[..., group.cayley_table[group.inverse]])


def isotypic_projector(
    table: CharacterTable | Irreps, family: Sequence[int]
) -> NDArray[np.float64]:
    """Return the projector on the isotypic part of ``family``: Σ_k (d_k/M) χ_k(g h⁻¹), (M, M).

    ``family`` must be closed under conjugation (an entry of `real_families`, or a union).
    """
    characters = table.table if isinstance(table, Irreps) else table
    chosen = sorted(set(family))
    missing = sorted({int(characters.conjugate[k]) for k in chosen} - set(chosen))
    if missing:
        raise ValueError(f"family {tuple(family)} lacks the conjugate irrep {missing[0]}; add it")
    group = characters.group
    weights = sum(characters.dims[k] * characters.on_elements(k).real for k in chosen)
    ratio = group.cayley_table[:, group.inverse]
    projector: NDArray[np.float64] = np.asarray(weights / group.order)[ratio]
    return projector


def isotypic_shares(functions: ArrayLike, table: CharacterTable | Irreps) -> NDArray[np.float64]:
    """Return the share of ‖f‖² in each entry of `real_families`.

    With irreps through the Fourier transform (Plancherel, one GEMM), with a
    character table alone through Σ_x χ(x) Σ_h f(xh) f(h).

    Parameters
    ----------
    functions
        Real or complex values, shape (..., M).
    table
        `Irreps` or `CharacterTable` of the group.

    Returns
    -------
    ndarray
        Shape (..., number of families); rows sum to 1, or are 0 for f = 0.
    """
    characters = table.table if isinstance(table, Irreps) else table
    order = characters.group.order
    values = _checked(functions, order)
    if isinstance(table, Irreps):
        norms = [
            np.sum(np.abs(block) ** 2, axis=(-2, -1)) * (irrep.dim / order)
            for irrep, block in zip(table, fourier_transform(values, table), strict=True)
        ]
        parts = np.stack(norms, axis=-1)
    else:
        parts = _parts_from_characters(values, characters)
    grouped = np.stack(
        [parts[..., list(family)].sum(-1) for family in real_families(characters)], axis=-1
    )
    total = grouped.sum(-1, keepdims=True)
    return np.divide(grouped, total, out=np.zeros_like(grouped), where=total > 0)


def _parts_from_characters(values: Array, characters: CharacterTable) -> NDArray[np.float64]:
    group = characters.group
    classes = group.conjugacy_classes
    sums = np.zeros((*values.shape[:-1], len(classes)), dtype=np.complex128)
    for x in range(group.order):
        moved = values[..., group.cayley_table[x]]
        sums[..., classes.labels[x]] += np.einsum("...h,...h->...", moved, values.conj())
    weights = characters.values.T.conj() * (characters.dims / group.order)
    parts: NDArray[np.float64] = (sums @ weights.conj()).real
    return np.maximum(parts, 0)


def _checked(function: ArrayLike, order: int) -> Array:
    values = np.asarray(function)
    if values.ndim == 0 or values.shape[-1] != order:
        raise ValueError(f"a function on the group needs shape (..., {order}), got {values.shape}")
    return values if values.dtype.kind in "fc" else values.astype(np.float64)
