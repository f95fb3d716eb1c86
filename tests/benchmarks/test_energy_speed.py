"""Kernels beside gemm and torch, the ascent beside scipy and pymanopt.

Run with ``make bench`` (pymanopt: ``pip install --group bench``). Times are CPU seconds of one
thread; on a machine that others use read ratios, not times.
"""

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numba import njit
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from groupfeat.energy import (
    PairSet,
    ascend,
    ascend_in_irreps,
    energy_and_gradient,
    full_pairs,
    get_activation,
    get_variant,
    random_starts,
    sample_pairs,
)
from groupfeat.energy.kernels._vectors import Lanes32, Lanes64, load, store
from groupfeat.energy.objective._prepared import Space, aligned, prepare
from groupfeat.groups import group_from_spec, irreps
from tests.benchmarks.ascent_peers import pymanopt_ascent, scipy_ascent

pytestmark = [pytest.mark.benchmark, pytest.mark.filterwarnings("ignore")]

Floats = NDArray[np.float64]
FLOPS = 7  # of an energy with gradient, a pair and start
LOADS = 2.75  # of rows: a/4 and b for the sums; force, b/4 and its gradient/4 for the gradient


def best_time(function: Callable[[], object], *, repeats: int = 15, least: float = 2e-3) -> float:
    """Return the least CPU time of a call, each measured over at least ``least`` seconds."""
    function()
    begin = time.process_time()
    function()
    calls = max(1, int(least / max(time.process_time() - begin, 1e-7)))
    found = []
    for _ in range(repeats):
        begin = time.process_time()
        for _ in range(calls):
            function()
        found.append((time.process_time() - begin) / calls)
    return min(found)


def gemm_rate(dtype: type) -> float:
    """Return flops a nanosecond of a product of 768 × 768 matrices."""
    a = np.random.default_rng(0).standard_normal((768, 768)).astype(dtype)
    return 2 * 768**3 / best_time(lambda: a @ a) / 1e9


@njit(error_model="numpy")
def load_rows(rows, out, tag):  # type: ignore[no-untyped-def]
    """Load 64 rows of 256 bytes, 64 times; two sums, so that loads are what is waited for."""
    even, odd = load(rows, 0, tag), load(rows, 1, tag)
    for _ in range(64):
        for i in range(0, 64, 2):
            even, odd = even + load(rows, i, tag), odd + load(rows, i + 1, tag)
    store(out, 0, even + odd)


def load_floor(dtype: type) -> float:
    """Return nanoseconds a pair and start of the loads that tiles of four rows leave."""
    tag = Lanes64() if dtype == np.float32 else Lanes32()
    rows, out = (aligned((count, tag.lanes), np.dtype(dtype)) for count in (64, 1))
    rows[:] = 0
    return LOADS * best_time(lambda: load_rows(rows, out, tag)) / (64 * 64 * tag.lanes) * 1e9


