"""The predicted maxima of σ = x² on full data: one family a nontrivial irrep or conjugate pair."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups import Irreps, real_families

__all__ = ["PredictedFamily", "predicted_families", "sample_family"]

TYPES = {1: "real", 0: "complex", -1: "quaternionic"}


@dataclass(frozen=True)
class PredictedFamily:
    """A manifold of strict (Morse–Bott) local maxima of E on the unit sphere.

    Parameters
    ----------
    irreps
        (k,), or (k, k̄) for a complex pair.
    dim
        Dimension d of the irrep.
    type
        ``"real"``, ``"complex"`` or ``"quaternionic"``.
    energy
        E*: M/(2d) for real type, M/(4d) otherwise.
    flat_dim
        Dimension of the manifold: 3(d − 1), 6d − 4, 6d − 6.
    steep_dim
        Multiplicity of the Hessian eigenvalue −8E*: d, 2d − 1, 2d − 3; all others are −4E*.
    """

    irreps: tuple[int, ...]
    dim: int
    type: str
    energy: float
    flat_dim: int
    steep_dim: int


def predicted_families(irreps: Irreps) -> tuple[PredictedFamily, ...]:
    """Return the predicted families, in the order of `real_families` without the trivial one.

    References
    ----------
    arXiv:2509.21519, Theorem 2; energies and the quaternionic class corrected
    (docs/decisions/0003).

    Examples
    --------
    >>> from groupfeat.energy import predicted_families
    >>> from groupfeat.groups import irreps, symmetric
    >>> [(family.energy, family.flat_dim) for family in predicted_families(irreps(symmetric(3)))]
    [(3.0, 0), (1.5, 3)]
    """
    order = irreps.group.order
    found = []
    for family in real_families(irreps)[1:]:
        d, kind = irreps[family[0]].dim, TYPES[irreps[family[0]].frobenius_schur]
        flat, steep = {
            "real": (3 * (d - 1), d),
            "complex": (6 * d - 4, 2 * d - 1),
            "quaternionic": (6 * d - 6, 2 * d - 3),
        }[kind]
        level = order / (2 * d) if kind == "real" else order / (4 * d)
        found.append(PredictedFamily(family, d, kind, level, flat, steep))
    return tuple(found)


def sample_family(
    family: PredictedFamily, irreps: Irreps, *, count: int, rng: int | np.random.Generator
) -> NDArray[np.float64]:
    """Return random maxima of ``family``, unit weights of shape (count, 2M).

    a(g) ∝ Re y*ρ(g)*x and b(h) ∝ Re z*ρ(h)*y, so that â ∝ x y* and b̂ ∝ y z*
    (plus the conjugate copy for complex and quaternionic types), with x, y, z
    uniform unit vectors of the type's field and ‖a‖ = ‖b‖.
    """
    generator = np.random.default_rng(rng)
    irrep = irreps[family.irreps[0]]
    matrices = irrep.matrices()

    def draw() -> NDArray[np.inexact[Any]]:
        vectors = generator.standard_normal((count, family.dim))
        if family.type == "real":
            return vectors
        return vectors + 1j * generator.standard_normal((count, family.dim))

    x, y, z = draw(), draw(), draw()
    a = np.einsum("ci,gji,cj->cg", y.conj(), matrices.conj(), x, optimize=True).real
    b = np.einsum("ci,gji,cj->cg", z.conj(), matrices.conj(), y, optimize=True).real
    halves = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (a, b)]
    return np.concatenate(halves, axis=1) / np.sqrt(2)
