"""Irreps beside GAP and a dense twin: time to the matrices of all irreps on the generators.

Times are processor times of one thread: on a busy machine a long run waits more than the best
of a few short ones. Run with ``make bench``. GAP is used when it is on the path, NetKet when it
can be imported; the twin is one dense eigenproblem of a random Hermitian element of the regular
representation's commutant.
"""

import re
import shutil
import subprocess
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from groupfeat.groups import (
    FiniteGroup,
    Irreps,
    convolve,
    fourier_transform,
    group_from_spec,
    irreps,
)

pytestmark = pytest.mark.benchmark

# Seconds of processor time.
GAP_LIMIT = 20
# Beyond this order GAP's general road took more than 40 s in earlier runs and is not tried.
GENERAL_LARGEST = 1000
NETKET_LARGEST = 1100
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
    # Beyond the ids that ship here: GAP is asked for permutations that generate them.
    ("gap:SmallGroup(648,532)", "SmallGroup(648,532)", True),
    ("gap:SmallGroup(1000,86)", "SmallGroup(1000,86)", False),
]
# Spec, the same group in GAP, the road, how many fresh groups are timed.
WARM = [
    ("S4", "SymmetricGroup(4)", "GAP", 20),
    ("A5", "AlternatingGroup(5)", "repsn", 5),
    ("D64", "DihedralGroup(128)", "GAP", 20),
    ("C127", "CyclicGroup(127)", "GAP", 20),
    ("Heis(5)", "SmallGroup(125,3)", "GAP", 20),
    ("Heis(7)", "SmallGroup(343,3)", "GAP", 20),
    ("SmallGroup(96,227)", "SmallGroup(96,227)", "GAP", 20),
]


def best_of(work: Callable[[], object], repeats: int) -> float:
    """Return the least of ``repeats`` processor times in seconds, after one warm-up."""
    return processor_ms(work, repeats)[0] / 1e3


def ours(group: FiniteGroup) -> None:
    fresh = FiniteGroup(group.name, group.cayley_table, group.generators)
    irreps(fresh).generator_matrices()


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


ROADS = {
    "GAP": "r := IrreducibleRepresentations(G);;",
    "repsn": "for c in Irr(G) do r := IrreducibleAffordingRepresentation(c);; od;",
}


def gap_seconds(expression: str, road: str) -> float | None:
    """Return GAP's own processor time of a road to all irreps; None if it takes too long.

    A first run on S3 loads what GAP loads lazily; characters are part of the time.
    """
    # repsn wants a group that it has not seen: the same generators anew.
    script = (
        'LoadPackage("repsn");; first := SymmetricGroup(3);;\n'
        f"G := first;; {ROADS[road]}\nH := {expression};; "
        "G := Group(GeneratorsOfGroup(H));; Size(G);; t := Runtime();;\n"
        f'{ROADS[road]}\nPrint("took=", Runtime() - t, "\\n"); QUIT;'
    )
    limited = f"ulimit -t {GAP_LIMIT + 2}; exec gap -q"
    found = subprocess.run(["bash", "-c", limited], input=script, capture_output=True, text=True)
    told = re.search(r"took=(\d+)", found.stdout)
    if told is None and found.returncode < 0:
        return None
    if told is None:
        raise RuntimeError(f"GAP gave no time for {expression}: {found.stdout[-300:]}")
    return int(told[1]) / 1e3


def gap_output(script: str) -> str:
    """Return what GAP prints; RuntimeError with its words if it fails."""
    found = subprocess.run(["gap", "-q"], input=script, capture_output=True, text=True)
    if found.returncode or "Error" in found.stdout + found.stderr:
        raise RuntimeError(f"GAP failed: {(found.stdout + found.stderr)[-300:]}")
    return found.stdout


def group_of(spec: str) -> FiniteGroup:
    """Return the group of a spec, or of permutations that GAP gives for ``gap:EXPRESSION``."""
    if not spec.startswith("gap:"):
        return group_from_spec(spec)
    told = gap_output(
        f"G := Image(IsomorphismPermGroup({spec[4:]}));; "
        "G := Image(SmallerDegreePermutationRepresentation(G));; "
        'Print(JoinStringsWithSeparator(List(SmallGeneratingSet(G), String), ";"));QUIT;'
    )
    # GAP breaks long lines with a backslash.
    return group_from_spec("perm:" + re.sub(r"[\\\s]", "", told))


