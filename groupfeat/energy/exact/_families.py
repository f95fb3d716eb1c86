"""The maxima of σ = x² on full data: one family a nontrivial irrep or conjugate pair."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from groupfeat.groups import Irreps, check_irreps, real_families

__all__ = ["PredictedFamily", "check_families", "critical_dims", "predicted_families"]

TYPES = {1: "real", 0: "complex", -1: "quaternionic"}
FIELD_DIMS = {"real": 1, "complex": 2, "quaternionic": 4}

Spectrum = tuple[tuple[float, int], ...]


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
        Multiplicity of the Hessian eigenvalue 0, the dimension of the manifold:
        3(d − 1), 6d − 4, 6d − 6.
    steep_dim
        Multiplicity of −8E*: d, 2d − 1, 2d − 3.
    plain_dim
        Multiplicity of −4E*: all the rest.
    """

    irreps: tuple[int, ...]
    dim: int
    type: str
    energy: float
    flat_dim: int
    steep_dim: int
    plain_dim: int

    @property
    def field_dim(self) -> int:
        """Real dimension of the type's field: 1, 2 or 4."""
        return FIELD_DIMS[self.type]

    @property
    def capacity(self) -> int:
        """Size of the family's Fourier block over the type's field: d, d or d/2."""
        return self.dim // 2 if self.type == "quaternionic" else self.dim

    @property
    def components(self) -> int:
        """Number of connected pieces: four points for a real irrep of dimension 1, else one."""
        return 4 if (self.type, self.dim) == ("real", 1) else 1

    @property
    def hessian_spectrum(self) -> Spectrum:
        """Eigenvalues of the Riemannian Hessian with multiplicities: 0, −4E*, −8E*."""
        return (
            (0.0, self.flat_dim),
            (-4 * self.energy, self.plain_dim),
            (-8 * self.energy, self.steep_dim),
        )


def check_families(values: Iterable[object], irreps: Irreps) -> None:
    """Raise TypeError unless all are `PredictedFamily`, ValueError unless of this group.

    Levels may differ: σ = x²/2 scales the levels.
    """
    known = {_kind(family) for family in predicted_families(irreps)}
    for value in values:
        if not isinstance(value, PredictedFamily):
            raise TypeError(
                f"expected a PredictedFamily, got {type(value).__name__}: pass one of "
                "predicted_families(irreps)"
            )
        if _kind(value) not in known:
            raise ValueError(
                f"families must be of {irreps.group.name}, got irreps {value.irreps} of another "
                "group; take them from predicted_families(irreps)"
            )


def predicted_families(irreps: Irreps) -> tuple[PredictedFamily, ...]:
    """Return the families of maxima, in the order of `real_families` without the trivial one.

    That there are no other maxima is proved in docs/landscape.md.

    References
    ----------
    arXiv:2509.21519, Theorem 2; energies and the quaternionic class corrected
    (docs/decisions/0003).

    Examples
    --------
    >>> from groupfeat.energy import predicted_families
    >>> from groupfeat.groups import irreps, symmetric
    >>> families = predicted_families(irreps(symmetric(3)))
    >>> [(family.energy, family.flat_dim) for family in families]
    [(3.0, 0), (1.5, 3)]
    >>> families[1].hessian_spectrum
    ((0.0, 3), (-6.0, 6), (-12.0, 2))
    """
    check_irreps(irreps)
    order = irreps.group.order
    found = []
    for family in real_families(irreps)[1:]:
        d, kind = irreps[family[0]].dim, TYPES[irreps[family[0]].frobenius_schur]
        level = order / (2 * d) if kind == "real" else order / (4 * d)
        bare = PredictedFamily(family, d, kind, level, 0, 0, 0)
        _, flat, steep = critical_dims([bare], {0: 1})
        plain = 2 * order - 1 - flat - steep
        found.append(PredictedFamily(family, d, kind, level, flat, steep, plain))
    return tuple(found)


def _kind(family: PredictedFamily) -> tuple[tuple[int, ...], int, str, int]:
    """Return what a family is told by; the plain dimension gives the order of the group."""
    return family.irreps, family.dim, family.type, family.plain_dim


def critical_dims(
    families: Sequence[PredictedFamily], ranks: Mapping[int, int]
) -> tuple[int, int, int]:
    """Return multiplicities of the Hessian eigenvalues 8E, 0, −8E where family k has rank r_k.

    With β the field's dimension, m the capacity and H(r) = r + βr(r − 1)/2 the
    dimension of Hermitian r × r matrices: ΣH − 1, Σ(3βmr − βr² − 2H),
    Σ(βr(m − r) + H). All other eigenvalues are −4E (docs/landscape.md).
    """
    rising, flat, steep = -1, 0, 0
    for k, r in ranks.items():
        beta, m = families[k].field_dim, families[k].capacity
        hermitian = r + beta * r * (r - 1) // 2
        rising += hermitian
        flat += 3 * beta * m * r - beta * r * r - 2 * hermitian
        steep += beta * r * (m - r) + hermitian
    return rising, flat, steep
