"""Kernels beyond one tile and one block of lanes: right, and within their memory."""

from typing import Any

import numpy as np
import pytest

from groupfeat.energy import energy_and_gradient, pairs_from_arrays, random_starts
from groupfeat.energy.objective import _prepared
from groupfeat.energy.objective._plan import BAND as SHARED
from groupfeat.energy.objective._plan import make_plan
from groupfeat.groups import cyclic

BAND = 4096


@pytest.mark.parametrize("order", [1, 65])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_odd_counts_and_orders(order: int, dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts that fill no block, an order that fills no tile, pairs that repeat."""
    rng = np.random.default_rng(0)
    left, right = rng.integers(0, order, (2, 4 * order))
    pairs = pairs_from_arrays(cyclic(order), left, right, repeats=True)
    bands: list[Any] = []

    def aligned(shape: tuple[int, ...], kind: np.dtype[Any]) -> Any:
        size = int(np.prod(shape)) * kind.itemsize
        raw = np.full(size + 2 * BAND + 64, 0xAB, dtype=np.uint8)
        first = BAND + (-(raw.ctypes.data + BAND) % 64)
        bands.append((raw[:first], raw[first + size :]))
        return raw[first : first + size].view(kind).reshape(shape)

    monkeypatch.setattr(_prepared, "aligned", aligned)
    tolerance = 1e-12 if dtype is np.float64 else 1e-4
    for count in (1, 9, 33, 70):
        w = random_starts(order, count, rng=count)
        found, slopes = energy_and_gradient(w, pairs, dtype=dtype)
        x = w[:, pairs.left] + w[:, order + pairs.right]
        onehot = np.eye(order)[(pairs.left + pairs.right) % order]
        readout = onehot - onehot.mean(0)
        expected = 0.5 * np.sum((x**2 @ readout) ** 2, axis=1)
        pull = 2 * x * (x**2 @ readout @ readout.T)
        gradient = np.concatenate(
            [pull @ np.eye(order)[pairs.left], pull @ np.eye(order)[pairs.right]], axis=1
        )
        scale = 1 + np.abs(gradient).max()
        np.testing.assert_allclose(found, expected, atol=tolerance * scale)
        np.testing.assert_allclose(slopes, gradient, atol=tolerance * scale)
    assert bands
    assert all(np.all(band == 0xAB) for pair in bands for band in pair)


@pytest.mark.parametrize("fraction", [0.05, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("repeats", [False, True])
def test_plans_hold_every_pair_once(fraction: float, repeats: bool) -> None:
    """Tiles of one, two and four rows, their segments uniform; pairs that repeat stay apart."""
    order = 66
    rng = np.random.default_rng(0)
    kept = rng.permutation(np.flatnonzero(rng.random(order**2) < fraction))
    left, right = np.divmod(rng.choice(kept, len(kept)) if repeats else kept, order)
    labels = (left + right) % order
    plan = make_plan(order, left, right, labels)
    expected = sorted(zip(labels, left, order + right, strict=True))
    for tiles, places in ((plan[:3], (0, 1, 2)), (plan[3:], (1, 2, 0))):
        found: list[list[Any]] = [[], [], []]
        for part, width in zip(tiles, (4, 2, 1), strict=True):
            lengths = np.diff(part.start)
            assert np.all(lengths > 0)
            assert part.start[-1] == len(part.shared)
            inner = part.inner.repeat(lengths, axis=0)
            assert inner.shape == part.other.shape == (len(part.shared), width)
            assert all(len(set(row)) == width for row in part.inner.tolist())
            for start, end in zip(part.start[:-1], part.start[1:], strict=True):
                assert len(set(part.shared[start:end] // SHARED)) == 1
            shared = part.shared[:, None].repeat(width, axis=1)
            for place, rows in zip(places, (inner, shared, part.other), strict=True):
                found[place].extend(rows.ravel())
        assert sorted(zip(*found, strict=True)) == expected
    if fraction == 1 and not repeats:
        assert len(plan.sum_ones.shared) == len(plan.pull_ones.shared) == 0