def processor_ms(work: Callable[[], object], repeats: int) -> list[float]:
    """Return processor times in ms after one warm-up, sorted."""
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append((time.process_time() - start) * 1e3)
    return sorted(times)


def warm_gap_ms(setup: str, road: str, count: int) -> float:
    """Return GAP's processor time a group in ms, over the list L of ``setup`` but its first."""
    body = ROADS[road].replace(";;", ";")
    told = gap_output(
        f'LoadPackage("repsn");; {setup} for G in L do Size(G); od;;\n'
        f"run := function(G) local c, r; {body} end;;\nrun(L[1]); t := Runtime();;\n"
        f"for G in L{{[2..{count + 1}]}} do run(G); od;;\n"
        'Print("took=", Runtime() - t, "\\n"); QUIT;'
    )
    taken = re.search(r"took=(\d+)", told)
    if taken is None:
        raise RuntimeError(f"GAP gave no time: {told[-300:]}")
    return int(taken[1]) / count


def has_repsn() -> bool:
    """Whether GAP finds its package repsn (not in Debian; a copy in ~/.gap/pkg will do)."""
    told = subprocess.run(
        ["gap", "-q"], input='Print(LoadPackage("repsn"));QUIT;', capture_output=True, text=True
    )
    return "true" in told.stdout


def netket_group(group: FiniteGroup) -> Any:
    """Return NetKet's regular permutation group, its product table ready; None without NetKet."""
    try:
        from netket.utils.group import Permutation, PermutationGroup
    except ImportError:
        return None
    inverse = group.inverse
    elements = [
        Permutation(permutation_array=group.cayley_table[inverse[g]].astype(int))
        for g in range(group.order)
    ]
    made = PermutationGroup(elems=elements, degree=group.order)
    _ = made.product_table
    return made


def netket_seconds(group: FiniteGroup) -> float | None:
    """Return NetKet's processor time of ``irrep_matrices``; None where it is not run."""
    found = netket_ms(group, 1) if group.order <= NETKET_LARGEST else []
    return found[0] / 1e3 if found else None


def netket_ms(group: FiniteGroup, repeats: int) -> list[float]:
    """Return processor times in ms of ``irrep_matrices`` on fresh groups, sorted."""
    times = []
    for _ in range(repeats):
        if (made := netket_group(group)) is None:
            return []
        start = time.process_time()
        made.irrep_matrices()
        times.append((time.process_time() - start) * 1e3)
    return sorted(times)


def calmest(peer: Callable[..., float | None], *arguments: Any) -> float | None:
    """Return a peer's time, the least of three where one takes less than a second."""
    taken = peer(*arguments)
    if taken is None or taken > 1:
        return taken
    return min(taken, *(peer(*arguments) or taken for _ in range(2)))


def shown(seconds: float | None, reference: float) -> str:
    if seconds is None:
        return f"> {GAP_LIMIT} s (> {GAP_LIMIT / reference:.0f}x)"
    return f"{seconds * 1e3:.1f} ms ({seconds / reference:.1f}x)"


def test_irreps_beside_gap_netket_and_a_dense_twin() -> None:
    roads = list(ROADS) if shutil.which("gap") else []
    if roads and not has_repsn():
        roads.remove("repsn")
    netket_seconds(group_from_spec("S3"))  # its first call compiles
    head = "  ".join(f"{title:>20}" for title in ("dense twin", *roads, "NetKet"))
    print(f"\n{'group':19} {'order':>5} {'ours':>9}  {head}  error")
    for spec, expression, with_twin in ROWS:
        if spec.startswith("gap:") and not roads:
            continue
        group = group_of(spec)
        mine = best_of(lambda group=group: ours(group), 9)  # type: ignore[misc]
        cells = [
            shown(best_of(lambda group=group: twin(group), 2), mine) if with_twin else "–"  # type: ignore[misc]
        ]
        for road in roads:
            tried = road != "GAP" or group.order <= GENERAL_LARGEST
            cells.append(shown(calmest(gap_seconds, expression, road), mine) if tried else "–")
        taken = calmest(netket_seconds, group)
        cells.append("–" if taken is None else shown(taken, mine))
        error = irreps(group).certificate.homomorphism_error
        name = "M11" if spec.startswith("perm:") else spec.removeprefix("gap:")
        told = "  ".join(f"{cell:>20}" for cell in cells)
        print(f"{name:19} {group.order:5} {mine * 1e3:6.2f} ms  {told}  {error:.0e}", flush=True)
        assert error < (1e-11 if group.order <= 5040 else 1e-10)


