"""Networks on abelian groups, frequency by frequency: order, conditions, factorisation."""

from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups import Irreps, check_irreps, fourier_transform, real_families
from groupfeat.training.match._match import MatchThresholds, checked_layers, match_nodes

__all__ = ["FrequencySolution", "abelian_solutions"]

Complexes = NDArray[np.complex128]
_TURN = np.exp(2j * np.pi / 3)


@dataclass(frozen=True)
class FrequencySolution:
    """The nodes of one conjugate pair of an abelian group, as complex triples (A, B, C).

    A node is a(g) = Re Aχ(g), b(h) = Re Bχ(h), v(t) = Re Cχ̄(t) on the frequency χ.

    Parameters
    ----------
    irreps
        The pair (k, k̄).
    nodes
        Live nodes matched to it.
    order
        Nodes left when those of one direction (A, B), up to a common real factor, count once.
    triples
        One (A, B, C) a direction, scaled to |A|² + |B|² = 2, shape (order, 3).
    signal
        Σ ABC: the part of the answer that is right.
    violations
        |sum|/|signal| of each condition by name: ``"ABC'"``, ``"AB'C"``, ``"A'BC"`` (a stroke is
        a conjugate) and the second harmonics ``"AAC"``, ``"AAC'"``: √(|ΣA²C|² + |ΣB²C|²), as
        those in g and those in h are other functions and cannot cancel; and ``"bias"``,
        Σ(|A|² + |B|²)C, which adds the same to every pair and vanishes under P⊥.
    kind
        ``"4 = (ν=i) * ξ"``, ``"6 = ν * syn"``, ``"6 = (ν=i) * syn(αβ)"``, or ``"none"``.
    factor_error
        Relative error of the factorisation; inf where there is none to try.
    """

    irreps: tuple[int, ...]
    nodes: int
    order: int
    triples: Complexes = field(repr=False)
    signal: complex
    violations: dict[str, float]
    kind: str
    factor_error: float


def abelian_solutions(
    first_layer: ArrayLike,
    second_layer: ArrayLike,
    irreps: Irreps,
    *,
    thresholds: MatchThresholds | None = None,
    same_direction: float = 0.05,
    tolerance: float = 0.1,
) -> tuple[FrequencySolution, ...]:
    """Read a network on an abelian group as algebraic solutions, one a conjugate pair.

    The products of two sets of triples are all products of their members, entry by entry. Known
    solutions are products of one of two members and one of two or three, each normalised to
    start at (1, 1, 1) and with ABC = 1. ν: (ν, −ν, −1/ν²); ν=i: (±i, ∓i, 1); ξ: (ξ, 1/(cξ), c),
    c = ±i; syn: (ω, ω, ω) and (ω̄, ω̄, ω̄), ω = e^{2πi/3}; syn(αβ): (αω, ω/α, ω) and
    (βω̄, ω̄/β, ω̄). (−A, −B, C) is the same node as (A, B, C).

    Parameters
    ----------
    first_layer, second_layer
        W of shape (2M, K) and V of shape (K, M).
    irreps
        Irreps of an abelian group; real characters (order two) have no phase and are left out.
    thresholds
        Of the matching.
    same_direction
        Distance of unit (A, B) below which two nodes count as one direction.
    tolerance
        Largest relative error of a factorisation that is named.

    Raises
    ------
    ValueError
        If the group is not abelian.

    References
    ----------
    arXiv:2410.01779, §5 (order-4 and order-6 solutions, Table 2); there networks of M = 23, 71,
    127 trained for 10,000 epochs have mostly 4, else 6 nodes a frequency.
    """
    check_irreps(irreps)
    if not irreps.group.is_abelian:
        raise ValueError(
            f"{irreps.group.name} is not abelian; frequencies are irreps of dimension 1"
        )
    w, v = checked_layers(first_layer, second_layer, irreps)
    match = match_nodes(w, v, irreps, thresholds=thresholds)
    order = irreps.group.order
    stacked = np.stack([w[:order].T, w[order:].T, v], axis=1)
    spectrum = fourier_transform(stacked, irreps)
    found = []
    for family in real_families(irreps)[1:]:
        if len(family) == 1:
            continue
        chosen = [n.index for n in match.nodes if n.matched and n.irreps == family]
        # f(g) = Re Aχ(g) has f̂ = Σ f χ = (M/2) Ā.
        a, b, c = (2 / order * spectrum[family[0]][chosen, i, 0, 0] for i in range(3))
        triples = _directions(np.stack([a.conj(), b.conj(), c], 1), same_direction)
        found.append(_solution(family, len(chosen), triples, tolerance))
    return tuple(found)


