"""Planted truth: how well node matching finds it again as noise grows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy import predicted_families, sample_family
from groupfeat.groups import Irreps, convolve
from groupfeat.training import MatchThresholds, match_nodes

__all__ = ["Recovery", "measure_recovery", "plant_nodes"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recovery:
    """Matching on a network of planted and of random nodes.

    Parameters
    ----------
    noise
        ‖noise‖/‖signal‖ of every column of W and every row of V.
    recall
        Planted nodes that match their own family, over all planted.
    precision
        Matches that are right, over all matches; 1 without a match.
    """

    noise: float
    recall: float
    precision: float


def plant_nodes(
    irreps: Irreps, per_family: int, noise: float, *, rng: int | np.random.Generator
) -> tuple[Floats, Floats, list[tuple[int, ...]]]:
    """Return W, V and the family of each node: maxima of the energy, rows of V along a*b, noise.

    Noise is Gaussian, of expected norm ``noise`` times the signal's (constant parts apart).
    """
    generator, order = np.random.default_rng(rng), irreps.group.order
    points, truth = [], []
    for family in predicted_families(irreps):
        points.append(sample_family(family, irreps, count=per_family, rng=generator))
        truth += [family.irreps] * per_family
    w = np.concatenate(points)
    v = np.real(convolve(w[:, :order], w[:, order:], irreps.group))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    for array in (w, v):
        array += noise * generator.standard_normal(array.shape) / np.sqrt(array.shape[1])
    return w.T, v, truth


def measure_recovery(
    irreps: Irreps,
    noises: tuple[float, ...],
    *,
    nodes: int = 400,
    thresholds: MatchThresholds | None = None,
    rng: int | np.random.Generator = 0,
) -> tuple[Recovery, ...]:
    """Match about ``nodes`` planted nodes among as many random ones at each noise level."""
    generator = np.random.default_rng(rng)
    found = []
    for noise in noises:
        per_family = max(1, nodes // len(predicted_families(irreps)))
        w, v, truth = plant_nodes(irreps, per_family, noise, rng=generator)
        random = generator.standard_normal((len(w), len(truth))) / np.sqrt(len(w))
        rows = generator.standard_normal(v.shape) / np.sqrt(v.shape[1])
        match = match_nodes(
            np.concatenate([w, random], axis=1),
            np.concatenate([v, rows]),
            irreps,
            thresholds=thresholds,
        )
        claimed = {node.index: node.irreps for node in match.nodes if node.matched}
        right = sum(claimed.get(i) == family for i, family in enumerate(truth))
        precision = right / len(claimed) if claimed else 1.0
        found.append(Recovery(noise, right / len(truth), precision))
    return tuple(found)