def test_processor_time_beside_peers_that_are_warm() -> None:
    """Ours: median and least of 30 fresh groups; GAP: the mean of fresh groups in one process."""
    with_gap = shutil.which("gap") is not None
    print()
    for spec, expression, road, count in WARM:
        group = group_from_spec(spec)
        cells = []
        for _ in range(2):
            mine = processor_ms(lambda group=group: ours(group), 30)  # type: ignore[misc]
            told = f"ours {mine[15]:.2f} (least {mine[0]:.2f}) ms"
            if with_gap:
                fresh = "i -> Group(GeneratorsOfGroup(H))"
                setup = f"H := {expression};; L := List([0..{count}], {fresh});;"
                told += f", {road} {warm_gap_ms(setup, road, count):.2f} ms"
            if group.order <= 128 and (rival := netket_ms(group, 5)):
                told += f", NetKet {rival[2]:.2f} (least {rival[0]:.2f})"
            cells.append(told)
        print(f"{spec:19} {'; '.join(cells)}", flush=True)


def test_mean_of_order_128_beside_a_warm_gap() -> None:
    rng = np.random.default_rng(0)
    ids = sorted(rng.choice(np.arange(1, 2329), 60, replace=False).tolist())
    groups = [group_from_spec(f"SmallGroup(128,{i})") for i in ids]
    for _ in range(2):
        times = [processor_ms(lambda g=g: ours(g), 5)[2] for g in groups]  # type: ignore[misc]
        told = f"ours {np.mean(times):.2f} ms, slowest {max(times):.2f} ms"
        if shutil.which("gap"):
            setup = f"L := List(Concatenation([1], {ids}), i -> SmallGroup(128, i));;"
            told += f", GAP {warm_gap_ms(setup, 'GAP', len(ids)):.2f} ms"
        print(f"\nmean of {len(ids)} groups of order 128: {told}", flush=True)


GROWTH = {
    "classes ~ M (cyclic)": ["C64", "C128", "C256", "C512", "C1024"],
    "classes ~ M/4 (dihedral)": ["D32", "D64", "D128", "D256", "D512"],
    "many linear (2^(1+2k))": ["2x2x2xQ8", "2x2x2x2x2x2xQ8"],
    "few classes": ["S4", "S5", "S6", "S7"],
    "Frobenius, few degrees": ["F42", "F110", "F506", "F2162"],
}


def test_growth_with_order_and_classes() -> None:
    print(f"\n{'group':18} {'order':>5} {'classes':>7} {'time':>10} {'ns/M²':>7} {'peak MiB':>9}")
    for title, specs in GROWTH.items():
        print(title)
        for spec in specs:
            group = group_from_spec(spec)
            seconds = best_of(lambda group=group: ours(group), 3)  # type: ignore[misc]
            tracemalloc.start()
            ours(group)
            peak = tracemalloc.get_traced_memory()[1] / 2**20
            tracemalloc.stop()
            classes = len(group.conjugacy_classes)
            print(
                f"{spec:18} {group.order:5} {classes:7} {seconds * 1e3:7.1f} ms "
                f"{seconds / group.order**2 * 1e9:7.1f} {peak:9.1f}"
            )


def plain_transform(function: Any, reps: Irreps) -> list[Any]:
    """Σ_g f(g) ρ(g) with all matrices formed: the obvious twin."""
    return [np.einsum("g,gij->ij", function, irrep.matrices()) for irrep in reps]


def test_fourier_transforms_beside_the_obvious_twin() -> None:
    print(f"\n{'group':6} {'transform':>12} {'twin':>12} {'convolution':>12}")
    for spec in ("S5", "S6", "S7", "C720", "C5040"):
        reps = irreps(group_from_spec(spec))
        rng = np.random.default_rng(0)
        f, h = rng.standard_normal((2, reps.group.order))
        mine = best_of(lambda f=f, reps=reps: fourier_transform(f, reps), 5)  # type: ignore[misc]
        plain = best_of(lambda f=f, reps=reps: plain_transform(f, reps), 2)  # type: ignore[misc]
        folded = best_of(lambda f=f, h=h, g=reps.group: convolve(f, h, g), 3)  # type: ignore[misc]
        print(f"{spec:6} {mine * 1e3:9.2f} ms {plain * 1e3:9.2f} ms {folded * 1e3:9.2f} ms")
