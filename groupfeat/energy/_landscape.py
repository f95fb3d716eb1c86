"""All critical points with E > 0 for σ = x² on full data, in closed form, and the barriers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy._families import PredictedFamily, predicted_families
from groupfeat.groups import Irreps

__all__ = ["Barrier", "CriticalLevel", "barriers", "critical_levels", "sample_critical"]

Ranks = Mapping[int, int]


@dataclass(frozen=True)
class Barrier:
    """The saddle between two families.

    Parameters
    ----------
    between
        Positions of the two families in `predicted_families`.
    energy
        E_k E_l/(E_k + E_l): the highest level of a lowest path between them.
    index
        Ascending directions of the saddle: 1.
    """

    between: tuple[int, int]
    energy: float
    index: int


@dataclass(frozen=True)
class CriticalLevel:
    """One class of critical points: r_k orthogonal rank-one units on each family k.

    Parameters
    ----------
    ranks
        Pairs (position of the family, number of its units).
    energy
        1/Σ_k (r_k/E*_k).
    index
        Ascending directions, Σ_k h(r_k) − 1; 0 for the maxima.
    """

    ranks: tuple[tuple[int, int], ...]
    energy: float
    index: int


def barriers(irreps: Irreps) -> tuple[Barrier, ...]:
    """Return the barrier between every two families."""
    families = predicted_families(irreps)
    return tuple(
        Barrier((i, j), _level(families, {i: 1, j: 1}), 1)
        for i, j in combinations(range(len(families)), 2)
    )


def critical_levels(irreps: Irreps, *, max_units: int = 2) -> tuple[CriticalLevel, ...]:
    """Return every class of critical points of at most ``max_units`` units, highest first.

    Examples
    --------
    >>> from groupfeat.energy import critical_levels
    >>> from groupfeat.groups import irreps, symmetric
    >>> levels = critical_levels(irreps(symmetric(3)), max_units=3)
    >>> [(round(level.energy, 3), level.index) for level in levels]
    [(3.0, 0), (1.5, 0), (1.0, 1), (0.75, 2), (0.6, 3)]
    """
    if max_units < 1:
        raise ValueError(f"max_units must be at least 1, got {max_units}")
    families = predicted_families(irreps)
    found = [
        CriticalLevel(tuple(ranks.items()), _level(families, ranks), _index(families, ranks))
        for ranks in _all_ranks(families, 0, max_units)
        if ranks
    ]
    return tuple(sorted(found, key=lambda level: (-level.energy, level.index, level.ranks)))


def sample_critical(
    ranks: Ranks, irreps: Irreps, *, rng: int | np.random.Generator
) -> NDArray[np.float64]:
    """Return a random critical point with ``ranks[k]`` units on family k, unit norm, shape (2M,).

    Each unit is Re y_i* ρ(g)* x_i and Re z_i* ρ(h)* y_i with orthonormal x_i, y_i, z_i (over the
    type's field), and carries the share of ‖w‖² that makes E*_k times it equal for all units.

    Raises
    ------
    ValueError
        If a family does not exist or has no room for so many units, or two units are asked of one
        quaternionic family (not sampled).
    """
    families, generator = predicted_families(irreps), np.random.default_rng(rng)
    if not ranks:
        raise ValueError("expected at least one unit, got none")
    total = np.zeros(2 * irreps.group.order)
    for position, rank in ranks.items():
        if not 0 <= position < len(families) or not 1 <= rank <= _capacity(families[position]):
            raise ValueError(f"no room for {rank} units on family {position}")
        family = families[position]
        for unit in _units(family, irreps, rank, generator):
            total += unit / np.sqrt(family.energy)
    return total / np.linalg.norm(total)


def _units(
    family: PredictedFamily, irreps: Irreps, rank: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    matrices = irreps[family.irreps[0]].matrices().conj()
    frames = [_orthonormal(family, rank, rng) for _ in "xyz"]
    for x, y, z in zip(*frames, strict=True):
        blocks = [
            np.einsum("i,gji,j->g", left.conj(), matrices, right, optimize=True).real
            for left, right in ((y, x), (z, y))
        ]
        yield np.concatenate([b / np.linalg.norm(b) for b in blocks]) / np.sqrt(2)


def _orthonormal(
    family: PredictedFamily, rank: int, rng: np.random.Generator
) -> NDArray[np.inexact[Any]]:
    """Return ``rank`` orthonormal vectors over the type's field, shape (rank, d)."""
    shape = (family.dim, family.dim)
    if family.type == "real":
        return np.linalg.qr(rng.standard_normal(shape))[0].T[:rank]
    if family.type == "complex" or rank == 1:
        drawn = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
        return np.linalg.qr(drawn)[0].T[:rank]
    raise ValueError("more than one unit on a quaternionic irrep is not sampled")


def _all_ranks(
    families: tuple[PredictedFamily, ...], position: int, units: int
) -> Iterator[dict[int, int]]:
    if position == len(families):
        yield {}
        return
    for rank in range(min(units, _capacity(families[position])) + 1):
        for rest in _all_ranks(families, position + 1, units - rank):
            yield {position: rank, **rest} if rank else rest


def _capacity(family: PredictedFamily) -> int:
    return family.dim // 2 if family.type == "quaternionic" else family.dim


def _level(families: tuple[PredictedFamily, ...], ranks: Ranks) -> float:
    return 1 / sum(rank / families[k].energy for k, rank in ranks.items())


def _index(families: tuple[PredictedFamily, ...], ranks: Ranks) -> int:
    count = {
        "real": lambda r: r * (r + 1) // 2,
        "complex": lambda r: r * r,
        "quaternionic": lambda r: r * (2 * r - 1),
    }
    return sum(count[families[k].type](rank) for k, rank in ranks.items()) - 1
