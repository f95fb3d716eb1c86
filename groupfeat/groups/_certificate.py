"""The certificate that goes with every set of irreps."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups._blocks import IrrepBlock, blocks_of, squares
from groupfeat.groups._characters import CharacterTable

if TYPE_CHECKING:
    from groupfeat.groups._irreps import Irrep

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


def certify(table: CharacterTable, members: Iterable["Irrep"]) -> Certificate:
    """Measure the errors of ``members`` against ``table`` over the whole group.

    With e_x = ‖ρ(s)u_x − u_{sx}‖, the columns of ρ(s)ρ(g) − ρ(sg) are those
    residuals at x = g x_j times the inverse basis B⁻¹, so that the error is at
    most √d ‖B⁻¹‖ max_x e_x for every g, at a cost of M·d² a generator.
    """
    everyone = list(members)
    found = [_errors(table, everyone, block) for block in blocks_of(everyone)]
    homomorphism, unitarity, traces = (float(max(column)) for column in zip(*found, strict=True))
    return Certificate(homomorphism, unitarity, max(traces, table.orthogonality_error))


def _errors(
    table: CharacterTable, members: list["Irrep"], block: IrrepBlock
) -> tuple[float, float, float]:
    cayley, generators = table.group.cayley_table, list(table.group.generators)
    trace_error = _trace_error(table, [members[i].index for i in block.positions], block)
    if not generators:
        return 0.0, 0.0, trace_error
    degree = block.orbits.shape[2]
    amplification = np.linalg.svd(block.inverses, compute_uv=False)[:, 0] * np.sqrt(degree)
    images = block.matrices(cayley[generators])
    gram = images.conj().swapaxes(2, 3) @ images - np.eye(degree)
    unitarity = float(np.sqrt(squares(gram).sum(axis=(2, 3)).max()))
    moved = block.orbits[:, None] @ images.swapaxes(2, 3)
    residual = squares(moved - block.orbits[:, cayley[generators]]) @ np.ones(degree)
    homomorphism = float((np.sqrt(residual.max(axis=(1, 2))) * amplification).max())
    return homomorphism, unitarity, trace_error


def _trace_error(table: CharacterTable, indices: list[int], block: IrrepBlock) -> float:
    """Return the largest |tr ρ(g) − χ(g)| over the block and the class representatives g."""
    cayley, chosen = table.group.cayley_table, table.group.conjugacy_classes.representatives
    irreps = np.arange(len(indices))[:, None]
    traces: NDArray[Any] = np.zeros((len(indices), len(chosen)), dtype=block.orbits.dtype)
    for j, inverse in enumerate(block.inverses.swapaxes(0, 1)):
        frames = block.orbits[irreps, cayley[chosen, block.pivots[:, j, None]]]
        traces += (frames @ inverse[:, :, None])[..., 0]
    return float(np.sqrt(squares(traces - table.values[indices]).max()))
