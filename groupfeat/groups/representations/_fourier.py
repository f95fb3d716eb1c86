"""Fourier transform on a group, its inverse, convolution, isotypic parts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups.characters._character_table import CharacterTable
from groupfeat.groups.representations._irreps import Irrep, Irreps
from groupfeat.groups.representations._kinds import check_irreps
from groupfeat.groups.table._arguments import number_array, whole_number
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = [
    "convolve",
    "fourier_transform",
    "inverse_fourier_transform",
    "isotypic_projector",
    "isotypic_shares",
    "real_families",
]

Array = NDArray[np.inexact[Any]]
# Below so many functions at once the orbits are faster than all the matrices (measured).
_FEW = 12
_ENTRIES = 1 << 20
"""Values of b that `convolve` gathers at once."""


def real_families(table: CharacterTable | Irreps) -> tuple[tuple[int, ...], ...]:
    """Return the irreps that share a real isotypic part: (k,), or (k, k̄) for a complex pair.

    Trivial first, in the order of the first member.
    """
    characters = table.table if isinstance(table, Irreps) else table
    pairs = enumerate(characters.conjugate.tolist())
    return tuple((i,) if i == j else (i, j) for i, j in pairs if i <= j)


def fourier_transform(function: ArrayLike, irreps: Irreps) -> list[Array]:
    """Return f̂(k) = Σ_g f(g) ρ_k(g) for every irrep.

    Abelian groups through the FFT, O(M log M) a function; others O(M²) by BLAS.

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
    check_irreps(irreps)
    values = _checked(function, irreps.group.order)
    if irreps.group.is_abelian:
        spectrum = irreps.group.cyclic_factors.transform(values)
        ordered = spectrum[..., irreps.table.frequencies]
        return [ordered[..., k, None, None] for k in range(len(irreps))]
    transform = _transform_few if values.size < _FEW * values.shape[-1] else _transform_many
    return [transform(values, irrep) for irrep in irreps]


def inverse_fourier_transform(coefficients: Sequence[ArrayLike], irreps: Irreps) -> Array:
    """Return f(g) = (1/M) Σ_k d_k tr(f̂(k) ρ_k(g)*), shape (..., M), complex unless exactly real.

    Abelian groups through the FFT, and always complex.
    """
    check_irreps(irreps)
    if len(coefficients) != len(irreps):
        raise ValueError(
            f"expected {len(irreps)} coefficients, one an irrep, got {len(coefficients)}"
        )
    blocks = [number_array(c, f"coefficient {k}") for k, c in enumerate(coefficients)]
    for irrep, block in zip(irreps, blocks, strict=True):
        if block.shape[-2:] != (irrep.dim, irrep.dim):
            raise ValueError(
                f"coefficient {irrep.index} needs shape (..., {irrep.dim}, {irrep.dim}), "
                f"got {block.shape}"
            )
    if irreps.group.is_abelian:
        ordered = np.stack([block[..., 0, 0] for block in blocks], axis=-1).astype(np.complex128)
        spectrum = np.empty_like(ordered)
        spectrum[..., irreps.table.frequencies] = ordered
        return irreps.group.cyclic_factors.inverse_transform(spectrum)
    few = blocks[0].size < _FEW
    invert = _invert_few if few else _invert_many
    total: Array = np.zeros(irreps.group.order)
    for irrep, block in zip(irreps, blocks, strict=True):
        total = total + invert(block, irrep) * (irrep.dim / irreps.group.order)
    return total


