"""The certificate that goes with every set of irreps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._character_table import CharacterTable
from groupfeat.groups.characters._squares import squares
from groupfeat.groups.representations._blocks import IrrepBlock

__all__ = ["Certificate", "certify"]

Matrix = NDArray[np.inexact[Any]]


@dataclass(frozen=True)
class Certificate:
    """Errors of a set of matrices, each a largest Frobenius norm or entry.

    Parameters
    ----------
    homomorphism_error
        Upper bound of ‖ρ(s)ρ(g) − ρ(sg)‖_F over all irreps, all g and all generators s.
    unitarity_error
        ‖ρ(s)*ρ(s) − 1‖_F over all irreps and generators.
    orthogonality_error
        |⟨χ_i, χ_j⟩ − δ_ij| over all pairs of characters, and |tr ρ(g) − χ(g)| over all classes.
    """

    homomorphism_error: float
    unitarity_error: float
    orthogonality_error: float


def certify(
    table: CharacterTable, blocks: Sequence[IrrepBlock], images: Sequence[Matrix]
) -> Certificate:
    """Measure the errors of the irreps against ``table`` over the whole group.

    ``images`` are the blocks' matrices of the generators. With e_x = ‖ρ(s)u_x − u_{sx}‖, the
    columns of ρ(s)ρ(g) − ρ(sg) are those residuals at x = g x_j times the inverse basis B⁻¹, so
    that the error is at most √d ‖B⁻¹‖ max_x e_x for every g, at a cost of M·d² a generator. An
    exact conjugate has the errors of its partner.
    """
    copies = len(table.group.generators)
    found = [
        _errors(table, block.part(chosen), image[chosen])
        for block, image in zip(blocks, images, strict=True)
        for chosen in block.slices(copies)
    ]
    homomorphism, unitarity, traces = (max(column) for column in zip(*found, strict=True))
    return Certificate(homomorphism, unitarity, max(traces, table.orthogonality_error))


def _errors(table: CharacterTable, block: IrrepBlock, images: Matrix) -> tuple[float, float, float]:
    generators = list(table.group.generators)
    degree = block.orbits.shape[2]
    if degree == 1:
        return _linear_errors(table, block, images[:, :, 0, 0])
    trace_error = _trace_error(table, block)
    turned = images.swapaxes(2, 3)
    gram, residual = turned.conj() @ images, block.orbits[:, None] @ turned
    gram -= _identities(block)
    unitarity = math.sqrt(squares(gram).sum(axis=(2, 3)).max())
    # `take` moves whole vectors, where an index array would move entry by entry.
    residual -= block.orbits.take(table.group.cayley_table[generators], axis=1)
    lengths = squares(residual) @ np.ones(degree)
    worst = lengths.max(axis=(1, 2))
    homomorphism = math.sqrt((worst * _amplification(block)).max())
    return homomorphism, unitarity, trace_error


def _linear_errors(
    table: CharacterTable, block: IrrepBlock, images: Matrix
) -> tuple[float, float, float]:
    """Return the errors of b linear characters, their values at the generators given (b, s)."""
    cayley, orbits, inverses = (
        table.group.cayley_table,
        block.orbits[..., 0],
        block.inverses[..., 0],
    )
    reps = table.group.conjugacy_classes.representatives
    # A pivot other than the identity comes from a caller's own matrices.
    found = (
        block.frames(cayley, reps)[..., 0, 0] if block.pivots.any() else orbits.take(reps, axis=1)
    )
    np.multiply(found, inverses, out=found)
    wrong = table.values.take(block.indices, axis=0)
    wrong -= found
    trace_error = math.sqrt(squares(wrong).max())
    if images.shape[1] == 0:
        return 0.0, 0.0, trace_error
    unitarity = np.abs(squares(images) - 1).max()
    residual = orbits[:, None] * images[:, :, None]
    residual -= orbits.take(cayley[list(table.group.generators)], axis=1)
    worst = squares(residual).max(axis=(1, 2))
    homomorphism = math.sqrt((worst * squares(inverses[:, 0])).max())
    return homomorphism, float(unitarity), trace_error


def _identities(block: IrrepBlock) -> NDArray[np.float64]:
    """Return the identity of every irrep, zero beyond its dimension, shape (b, 1, D, D)."""
    degree = block.orbits.shape[2]
    found: NDArray[np.float64] = np.eye(degree) * (np.arange(degree) < block.dims[:, None])[:, None]
    return found[:, None]


def _amplification(block: IrrepBlock) -> NDArray[np.float64]:
    """Return d‖B⁻¹‖², shape (b,)."""
    largest = np.linalg.svd(block.inverses, compute_uv=False)[:, 0]
    return squares(largest) * block.dims


def _trace_error(table: CharacterTable, block: IrrepBlock) -> float:
    """Return the largest |tr ρ(g) − χ(g)| over the block and the class representatives g."""
    group = table.group
    frames = block.frames(group.cayley_table, group.conjugacy_classes.representatives)
    # The trace is one inner product of d² entries.
    lines = frames.reshape(*frames.shape[:2], -1)
    traces = np.einsum("bkn,bn->bk", lines, block.inverses.reshape(len(lines), -1))
    return math.sqrt(squares(traces - table.values[block.indices]).max())
