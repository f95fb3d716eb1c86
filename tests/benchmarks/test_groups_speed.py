"""Irreps beside GAP and a dense twin: time to the matrices of all irreps on the generators.

Run with ``make bench``. GAP is used when it is on the path; the twin is one dense
eigenproblem of a random Hermitian element of the regular representation's commutant.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Callable

import numpy as np
import pytest

from groupfeat.groups import FiniteGroup, group_from_spec, irreps

pytestmark = pytest.mark.benchmark

GAP_TIMEOUT = 100
# Spec, the same group in GAP, whether the twin is run (it costs O(M³)).
ROWS = [
    ("S4", "SymmetricGroup(4)", True),
    ("GL(2,3)", "SmallGroup(48,29)", True),
    ("A5", "AlternatingGroup(5)", True),
    ("S5", "SymmetricGroup(5)", True),
    ("SL(2,5)", "SL(2,5)", True),
    ("PSL(2,7)", "PSL(2,7)", True),
    ("A6", "AlternatingGroup(6)", True),
    ("S6", "SymmetricGroup(6)", True),
    ("PSL(2,13)", "PSL(2,13)", True),
    ("SL(2,13)", "SL(2,13)", False),
    ("S7", "SymmetricGroup(7)", False),
    ("perm:(1,2,3,4,5,6,7,8,9,10,11);(3,7,11,8)(4,10,5,6)", "MathieuGroup(11)", False),
    ("C127", "CyclicGroup(127)", True),
    ("D64", "DihedralGroup(128)", True),
    ("Heis(5)", "SmallGroup(125,3)", True),
    ("Heis(7)", "SmallGroup(343,3)", True),
    ("SmallGroup(96,227)", "SmallGroup(96,227)", True),
]


def best_of(work: Callable[[], object], repeats: int) -> float:
    """Return the least of ``repeats`` wall-clock times, after one warm-up."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def ours(group: FiniteGroup) -> None:
    fresh = FiniteGroup(group.name, group.cayley_table, group.generators)
    for irrep in irreps(fresh):
        irrep.matrices(list(fresh.generators))


def twin(group: FiniteGroup) -> None:
    """Split the regular representation with one eigenproblem; read the generators off."""
    rng = np.random.default_rng(0)
    order, inverse = group.order, group.inverse
    draw = rng.standard_normal(order) + 1j * rng.standard_normal(order)
    weights = draw + draw[inverse].conj()
    hermitian = weights[group.cayley_table[inverse]]
    values, vectors = np.linalg.eigh(hermitian)
    cuts = np.flatnonzero(np.diff(values) > 1e-8 * np.ptp(values)) + 1
    for block in np.split(np.arange(order), cuts):
        space = vectors[:, block]
        for s in group.generators:
            _ = space.conj().T @ space[group.cayley_table[inverse[s]]]


def gap_seconds(expression: str) -> float | None:
    """Return GAP's own clock around IrreducibleRepresentations; None after the time-out."""
    script = (
        f"G := {expression};; Size(G);; t := NanosecondsSinceEpoch();; "
        "r := IrreducibleRepresentations(G);; "
        'Print("took=", NanosecondsSinceEpoch() - t, "\\n"); QUIT;'
    )
    try:
        found = subprocess.run(
            ["gap", "-q"], input=script, capture_output=True, text=True, timeout=GAP_TIMEOUT
        )
    except subprocess.TimeoutExpired:
        return None
    told = re.search(r"took=(\d+)", found.stdout)
    if told is None:
        raise RuntimeError(f"GAP gave no time for {expression}: {found.stdout[-300:]}")
    return int(told[1]) / 1e9


def shown(seconds: float | None, reference: float) -> str:
    if seconds is None:
        return f"> {GAP_TIMEOUT} s (> {GAP_TIMEOUT / reference:.0f}x)"
    return f"{seconds * 1e3:.1f} ms ({seconds / reference:.1f}x)"


def test_irreps_beside_gap_and_a_dense_twin() -> None:
    has_gap = shutil.which("gap") is not None
    print(f"\n{'group':12} {'order':>5} {'ours':>9}  {'dense twin':>22}  {'GAP':>22}  error")
    for spec, expression, with_twin in ROWS:
        group = group_from_spec(spec)
        mine = best_of(lambda group=group: ours(group), 5)  # type: ignore[misc]
        dense = shown(best_of(lambda group=group: twin(group), 2), mine) if with_twin else "–"  # type: ignore[misc]
        peer = shown(gap_seconds(expression), mine) if has_gap else "not installed"
        error = irreps(group).certificate.homomorphism_error
        name = spec if len(spec) <= 18 else "M11"
        print(
            f"{name:12} {group.order:5} {mine * 1e3:6.1f} ms  {dense:>22}  {peer:>22}  {error:.0e}"
        )
        assert error < 1e-10
