"""All irreps as unitary matrices, with their certificate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups._blocks import blocks_of
from groupfeat.groups._certificate import Certificate, certify
from groupfeat.groups._characters import CharacterTable, character_table
from groupfeat.groups._display import html_table, summarise
from groupfeat.groups._finite_group import FiniteGroup
from groupfeat.groups._orbits import Projection, choose_projections, orbit_vectors

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
    basis_inverse
        The inverse of [u_{x₁} … u_{x_d}], shape (d, d).
    """

    group: FiniteGroup
    index: int
    dim: int
    frobenius_schur: int
    orbit: Matrix = field(repr=False)
    pivots: NDArray[np.intp] = field(repr=False)
    basis_inverse: Matrix = field(repr=False)

    def __post_init__(self) -> None:
        self.orbit.setflags(write=False)
        self.pivots.setflags(write=False)

    @property
    def is_trivial(self) -> bool:
        """Whether ρ(g) = 1 for every g."""
        return self.index == 0

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

    def matrices(self, elements: ArrayLike | None = None) -> list[Matrix]:
        """Return `Irrep.matrices` of every irrep, (m, d_k, d_k) each, stacked inside for speed.

        Raises
        ------
        IndexError
            If an element is not in ``0..M-1``.
        """
        table = self.group.cayley_table
        rows = table if elements is None else table[_checked_elements(elements, len(table))]
        found: list[Matrix] = [np.empty(0)] * len(self.members)
        for block in blocks_of(self.members):
            for position, matrices in zip(block.positions, block.matrices(rows), strict=True):
                found[position] = matrices
        return found

    def generator_matrices(self) -> list[Matrix]:
        """Return the matrices of ``group.generators`` for every irrep."""
        return self.matrices(np.array(self.group.generators, dtype=np.intp))

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
    """Make one irrep a character; of a complex pair the second as the conjugate of the first."""
    found: dict[int, Irrep] = {}
    firsts = np.flatnonzero(np.arange(len(table)) <= table.conjugate)
    linear = table.dims[firsts] == 1
    _add_linear(table, firsts[linear], found)
    for indices, projections in _batches(table, firsts[~linear]):
        orbits, pivots = orbit_vectors(table, indices, projections, rng)
        bases = orbits[np.arange(len(indices))[:, None], pivots]
        inverses = np.linalg.inv(bases.swapaxes(1, 2))
        for b, i in enumerate(indices):
            found[i] = _member(table, i, orbits[b], pivots[b], inverses[b])
    for i, j in enumerate(table.conjugate.tolist()):
        if i > j:
            first = found[j]
            found[i] = _member(
                table, i, first.orbit.conj(), first.pivots, first.basis_inverse.conj()
            )
    return tuple(found[i] for i in range(len(table)))


def _member(
    table: CharacterTable,
    index: int,
    orbit: Matrix,
    pivots: NDArray[np.intp],
    inverse: Matrix,
) -> Irrep:
    dim, kind = int(table.dims[index]), int(table.frobenius_schur[index])
    return Irrep(table.group, index, dim, kind, orbit, pivots, inverse)


def _add_linear(table: CharacterTable, firsts: NDArray[np.intp], found: dict[int, Irrep]) -> None:
    """Linear characters are their own orbits, with the identity as pivot."""
    values = table.values[firsts][:, table.group.conjugacy_classes.labels, None]
    reals = values.real.copy()
    pivot, one = np.zeros(1, dtype=np.intp), np.ones((1, 1))
    kinds = table.frobenius_schur[firsts].tolist()
    for row, (i, kind) in enumerate(zip(firsts.tolist(), kinds, strict=True)):
        orbit = reals[row] if kind == 1 else values[row]
        found[i] = Irrep(table.group, i, 1, kind, orbit, pivot, one)


def _batches(
    table: CharacterTable, indices: NDArray[np.intp]
) -> Iterator[tuple[list[int], list[Projection]]]:
    """Group characters of one degree, multiplicity, element order and field; bounded memory."""
    alike: dict[tuple[int, ...], list[tuple[int, Projection]]] = {}
    projections = choose_projections(table, indices)
    real = (table.frobenius_schur[indices] == 1).tolist()
    degrees = table.dims[indices].tolist()
    for i, degree, kind, chosen in zip(indices.tolist(), degrees, real, projections, strict=True):
        key = (degree, chosen.multiplicity, chosen.order, kind)
        alike.setdefault(key, []).append((i, chosen))
    for (degree, copies, *_), members in alike.items():
        size = max(1, _BATCH_ENTRIES // (table.group.order * degree * copies))
        for start in range(0, len(members), size):
            part = members[start : start + size]
            yield [i for i, _ in part], [chosen for _, chosen in part]
