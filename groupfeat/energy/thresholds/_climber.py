"""Families × trials as tasks for the climbing kernel: pair orders, starts, isotypic bases."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.ascent._search import random_starts
from groupfeat.energy.exact._basins import find_basins
from groupfeat.energy.exact._families import PredictedFamily, predicted_families
from groupfeat.energy.exact._units import sample_family
from groupfeat.energy.objective._shares import rank_one_shares
from groupfeat.groups import Irreps, isotypic_projector

__all__ = ["Climber"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

_TOLERANCE = 1e-6
_MOST_ITERATIONS = 3000
_MOST_DRAWS = 40_000_000
_MOST_ENTRIES = 200_000_000
_MOST_REPEATS = 16


class Climber:
    """The tasks of one question: families × trials, each with its pair order and start."""

    def __init__(
        self,
        irreps: Irreps,
        families: Sequence[PredictedFamily],
        trials: int,
        variant: str,
        kind: str,
        sampling: str,
        keep: float,
        seed: int,
    ) -> None:
        group = irreps.group
        self.group, self.variant, self.sampling, self.keep = group, variant, sampling, keep
        self.shape = (len(families), trials)
        self.cayley = group.cayley_table.astype(np.int32)
        self.undecided = np.zeros(self.shape, dtype=np.intp)
        pair_seed, start_seed = np.random.SeedSequence(seed).spawn(2)
        self.left, self.right = _pair_orders(group.order, trials, sampling, pair_seed)
        self.largest = self.left.shape[1]
        self.starts = _starts(irreps, families, trials, kind, start_seed)
        self.bases = _bases(irreps, families)
        self.irreps = [irreps[family.irreps[0]] for family in families]

    def kept(self, counts: Indices, asked: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Climb the tasks asked for (default: all) on their numbers of pairs, (F, T)."""
        from groupfeat.energy.kernels._survival import KEPT, LOST, UNDECIDED, climb_tasks

        tasks = np.arange(counts.size) if asked is None else np.flatnonzero(asked)
        families, rows = np.divmod(tasks, self.shape[1])
        sizes = counts.ravel()[tasks]
        ends = self.starts[families, rows]
        verdicts, shares, _, _ = climb_tasks(
            ends,
            rows,
            sizes,
            self.left,
            self.right,
            self.cayley,
            self.variant == "ht",
            self.variant == "cross",
            self.diagonal(sizes),
            self.bases,
            families,
            np.array([self.keep, _TOLERANCE, _MOST_ITERATIONS]),
        )
        open_ = verdicts == UNDECIDED
        np.add.at(self.undecided, (families, rows), open_)
        verdicts[open_] = np.where(shares[open_] >= self.keep, KEPT, LOST)
        found = np.zeros(counts.shape, dtype=bool)
        found[families, rows] = (verdicts == KEPT) & self._has_rank_one(ends, families)
        return found

    def _has_rank_one(self, ends: Floats, families: Indices) -> NDArray[np.bool_]:
        """Tell which end points overlap their family: a delta function may have all the share.

        On C11:C5 the irreps of dimension 5 hold 50/55 of every delta function, memorising or not;
        its Fourier blocks are unitary matrices there, those of the family have rank one.
        """
        found = np.ones(len(ends), dtype=bool)
        for i in np.unique(families).tolist():
            irrep, own = self.irreps[i], families == i
            if irrep.dim > 1:
                found[own] = rank_one_shares(ends[own], irrep) >= self.keep
        return found

    def diagonal(self, counts: NDArray[np.intp]) -> Floats:
        """Return κ: E_HT is E centred over targets less κ/2 Σ σ², for each n.

        The terms of two different draws estimate their sum over full data
        without bias; what one draw contributes with itself is counted too often.
        """
        if self.variant != "ht":
            return np.zeros(len(counts))
        own = 1 - 1 / self.group.order
        if self.sampling == "with":
            return np.full(len(counts), own)
        return own * (1 - (counts - 1) / (self.group.order**2 - 1))


def _pair_orders(
    order: int, trials: int, sampling: str, seed: np.random.SeedSequence
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    total = order**2
    if total * trials > _MOST_ENTRIES:
        raise ValueError(
            f"{trials} orders of {total} pairs do not fit in memory; take trials <= "
            f"{_MOST_ENTRIES // total} or a smaller group"
        )
    length = total
    if sampling == "with":
        length = total * int(np.clip(_MOST_DRAWS // (total * trials), 1, _MOST_REPEATS))
    codes = np.empty((trials, length), dtype=np.int32)
    for row, child in zip(codes, seed.spawn(trials), strict=True):
        generator = np.random.default_rng(child)
        if sampling == "with":
            row[:] = generator.integers(0, total, length)
        else:
            row[:] = generator.permutation(total)
    left, right = np.divmod(codes, np.int32(order))
    return left, right


def _starts(
    irreps: Irreps,
    families: Sequence[PredictedFamily],
    trials: int,
    kind: str,
    seed: np.random.SeedSequence,
) -> Floats:
    """Return unit weights (F, T, 2M): members of the families, or starts that flow to them."""
    if kind == "existence":
        # One seed for all: a family's points do not depend on which others are asked for.
        (child,) = seed.spawn(1)
        return np.stack(
            [
                sample_family(family, irreps, count=trials, rng=np.random.default_rng(child))
                for family in families
            ]
        )
    generator = np.random.default_rng(seed)
    place = {f.irreps: i for i, f in enumerate(predicted_families(irreps))}
    found: list[list[Floats]] = [[] for _ in families]
    for _ in range(200):
        starts = random_starts(irreps.group.order, 16 * trials, rng=generator)
        basins = find_basins(starts, irreps)
        for i, family in enumerate(families):
            found[i] += list(starts[basins == place[family.irreps]])
        if min(map(len, found)) >= trials:
            return np.stack([np.array(rows[:trials]) for rows in found])
    rare = families[int(np.argmin([len(rows) for rows in found]))]
    raise ValueError(
        f"of {3200 * trials} random starts fewer than {trials} flow to irreps {rare.irreps}; ask "
        "for fewer trials or for existence"
    )


def _bases(irreps: Irreps, families: Sequence[PredictedFamily]) -> Floats:
    """Return orthonormal bases of the isotypic parts, (F, M, r), padded with zero columns."""
    found = []
    for family in families:
        values, vectors = np.linalg.eigh(isotypic_projector(irreps, family.irreps))
        found.append(vectors[:, values > 0.5])
    width = max(basis.shape[1] for basis in found)
    padded = np.zeros((len(found), irreps.group.order, width))
    for row, basis in zip(padded, found, strict=True):
        row[:, : basis.shape[1]] = basis
    return padded
