"""What a landscape store holds, read back and verified: nothing in the file is believed."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.ascent._local_model import make_problem
from groupfeat.energy.ascent._search import CONVERGED
from groupfeat.energy.objective._activations import (
    Activation,
    get_activation,
    polynomial_activation,
)
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.objective._variants import get_variant
from groupfeat.energy.saddles._landscape_graph import LandscapeGraph
from groupfeat.energy.saddles._saddles import (
    CriticalPoints,
    certify,
    check_energies,
    declared_flat,
)
from groupfeat.energy.saddles._same_points import Sameness, classes_of, sign_symmetries
from groupfeat.groups import FiniteGroup

__all__ = ["FORMAT", "check_format", "digest", "read_activation", "read_graph"]

FORMAT = 2
"""Since 2 each run holds digests of its starts and its tolerance."""
_DAMAGE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_READ_MAXIMA = """
SELECT energy, gradient_norm, idx, declared, nullity, weight, found FROM maxima ORDER BY id
"""
_READ_SADDLES = """
SELECT energy, gradient_norm, idx, declared, nullity, weight, found, first, second
FROM saddles ORDER BY id
"""
_READ_RUNS = "SELECT maxima_tries, saddle_tries, tolerance, searched FROM runs ORDER BY id"


def check_format(store: sqlite3.Connection, path: str | Path) -> None:
    """Raise ``ValueError`` if the store is of another format."""
    row = store.execute("SELECT value FROM problem WHERE key = 'format'").fetchone()
    told = "none" if row is None else f"{row[0]!s:.20}"
    if told == "1":
        raise ValueError(
            f"{path} is a store of format 1, which did not tell a repeated run from a new one: "
            f"its counts cannot be trusted; explore again into a new file of format {FORMAT}"
        )
    if told != str(FORMAT):
        raise ValueError(
            f"{path} is a store of format {told}, expected {FORMAT}; open it with the groupfeat "
            "that wrote it, or explore again into a new file"
        )


def read_graph(store: sqlite3.Connection, path: str | Path) -> LandscapeGraph:
    """Return the graph in the file; whatever a damaged one throws becomes one clear error."""
    try:
        return _read(store)
    except _DAMAGE as error:
        raise ValueError(f"{path} is damaged: {error!s:.200}; restore it from a copy") from error


def _read(store: sqlite3.Connection) -> LandscapeGraph:
    told = dict(store.execute("SELECT key, value FROM problem"))
    pairs = _read_pairs(store, told)
    tops = store.execute(_READ_MAXIMA).fetchall()
    passes = store.execute(_READ_SADDLES).fetchall()
    runs = store.execute(_READ_RUNS).fetchall()
    _check_integers((*row[2:5], *row[6:]) for row in (*tops, *passes))
    _check_integers(row[:2] for row in runs)
    searched = [np.frombuffer(row[3], dtype="<u8") for row in runs]
    _need(all(len(s) == sum(row[:2]) for s, row in zip(searched, runs, strict=True)), _SEARCHES)
    graph = LandscapeGraph(
        pairs=pairs,
        activation=read_activation(json.loads(told["activation"])),
        variant=get_variant(told["variant"]),
        maxima=_points(tops, pairs.order, 0),
        saddles=_points(passes, pairs.order, 1),
        maxima_counts=_counts(tops, sum(row[0] for row in runs)),
        saddle_counts=_counts(passes, sum(row[1] for row in runs)),
        ends=np.array([row[7:9] for row in passes], np.intp).reshape(-1, 2),
        maxima_tries=sum(row[0] for row in runs),
        saddle_tries=sum(row[1] for row in runs),
        signs=tuple((int(s), int(t)) for s, t in json.loads(told["signs"])),
        tolerance=max(float(row[2]) for row in runs),
        searched=np.sort(np.concatenate(searched).astype(np.uint64)),
    )
    _check_read(graph)
    return graph


_SEARCHES = "a run has not as many digests as searches"


def _check_integers(rows: Iterable[tuple[Any, ...]]) -> None:
    whole = all(type(value) is int for row in rows for value in row)
    _need(whole, "a count, an index or an end is no whole number")


def _counts(rows: list[tuple[Any, ...]], tries: int) -> NDArray[np.intp]:
    counts = [row[6] for row in rows]
    _need(all(count >= 0 for count in counts), "a count is negative")
    _need(sum(counts) <= tries, "more ends are counted than searches were made")
    return np.array(counts, dtype=np.intp)


def _check_read(graph: LandscapeGraph) -> None:
    ends, tops = graph.ends, graph.maxima.energies
    _need(bool(((ends >= -1) & (ends < len(tops))).all()), "a saddle has no such end")
    heights = np.where(ends < 0, np.inf, np.append(tops, np.inf)[ends])
    above = heights >= graph.saddles.energies[:, None] * (1 - 1e-6)
    _need(bool(above.all()), "a saddle lies above its end")
    known = sign_symmetries(graph.pairs, graph.activation, variant=graph.variant)
    _need((1, 1) in graph.signs and set(graph.signs) <= set(known), "a sign changes the energy")
    _need(0 < graph.tolerance < 1, "a tolerance is not in (0, 1)")
    _need(len(np.unique(graph.searched)) == len(graph.searched), "a search is counted twice")
    for points, index in ((graph.maxima, 0), (graph.saddles, 1)):
        _check_points(points, index, graph)


def _check_points(points: CriticalPoints, index: int, graph: LandscapeGraph) -> None:
    """Raise ``ValueError`` unless the points are what they are said to be, each another."""
    sigma, kind = graph.activation, graph.variant
    flat = declared_flat(graph.pairs, sigma, variant=kind)
    problem = make_problem(graph.pairs, sigma, kind, flat)
    check_energies(points, problem)
    # Rounding may leave a gradient that was just below the bound just above it.
    anew = certify(points.weights, problem, 1.001 * graph.tolerance + 1e-12)
    _need(bool(anew.is_converged.all()), "a weight is no critical point")
    _need(bool((points.gradient_norms <= graph.tolerance).all()), "a gradient is too large")
    for name in ("indices", "declared", "nullities"):
        same = np.array_equal(getattr(anew, name), getattr(points, name))
        _need(same, f"the Hessian has not the {name} that are stored")
    heads, _ = classes_of(points, index, Sameness(graph.signs, None))
    _need(len(heads) == len(points), "a point stands there twice")


def _need(holds: bool, complaint: str) -> None:
    if not holds:
        raise ValueError(complaint)


def _points(rows: list[tuple[Any, ...]], order: int, index: int) -> CriticalPoints:
    blobs = [row[5] for row in rows]
    whole = all(isinstance(blob, bytes) and len(blob) == 16 * order for blob in blobs)
    _need(whole, f"a weight is not {2 * order} numbers long")
    weights = np.array([np.frombuffer(b, dtype="<f8") for b in blobs]).reshape(-1, 2 * order)
    numbers = np.array([row[:5] for row in rows], dtype=np.float64).reshape(-1, 5)
    _need(bool(np.isfinite(numbers).all()), "an energy or a certificate is missing")
    _need(bool((numbers[:, 2] == index).all()), f"an index is not {index}")
    _need(bool((numbers >= 0).all() and (numbers[:, 3] <= numbers[:, 4]).all()), "a nullity is off")
    _need(bool((np.abs(np.linalg.norm(weights, axis=1) - 1) <= 1e-8).all()), "a norm is not 1")
    found, declared, nullity = numbers[:, 2:].astype(np.intp).T
    return CriticalPoints(
        weights, numbers[:, 0], numbers[:, 1], found, declared, nullity, (CONVERGED,) * len(rows)
    )


def _read_pairs(store: sqlite3.Connection, told: dict[str, str]) -> PairSet:
    table = _array(store, "cayley_table")
    left, right = (_array(store, side).astype(np.intp) for side in ("left", "right"))
    _need(digest(table) == told["table_sha256"], "its Cayley table is another")
    _need(digest(np.stack([left, right])) == told["pairs_sha256"], "its pairs are others")
    group = FiniteGroup.from_cayley_table(table, name=told["group"])
    return PairSet(group, left, right, told["sampling"])


def _array(store: sqlite3.Connection, name: str) -> NDArray[np.int64]:
    row = store.execute("SELECT dtype, shape, data FROM arrays WHERE name = ?", (name,)).fetchone()
    _need(row is not None, f"its array {name} is missing")
    _need(row[0] == "<i8", f"its array {name} is not of integers")
    return np.frombuffer(row[2], dtype="<i8").reshape(json.loads(row[1]))


def read_activation(fields: dict[str, Any]) -> Activation:
    if fields["name"] == "polynomial":
        return polynomial_activation(fields["coefficients"])
    return get_activation(fields["name"], fields["parameter"])


def digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array, dtype="<i8").tobytes()).hexdigest()
