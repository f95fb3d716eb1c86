"""Fourier blocks of every node's a, b and row of V, taken once, and what they tell."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy import predicted_families
from groupfeat.groups import Irreps, fourier_transform, real_families

__all__ = ["NodeFourier"]

Floats = NDArray[np.float64]
Blocks = NDArray[np.inexact[Any]]


@dataclass(frozen=True, eq=False)
class NodeFourier:
    """Nodes w = [a; b] with rows v of V, constant parts removed.

    Parameters
    ----------
    irreps
        All irreps of the group.
    parts
        a, b and v of every node, shape (nodes, 3, M).
    """

    irreps: Irreps
    parts: Floats = field(repr=False)

    @classmethod
    def of(cls, first_layer: Floats, second_layer: Floats, irreps: Irreps) -> "NodeFourier":
        """Return the nodes of W (2M, K) and V (K, M)."""
        order = irreps.group.order
        stacked = np.concatenate([first_layer.T.reshape(-1, 2, order), second_layer[:, None]], 1)
        return cls(irreps, stacked - stacked.mean(-1, keepdims=True))

    @cached_property
    def families(self) -> tuple[tuple[int, ...], ...]:
        """The nontrivial real families."""
        return real_families(self.irreps)[1:]

    @cached_property
    def blocks(self) -> list[Blocks]:
        """Fourier blocks of the first irrep of every family, (nodes, 3, d, d) each."""
        found = fourier_transform(self.parts, self.irreps)
        return [found[family[0]] for family in self.families]

    @cached_property
    def norms(self) -> Floats:
        """Squared norms of a, b, v in every family, shape (nodes, 3, families)."""
        order = self.irreps.group.order
        parts = [
            np.sum(np.abs(block) ** 2, axis=(-2, -1)) * (len(f) * self.irreps[f[0]].dim / order)
            for block, f in zip(self.blocks, self.families, strict=True)
        ]
        return np.stack(parts, axis=-1)

    @cached_property
    def block_shares(self) -> Floats:
        """Share of a, of b and of v in every family, shape (nodes, 3, families); 0 for 0."""
        return _share(self.norms)

    @cached_property
    def shares(self) -> Floats:
        """Share of ‖w‖² = ‖a‖² + ‖b‖² in every family, shape (nodes, families)."""
        return _share(self.norms[:, :2].sum(1))

    @cached_property
    def energies(self) -> Floats:
        """E(w/‖w‖) = (2/M) Σ_k d_k ‖â_k b̂_k‖²_F of σ = x² on full data, shape (nodes,)."""
        order = self.irreps.group.order
        total = np.zeros(len(self.parts))
        for block, family in zip(self.blocks, self.families, strict=True):
            weight = 2 * len(family) * self.irreps[family[0]].dim / order
            total += weight * np.sum(np.abs(block[:, 0] @ block[:, 1]) ** 2, axis=(-2, -1))
        size = self.norms[:, :2].sum((1, 2)) ** 2
        return np.divide(total, size, out=np.zeros_like(total), where=size > 0)

    @cached_property
    def best(self) -> NDArray[np.intp]:
        """The family of the largest share of each node, shape (nodes,)."""
        return np.argmax(self.shares, axis=1)

    @cached_property
    def energy_ratios(self) -> Floats:
        """E(w/‖w‖)/E* of the best family, shape (nodes,)."""
        levels = np.array([family.energy for family in predicted_families(self.irreps)])
        return self.energies / levels[self.best]

    @cached_property
    def rank_one_shares(self) -> Floats:
        """σ₁²/Σσ² of a, b and v in the best family, shape (nodes, 3); 1 at a maximum.

        Rank two counts as one for quaternionic type; 0 for a block without any part there.
        """
        found = np.zeros((len(self.parts), 3))
        for position, block in enumerate(self.blocks):
            rows = np.flatnonzero(self.best == position)
            if not len(rows):
                continue
            chosen = block[rows]
            rank = 2 if self.irreps[self.families[position][0]].frobenius_schur == -1 else 1
            squares = np.linalg.eigvalsh(chosen @ chosen.conj().swapaxes(-1, -2))
            leading, total = squares[..., -rank:].sum(-1), squares.sum(-1)
            found[rows] = np.divide(leading, total, out=np.zeros_like(total), where=total > 0)
        return np.clip(found, 0, 1)

    @cached_property
    def output_cosines(self) -> Floats:
        """Cosine of v with the best family's part of a*b, shape (nodes,); 0 where either vanishes.

        2(a*b)(t) is what the node sums over the pairs of target t, centred; a node that helps
        its own irrep has a cosine near 1.
        """
        found = np.zeros(len(self.parts))
        for position, block in enumerate(self.blocks):
            rows = np.flatnonzero(self.best == position)
            product, answer = block[rows, 0] @ block[rows, 1], block[rows, 2]
            overlap = np.sum(product.conj() * answer, axis=(-2, -1)).real
            family = self.families[position]
            weight = len(family) * self.irreps[family[0]].dim / self.irreps.group.order
            overlap *= np.sqrt(weight)
            whole = np.sqrt(self.norms[rows, 2].sum(-1))
            sizes = np.linalg.norm(product, axis=(-2, -1)) * whole
            found[rows] = np.divide(overlap, sizes, out=np.zeros_like(sizes), where=sizes > 0)
        return np.clip(found, -1, 1)


def _share(norms: Floats) -> Floats:
    total = norms.sum(-1, keepdims=True)
    return np.divide(norms, total, out=np.zeros_like(norms), where=total > 0)
