"""The store: written, extended by another run, left whole by a crash, and refused if foreign."""

import json
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from groupfeat.energy import (
    LandscapeGraph,
    energy,
    explore_landscape,
    extend_store,
    family_shares,
    full_pairs,
    get_activation,
    load_store,
    merge_graphs,
    polynomial_activation,
    random_starts,
    sample_pairs,
)
from groupfeat.energy.saddles._landscape_store import _describe
from groupfeat.energy.saddles._store_reading import read_activation
from groupfeat.groups import cyclic, irreps, symmetric

PAIRS = sample_pairs(cyclic(5), 0.8, rng=0)

DIES = """
import os, sys
from groupfeat.energy.saddles import _landscape_store as store
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


def as_run(graph: LandscapeGraph, number: int) -> LandscapeGraph:
    """Return the same points, as if other searches had found them."""
    return replace(graph, searched=np.sort(graph.searched + np.uint64(number)))


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
    assert extend_store(path, as_run(graph, 1)).maxima_tries == 120


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


def test_a_graph_without_points_comes_back(tmp_path: Path) -> None:
    """E of linear σ vanishes on all pairs: no maxima, no saddles, and still a store."""
    path = tmp_path / "none.sqlite"
    none = explore_landscape(full_pairs(cyclic(5)), "linear", starts=5, searches=5, rng=0)
    assert (len(none.maxima), len(none.saddles)) == (0, 0)
    extend_store(path, none)
    assert load_store(path).saddle_tries == 5
    assert extend_store(path, as_run(none, 1)).saddle_tries == 10


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE maxima SET energy = NULL WHERE id = 0",
        "UPDATE maxima SET energy = 'high' WHERE id = 0",
        "UPDATE maxima SET gradient_norm = 7 WHERE id = 0",
        "UPDATE maxima SET gradient_norm = 0.9 WHERE id = 0",
        "UPDATE maxima SET idx = 1 WHERE id = 0",
        "UPDATE saddles SET idx = 0 WHERE id = 0",
        "UPDATE maxima SET nullity = -1 WHERE id = 0",
        "UPDATE maxima SET found = -1 WHERE id = 0",
        "UPDATE maxima SET found = 1000 WHERE id = 0",
        "UPDATE maxima SET found = NULL WHERE id = 0",
        "UPDATE maxima SET found = 0.5 WHERE id = 0",
        "UPDATE maxima SET found = 9223372036854775807",
        "UPDATE saddles SET found = 9223372036854775807",
        "UPDATE maxima SET nullity = 1 WHERE id = 0",
        "UPDATE maxima SET nullity = 1, declared = 1 WHERE id = 0",
        "INSERT INTO maxima SELECT 99, energy, gradient_norm, idx, declared, nullity, 0, weight "
        "FROM maxima WHERE id = 0",
        "INSERT INTO saddles SELECT 999, energy, gradient_norm, idx, declared, nullity, 0, weight, "
        "first, second FROM saddles WHERE id = 0",
        "UPDATE runs SET maxima_tries = 61",
        "UPDATE runs SET maxima_tries = 60.5",
        "UPDATE runs SET maxima_tries = 9223372036854775807",
        "UPDATE runs SET tolerance = 2",
        "UPDATE runs SET tolerance = 1e-20",
        "UPDATE runs SET tolerance = NULL",
        "UPDATE runs SET searched = zeroblob(1120)",
        "UPDATE runs SET searched = 'text'",
        "INSERT INTO runs SELECT 9, maxima_tries, saddle_tries, tolerance, versions, searched "
        "FROM runs",
        "UPDATE maxima SET weight = zeroblob(80), energy = 0 WHERE id = 0",
        "UPDATE maxima SET weight = 'text' WHERE id = 0",
        "UPDATE saddles SET first = 999 WHERE id = 0",
        "UPDATE saddles SET second = -7 WHERE id = 0",
        "UPDATE saddles SET first = NULL WHERE id = 0",
        "DELETE FROM maxima",
        "DELETE FROM runs",
        "UPDATE arrays SET dtype = 'O' WHERE name = 'left'",
        "UPDATE arrays SET dtype = '<f8' WHERE name = 'left'",
        "UPDATE arrays SET shape = '[3]' WHERE name = 'left'",
        "UPDATE arrays SET data = zeroblob(160) WHERE name = 'left'",
        "UPDATE arrays SET data = zeroblob(200) WHERE name = 'cayley_table'",
        "DELETE FROM arrays WHERE name = 'right'",
    ],
)
def test_a_damaged_store_is_neither_read_nor_extended(
    graph: LandscapeGraph, tmp_path: Path, change: str
) -> None:
    path = tmp_path / "c5.sqlite"
    extend_store(path, graph)
    with closing(sqlite3.connect(path)) as store, store:
        assert store.execute(change).rowcount > 0
    before = path.read_bytes()
    with pytest.raises(ValueError, match="is damaged"):
        load_store(path)
    with pytest.raises(ValueError, match="is damaged"):
        extend_store(path, graph)
    assert path.read_bytes() == before


def test_a_point_that_is_not_critical_is_no_maximum(graph: LandscapeGraph, tmp_path: Path) -> None:
    """A weight with its own energy beside it, and a claim that nothing pulls there."""
    path = tmp_path / "c5.sqlite"
    extend_store(path, graph)
    aside = graph.maxima.weights[0] + 0.05 * random_starts(5, 1, rng=0)[0]
    aside /= np.linalg.norm(aside)
    level = float(energy(aside, PAIRS))
    with closing(sqlite3.connect(path)) as store, store:
        row = (level, aside.astype("<f8").tobytes())
        store.execute("UPDATE maxima SET energy = ?, weight = ? WHERE id = 0", row)
    with pytest.raises(ValueError, match="is damaged: a weight is no critical point"):
        load_store(path)


def test_a_saddle_below_no_maximum_is_seen(graph: LandscapeGraph, tmp_path: Path) -> None:
    path = tmp_path / "c5.sqlite"
    extend_store(path, graph)
    low = int(np.argmin(graph.maxima.energies))
    high = int(np.argmax(graph.saddles.energies))
    assert graph.maxima.energies[low] < graph.saddles.energies[high]
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("UPDATE saddles SET first = ? WHERE id = ?", (low, high))
    with pytest.raises(ValueError, match="a saddle lies above its end"):
        load_store(path)


def test_a_repeated_run_does_not_count_twice(graph: LandscapeGraph, tmp_path: Path) -> None:
    path = tmp_path / "c5.sqlite"
    extend_store(path, graph)
    before = path.read_bytes()
    again = explore_landscape(PAIRS, starts=60, searches=80, rng=0)
    with pytest.raises(ValueError, match="140 of the 140 searches were counted before"):
        extend_store(path, again)
    # More starts from one seed begin with the same ones.
    longer = explore_landscape(PAIRS, starts=70, searches=10, rng=0)
    with pytest.raises(ValueError, match=r"6\d of the 80 searches were counted before"):
        extend_store(path, longer)
    assert path.read_bytes() == before
    other = extend_store(path, explore_landscape(PAIRS, starts=5, searches=5, rng=1))
    assert (other.maxima_tries, other.saddle_tries) == (65, 85)
    # What the file remembers counts, not only its last run.
    with pytest.raises(ValueError, match="140 of the 140 searches"):
        extend_store(path, graph)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("1", "a store of format 1, which did not tell a repeated run"),
        ("3", "a store of format 3, expected 2; open it with the groupfeat that wrote it"),
    ],
)
def test_stores_of_another_format_are_refused(
    graph: LandscapeGraph, tmp_path: Path, number: str, told: str
) -> None:
    path = tmp_path / "c5.sqlite"
    extend_store(path, graph)
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("UPDATE problem SET value = ? WHERE key = 'format'", (number,))
        if number == "1":
            store.execute("ALTER TABLE runs DROP COLUMN searched")
            store.execute("ALTER TABLE runs DROP COLUMN tolerance")
    before = path.read_bytes()
    for door in (load_store, lambda p: extend_store(p, as_run(graph, 1))):
        with pytest.raises(ValueError, match=told):
            door(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("activation", "{"),
        ("activation", "[1]"),
        ("activation", '{"name": "os.system", "parameter": 0.0}'),
        ("activation", '{"name": "power", "parameter": "a"}'),
        ("variant", "other"),
        ("signs", "[[5, 5]]"),
        ("signs", "[[1, 1], [1, -1]]"),
        ("signs", "7"),
        ("signs", "[" * 100_000),
    ],
)
def test_hostile_texts_are_refused(
    graph: LandscapeGraph, tmp_path: Path, key: str, value: str
) -> None:
    path = tmp_path / "c5.sqlite"
    extend_store(path, graph)
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("UPDATE problem SET value = ? WHERE key = ?", (value, key))
    with pytest.raises(ValueError, match="is damaged") as caught:
        load_store(path)
    assert len(str(caught.value)) < 500


def test_a_file_cut_short_is_refused(graph: LandscapeGraph, tmp_path: Path) -> None:
    whole = tmp_path / "c5.sqlite"
    extend_store(whole, graph)
    data = whole.read_bytes()
    for length in (100, 4096, len(data) // 2, len(data) - 100):
        cut = tmp_path / f"{length}.sqlite"
        cut.write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"is damaged|no landscape store"):
            load_store(cut)


def test_paths_that_cannot_be_a_store_are_refused(graph: LandscapeGraph, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot use"):
        extend_store(tmp_path, graph)
    with pytest.raises(ValueError, match="cannot use"):
        load_store(tmp_path)
    with pytest.raises(ValueError, match="cannot use"):
        extend_store(tmp_path / "missing" / "c5.sqlite", graph)


def test_threads_extend_one_store_together(graph: LandscapeGraph, tmp_path: Path) -> None:
    path = tmp_path / "c5.sqlite"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: extend_store(path, as_run(graph, i)), range(12)))
    back = load_store(path)
    assert (back.maxima_tries, back.saddle_tries) == (12 * 60, 12 * 80)
    np.testing.assert_array_equal(back.maxima_counts, 12 * graph.maxima_counts)
    assert len(back.saddles) == len(graph.saddles)


def test_polynomials_are_kept(graph: LandscapeGraph) -> None:
    sigma = polynomial_activation([0, 0, 1, 0.5])
    told = json.loads(_describe(replace(graph, activation=sigma))["activation"])
    assert read_activation(told) == sigma


def test_manifolds_keep_their_declared_directions(tmp_path: Path) -> None:
    pairs, table, path = full_pairs(symmetric(3)), irreps(symmetric(3)), tmp_path / "s3.sqlite"
    found = explore_landscape(
        pairs, starts=20, searches=20, rng=0, labels=lambda w: family_shares(w, table)
    )
    assert found.maxima.declared.any()
    extend_store(path, found)
    np.testing.assert_array_equal(load_store(path).maxima.declared, found.maxima.declared)
    np.testing.assert_array_equal(load_store(path).saddles.declared, found.saddles.declared)
    with pytest.raises(ValueError, match="pass labels"):
        extend_store(path, as_run(found, 1))
    again = extend_store(path, as_run(found, 1), labels=lambda w: family_shares(w, table))
    assert len(again.maxima) == len(found.maxima)