def _directions(triples: Complexes, least: float) -> Complexes:
    """Merge triples of one direction; V is homogeneous of degree two in (A, B)."""
    merged: list[Complexes] = []
    for triple in triples:
        size = np.linalg.norm(triple[:2]) / np.sqrt(2)
        unit = np.append(triple[:2] / size, triple[2] * size**2)
        for other in merged:
            gap = min(np.linalg.norm(unit[:2] - s * other[:2]) for s in (1, -1))
            if gap < least:
                other[2] += unit[2]
                break
        else:
            merged.append(unit)
    return np.array(merged, dtype=np.complex128).reshape(-1, 3)


def _solution(
    family: tuple[int, ...], nodes: int, triples: Complexes, tolerance: float
) -> FrequencySolution:
    a, b, c = triples.T
    signal = complex(np.sum(a * b * c))
    conditions = {
        "ABC'": [a * b * c.conj()],
        "AB'C": [a * b.conj() * c],
        "A'BC": [a.conj() * b * c],
        "AAC": [a * a * c, b * b * c],
        "AAC'": [a * a * c.conj(), b * b * c.conj()],
        "bias": [(np.abs(a) ** 2 + np.abs(b) ** 2) * c],
    }
    scale = max(abs(signal), 1e-300)
    violations = {
        name: float(np.linalg.norm(np.sum(terms, axis=1)) / scale)
        for name, terms in conditions.items()
    }
    kind, error = _factored(triples, tolerance)
    return FrequencySolution(family, nodes, len(triples), triples, signal, violations, kind, error)


def _factored(triples: Complexes, tolerance: float) -> tuple[str, float]:
    """Try every order of the nodes and sign; return the best factorisation."""
    count = len(triples)
    if count not in (4, 6):
        return "none", float("inf")
    tried = [_split(triples, chosen, count // 2) for chosen in _halves(count)]
    named = [
        (error, kind)
        for pair, rest, error in tried
        if error <= tolerance and (kind := _name(pair, rest, tolerance)) != "none"
    ]
    if named:
        error, kind = min(named)
        return kind, error
    return "none", min(error for *_, error in tried)


def _halves(count: int) -> list[tuple[int, ...]]:
    """Return all ways to send the first half, in order, onto a second."""
    half = count // 2
    orders = []
    for second in permutations(range(1, count), half):
        first = [i for i in range(count) if i not in second]
        orders.append((*first, *second))
    return orders


def _split(
    triples: Complexes, chosen: tuple[int, ...], half: int
) -> tuple[Complexes, Complexes, float]:
    """Return the two factors of triples[chosen], starting at ones, and the relative error."""
    first, second = triples[list(chosen[:half])], triples[list(chosen[half:])].copy()
    ratio = second / first
    for row in range(1, half):  # (−A, −B, C) is the same node
        if abs(ratio[row, 0] + ratio[0, 0]) < abs(ratio[row, 0] - ratio[0, 0]):
            ratio[row, :2] *= -1
    mean = ratio.mean(0)
    error = float(np.linalg.norm(ratio - mean) / np.linalg.norm(ratio))
    return _normal(mean), np.stack([_normal(row) for row in first[1:] / first[0]]), error


def _normal(triple: Complexes) -> Complexes:
    """Keep the phases alone."""
    unit: Complexes = triple / np.maximum(np.abs(triple), 1e-300)
    return unit


def _name(pair: Complexes, rest: Complexes, tolerance: float) -> str:
    def near(x: Any, y: Any) -> bool:
        return bool(abs(x - y) < 3 * tolerance)

    def is_quarter(triple: Complexes) -> bool:  # ν = i: (±i, ∓i, 1)
        a, b, c = triple
        return near(c, 1) and near(a * b, 1) and near(a * a, -1)

    if len(rest) == 1:
        for one, two in ((pair, rest[0]), (rest[0], pair)):
            if is_quarter(one) and near(two[2] ** 2, -1) and near(np.prod(two), 1):
                return "4 = (ν=i) * ξ"
        return "none"
    turns = [any(near(row[2], turn) for turn in (_TURN, 1 / _TURN)) for row in rest]
    if not all(turns) or near(rest[0][2], rest[1][2]):
        return "none"
    if not all(near(np.prod(row), 1) for row in rest):
        return "none"
    # (−A, −B, C) is the same node.
    alike = [
        any(near(s * row[0], row[2]) and near(s * row[1], row[2]) for s in (1, -1)) for row in rest
    ]
    if near(pair[0], -pair[1]) and near(np.prod(pair), 1) and all(alike):
        return "6 = ν * syn"
    return "6 = (ν=i) * syn(αβ)" if is_quarter(pair) else "none"
