"""Networks in closed form that answer every product exactly (σ = x²)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups import Irrep, Irreps, check_irreps, real_families
from groupfeat.training.exact._bilinear import (
    BilinearAlgorithm,
    matrix_product,
    quaternion_product,
    schoolbook_product,
)
from groupfeat.training.exact._quaternionic import quaternion_blocks

__all__ = [
    "EXACT_METHODS",
    "ExactSize",
    "conjugate_network",
    "exact_network",
    "exact_sizes",
    "paper_bound",
]

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Term = tuple[Floats, Floats, Floats]

EXACT_METHODS = ("fewest", "single", "pairs", "schoolbook")
# Nodes (A, B, C) of one complex product, arXiv:2410.01779's z_{ν=i} * z_ξ at ξ = e^{iπ/4}.
_XI = np.exp(0.25j * np.pi)
_FOUR = tuple((a * x, b * y, c) for a, b in ((1, 1), (1j, -1j)) for x, y, c in (
    (1, 1, 1), (_XI, -1j / _XI, 1j)
))  # fmt: skip


def exact_network(irreps: Irreps, *, method: str = "fewest") -> tuple[Floats, Floats]:
    """Return W (2M, K) and V (K, M) with (XW)²V = Y − 1/M on all M² pairs.

    δ(gh = t) − 1/M = (1/M) Σ_{k≠0} d_k χ_k(g h t⁻¹), and χ_k(g h t⁻¹) is a sum of products
    u(g) v(h) z(t). All nodes have norm 1.

    Parameters
    ----------
    irreps
        All irreps of the group.
    method
        ``"schoolbook"``: two nodes [u; ±v] a product, uv = ¼[(u + v)² − (u − v)²]: 2d³ nodes for
        a real or quaternionic irrep (8 real products for one of quaternions), 6d³ for a complex
        pair (3 real products for one of complex numbers). ``"pairs"``: the same with Strassen's
        and Laderman's algorithms where d is even or divisible by three: 14 and 46 nodes for
        d = 2 and 3. ``"single"``: one node [u; v] a product: over the whole schoolbook the
        squares add up to a function of t alone (the rows of ρ(g) and the columns of ρ(h) have
        norm 1), which one constant node takes away: d³ nodes for a real irrep, 2d³ for a
        quaternionic, 4d³ for a complex pair. ``"fewest"``: the smaller of the last two, family
        by family.

    Returns
    -------
    first_layer, second_layer
        Shapes (2M, K) and (K, M).

    Raises
    ------
    ValueError
        If the method is unknown.

    References
    ----------
    arXiv:2509.21519, Theorem 3, asks 2 Σ d_k⁴ complex nodes (`paper_bound`). The four nodes of a
    complex product are the order-4 solution of arXiv:2410.01779.

    Examples
    --------
    >>> from groupfeat.groups import irreps, symmetric
    >>> from groupfeat.training import exact_network
    >>> reps = irreps(symmetric(3))
    >>> [exact_network(reps, method=m)[0].shape[1] for m in ("schoolbook", "pairs", "single")]
    [18, 16, 10]
    """
    check_irreps(irreps)
    if method not in EXACT_METHODS:
        raise ValueError(f"unknown method {method!r}; known: {', '.join(EXACT_METHODS)}")
    order = irreps.group.order
    columns, rows, bias = [], [], np.zeros(order)
    for family in real_families(irreps)[1:]:
        irrep = irreps[family[0]]
        scale = irrep.dim * len(family) / order
        road = _cheapest(irrep) if method == "fewest" else method
        for a, b, row in _nodes(irrep, road):
            length = np.sqrt(a @ a + b @ b)
            columns.append(np.concatenate([a, b]) / length)
            rows.append(scale * length**2 * row)
            if road == "single":  # what the squares leave: their means over g and h
                bias -= scale * (a @ a + b @ b) / order * row
    if np.any(np.abs(bias) > 0):
        columns.append(np.full(2 * order, 1 / np.sqrt(2 * order)))
        rows.append(bias * order / 2)
    if not columns:
        return np.zeros((2 * order, 0)), np.zeros((0, order))
    return np.stack(columns, axis=1), np.stack(rows)


def paper_bound(irreps: Irreps) -> int:
    """Return 2 Σ_{k≠0} d_k⁴, the complex nodes that Theorem 3 of arXiv:2509.21519 asks for."""
    check_irreps(irreps)
    return int(2 * sum(irrep.dim**4 for irrep in irreps if not irrep.is_trivial))


@dataclass(frozen=True)
class ExactSize:
    """Numbers of nodes of the exact networks of one group.

    Parameters
    ----------
    schoolbook, pairs, single, fewest
        Real nodes by method of `exact_network`, the constant node included.
    conjugate
        Complex nodes of `conjugate_network`.
    paper
        2 Σ d_k⁴, `paper_bound`.
    """

    schoolbook: int
    pairs: int
    single: int
    fewest: int
    conjugate: int
    paper: int


def exact_sizes(irreps: Irreps) -> ExactSize:
    """Return the numbers of nodes without building the networks."""
    check_irreps(irreps)
    chosen = [irreps[family[0]] for family in real_families(irreps)[1:]]
    bias = int(bool(chosen))

    def total(method: str) -> int:
        return sum(_count(irrep, method) for irrep in chosen)

    roads = [_cheapest(irrep) for irrep in chosen]
    fewest = sum(map(_count, chosen, roads)) + int("single" in roads)
    conjugate = sum(2 * irrep.dim**3 for irrep in irreps if not irrep.is_trivial)
    return ExactSize(
        total("schoolbook"),
        total("pairs"),
        total("single") + bias,
        fewest,
        conjugate,
        paper_bound(irreps),
    )


def conjugate_network(irreps: Irreps) -> tuple[Complexes, Complexes]:
    """Return complex W and V of nodes [u; ±Pū] alone with (XW)²V = Y − 1/M, (Pū)(h) = ū(h⁻¹).

    With u_X(g) = tr Xρ(g), Pū_X(h) = tr X*ρ(h), and XY* is a combination of the squares of X + Y,
    X + iY, X and Y. Only X = E_rp, Y = E_rq are needed: of the 2d⁴ nodes of the paper's
    construction 2d³ get a row of V.

    References
    ----------
    arXiv:2509.21519, Theorem 3, with the conjugate ū that the printed [u; ±Pu] lacks: the sum is
    real for real irreps only.
    """
    check_irreps(irreps)
    group = irreps.group
    columns, rows = [], []
    for irrep in irreps[1:]:
        rho = irrep.matrices().astype(np.complex128)
        scale = irrep.dim / (4 * group.order)
        for u, row in _squares_of_functions(rho):
            v = u.conj()[group.inverse]
            for sign in (1, -1):
                columns.append(np.concatenate([u, sign * v]))
                rows.append(sign * scale * row)
    if not columns:
        return np.zeros((2 * group.order, 0), complex), np.zeros((0, group.order), complex)
    return np.stack(columns, axis=1), np.stack(rows)


def _squares_of_functions(rho: Complexes) -> Iterator[tuple[Complexes, Complexes]]:
    """Yield u, z with Σ u(g) ū(h⁻¹) z(t) = tr ρ(g)ρ(h)ρ(t)*."""
    dim = rho.shape[1]
    for r in range(dim):
        diagonal = rho[:, np.arange(dim), np.arange(dim)].conj()
        for p in range(dim):
            for q in range(p):
                x, y, z, mirrored = (
                    rho[:, p, r],
                    rho[:, q, r],
                    rho[:, p, q].conj(),
                    rho[:, q, p].conj(),
                )
                # XY* = ½[(X+Y)² + i(X+iY)² − (1+i)(X² + Y²)], YX* its adjoint.
                yield x + y, (z + mirrored) / 2
                yield x + 1j * y, 0.5j * (z - mirrored)
                rest = (1 + 1j) / 2 * z + (1 - 1j) / 2 * mirrored
                diagonal[:, p] -= rest
                diagonal[:, q] -= rest
        for p in range(dim):
            yield rho[:, p, r], diagonal[:, p]


def _count(irrep: Irrep, method: str) -> int:
    kind, d = irrep.frobenius_schur, irrep.dim
    blocks = d // 2 if kind == -1 else d
    if method == "single":
        return {1: 1, 0: 4, -1: 16}[kind] * blocks**3
    rank = blocks**3 if method == "schoolbook" else matrix_product(blocks).rank
    return {1: 2, 0: 6, -1: 16}[kind] * rank


def _cheapest(irrep: Irrep) -> str:
    return min(("single", "pairs"), key=lambda method: _count(irrep, method))


def _nodes(irrep: Irrep, method: str) -> Iterator[Term]:
    """Yield a, b and the row of V with Re χ(g h t⁻¹) = Σ (a(g) + b(h))² row(t) − f(t)."""
    kind = irrep.frobenius_schur
    size = irrep.dim // 2 if kind == -1 else irrep.dim
    product = matrix_product(size) if method == "pairs" else schoolbook_product(size)
    if method == "single":
        roads = {1: _single_real, 0: _single_complex, -1: _single_quaternionic}
        yield from roads[kind](irrep, product)
        return
    pairs = {1: _real_terms, 0: _complex_terms, -1: _quaternionic_terms}
    for u, v, z in pairs[kind](irrep, product):
        balance = np.sqrt(np.linalg.norm(v) / np.linalg.norm(u))
        for sign in (0.25, -0.25):
            yield u * balance, np.sign(sign) * v / balance, sign * z


def _applied(irrep: Irrep, product: BilinearAlgorithm) -> Iterator[tuple[NDArray[Any], ...]]:
    """Yield u, v, z̄ with tr ρ(g)ρ(h)ρ(t)* = Σ u(g) v(h) z̄(t)."""
    rho = irrep.matrices()
    sides = (rho, rho, rho.conj())
    for factors in zip(product.left, product.right, product.out, strict=True):
        yield tuple(np.tensordot(m, f, 2) for m, f in zip(sides, factors, strict=True))


def _real_terms(irrep: Irrep, product: BilinearAlgorithm) -> Iterator[Term]:
    for u, v, z in _applied(irrep, product):
        yield u.real, v.real, z.real


def _complex_terms(irrep: Irrep, product: BilinearAlgorithm) -> Iterator[Term]:
    """Write Re(x y z̄) with Gauss's three products: Re xy = k₁ − k₃, Im xy = k₁ + k₂."""
    for x, y, z in _applied(irrep, product):
        a, b, c, d = x.real, x.imag, y.real, y.imag
        yield a + b, c, z.real - z.imag
        yield a, d - c, -z.imag
        yield b, c + d, -z.real


