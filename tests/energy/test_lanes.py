"""Kernels beyond one tile and one block of lanes: right, and within their memory."""

from typing import Any

import numpy as np
import pytest

from groupfeat.energy import energy_and_gradient, pairs_from_arrays, random_starts
from groupfeat.energy.objective import _prepared
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
