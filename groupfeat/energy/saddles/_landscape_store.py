"""A graph of maxima and saddles in one SQLite file that other runs open and extend.

Weights are raw little-endian float64, everything else numbers and JSON text; nothing is
pickled. Each change is one transaction, so a run that dies leaves the file as it was.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.ascent._search import CONVERGED
from groupfeat.energy.objective._activations import (
    Activation,
    get_activation,
    polynomial_activation,
)
from groupfeat.energy.objective._energy import energy
from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.objective._variants import get_variant
from groupfeat.energy.saddles._landscape_graph import LandscapeGraph, merge_graphs
from groupfeat.energy.saddles._saddles import CriticalPoints
from groupfeat.energy.saddles._same_points import Labels
from groupfeat.groups import FiniteGroup

__all__ = ["extend_store", "load_store"]

_FORMAT = 1
_DAMAGE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_TABLES = """
CREATE TABLE problem (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE arrays (name TEXT PRIMARY KEY, dtype TEXT NOT NULL, shape TEXT NOT NULL,
                     data BLOB NOT NULL);
CREATE TABLE maxima (id INTEGER PRIMARY KEY, energy REAL, gradient_norm REAL, idx INTEGER,
                     declared INTEGER, nullity INTEGER, found INTEGER, weight BLOB NOT NULL);
CREATE TABLE saddles (id INTEGER PRIMARY KEY, energy REAL, gradient_norm REAL, idx INTEGER,
                      declared INTEGER, nullity INTEGER, found INTEGER, weight BLOB NOT NULL,
                      first INTEGER, second INTEGER);
CREATE TABLE runs (id INTEGER PRIMARY KEY, maxima_tries INTEGER, saddle_tries INTEGER,
                   versions TEXT NOT NULL);
"""
_READ_MAXIMA = """
SELECT energy, gradient_norm, idx, declared, nullity, weight, found FROM maxima ORDER BY id
"""
_READ_SADDLES = """
SELECT energy, gradient_norm, idx, declared, nullity, weight, found, first, second
FROM saddles ORDER BY id
"""


def extend_store(
    path: str | Path, graph: LandscapeGraph, *, labels: Labels | None = None
) -> LandscapeGraph:
    """Merge ``graph`` with what the file holds, write both, and return them together.

    The file is made if it is missing. Two runs may extend it at the same time: each waits
    for the other's transaction.

    Parameters
    ----------
    path
        The SQLite file.
    graph
        As `explore_landscape` returns it.
    labels
        As for `explore_landscape`, where maxima form manifolds.

    Raises
    ------
    ValueError
        If the file is no store, or one of another group, pair set, activation or energy;
        or if σ or the energy cannot be written down (a user's own function, a residual);
        or if the file is damaged or cannot be written. It stays as it was then.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from groupfeat.energy import explore_landscape, extend_store, sample_pairs
    >>> from groupfeat.groups import cyclic
    >>> pairs = sample_pairs(cyclic(5), 0.8, rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for seed in (0, 1):
    ...         graph = explore_landscape(pairs, starts=50, searches=50, rng=seed)
    ...         both = extend_store(Path(folder) / "c5.sqlite", graph)
    >>> both.maxima_tries
    100
    """
    described = _describe(graph)
    with _transaction(Path(path), "BEGIN IMMEDIATE") as store:
        if not _is_made(store, path):
            # One statement at a time: executescript would end the transaction.
            for statement in filter(str.strip, _TABLES.split(";")):
                store.execute(statement)
            store.executemany("INSERT INTO problem VALUES (?, ?)", described.items())
            _write_problem(store, graph.pairs)
            merged = graph
        else:
            _check_same(store, described, path)
            known = replace(_load(store, path), pairs=graph.pairs)
            merged = merge_graphs(known, graph, labels=labels)
        _write_graph(store, merged, graph)
    return merged


def load_store(path: str | Path) -> LandscapeGraph:
    """Return the graph that a file holds, with its group, pair set and activation.

    Raises
    ------
    ValueError
        If the file is no store or cannot be opened, or is damaged: E of a point is not what was
        stored beside it, a digest does not fit, a count or an end is impossible.
    FileNotFoundError
        If there is no such file.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"no landscape store at {path}; extend_store makes one")
    with _transaction(Path(path), "BEGIN") as store:
        if not _is_made(store, path):
            raise ValueError(f"{path} is empty, not a landscape store; extend_store fills one")
        return _load(store, path)


def _describe(graph: LandscapeGraph) -> dict[str, str]:
    sigma, pairs = graph.activation, graph.pairs
    if sigma.functions:
        raise ValueError(f"{sigma.name} is a user's own function, which a store cannot hold")
    if graph.variant.matrix is not None:
        raise ValueError(f"the {graph.variant.name} energy has a matrix, which a store cannot hold")
    fields = {
        "name": sigma.name,
        "parameter": sigma.parameter,
        "is_smooth": sigma.is_smooth,
        "coefficients": list(sigma.coefficients),
    }
    return {
        "format": str(_FORMAT),
        "group": pairs.group.name,
        "table_sha256": _digest(pairs.group.cayley_table),
        "pairs_sha256": _digest(np.stack([pairs.left, pairs.right])),
        "sampling": pairs.sampling,
        "activation": json.dumps(fields, sort_keys=True),
        "variant": graph.variant.name,
        "signs": json.dumps(graph.signs),
    }


def _check_same(store: sqlite3.Connection, described: dict[str, str], path: str | Path) -> None:
    told = dict(store.execute("SELECT key, value FROM problem"))
    for key, name in (
        ("format", "format"),
        ("table_sha256", "group"),
        ("pairs_sha256", "pair set"),
        ("sampling", "sampling of pairs"),
        ("activation", "activation"),
        ("variant", "energy"),
        ("signs", "signs that count as one"),
    ):
        if told.get(key) != described[key]:
            raise ValueError(
                f"{path} holds another problem: its {name} is {told.get(key)}, this one's is "
                f"{described[key]}; give this one a file of its own"
            )


@contextmanager
def _transaction(path: Path, begin: str) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as store:
            store.execute(begin)
            yield store
            store.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise ValueError(
            f"cannot use {path} as a landscape store ({error}); name a file in a folder that can "
            "be written, or wait until no other run holds it"
        ) from error
    except sqlite3.DatabaseError as error:
        raise ValueError(f"{path} is no landscape store ({error}); name another file") from error


def _is_made(store: sqlite3.Connection, path: str | Path) -> bool:
    names = {name for (name,) in store.execute("SELECT name FROM sqlite_master")}
    if names and not {"problem", "arrays", "maxima", "saddles", "runs"} <= names:
        raise ValueError(f"{path} is an SQLite file of something else; name another file")
    return bool(names)


def _write_problem(store: sqlite3.Connection, pairs: PairSet) -> None:
    arrays = {"cayley_table": pairs.group.cayley_table, "left": pairs.left, "right": pairs.right}
    for name, array in arrays.items():
        data = np.ascontiguousarray(array, dtype="<i8")
        row = (name, "<i8", json.dumps(data.shape), data.tobytes())
        store.execute("INSERT INTO arrays VALUES (?, ?, ?, ?)", row)


def _write_graph(store: sqlite3.Connection, merged: LandscapeGraph, new: LandscapeGraph) -> None:
    store.execute("DELETE FROM maxima")
    store.execute("DELETE FROM saddles")
    tops = zip(_rows(merged.maxima), merged.maxima_counts.tolist(), strict=True)
    store.executemany(
        "INSERT INTO maxima VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(*row[:-1], count, row[-1]) for row, count in tops],
    )
    passes = zip(
        _rows(merged.saddles), merged.saddle_counts.tolist(), merged.ends.tolist(), strict=True
    )
    store.executemany(
        "INSERT INTO saddles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*row[:-1], count, row[-1], *ends) for row, count, ends in passes],
    )
    versions = json.dumps({name: version(name) for name in ("groupfeat", "numpy")})
    store.execute(
        "INSERT INTO runs (maxima_tries, saddle_tries, versions) VALUES (?, ?, ?)",
        (new.maxima_tries, new.saddle_tries, versions),
    )


def _rows(points: CriticalPoints) -> Iterator[tuple[Any, ...]]:
    for i in range(len(points)):
        yield (
            i,
            float(points.energies[i]),
            float(points.gradient_norms[i]),
            int(points.indices[i]),
            int(points.declared[i]),
            int(points.nullities[i]),
            points.weights[i].astype("<f8").tobytes(),
        )


def _load(store: sqlite3.Connection, path: str | Path) -> LandscapeGraph:
    """Return the graph in the file; whatever a damaged one throws becomes one clear error."""
    try:
        return _read(store)
    except _DAMAGE as error:
        raise ValueError(f"{path} is damaged: {error!s:.200}; restore it from a copy") from error


def _read(store: sqlite3.Connection) -> LandscapeGraph:
    told = dict(store.execute("SELECT key, value FROM problem"))
    _need(told["format"] == str(_FORMAT), f"its format is {told['format']:.20}, not {_FORMAT}")
    pairs = _read_pairs(store, told)
    tops = store.execute(_READ_MAXIMA).fetchall()
    passes = store.execute(_READ_SADDLES).fetchall()
    tries = store.execute("SELECT SUM(maxima_tries), SUM(saddle_tries) FROM runs").fetchone()
    graph = LandscapeGraph(
        pairs=pairs,
        activation=_read_activation(json.loads(told["activation"])),
        variant=get_variant(told["variant"]),
        maxima=_points(tops, pairs.order, 0),
        saddles=_points(passes, pairs.order, 1),
        maxima_counts=np.array([int(row[6]) for row in tops], dtype=np.intp),
        saddle_counts=np.array([int(row[6]) for row in passes], dtype=np.intp),
        ends=np.array([[int(i) for i in row[7:9]] for row in passes], np.intp).reshape(-1, 2),
        maxima_tries=int(tries[0]),
        saddle_tries=int(tries[1]),
        signs=tuple((int(s), int(t)) for s, t in json.loads(told["signs"])),
    )
    _check_read(graph)
    return graph


def _check_read(graph: LandscapeGraph) -> None:
    counts, ends = (graph.maxima_counts, graph.saddle_counts), graph.ends
    _need(all((count >= 0).all() for count in counts), "a count is negative")
    enough = counts[0].sum() <= graph.maxima_tries and counts[1].sum() <= graph.saddle_tries
    _need(bool(enough), "more ends are counted than searches were made")
    _need(bool(((ends >= -1) & (ends < len(graph.maxima))).all()), "a saddle has no such end")
    units = ((1, 1), (1, -1), (-1, 1), (-1, -1))
    _need((1, 1) in graph.signs and set(graph.signs) <= set(units), "a sign is not 1 or -1")
    for points in (graph.maxima, graph.saddles):
        level = energy(points.weights, graph.pairs, graph.activation, variant=graph.variant)
        apart = np.abs(level - points.energies)
        same = apart <= 1e-8 * np.abs(points.energies) + 1e-15
        _need(bool(same.all()), "a weight has not the energy stored beside it")


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
    _need(bool((numbers[:, 1] <= 1).all()), "a relative gradient is above 1")
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
    _need(_digest(table) == told["table_sha256"], "its Cayley table is another")
    _need(_digest(np.stack([left, right])) == told["pairs_sha256"], "its pairs are others")
    inside = min(left.min(), right.min()) >= 0 and max(left.max(), right.max()) < len(table)
    _need(bool(inside), "a pair is none of the group")
    group = FiniteGroup.from_cayley_table(table, name=told["group"])
    return PairSet(group, left, right, told["sampling"])


def _array(store: sqlite3.Connection, name: str) -> NDArray[np.int64]:
    row = store.execute("SELECT dtype, shape, data FROM arrays WHERE name = ?", (name,)).fetchone()
    _need(row is not None, f"its array {name} is missing")
    _need(row[0] == "<i8", f"its array {name} is not of integers")
    return np.frombuffer(row[2], dtype="<i8").reshape(json.loads(row[1]))


def _read_activation(fields: dict[str, Any]) -> Activation:
    if fields["name"] == "polynomial":
        return polynomial_activation(fields["coefficients"])
    return get_activation(fields["name"], fields["parameter"])


def _digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array, dtype="<i8").tobytes()).hexdigest()
