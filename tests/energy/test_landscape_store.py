"""The store: written, extended by another run, left whole by a crash, and refused if foreign."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from groupfeat.energy import (
    LandscapeGraph,
    explore_landscape,
    extend_store,
    get_activation,
    load_store,
    merge_graphs,
    sample_pairs,
)
from groupfeat.groups import cyclic, symmetric

PAIRS = sample_pairs(cyclic(5), 0.8, rng=0)

DIES = """
import os, sys
from groupfeat.energy import _landscape_store as store
from groupfeat.energy import explore_landscape, sample_pairs
from groupfeat.groups import cyclic

def die(graph):
    os._exit(9)

graph = explore_landscape(sample_pairs(cyclic(5), 0.8, rng=0), starts=20, searches=20, rng=3)
rows = store._rows
store._rows = lambda points: rows(points) if points is not merged_saddles() else die(points)
calls = []
def merged_saddles():
    return calls[-1]
merge = store.merge_graphs
def watched(*args, **more):
    both = merge(*args, **more)
    calls.append(both.saddles)
    return both
store.merge_graphs = watched
store.extend_store(sys.argv[1], graph)
"""


@pytest.fixture(scope="module")
def graph() -> LandscapeGraph:
    return explore_landscape(PAIRS, starts=60, searches=80, rng=0)


def test_what_is_stored_comes_back(graph: LandscapeGraph, tmp_path: Path) -> None:
    extend_store(tmp_path / "c5.sqlite", graph)
    back = load_store(tmp_path / "c5.sqlite")
    for stored, read in ((graph.maxima, back.maxima), (graph.saddles, back.saddles)):
        np.testing.assert_array_equal(stored.weights, read.weights)
        np.testing.assert_array_equal(stored.energies, read.energies)
        np.testing.assert_array_equal(stored.gradient_norms, read.gradient_norms)
        np.testing.assert_array_equal(stored.indices, read.indices)
        np.testing.assert_array_equal(stored.nullities, read.nullities)
    np.testing.assert_array_equal(graph.ends, back.ends)
    np.testing.assert_array_equal(graph.maxima_counts, back.maxima_counts)
    np.testing.assert_array_equal(graph.saddle_counts, back.saddle_counts)
    assert (back.maxima_tries, back.saddle_tries, back.signs) == (60, 80, graph.signs)
    assert back.activation == graph.activation
    np.testing.assert_array_equal(back.pairs.left, PAIRS.left)
    np.testing.assert_array_equal(back.pairs.group.cayley_table, PAIRS.group.cayley_table)
    np.testing.assert_array_equal(back.barriers(), graph.barriers())


def test_another_run_extends_it(graph: LandscapeGraph, tmp_path: Path) -> None:
    path = tmp_path / "c5.sqlite"
    other = explore_landscape(PAIRS, starts=30, searches=10, rng=5)
    extend_store(path, other)
    both = extend_store(path, graph)
    expected = merge_graphs(other, graph)
    np.testing.assert_allclose(both.maxima.energies, expected.maxima.energies)
    assert both.maxima_tries == 90
    again = load_store(path)
    assert len(again.saddles) == len(expected.saddles)
    assert again.maxima_counts.sum() == expected.maxima_counts.sum() == 90
    assert again.saddle_tries == 90


@pytest.mark.parametrize(
    ("spec", "told"), [("pairs", "pair set"), ("group", "group"), ("activation", "activation")]
)
def test_another_problem_is_refused(
    graph: LandscapeGraph, tmp_path: Path, spec: str, told: str
) -> None:
    path = tmp_path / "c5.sqlite"
    extend_store(path, graph)
    pairs, sigma = PAIRS, "square"
    if spec == "pairs":
        pairs = sample_pairs(cyclic(5), 0.8, rng=1)
    elif spec == "group":
        pairs = sample_pairs(symmetric(3), 0.8, rng=1)
    else:
        sigma = "silu"
    foreign = explore_landscape(pairs, sigma, starts=5, searches=5, rng=0)
    with pytest.raises(ValueError, match=f"another problem: its {told}"):
        extend_store(path, foreign)
    assert load_store(path).maxima_tries == 60


def test_a_run_that_dies_leaves_the_store_readable(graph: LandscapeGraph, tmp_path: Path) -> None:
    path = tmp_path / "c5.sqlite"
    extend_store(path, graph)
    died = subprocess.run(
        [sys.executable, "-c", DIES, str(path)], check=False, capture_output=True, text=True
    )
    assert died.returncode == 9, died.stderr
    back = load_store(path)
    assert back.maxima_tries == 60
    assert len(back.saddles) == len(graph.saddles)
    assert extend_store(path, graph).maxima_tries == 120


def test_files_of_something_else_are_refused(graph: LandscapeGraph, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no database, but long enough to look at" * 40)
    with pytest.raises(ValueError, match="no landscape store"):
        extend_store(text, graph)
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as foreign, foreign:
        foreign.execute("CREATE TABLE music (title TEXT)")
    with pytest.raises(ValueError, match="something else"):
        load_store(other)
    with pytest.raises(FileNotFoundError, match="no landscape store"):
        load_store(tmp_path / "missing.sqlite")
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(ValueError, match="empty"):
        load_store(tmp_path / "empty.sqlite")


@pytest.mark.parametrize("table", ["maxima", "saddles"])
def test_damage_is_seen(graph: LandscapeGraph, tmp_path: Path, table: str) -> None:
    path = tmp_path / "c5.sqlite"
    extend_store(path, graph)
    with closing(sqlite3.connect(path)) as store, store:
        store.execute(f"UPDATE {table} SET energy = energy * 1.1 WHERE id = 0")
    with pytest.raises(ValueError, match="damaged"):
        load_store(path)
    with closing(sqlite3.connect(path)) as store, store:
        store.execute(f"UPDATE {table} SET weight = x'00' WHERE id = 0")
    with pytest.raises(ValueError, match="damaged"):
        load_store(path)


def test_parameters_of_the_activation_are_kept(tmp_path: Path) -> None:
    sigma = get_activation("power", 2.5)
    found = explore_landscape(PAIRS, sigma, starts=10, searches=5, rng=0)
    extend_store(tmp_path / "p.sqlite", found)
    assert load_store(tmp_path / "p.sqlite").activation == sigma
