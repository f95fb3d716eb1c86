"""All irreps as unitary matrices, with their certificate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups._certificate import Certificate, certify
from groupfeat.groups._characters import CharacterTable, character_table
from groupfeat.groups._display import html_table, summarise
from groupfeat.groups._finite_group import FiniteGroup
from groupfeat.groups._orbits import choose_projection, orbit_vectors
from groupfeat.groups._pivots import well_conditioned_pivots

__all__ = ["Irrep", "Irreps", "irreps"]

Matrix = NDArray[np.inexact[Any]]
_ATTEMPTS = 5
_BATCH_ENTRIES = 4_000_000
_TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class Irrep:
    """One irreducible unitary representation ρ of dimension d.

    Matrices are made on demand from the orbit of one unit vector, so that an
    irrep costs M·d numbers: ρ(g) = [u_{g x₁} … u_{g x_d}] [u_{x₁} … u_{x_d}]⁻¹.

    Parameters
    ----------
    group
        The group of order M.
    index
        Row of the character table.
    dim
        Dimension d.
    frobenius_schur
        +1 real, 0 complex, −1 quaternionic type.
    orbit
        u_g = ρ(g)u, shape (M, d); real for real type.
    pivots
        Elements x₁ … x_d whose vectors form a well-conditioned basis, shape (d,).
    """

    group: FiniteGroup
    index: int
    dim: int
    frobenius_schur: int
    orbit: Matrix = field(repr=False)
    pivots: NDArray[np.intp] = field(repr=False)

    def __post_init__(self) -> None:
        self.orbit.setflags(write=False)
        self.pivots.setflags(write=False)

    @property
    def is_trivial(self) -> bool:
        """Whether ρ(g) = 1 for every g."""
        return self.index == 0

    @cached_property
    def basis_inverse(self) -> Matrix:
        """The inverse of [u_{x₁} … u_{x_d}], shape (d, d)."""
        return np.linalg.inv(self.orbit[self.pivots].T)

    def matrices(self, elements: ArrayLike | None = None) -> Matrix:
        """Return the unitary matrices of ``elements`` (default: all), shape (m, d, d).

        Float64 and orthogonal for real type, complex128 otherwise.

        Raises
        ------
        IndexError
            If an element is not in ``0..M-1``.
        """
        table = self.group.cayley_table
        chosen = table if elements is None else table[_checked_elements(elements, len(table))]
        frames = self.orbit[chosen[:, self.pivots]]
        return frames.transpose(0, 2, 1) @ self.basis_inverse

    def real_matrices(self, elements: ArrayLike | None = None) -> NDArray[np.float64]:
        """Return a real orthogonal form: (m, d, d) for real type, else (m, 2d, 2d).

        A complex or quaternionic ρ = A + iB becomes [[A, −B], [B, A]].
        """
        matrices = self.matrices(elements)
        if self.frobenius_schur == 1:
            return matrices.real
        a, b = matrices.real, matrices.imag
        return np.block([[a, -b], [b, a]])


@dataclass(frozen=True, eq=False, repr=False)
class Irreps(Sequence[Irrep]):
    """All irreps of a group, in the order of its character table.

    Parameters
    ----------
    table
        The character table.
    members
        One irrep a character.
    """

    table: CharacterTable
    members: tuple[Irrep, ...] = field(repr=False)

    @property
    def group(self) -> FiniteGroup:
        """The group."""
        return self.table.group

    @cached_property
    def certificate(self) -> Certificate:
        """Errors of the matrices as homomorphisms, unitary and irreducible."""
        return certify(self.table, self.members)

    def __repr__(self) -> str:
        dims = summarise([irrep.dim for irrep in self.members])
        error = self.certificate.homomorphism_error
        return f"Irreps({self.group.name}: dimensions {dims}; homomorphism error ≤ {error:.0e})"

    def _repr_html_(self) -> str:
        kinds = {1: "real", 0: "complex", -1: "quaternionic"}
        rows = [(f"ρ{r.index}", r.dim, kinds[r.frobenius_schur]) for r in self.members]
        error = self.certificate.homomorphism_error
        caption = f"Irreps of {self.group.name}, homomorphism error ≤ {error:.0e}"
        return html_table(caption, ("", "dimension", "type"), rows)

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, index: Any) -> Any:
        return self.members[index]

    def __iter__(self) -> Iterator[Irrep]:
        return iter(self.members)


def irreps(group: FiniteGroup, *, rng: int | np.random.Generator = 0) -> Irreps:
    """Return all complex irreps of ``group`` as unitary matrices.

    Real-type irreps are real orthogonal; the second irrep of a complex pair is
    the exact conjugate of the first. The result is verified: a set whose
    homomorphism error exceeds 1e-10 is computed again with other random numbers.

    Parameters
    ----------
    group
        The group.
    rng
        Seed or generator; the same seed gives the same matrices.

    Raises
    ------
    ArithmeticError
        If no attempt passes verification.

    Examples
    --------
    >>> from groupfeat.groups import irreps, symmetric
    >>> standard = irreps(symmetric(3))[2]
    >>> standard.dim, standard.frobenius_schur, standard.matrices().shape
    (2, 1, (6, 2, 2))
    """
    generator = np.random.default_rng(rng)
    table = character_table(group, rng=generator)
    reason = ""
    for _ in range(_ATTEMPTS):
        try:
            found = Irreps(table, _all_members(table, generator))
        except ArithmeticError as error:
            reason = str(error)
            continue
        if found.certificate.homomorphism_error < _TOLERANCE:
            return found
        reason = f"homomorphism error {found.certificate.homomorphism_error:.1e}"
    raise ArithmeticError(f"irreps of {group.name} failed verification: {reason}; pass another rng")


def _checked_elements(elements: ArrayLike, order: int) -> NDArray[np.intp]:
    chosen = np.atleast_1d(np.asarray(elements))
    if chosen.size and (chosen.dtype.kind not in "iu" or chosen.ndim != 1):
        raise IndexError(f"elements must be a list of indices, got {chosen.dtype} {chosen.shape}")
    outside = chosen[(chosen < 0) | (chosen >= order)]
    if len(outside):
        raise IndexError(f"element {outside[0]} is not in 0..{order - 1}")
    return chosen.astype(np.intp)


def _all_members(table: CharacterTable, rng: np.random.Generator) -> tuple[Irrep, ...]:
    firsts = np.flatnonzero(np.arange(len(table)) <= table.conjugate).tolist()
    wanted = [i for i in firsts if table.dims[i] > 1]
    orbits = {i: _linear_orbit(table, i) for i in firsts if table.dims[i] == 1}
    for batch in _batches(table, wanted):
        indices = [i for i, _ in batch]
        found = orbit_vectors(table, indices, [p for _, p in batch], rng)
        orbits.update(zip(indices, found, strict=True))
    pivots = {
        i: well_conditioned_pivots(orbit) if table.dims[i] > 1 else np.zeros(1, dtype=np.intp)
        for i, orbit in orbits.items()
    }
    members = []
    for i in range(len(table)):
        source = i if i in orbits else int(table.conjugate[i])
        orbit = orbits[source] if source == i else orbits[source].conj()
        members.append(
            Irrep(
                table.group,
                i,
                int(table.dims[i]),
                int(table.frobenius_schur[i]),
                orbit,
                pivots[source],
            )
        )
    return tuple(members)


def _linear_orbit(table: CharacterTable, index: int) -> Matrix:
    values = table.on_elements(index)[:, None]
    return values.real.copy() if table.frobenius_schur[index] == 1 else values


def _batches(table: CharacterTable, indices: list[int]) -> Iterator[list[tuple[int, Any]]]:
    """Group characters of one degree, multiplicity and field, in blocks of bounded memory."""
    alike: dict[tuple[int, int, bool], list[tuple[int, Any]]] = {}
    for i in indices:
        chosen = choose_projection(table, i)
        real = bool(table.frobenius_schur[i] == 1)
        alike.setdefault((int(table.dims[i]), chosen.multiplicity, real), []).append((i, chosen))
    for (degree, copies, _), members in alike.items():
        size = max(1, _BATCH_ENTRIES // (table.group.order * degree * copies))
        for start in range(0, len(members), size):
            yield members[start : start + size]