def _quaternionic_terms(irrep: Irrep, product: BilinearAlgorithm) -> Iterator[Term]:
    blocks, inner = quaternion_blocks(irrep), quaternion_product()
    for left, right, out in zip(product.left, product.right, product.out, strict=True):
        x, y, z = (np.einsum("gpqc,pq->gc", blocks, factor) for factor in (left, right, out))
        for a, b, c in zip(inner.left, inner.right, inner.out, strict=True):
            yield x @ a, y @ b, 2 * (z @ c)


def _single_real(irrep: Irrep, product: BilinearAlgorithm) -> Iterator[Term]:
    for u, v, z in _real_terms(irrep, product):
        yield u, v, z / 2


def _single_complex(irrep: Irrep, product: BilinearAlgorithm) -> Iterator[Term]:
    for x, y, z in _applied(irrep, product):
        for a, b, c in _FOUR:
            yield (a * x).real, (b * y).real, (c * z).real / 2


def _single_quaternionic(irrep: Irrep, product: BilinearAlgorithm) -> Iterator[Term]:
    """Sixteen products of components; the sign of each goes into b, so that the squares agree."""
    blocks = quaternion_blocks(irrep)
    for left, right, out in zip(product.left, product.right, product.out, strict=True):
        x, y, z = (np.einsum("gpqc,pq->gc", blocks, factor) for factor in (left, right, out))
        for i in range(4):
            for j in range(4):
                k, sign = i ^ j, _SIGNS[i][j]
                yield x[:, i], sign * y[:, j], z[:, k]


# e_i e_j = ± e_{i xor j} for the units 1, i, j, k.
_SIGNS = ((1, 1, 1, 1), (1, -1, 1, -1), (1, -1, -1, 1), (1, 1, -1, -1))
