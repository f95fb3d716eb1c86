"""All critical points with E > 0 for σ = x² on full data, in closed form."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import factorial, prod

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.exact._families import (
    PredictedFamily,
    Spectrum,
    critical_dims,
    predicted_families,
)
from groupfeat.energy.exact._units import blocks_of, function_of
from groupfeat.energy.objective._checks import check_count
from groupfeat.groups import Irreps, check_irreps

__all__ = ["CriticalLevel", "critical_levels", "sample_critical"]

Matrix = NDArray[np.inexact]
Ranks = Mapping[int, int]


@dataclass(frozen=True)
class CriticalLevel:
    """Critical manifolds of rank r_k on family k, alike up to exchanging families of one kind.

    Parameters
    ----------
    ranks
        Pairs (position of the family, rank); where several families have the same
        type and dimension, the first of them stand for all.
    count
        Number of choices of families with the same kinds and ranks.
    energy
        1/Σ_k (r_k/E*_k).
    index, flat_dim, plain_dim, steep_dim
        Multiplicities of the Riemannian Hessian's eigenvalues 8E, 0, −4E, −8E.
        The index is Σ_k h(r_k) − 1, h(r) = r(r + 1)/2, r², r(2r − 1) by type, and
        0 for the maxima alone; ``flat_dim`` is the dimension of the manifold.
    """

    ranks: tuple[tuple[int, int], ...]
    count: int
    energy: float
    index: int
    flat_dim: int
    plain_dim: int
    steep_dim: int

    @property
    def hessian_spectrum(self) -> Spectrum:
        """Eigenvalues of the Riemannian Hessian with multiplicities: 8E, 0, −4E, −8E."""
        dims = (self.index, self.flat_dim, self.plain_dim, self.steep_dim)
        return tuple(
            (factor * self.energy, n) for factor, n in zip((8, 0, -4, -8), dims, strict=True)
        )


def critical_levels(irreps: Irreps, *, max_units: int = 2) -> tuple[CriticalLevel, ...]:
    """Return every kind of critical points of total rank ≤ ``max_units``, highest first.

    The cost depends on the number of kinds (type, dimension) of irreps, not on
    the number of irreps.

    References
    ----------
    docs/landscape.md, Theorems 1 and 2: there are no other critical points with E > 0.

    Examples
    --------
    >>> from groupfeat.energy import critical_levels
    >>> from groupfeat.groups import cyclic, irreps, symmetric
    >>> levels = critical_levels(irreps(symmetric(3)), max_units=3)
    >>> [(round(level.energy, 3), level.index) for level in levels]
    [(3.0, 0), (1.5, 0), (1.0, 1), (0.75, 2), (0.6, 3)]
    >>> [(level.count, level.index) for level in critical_levels(irreps(cyclic(23)), max_units=3)]
    [(11, 0), (55, 1), (165, 2)]
    """
    check_irreps(irreps)
    check_count(max_units, "max_units")
    families = predicted_families(irreps)
    kinds: dict[tuple[str, int], list[int]] = {}
    for position, family in enumerate(families):
        kinds.setdefault((family.type, family.dim), []).append(position)
    members = list(kinds.values())
    found = [
        _level_of(families, members, choice, irreps.group.order)
        for choice in _choices(families, members, max_units)
        if any(choice)
    ]
    return tuple(sorted(found, key=lambda level: (-level.energy, level.index, level.ranks)))


def sample_critical(
    ranks: Ranks, irreps: Irreps, *, rng: int | np.random.Generator
) -> NDArray[np.float64]:
    """Return a random critical point with rank r_k = ``ranks[k]`` on family k, shape (2M,).

    â = √E U and b̂ = √E V on each of the irreps, with U, V random partial
    isometries (the polar factors of Gaussian blocks) and U*U = VV*.

    Raises
    ------
    ValueError
        If no unit is asked for, a family does not exist, or has no room for so many.
    """
    check_irreps(irreps)
    families, generator = predicted_families(irreps), np.random.default_rng(rng)
    if not ranks:
        raise ValueError("expected at least one unit, got none")
    order = irreps.group.order
    total = np.zeros((2, order))
    for position, rank in ranks.items():
        check_count(position, "the position of a family", least=0)
        check_count(rank, "a rank", least=0)
        if position >= len(families) or not 1 <= rank <= families[position].capacity:
            raise ValueError(f"no room for {rank} units on family {position}")
        family = families[position]
        drawn = generator.standard_normal((2, order))
        first, second = (
            block[0] for block in blocks_of(drawn.reshape(1, -1), irreps[family.irreps[0]])
        )
        complex_rank = 2 * rank if family.type == "quaternionic" else rank
        left, _, right = np.linalg.svd(first)
        first = left[:, :complex_rank] @ right[:complex_rank]
        left, _, right = np.linalg.svd(first.conj().T @ first @ second)
        second = left[:, :complex_rank] @ right[:complex_rank]
        total += function_of(np.stack([first, second]), family, irreps)
    return total.ravel() / np.linalg.norm(total)


def _choices(
    families: tuple[PredictedFamily, ...], members: list[list[int]], units: int
) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Yield, for each kind in turn, its non-increasing nonzero ranks, ``units`` in all at most."""
    if not members:
        yield ()
        return
    first, *rest = members
    for ranks in _partitions(units, families[first[0]].capacity, len(first)):
        for others in _choices(families, rest, units - sum(ranks)):
            yield (ranks, *others)


def _partitions(total: int, largest: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Yield non-increasing tuples of at most ``parts`` numbers ≤ ``largest``, sum ≤ ``total``."""
    yield ()
    if parts:
        for first in range(1, min(total, largest) + 1):
            for rest in _partitions(total - first, first, parts - 1):
                yield (first, *rest)


def _level_of(
    families: tuple[PredictedFamily, ...],
    members: list[list[int]],
    choice: tuple[tuple[int, ...], ...],
    order: int,
) -> CriticalLevel:
    ranks = {
        position: rank
        for positions, kind in zip(members, choice, strict=True)
        for position, rank in zip(positions, kind, strict=False)
    }
    count = prod(
        factorial(len(positions))
        // factorial(len(positions) - len(kind))
        // prod(factorial(kind.count(rank)) for rank in set(kind))
        for positions, kind in zip(members, choice, strict=True)
    )
    energy = 1 / sum(rank / families[k].energy for k, rank in ranks.items())
    index, flat, steep = critical_dims(families, ranks)
    plain = 2 * order - 1 - index - flat - steep
    return CriticalLevel(tuple(sorted(ranks.items())), count, energy, index, flat, plain, steep)
