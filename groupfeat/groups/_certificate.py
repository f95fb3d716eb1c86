"""The certificate that goes with every set of irreps."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups._blocks import IrrepBlock, squares
from groupfeat.groups._characters import CharacterTable

__all__ = ["Certificate", "certify"]


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


def certify(table: CharacterTable, blocks: Iterable[IrrepBlock]) -> Certificate:
    """Measure the errors of the irreps against ``table`` over the whole group.

    With e_x = ‖ρ(s)u_x − u_{sx}‖, the columns of ρ(s)ρ(g) − ρ(sg) are those
    residuals at x = g x_j times the inverse basis B⁻¹, so that the error is at
    most √d ‖B⁻¹‖ max_x e_x for every g, at a cost of M·d² a generator. An exact
    conjugate has the errors of its partner.
    """
    copies = len(table.group.generators)
    found = [_errors(table, part) for block in blocks for part in block.parts(copies)]
    homomorphism, unitarity, traces = (max(column) for column in zip(*found, strict=True))
    return Certificate(homomorphism, unitarity, max(traces, table.orthogonality_error))


def _errors(table: CharacterTable, block: IrrepBlock) -> tuple[float, float, float]:
    cayley, generators = table.group.cayley_table, list(table.group.generators)
    trace_error = _trace_error(table, block)
    if not generators:
        return 0.0, 0.0, trace_error
    degree = block.orbits.shape[2]
    rows = cayley[generators]
    images = block.matrices(rows)
    gram = images.conj().swapaxes(2, 3) @ images - np.eye(degree)
    unitarity = math.sqrt(squares(gram).sum(axis=(2, 3)).max())
    residual = block.orbits[:, None] @ images.swapaxes(2, 3)
    residual -= block.orbits[:, rows]
    worst = (squares(residual) @ np.ones(degree)).max(axis=(1, 2))
    homomorphism = math.sqrt((worst * _amplification(block)).max())
    return homomorphism, unitarity, trace_error


def _amplification(block: IrrepBlock) -> NDArray[np.float64]:
    """Return d‖B⁻¹‖², shape (b,)."""
    degree = block.inverses.shape[2]
    if degree == 1:
        return squares(block.inverses[:, 0, 0])
    found: NDArray[np.float64] = np.linalg.svd(block.inverses, compute_uv=False)[:, 0] ** 2 * degree
    return found


def _trace_error(table: CharacterTable, block: IrrepBlock) -> float:
    """Return the largest |tr ρ(g) − χ(g)| over the block and the class representatives g."""
    cayley, chosen = table.group.cayley_table, table.group.conjugacy_classes.representatives
    moved = cayley[chosen[:, None, None], block.pivots].swapaxes(0, 1)
    frames = block.orbits[np.arange(len(moved))[:, None, None], moved]
    traces = np.einsum("bkji,bji->bk", frames, block.inverses)
    return math.sqrt(squares(traces - table.values[block.indices]).max())
