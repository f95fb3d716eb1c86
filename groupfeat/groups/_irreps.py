"""All irreps as unitary matrices, with their certificate."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups._blocks import IrrepBlock
from groupfeat.groups._certificate import Certificate, certify
from groupfeat.groups._characters import CharacterTable, character_table
from groupfeat.groups._display import html_table, summarise
from groupfeat.groups._finite_group import FiniteGroup
from groupfeat.groups._irrep import Irrep, checked_elements
from groupfeat.groups._orbits import Projection, choose_projections, orbit_vectors

__all__ = ["Irrep", "Irreps", "irreps"]

Matrix = NDArray[np.inexact[Any]]
_ATTEMPTS = 5
_BATCH_ENTRIES = 4_000_000
_TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False, repr=False)
class Irreps(Sequence[Irrep]):
    """All irreps of a group, in the order of its character table.

    Parameters
    ----------
    table
        The character table.
    blocks
        The irreps, stacked by dimension and field. One that is in no block is the exact
        conjugate of its partner.
    """

    table: CharacterTable
    blocks: tuple[IrrepBlock, ...] = field(repr=False)

    @classmethod
    def from_members(cls, table: CharacterTable, members: Iterable[Irrep]) -> "Irreps":
        """Return the set of the given irreps, one a character, each as it is."""
        blocks = (
            IrrepBlock(np.array([r.index]), r.orbit[None], r.pivots[None], r.basis_inverse[None])
            for r in members
        )
        return cls(table, tuple(blocks))

    @property
    def group(self) -> FiniteGroup:
        """The group."""
        return self.table.group

    @cached_property
    def members(self) -> tuple[Irrep, ...]:
        """One irrep a character."""
        found: dict[int, Irrep] = {}
        for block in self.blocks:
            parts = zip(block.orbits, block.pivots, block.inverses, strict=True)
            for index, (orbit, pivots, inverse) in zip(block.indices.tolist(), parts, strict=True):
                found[index] = self._member(index, orbit, pivots, inverse)
        for i, j in enumerate(self.table.conjugate.tolist()):
            if i not in found:
                first = found[j]
                found[i] = self._member(
                    i, first.orbit.conj(), first.pivots, first.basis_inverse.conj()
                )
        return tuple(found[i] for i in range(len(self.table)))

    def _member(
        self, index: int, orbit: Matrix, pivots: NDArray[np.intp], inverse: Matrix
    ) -> Irrep:
        dim, kind = int(self.table.dims[index]), int(self.table.frobenius_schur[index])
        return Irrep(self.group, index, dim, kind, orbit, pivots, inverse)

    @cached_property
    def certificate(self) -> Certificate:
        """Errors of the matrices as homomorphisms, unitary and irreducible."""
        return certify(self.table, self.blocks)

    def matrices(self, elements: ArrayLike | None = None) -> list[Matrix]:
        """Return `Irrep.matrices` of every irrep, (m, d_k, d_k) each, stacked inside for speed.

        Raises
        ------
        IndexError
            If an element is not in ``0..M-1``.
        """
        table = self.group.cayley_table
        rows = table if elements is None else table[checked_elements(elements, len(table))]
        found: list[Matrix | None] = [None] * len(self.table)
        for block in self.blocks:
            for index, matrices in zip(block.indices.tolist(), block.matrices(rows), strict=True):
                found[index] = matrices
        pairs = zip(found, self.table.conjugate.tolist(), strict=True)
        return [found[j].conj() if own is None else own for own, j in pairs]

    def generator_matrices(self) -> list[Matrix]:
        """Return the matrices of ``group.generators`` for every irrep."""
        return self.matrices(np.array(self.group.generators, dtype=np.intp))

    def __repr__(self) -> str:
        dims = summarise(self.table.dims.tolist())
        error = self.certificate.homomorphism_error
        return f"Irreps({self.group.name}: dimensions {dims}; homomorphism error ≤ {error:.0e})"

    def _repr_html_(self) -> str:
        kinds = {1: "real", 0: "complex", -1: "quaternionic"}
        rows = [(f"ρ{r.index}", r.dim, kinds[r.frobenius_schur]) for r in self.members]
        error = self.certificate.homomorphism_error
        caption = f"Irreps of {self.group.name}, homomorphism error ≤ {error:.0e}"
        return html_table(caption, ("", "dimension", "type"), rows)

    def __len__(self) -> int:
        return len(self.table)

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
            found = Irreps(table, _all_blocks(table, generator))
        except ArithmeticError as error:
            reason = str(error)
            continue
        if found.certificate.homomorphism_error < _TOLERANCE:
            return found
        reason = f"homomorphism error {found.certificate.homomorphism_error:.1e}"
    raise ArithmeticError(f"irreps of {group.name} failed verification: {reason}; pass another rng")


def _all_blocks(table: CharacterTable, rng: np.random.Generator) -> tuple[IrrepBlock, ...]:
    """Make one irrep a character; of a complex pair the first only."""
    firsts = np.flatnonzero(np.arange(len(table)) <= table.conjugate)
    linear = table.dims[firsts] == 1
    blocks = _linear_blocks(table, firsts[linear])
    for indices, projections in _batches(table, firsts[~linear]):
        orbits, pivots = orbit_vectors(table, indices, projections, rng)
        bases = orbits[np.arange(len(indices))[:, None], pivots]
        inverses = np.linalg.inv(bases.swapaxes(1, 2))
        blocks.append(IrrepBlock(np.array(indices), orbits, pivots, inverses))
    return tuple(blocks)


def _linear_blocks(table: CharacterTable, firsts: NDArray[np.intp]) -> list[IrrepBlock]:
    """Linear characters are their own orbits, with the identity as pivot."""
    blocks = []
    real = table.frobenius_schur[firsts] == 1
    for chosen, values in ((firsts[real], table.values.real), (firsts[~real], table.values)):
        if len(chosen):
            orbits = values[chosen][:, table.group.conjugacy_classes.labels, None]
            pivots = np.zeros((len(chosen), 1), dtype=np.intp)
            blocks.append(IrrepBlock(chosen, orbits, pivots, np.ones((len(chosen), 1, 1))))
    return blocks


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
