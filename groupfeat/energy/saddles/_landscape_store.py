"""A graph of maxima and saddles in one SQLite file that other runs open and extend.

Weights are raw little-endian float64, everything else numbers and JSON text; nothing is
pickled. Each change is one transaction, so a run that dies leaves the file as it was.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from groupfeat.energy.objective._pairs import PairSet
from groupfeat.energy.saddles._landscape_graph import LandscapeGraph
from groupfeat.energy.saddles._merging import merge_graphs
from groupfeat.energy.saddles._saddles import CriticalPoints
from groupfeat.energy.saddles._same_points import Labels
from groupfeat.energy.saddles._store_reading import FORMAT, check_format, digest, read_graph

__all__ = ["extend_store", "load_store"]

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
                   tolerance REAL, versions TEXT NOT NULL, searched BLOB NOT NULL);
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
        If the file is no store, or one of another format, group, pair set, activation or
        energy; or if it holds a search of this graph already, which would count twice; or if σ
        or the energy cannot be written down (a user's own function, a residual); or if the file
        is damaged or cannot be written. It stays as it was then.

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
            check_format(store, path)
            _check_same(store, described, path)
            known = replace(read_graph(store, path), pairs=graph.pairs)
            merged = merge_graphs(known, graph, labels=labels)
        _write_graph(store, merged, graph)
    return merged


def load_store(path: str | Path) -> LandscapeGraph:
    """Return the graph that a file holds, with its group, pair set and activation.

    Raises
    ------
    ValueError
        If the file is no store or cannot be opened, or is of another format, or is damaged: a
        point is not the critical point that it is said to be, or stands there twice; a digest
        does not fit; a count or an end is impossible.
    FileNotFoundError
        If there is no such file.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"no landscape store at {path}; extend_store makes one")
    with _transaction(Path(path), "BEGIN") as store:
        if not _is_made(store, path):
            raise ValueError(f"{path} is empty, not a landscape store; extend_store fills one")
        check_format(store, path)
        return read_graph(store, path)


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
        "format": str(FORMAT),
        "group": pairs.group.name,
        "table_sha256": digest(pairs.group.cayley_table),
        "pairs_sha256": digest(np.stack([pairs.left, pairs.right])),
        "sampling": pairs.sampling,
        "activation": json.dumps(fields, sort_keys=True),
        "variant": graph.variant.name,
        "signs": json.dumps(graph.signs),
    }


def _check_same(store: sqlite3.Connection, described: dict[str, str], path: str | Path) -> None:
    told = dict(store.execute("SELECT key, value FROM problem"))
    for key, name in (
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
        "INSERT INTO runs (maxima_tries, saddle_tries, tolerance, versions, searched) "
        "VALUES (?, ?, ?, ?, ?)",
        (
            new.maxima_tries,
            new.saddle_tries,
            new.tolerance,
            versions,
            new.searched.astype("<u8").tobytes(),
        ),
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