def kernel_time(pairs: PairSet, dtype: type, starts: int) -> tuple[float, float]:
    """Return ns a pair and start: the kernels on lanes, and the whole public call."""
    w = random_starts(pairs.order, starts, rng=0).astype(dtype)
    ready = prepare(pairs, get_activation("square"), get_variant("raw"), np.dtype(dtype))
    tag = ready.tag(starts)
    space = Space.of(ready, -(-starts // tag.lanes), tag.lanes)
    space.weights[:] = w.reshape(-1, tag.lanes, w.shape[1]).transpose(0, 2, 1)
    inner = best_time(lambda: ready.evaluate_lanes(space.weights, tag, space, space.slopes))
    whole = best_time(lambda: energy_and_gradient(w, pairs, dtype=dtype))
    return inner / (starts * len(pairs)) * 1e9, whole / (starts * len(pairs)) * 1e9


def torch_time(pairs: PairSet, starts: int = 16) -> float:
    """Return ns a pair and start of a gather in torch, rows of starts or rows of pairs."""
    torch.set_num_threads(1)
    left, right, target = (
        torch.from_numpy(np.array(x)) for x in (pairs.left, pairs.right + pairs.order, pairs.target)
    )
    share = torch.from_numpy(pairs.target_counts / len(pairs))
    w = torch.from_numpy(random_starts(pairs.order, starts, rng=0))

    def gather(axis: int) -> None:
        rows = w if axis == 1 else w.T.contiguous()
        shape = (starts, -1) if axis == 1 else (-1, starts)
        q = share if axis == 1 else share[:, None]
        x = rows.index_select(axis, left) + rows.index_select(axis, right)
        sums = torch.zeros_like(rows.narrow(axis, 0, pairs.order)).index_add_(axis, target, x * x)
        sums -= q * sums.sum(axis, keepdim=True)
        sums -= (q * sums).sum(axis, keepdim=True)
        force = 2 * x * sums.index_select(axis, target)
        gradient = torch.zeros_like(rows).index_add_(axis, left, force)
        gradient.index_add_(axis, right, force).reshape(shape)

    fastest = min(best_time(lambda a=a: gather(a), repeats=3) for a in (0, 1))
    return fastest / (starts * len(pairs)) * 1e9


def test_kernels_beside_gemm_and_torch() -> None:
    print(
        f"\n{'group':5} {'dtype':8} {'kernels':>8} {'call':>7}  {'gemm/ns':>7} {'share':>6}  "
        f"{'flops':>6} {'loads':>6}  {'torch':>6} {'ratio':>6}   (ns a pair and start)"
    )
    for spec, starts in (
        ("C23", 4096),
        ("C71", 1024),
        ("C127", 512),
        ("C251", 256),
        ("C509", 128),
        ("S5", 512),
        ("S6", 64),
    ):
        pairs = full_pairs(group_from_spec(spec))
        peer = torch_time(pairs)
        for dtype in (np.float64, np.float32):
            rate, loads = gemm_rate(dtype), load_floor(dtype)
            inner, whole = kernel_time(pairs, dtype, starts)
            print(
                f"{spec:5} {dtype.__name__:8} {inner:8.3f} {whole:7.3f}  {rate:7.1f} "
                f"{FLOPS / inner / rate:6.0%}  {FLOPS / rate:6.3f} {loads:6.3f}  {peer:6.2f} "
                f"{peer / whole:5.0f}x"
            )


def fft_energy_and_gradient(w: Floats) -> tuple[Floats, Floats]:
    """Return E and ∇E of x² on all pairs of a cyclic group, by rfft: what a script would write.

    The squares are constant over targets; the cross term is 2 (a * b), a cyclic convolution.
    """
    order = w.shape[1] // 2
    a, b = rfft(w[:, :order]), rfft(w[:, order:])
    product = 2 * a * b
    product[:, 0] = 0
    sums = irfft(product, order)
    back = rfft(sums)
    first, second = irfft(2 * back * b.conj(), order), irfft(2 * back * a.conj(), order)
    return np.sum(sums**2, axis=1) / 2, np.concatenate([first, second], axis=1)


@pytest.mark.parametrize(
    ("spec", "starts"), [("C71", 1024), ("C127", 512), ("C251", 256), ("C509", 128), ("C512", 128)]
)
def test_beside_a_cyclic_fft(spec: str, starts: int) -> None:
    """On all pairs of a cyclic group x² has a shorter way, which the pair sums do not take."""
    pairs = full_pairs(group_from_spec(spec))
    for dtype in (np.float64, np.float32):
        w = random_starts(pairs.order, starts, rng=0).astype(dtype)
        for ours, theirs in zip(
            energy_and_gradient(w, pairs, dtype=dtype), fft_energy_and_gradient(w), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, atol=1e-4 if dtype == np.float32 else 1e-12)
        times = [
            best_time(lambda call=call, w=w: call(w)) / (starts * len(pairs)) * 1e9
            for call in (
                lambda x, kind=dtype: energy_and_gradient(x, pairs, dtype=kind),
                fft_energy_and_gradient,
            )
        ]
        print(
            f"\n{spec} {dtype.__name__}: call {times[0]:.3f}, scipy.fft {times[1]:.3f} ns a pair "
            f"and start, {times[1] / times[0]:.2f}x"
        )


@pytest.mark.parametrize("count", [1, 8, 64, 512])
def test_a_batch_is_what_pays(count: int) -> None:
    """Milliseconds a start of ascents in batches of several sizes, all pairs of Z71."""
    pairs = full_pairs(group_from_spec("C71"))
    starts = random_starts(71, 512, rng=0)
    batches = [starts[i : i + count] for i in range(0, min(512, 16 * count), count)]
    mine = best_time(lambda: [ascend(batch, pairs) for batch in batches], repeats=3)
    theirs, _ = peer_time(lambda w: scipy_ascent(w, pairs), starts[:24])
    each = mine / (len(batches) * count) * 1e3
    print(
        f"\nbatches of {count}: {each:.4f} ms a start, scipy {theirs:.2f} ms, {theirs / each:.1f}x"
    )


@pytest.mark.parametrize("name", ["square", "relu", "power", "silu", "gelu", "tanh", "softplus"])
def test_activations(name: str) -> None:
    """What the cheap and the transcendental activations cost on Z71."""
    pairs = full_pairs(group_from_spec("C71"))
    w = random_starts(71, 512, rng=0)
    whole = best_time(lambda: energy_and_gradient(w, pairs, name))
    print(f"\n{name:9} {whole / (512 * len(pairs)) * 1e9:6.2f} ns a pair and start")


def peer_time(climb: Callable[[Floats], bool], starts: Floats) -> tuple[float, float]:
    """Return ms a converged start, and the share of starts that converged."""
    climb(starts[0])
    begin = time.process_time()
    converged = sum(climb(start) for start in starts)
    return (time.process_time() - begin) / max(converged, 1) * 1e3, converged / len(starts)


@pytest.mark.parametrize("fraction", [1.0, 0.4, 0.8, 0.9])
@pytest.mark.parametrize(("spec", "count", "theirs"), [("C71", 512, 24), ("S5", 256, 8)])
def test_ascent_beside_scipy_and_pymanopt(
    spec: str, count: int, theirs: int, fraction: float
) -> None:
    group = group_from_spec(spec)
    pairs = sample_pairs(group, fraction, rng=0)
    starts = random_starts(pairs.order, count, rng=0)
    found = ascend(starts, pairs)
    assert np.all(found.gradient_norms <= 1e-8)
    mine = best_time(lambda: ascend(starts, pairs), repeats=3) / count * 1e3
    print(f"\n{spec} p = {fraction}: ours {mine:.4f} ms a converged start")
    level = float(np.median(found.energies))
    peers = {
        "scipy, compiled oracle": lambda w: scipy_ascent(w, pairs),
        "pymanopt, numpy": pymanopt_ascent(pairs, level, is_compiled=False),
        "pymanopt, compiled oracle": pymanopt_ascent(pairs, level, is_compiled=True),
    }
    rows = {name: peer_time(climb, starts[:theirs]) for name, climb in peers.items()}
    for name, (each, share) in rows.items():
        print(f"  {name:26} {each:8.2f} ms ({share:4.0%})  {each / mine:6.0f}x")
    if fraction == 1:
        reps = irreps(group)
        many = random_starts(pairs.order, 1024, rng=1)
        ended = ascend_in_irreps(many, reps)
        assert np.all(ended.gradient_norms <= 1e-8)
        fast = best_time(lambda: ascend_in_irreps(many, reps), repeats=9) / 1024 * 1e3
        ratios = ", ".join(f"{rows[name][0] / fast:.0f}x {name}" for name in rows)
        print(f"  in irrep coordinates {fast:.4f} ms: {ratios}")
