"""Networks in closed form that answer every product exactly (σ = x²)."""

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file

from groupfeat.groups import Irrep, Irreps, real_families

__all__ = ["exact_network", "paper_bound", "save_layers"]

Floats = NDArray[np.float64]
Term = tuple[Floats, Floats, Floats]


def exact_network(irreps: Irreps) -> tuple[Floats, Floats]:
    """Return W (2M, K) and V (K, M) with (XW)²V = Y − 1/M on all M² pairs.

    δ(gh = t) − 1/M = (1/M) Σ_{k≠0} d_k χ_k(g h t⁻¹), and every entry of ρ(g)ρ(h) is a sum of
    products u(g)v(h) = ¼[(u + v)² − (u − v)²]: two nodes [u; ±v] each, scaled to norm 1.
    A real irrep takes d³ products, so 2d³ nodes; a complex pair 3d³ (three real products for
    one of complex numbers), so 6d³ for both members. A quaternionic irrep is treated like one
    complex irrep, 6d³ nodes: its structure would allow fewer.

    Parameters
    ----------
    irreps
        All irreps of the group.

    Returns
    -------
    first_layer, second_layer
        Shapes (2M, K) and (K, M).

    References
    ----------
    arXiv:2509.21519, Theorem 3, asks 2 Σ d_k⁴ complex nodes (`paper_bound`).
    """
    order = irreps.group.order
    columns: list[Floats] = []
    rows: list[Floats] = []
    for family in real_families(irreps)[1:]:
        irrep = irreps[family[0]]
        scale = irrep.dim * len(family) / order
        for u, v, t in _terms(irrep):
            length = np.sqrt(u @ u + v @ v)
            for sign in (1.0, -1.0):
                columns.append(np.concatenate([u, sign * v]) / length)
                rows.append(sign * scale * length**2 / 4 * t)
    if not columns:
        return np.zeros((2 * order, 0)), np.zeros((0, order))
    return np.stack(columns, axis=1), np.stack(rows)


def paper_bound(irreps: Irreps) -> int:
    """Return 2 Σ_{k≠0} d_k⁴, the nodes that Theorem 3 of arXiv:2509.21519 asks for."""
    return int(2 * sum(irrep.dim**4 for irrep in irreps if not irrep.is_trivial))


def _terms(irrep: Irrep) -> Iterator[Term]:
    """Yield u, v, t with Re tr(ρ(g)ρ(h)ρ(t)*) = Σ u(g) v(h) t(t)."""
    matrices = irrep.matrices()
    for p, r, q in product(range(irrep.dim), repeat=3):
        x, y, z = matrices[:, p, r], matrices[:, r, q], matrices[:, p, q]
        if irrep.frobenius_schur == 1:
            yield x.real, y.real, z.real
        else:
            yield from _complex_terms(x, y, z)


def _complex_terms(x: NDArray[Any], y: NDArray[Any], z: NDArray[Any]) -> Iterator[Term]:
    """Write Re(x y z̄) with Gauss's three products: Re xy = k₁ − k₃, Im xy = k₁ + k₂."""
    a, b, c, d = x.real, x.imag, y.real, y.imag
    found = ((a + b, c, z.real + z.imag), (a, d - c, z.imag), (b, c + d, -z.real))
    for u, v, t in found:
        if np.any(u) and np.any(v) and np.any(t):
            yield u, v, t


def save_layers(path: str | Path, first_layer: Floats, second_layer: Floats) -> Path:
    """Write W and V to a ``.npz`` or ``.safetensors`` file, whole or not at all.

    Raises
    ------
    ValueError
        If the name ends otherwise or the file cannot be written.
    """
    file = Path(path)
    arrays = {"W": np.ascontiguousarray(first_layer), "V": np.ascontiguousarray(second_layer)}
    part = file.with_name(f".{file.name}.part")
    try:
        if file.suffix == ".safetensors":
            save_file(arrays, part)
        elif file.suffix == ".npz":
            with part.open("wb") as stream:
                np.savez(stream, allow_pickle=False, **arrays)
        else:
            raise ValueError(f"expected a name in .npz or .safetensors, got {file.name!r}")
        os.replace(part, file)
    except (OSError, SafetensorError) as error:
        raise ValueError(f"cannot write {str(file)!r}: {error}") from error
    finally:
        with suppress(OSError):
            part.unlink()
    return file
