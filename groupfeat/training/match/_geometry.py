"""Where a matched node lies beside the predicted maxima: distance and the vectors x, y, z."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.energy import nearest_in_family, predicted_families
from groupfeat.groups import Irreps, check_irreps
from groupfeat.training.match._match import NodeMatch, checked_layers

__all__ = ["NodeGeometry", "node_geometry"]

Vectors = NDArray[np.inexact[Any]]


@dataclass(frozen=True)
class NodeGeometry:
    """One node beside the nearest maximum of its family.

    Parameters
    ----------
    index
        Column of W.
    irreps
        Its family.
    distance
        ‖w/‖w‖ − nearest maximum‖, over all flat directions; 0 at a maximum, √2 if orthogonal.
    x, y, z
        Unit vectors (d,) of that maximum, â ∝ xy*, b̂ ∝ yz*; each up to a common phase (a
        quaternion of norm one for quaternionic type, where they span one line of two).
    """

    index: int
    irreps: tuple[int, ...]
    distance: float
    x: Vectors = field(repr=False)
    y: Vectors = field(repr=False)
    z: Vectors = field(repr=False)


def node_geometry(
    first_layer: ArrayLike, second_layer: ArrayLike, irreps: Irreps, match: NodeMatch
) -> tuple[NodeGeometry, ...]:
    """Return the nearest maximum of every live node of ``match``, in its family.

    Constant parts are removed first, as in `match_nodes`.

    Examples
    --------
    >>> from groupfeat.groups import irreps, symmetric
    >>> from groupfeat.training import exact_network, match_nodes, node_geometry
    >>> reps = irreps(symmetric(3))
    >>> layers = exact_network(reps)
    >>> found = node_geometry(*layers, reps, match_nodes(*layers, reps))
    >>> len(found), max(node.distance for node in found) < 1e-7
    (9, True)
    """
    check_irreps(irreps)
    w, _ = checked_layers(first_layer, second_layer, irreps)
    order = irreps.group.order
    blocks = w.T.reshape(-1, 2, order)
    centred = (blocks - blocks.mean(-1, keepdims=True)).reshape(-1, 2 * order)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 0)
    found: dict[int, NodeGeometry] = {}
    for family in predicted_families(irreps):
        columns = [node.index for node in match.nodes if node.irreps == family.irreps]
        if not columns:
            continue
        nearest = nearest_in_family(unit[columns], family, irreps)
        flat = irreps[family.irreps[0]].matrices().reshape(order, -1)
        parts = nearest.points.reshape(-1, 2, order) @ flat
        coefficients = parts.reshape(-1, 2, family.dim, family.dim)
        for i, column in enumerate(columns):
            x, y, z = _units(coefficients[i, 0], coefficients[i, 1])
            distance = float(nearest.distances[i])
            found[column] = NodeGeometry(column, family.irreps, distance, x, y, z)
    return tuple(found[node.index] for node in match.nodes)


def _units(first: Vectors, second: Vectors) -> tuple[Vectors, Vectors, Vectors]:
    """Return x, y, z of â ∝ xy* and b̂ ∝ yz*."""
    left, _, right = np.linalg.svd(first)
    x, y = left[:, 0], right[0].conj()
    z = second.conj().T @ y
    return x, y, z / max(float(np.linalg.norm(z)), 1e-300)