def convolve(first: ArrayLike, second: ArrayLike, group: FiniteGroup) -> Array:
    """Return (a*b)(t) = Σ_{gh=t} a(g) b(h), shape (..., M); its transform is â·b̂.

    Raises
    ------
    ValueError
        If the functions are not on the group, or their batches do not go together.
    """
    a, b = _checked(first, group.order), _checked(second, group.order)
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError as error:
        raise ValueError(f"cannot convolve functions of shapes {a.shape} and {b.shape}") from error
    if group.is_abelian:
        factors = group.cyclic_factors
        found = factors.inverse_transform(factors.transform(a) * factors.transform(b))
        return found.real if np.isrealobj(a) and np.isrealobj(b) else found
    ratio = group.cayley_table[group.inverse]
    total: Array = np.zeros(shape, dtype=np.result_type(a, b))
    step = max(1, _ENTRIES // max(b.size, 1))
    for first_row in range(0, group.order, step):
        some = slice(first_row, first_row + step)
        # b at g⁻¹t for all t and some g.
        total += np.einsum("...g,...gt->...t", a[..., some], b[..., ratio[some]])
    return total


def isotypic_projector(
    table: CharacterTable | Irreps, family: Sequence[int]
) -> NDArray[np.float64]:
    """Return the projector on the isotypic part of ``family``: Σ_k (d_k/M) χ_k(g h⁻¹), (M, M).

    ``family`` must be closed under conjugation (an entry of `real_families`, or a union).
    """
    characters = table.table if isinstance(table, Irreps) else table
    chosen = sorted({whole_number(k, "an irrep of a family") for k in family})
    outside = [k for k in chosen if k not in range(len(characters))]
    if outside or not chosen:
        raise ValueError(f"a family must be irreps 0..{len(characters) - 1}, got {tuple(family)}")
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

    Raises
    ------
    ValueError
        If the values are not finite, or no functions on the group.
    """
    characters = table.table if isinstance(table, Irreps) else table
    order = characters.group.order
    values = _checked(functions, order)
    if not np.isfinite(values).all():
        raise ValueError("functions have no shares where their values are not finite")
    largest = np.abs(values).max(axis=-1, keepdims=True)
    # Squares of the scaled values neither overflow nor vanish.
    values = values / np.where(largest > 0, largest, 1)
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


def _transform_few(values: Array, irrep: Irrep) -> Array:
    """Return Σ_g f(g)[u_{g x_1} …]B⁻¹, column j as Σ_y f(y x_j⁻¹) u_y: no matrix is formed."""
    group = irrep.group
    moved = group.cayley_table[:, group.inverse[irrep.pivots]].T
    columns = values[..., moved] @ irrep.orbit
    return columns.swapaxes(-1, -2) @ irrep.basis_inverse


def _transform_many(values: Array, irrep: Irrep) -> Array:
    flat = irrep.matrices().reshape(irrep.group.order, -1)
    return (values @ flat).reshape(*values.shape[:-1], irrep.dim, irrep.dim)


def _invert_few(block: Array, irrep: Irrep) -> Array:
    """Return tr(C ρ(g)*) as Σ_j ⟨u_{g x_j}, (C B⁻ᴴ)_j⟩, shape (..., M)."""
    products = irrep.orbit.conj() @ (block @ irrep.basis_inverse.conj().T)
    moved = irrep.group.cayley_table[:, irrep.pivots]
    return products[..., moved, np.arange(irrep.dim)].sum(axis=-1)


def _invert_many(block: Array, irrep: Irrep) -> Array:
    flat = block.reshape(*block.shape[:-2], irrep.dim**2)
    return flat @ irrep.matrices().conj().reshape(irrep.group.order, -1).T


def _parts_from_characters(values: Array, characters: CharacterTable) -> NDArray[np.float64]:
    group = characters.group
    if group.is_abelian:
        spectrum = group.cyclic_factors.transform(values)[..., characters.frequencies]
        return np.abs(spectrum) ** 2 / group.order
    classes = group.conjugacy_classes
    sums = np.zeros((*values.shape[:-1], len(classes)), dtype=np.complex128)
    for x in range(group.order):
        moved = values[..., group.cayley_table[x]]
        sums[..., classes.labels[x]] += np.einsum("...h,...h->...", moved, values.conj())
    weights = characters.values.T.conj() * (characters.dims / group.order)
    parts: NDArray[np.float64] = (sums @ weights.conj()).real
    return np.maximum(parts, 0)


def _checked(function: ArrayLike, order: int) -> Array:
    values = number_array(function, "a function on the group")
    if values.ndim == 0 or values.shape[-1] != order:
        raise ValueError(f"a function on the group needs shape (..., {order}), got {values.shape}")
    return values if values.dtype.kind in "fc" else values.astype(np.float64)
