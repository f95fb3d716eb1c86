"""Matrix representations: made from others, or decomposed into irreps with the change of basis.

A representation of degree n is an array of matrices, one an element of the
group in its order, shape (M, n, n); it need be neither unitary nor irreducible.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups.characters._class_functions import checked_subgroup, multiplicities
from groupfeat.groups.representations._irreps import Irreps
from groupfeat.groups.representations._kinds import check_irreps
from groupfeat.groups.table._arguments import number_array
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = [
    "Decomposition",
    "Summand",
    "decompose",
    "induced_representation",
    "permutation_representation",
    "regular_representation",
    "representation_from_generators",
    "tensor_product",
]

Matrix = NDArray[np.inexact[Any]]
_TOLERANCE = 1e-7


@dataclass(frozen=True)
class Summand:
    """One copy of irrep ``irrep`` on the basis vectors ``columns`` of the change of basis."""

    irrep: int
    columns: slice


@dataclass(frozen=True, eq=False)
class Decomposition:
    """D(g) = T B(g) T⁻¹ with B(g) block diagonal, one block an irrep.

    Parameters
    ----------
    multiplicities
        How often each irrep occurs, shape (k,).
    basis
        T, shape (n, n); unitary where D is, real where D and all its irreps are.
    summands
        The blocks, in the order of the columns of T.
    error
        Certificate: largest ‖D(s)T − T B(s)‖_F / ‖D(s)T‖_F over the generators s.
    """

    multiplicities: NDArray[np.intp]
    basis: Matrix = field(repr=False)
    summands: tuple[Summand, ...] = field(repr=False)
    error: float


def decompose(matrices: ArrayLike, irreps: Irreps) -> Decomposition:
    """Split a representation into irreps and return the change of basis.

    The images of P_j1 = (d/M) Σ_g conj(ρ(g)_j1) D(g), j = 1 … d, are the j-th
    basis vectors of all copies of ρ: an orthonormal basis of the image of P_11
    is carried along by P_21 … P_d1.

    Parameters
    ----------
    matrices
        D, shape (M, n, n), real or complex, any invertible matrices.
    irreps
        All irreps of the group.

    Raises
    ------
    ValueError
        If D is no homomorphism; the first pair of elements that breaks it is named.

    References
    ----------
    J.-P. Serre, Linear Representations of Finite Groups, §2.7.

    Examples
    --------
    >>> from groupfeat.groups import decompose, irreps, permutation_representation, symmetric
    >>> group = symmetric(4)
    >>> found = decompose(permutation_representation([[0, 1, 2, 3]] * 24, group), irreps(group))
    >>> found.multiplicities.tolist(), found.error < 1e-12
    ([4, 0, 0, 0, 0], True)
    """
    check_irreps(irreps)
    group = irreps.group
    given = checked_representation(matrices, group)
    traces = np.trace(given, axis1=1, axis2=2)[group.conjugacy_classes.representatives]
    counts = multiplicities(traces, irreps.table)
    blocks, summands, start = [], [], 0
    for k in np.flatnonzero(counts).tolist():
        dim = irreps[k].dim
        blocks.append(_copies(given, irreps[k].matrices(), int(counts[k])))
        for _ in range(int(counts[k])):
            summands.append(Summand(k, slice(start, start + dim)))
            start += dim
    basis = np.concatenate(blocks, axis=1)
    error = _residual(given, basis, tuple(summands), irreps)
    return Decomposition(counts, basis, tuple(summands), error)


def representation_from_generators(images: ArrayLike, group: FiniteGroup) -> Matrix:
    """Return D(g) for all g from the images of ``group.generators``, shape (M, n, n).

    Raises
    ------
    ValueError
        If the images do not extend to a homomorphism.
    """
    given = _float(images, "images of generators")
    count = len(group.generators)
    if given.ndim != 3 or given.shape[0] != count or given.shape[1] != given.shape[2]:
        raise ValueError(
            f"expected one image a generator, shape ({count}, n, n), got {given.shape}"
        )
    found = np.zeros((group.order, *given.shape[1:]), dtype=given.dtype)
    found[0] = np.eye(given.shape[1])
    known = np.zeros(group.order, dtype=bool)
    known[0] = True
    layer = np.zeros(1, dtype=np.intp)
    while len(layer):
        fresh = []
        for s, image in zip(group.generators, given, strict=True):
            targets, first = np.unique(group.cayley_table[layer, s], return_index=True)
            new = ~known[targets]
            found[targets[new]] = found[layer[first[new]]] @ image
            known[targets] = True
            fresh.append(targets[new].astype(np.intp))
        layer = np.concatenate([*fresh, layer[:0]])
    return checked_representation(found, group)


def permutation_representation(action: ArrayLike, group: FiniteGroup) -> NDArray[np.float64]:
    """Return the permutation matrices e_i ↦ e_{g·i} of an action (M, n) on n points.

    ``action[g, i]`` is g·i, with (gh)·i = g·(h·i).

    Raises
    ------
    ValueError
        If the rows are no permutations or the action is no homomorphism.
    """
    points = number_array(action, "an action", whole=True)
    if points.ndim != 2 or len(points) != group.order:
        raise ValueError(f"expected integers of shape ({group.order}, n), got {points.shape}")
    degree = points.shape[1]
    broken = np.flatnonzero((np.sort(points, axis=1) != np.arange(degree)).any(axis=1))
    if len(broken):
        raise ValueError(f"row {broken[0]} is no permutation of 0..{degree - 1}")
    matrices = np.zeros((group.order, degree, degree))
    rows = np.arange(group.order)[:, None]
    matrices[rows, points, np.arange(degree)] = 1
    checked_representation(matrices, group)
    return matrices


def regular_representation(group: FiniteGroup) -> NDArray[np.float64]:
    """Return the matrices e_h ↦ e_{gh}, shape (M, M, M)."""
    return permutation_representation(group.cayley_table, group)


def tensor_product(first: ArrayLike, second: ArrayLike) -> Matrix:
    """Return D₁(g) ⊗ D₂(g), shape (M, n₁n₂, n₁n₂)."""
    a, b = (_float(given, "representations") for given in (first, second))
    are_square = all(x.ndim == 3 and x.shape[1] == x.shape[2] for x in (a, b))
    if not are_square or len(a) != len(b):
        raise ValueError(f"expected shapes (M, n, n) of one group, got {a.shape} and {b.shape}")
    size = a.shape[1] * b.shape[1]
    found: Matrix = np.einsum("gij,gkl->gikjl", a, b).reshape(len(a), size, size)
    return found


def induced_representation(
    matrices: ArrayLike, group: FiniteGroup, subgroup: Sequence[int] | NDArray[np.intp]
) -> Matrix:
    """Return D↑G: the block (i, j) at g is D(t_i⁻¹ g t_j) if that lies in H, else 0.

    The t_i are the least elements of the cosets tH. (To restrict D to H is to
    take the rows: ``D[subgroup]``.)

    Parameters
    ----------
    matrices
        D on the elements of H in their order, shape (|H|, n, n).
    group
        The group G.
    subgroup
        All elements of H.

    Returns
    -------
    ndarray
        Shape (M, n·|G:H|, n·|G:H|).
    """
    elements = checked_subgroup(group, subgroup)
    given = _float(matrices, "matrices")
    if given.ndim != 3 or len(given) != len(elements) or given.shape[1] != given.shape[2]:
        raise ValueError(f"expected shape ({len(elements)}, n, n), got {given.shape}")
    table, n = group.cayley_table, given.shape[1]
    representatives = np.unique(table[:, elements].min(axis=1)).astype(np.intp)
    place = np.full(group.order, -1)
    place[elements] = np.arange(len(elements))
    moved = table[:, representatives]
    inner = place[table[group.inverse[representatives][None, :, None], moved[:, None, :]]]
    found = np.zeros((group.order, len(representatives), n, len(representatives), n), given.dtype)
    g, i, j = np.nonzero(inner >= 0)
    found[g, i, :, j, :] = given[inner[g, i, j]]
    size = n * len(representatives)
    return checked_representation(found.reshape(group.order, size, size), group)


def checked_representation(matrices: ArrayLike, group: FiniteGroup) -> Matrix:
    """Return ``matrices`` as floats if D(s)D(g) = D(sg) for all g and generators s, else raise."""
    given = _float(matrices, "matrices")
    if given.ndim != 3 or len(given) != group.order or not 0 < given.shape[1] == given.shape[2]:
        raise ValueError(
            f"expected one square matrix an element, shape ({group.order}, n, n), got {given.shape}"
        )
    if not np.isfinite(given).all():
        raise ValueError("the matrices hold values that are not finite")
    if np.abs(given[0] - np.eye(given.shape[1])).max() > _TOLERANCE:
        raise ValueError("the identity must have the identity matrix")
    for s in group.generators:
        wanted = given[group.cayley_table[s]]
        scale = 1 + np.abs(wanted).max()
        wrong = np.abs(given[s] @ given - wanted).max(axis=(1, 2)) > _TOLERANCE * scale
        if wrong.any():
            g = int(np.argmax(wrong))
            raise ValueError(
                f"no homomorphism: D({s})D({g}) is not D({group.cayley_table[s, g]}), "
                f"the matrix of the product"
            )
    return given


def _copies(given: Matrix, rho: Matrix, count: int) -> Matrix:
    """Return columns (n, count·d): for each copy of ρ its d basis vectors."""
    order, dim = rho.shape[0], rho.shape[1]
    flat = given.reshape(order, -1)
    first_column = rho[:, :, 0].conj().T * (dim / order)
    operators = (first_column @ flat).reshape(dim, *given.shape[1:])
    starts = np.linalg.svd(operators[0])[0][:, :count]
    # P_11 fixes its image; the others carry it to the remaining rows of ρ.
    carried = operators @ starts
    return carried.transpose(1, 2, 0).reshape(given.shape[1], count * dim)


def _residual(given: Matrix, basis: Matrix, summands: tuple[Summand, ...], irreps: Irreps) -> float:
    worst = 0.0
    for s in irreps.group.generators or (0,):
        moved = given[s] @ basis
        rest = moved.copy()
        for block in summands:
            rest[:, block.columns] -= basis[:, block.columns] @ irreps[block.irrep].matrices([s])[0]
        worst = max(worst, float(np.linalg.norm(rest) / np.linalg.norm(moved)))
    return worst


def _float(values: ArrayLike, what: str) -> Matrix:
    array = number_array(values, what)
    return array if array.dtype.kind in "fc" else array.astype(np.float64)
