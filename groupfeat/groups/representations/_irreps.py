"""All irreps as unitary matrices, with their certificate."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups.characters._character_table import CharacterTable
from groupfeat.groups.characters._characters import character_table
from groupfeat.groups.representations._blocks import IrrepBlock, OrbitStack, stack_orbits
from groupfeat.groups.representations._certificate import Certificate, certify
from groupfeat.groups.representations._induced_orbits import induced_orbits
from groupfeat.groups.representations._irrep import Irrep, checked_elements
from groupfeat.groups.representations._orbits import find_orbits
from groupfeat.groups.table._display import html_table, summarise
from groupfeat.groups.table._finite_group import FiniteGroup
from groupfeat.groups.table._kinds import check_group

__all__ = ["Irrep", "Irreps", "irreps"]

Matrix = NDArray[np.inexact[Any]]
_ATTEMPTS = 5
_TOLERANCE = 1e-10
_NOTHING: Matrix = np.empty((0, 0, 0))


@dataclass(frozen=True, eq=False, repr=False)
class Irreps(Sequence[Irrep]):
    """All irreps of a group, in the order of its character table.

    Parameters
    ----------
    table
        The character table.
    blocks
        The irreps, stacked by field, small ones of several dimensions in one padded block. One
        that is in no block is the exact conjugate of its partner.
    """

    table: CharacterTable
    blocks: tuple[IrrepBlock, ...] = field(repr=False)

    @classmethod
    def from_members(cls, table: CharacterTable, members: Iterable[Irrep]) -> "Irreps":
        """Return the set of the given irreps, one a character, each as it is."""
        blocks = (
            IrrepBlock(
                np.array([r.index]),
                np.array([r.dim]),
                r.orbit[None],
                r.pivots[None],
                r.basis_inverse[None],
            )
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
            arrays = (block.indices, block.dims, block.orbits, block.pivots, block.inverses)
            for index, d, orbit, pivots, inverse in zip(*arrays, strict=True):
                found[int(index)] = self._member(
                    int(index), orbit[:, :d], pivots[:d], inverse[:d, :d]
                )
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
        return certify(self.table, self.blocks, self._generator_images)

    @cached_property
    def _generator_images(self) -> tuple[Matrix, ...]:
        """The matrices of the generators, a stack a block."""
        generators = np.array(self.group.generators, dtype=np.intp)
        return tuple(b.matrices(self.group.cayley_table, generators) for b in self.blocks)

    def matrices(self, elements: ArrayLike | None = None) -> list[Matrix]:
        """Return `Irrep.matrices` of every irrep, (m, d_k, d_k) each, stacked inside for speed.

        Raises
        ------
        IndexError
            If an element is not in ``0..M-1``.
        """
        table = self.group.cayley_table
        chosen = (
            np.arange(len(table)) if elements is None else checked_elements(elements, len(table))
        )
        return self._unstacked(block.matrices(table, chosen) for block in self.blocks)

    def generator_matrices(self) -> list[Matrix]:
        """Return the matrices of ``group.generators`` for every irrep."""
        return self._unstacked(images.copy() for images in self._generator_images)

    def _unstacked(self, stacks: Iterable[Matrix]) -> list[Matrix]:
        """Return one array an irrep: of a pair the second is the first's conjugate."""
        found: list[Matrix] = [_NOTHING] * len(self.table)
        for block, matrices in zip(self.blocks, stacks, strict=True):
            indices = block.indices.tolist()
            partners = self.table.conjugate[block.indices].tolist()
            if partners != indices:
                for index, matrix in zip(partners, block.unpadded(matrices.conj()), strict=True):
                    found[index] = matrix
            for index, matrix in zip(indices, block.unpadded(matrices), strict=True):
                found[index] = matrix
        return found

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
    check_group(group)
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
    is_first = np.arange(len(table)) <= table.conjugate
    is_real = table.frobenius_schur == 1
    blocks: list[IrrepBlock] = []
    for real, of_field in ((True, is_first & is_real), (False, is_first & ~is_real)):
        linear = np.flatnonzero(of_field & (table.dims == 1))
        others = np.flatnonzero(of_field & (table.dims > 1))
        stacks = [_linear_orbits(table, linear, real=real)] if len(linear) else []
        if len(others) and table.induction is not None:
            stacks += induced_orbits(table, table.induction, others, real=real)
        elif len(others):
            stacks += find_orbits(table, others, rng, real=real)
        blocks += stack_orbits(stacks)
    return tuple(blocks)


def _linear_orbits(table: CharacterTable, chosen: NDArray[np.intp], *, real: bool) -> OrbitStack:
    """Linear characters are their own orbits, with the identity as pivot."""
    values = table.values[chosen]
    orbits = (values.real if real else values)[:, table.group.conjugacy_classes.labels, None]
    return OrbitStack(chosen, orbits, np.zeros((len(chosen), 1), dtype=np.intp))
