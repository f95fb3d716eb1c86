"""E, ∇E and ∇²E: against the definition, by error slopes, and by two Fourier roads."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from groupfeat.energy import (
    ACTIVATIONS,
    energy,
    energy_and_gradient,
    energy_fourier,
    energy_hessian,
    energy_in_irreps,
    full_pairs,
    get_activation,
    riemannian_gradient,
    riemannian_spectrum,
    sample_pairs,
)
from groupfeat.groups import FiniteGroup, cyclic, group_from_spec, irreps
from tests.energy.oracles import (
    energy_by_definition,
    gradient_by_definition,
    printed_fourier_form,
)
from tests.strategies import groups

SMOOTH = [name for name in ACTIVATIONS if get_activation(name).is_smooth]


def draw(group: FiniteGroup, seed: int, *shape: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal((*shape, 2 * group.order))


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("fraction", [1.0, 0.5])
def test_kernels_equal_the_definition(name: str, fraction: float) -> None:
    group = group_from_spec("S3")
    pairs, sigma = sample_pairs(group, fraction, rng=1), get_activation(name)
    weights = draw(group, 0, 3, 7)
    energies, gradients = energy_and_gradient(weights, pairs, name)
    assert energies.shape == (3, 7)
    assert gradients.shape == weights.shape
    for index in np.ndindex(3, 7):
        expected = energy_by_definition(weights[index], pairs, sigma)
        np.testing.assert_allclose(energies[index], expected, rtol=1e-11, atol=1e-25)
        slope = gradient_by_definition(weights[index], pairs, sigma)
        np.testing.assert_allclose(
            gradients[index], slope, atol=1e-13 + 1e-11 * np.abs(slope).max()
        )


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_by_error_slopes(name: str) -> None:
    """The error of the second-order Taylor polynomial falls like h³."""
    group = group_from_spec("D5")
    pairs = sample_pairs(group, 0.7, rng=2)
    w, v = draw(group, 3), draw(group, 4)
    value, gradient = energy_and_gradient(w, pairs, name)
    hessian = energy_hessian(w, pairs, name)
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-12 * np.abs(hessian).max())
    steps = np.array([2e-2, 1e-2])
    exact = energy(w + steps[:, None] * v, pairs, name)
    model = value + steps * (gradient @ v) + steps**2 / 2 * (v @ hessian @ v)
    errors = np.abs(exact - model)
    if errors.max() > 1e-9 * abs(value):
        assert 2.7 < np.log2(errors[0] / errors[1]) < 4.3


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_derivatives_away_from_kinks(name: str) -> None:
    group = group_from_spec("S3")
    pairs, w = full_pairs(group), draw(group, 5)
    v = 1e-6 * draw(group, 6)
    assert np.abs(w[pairs.left] + w[6 + pairs.right]).min() > 1e-4
    value, gradient = energy_and_gradient(w, pairs, name)
    quadratic = 0.5 * v @ energy_hessian(w, pairs, name) @ v
    moved = float(energy(w + v, pairs, name))
    assert abs(moved - float(value) - float(gradient @ v) - quadratic) < 1e-13 * float(value)


@settings(deadline=None, max_examples=30)
@given(groups(max_order=24), st.sampled_from(ACTIVATIONS), st.integers(0, 2**32 - 1))
def test_fourier_form_agrees_for_every_activation(group: FiniteGroup, name: str, seed: int) -> None:
    weights = draw(group, seed, 2)
    direct = energy(weights, full_pairs(group), name)
    scale = 1e-10 * (1 + np.abs(direct).max())
    np.testing.assert_allclose(
        energy_fourier(weights, irreps(group), name), direct, rtol=1e-8, atol=scale
    )


@settings(deadline=None, max_examples=20)
@given(groups(max_order=24), st.integers(0, 2**32 - 1))
def test_irrep_coordinates_agree_for_squares(group: FiniteGroup, seed: int) -> None:
    weights = draw(group, seed, 2)
    direct = energy(weights, full_pairs(group))
    found = energy_in_irreps(weights, irreps(group))
    np.testing.assert_allclose(found, direct, rtol=1e-9, atol=1e-10 * (1 + direct.max()))


def test_printed_trace_form_fails_beyond_dimension_one() -> None:
    for spec, holds in (("C7", True), ("S3", False)):
        group = group_from_spec(spec)
        pairs, w = full_pairs(group), draw(group, 0)
        w /= np.linalg.norm(w)
        ratio = printed_fourier_form(w, pairs, irreps(group)) / float(energy(w, pairs))
        assert bool(abs(ratio - 1) < 1e-9) is holds


@settings(deadline=None, max_examples=20)
@given(groups(max_order=24), st.integers(0, 2**32 - 1))
def test_energy_is_invariant_under_translations(group: FiniteGroup, seed: int) -> None:
    rng = np.random.default_rng(seed)
    w = draw(group, seed)
    a, b = w[: group.order], w[group.order :]
    x, y, z = rng.integers(0, group.order, 3)
    table, inverse = group.cayley_table, group.inverse
    # (g, h) ↦ (x g y, y⁻¹ h z) permutes the targets.
    moved_a = a[table[table[x], y]]
    moved_b = b[table[table[inverse[y]], z]]
    pairs = full_pairs(group)
    moved = energy(np.concatenate([moved_a, moved_b]), pairs)
    np.testing.assert_allclose(moved, energy(w, pairs), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(5), r"shape \(\.\.\., 6\) for C3 of order 3, got \(5,\)"),
        (np.full(6, np.nan), "finite"),
        (np.zeros(()), "shape"),
    ],
)
def test_bad_weights_are_refused(weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        energy(weights, full_pairs(cyclic(3)))


def test_bad_points_and_names_are_refused() -> None:
    pairs = full_pairs(cyclic(3))
    with pytest.raises(ValueError, match=r"norm 1, got 2\.44948974; make them float64"):
        riemannian_gradient(np.ones(6), pairs)
    with pytest.raises(ValueError, match="of one weight, got shape"):
        riemannian_spectrum(np.eye(6)[:2], pairs)
    with pytest.raises(ValueError, match="unknown activation 'sine'; known: square"):
        energy(np.ones(6), pairs, "sine")
    with pytest.raises(ValueError, match="exponent q >= 2, got 1"):
        get_activation("power", 1.5)


def run_python(code: str, **environment: str) -> str:
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return found.stdout


WORK = (
    "import numpy as np; from groupfeat.energy import *; from groupfeat.groups import cyclic; "
    "w = np.random.default_rng(0).standard_normal((100, 14)); "
    "p = sample_pairs(cyclic(7), 0.8, rng=0); "
    "import groupfeat.energy.objective._prepared as m; m._PARALLEL_WORK = 0; "
    "e, g = energy_and_gradient(w, p, 'silu'); print(e.tobytes().hex()[:4000], g.sum())"
)


def test_one_thread_or_two_give_the_same_bits() -> None:
    assert run_python(WORK, NUMBA_NUM_THREADS="1") == run_python(WORK, NUMBA_NUM_THREADS="2")


def test_kernels_work_without_the_compiler() -> None:
    code = (
        "import numpy as np; from groupfeat.energy import *; "
        "from groupfeat.groups import cyclic, irreps; "
        "w = np.random.default_rng(0).standard_normal((2, 10)); r = irreps(cyclic(5)); "
        "print(np.abs(energy(w, full_pairs(cyclic(5)), 'gelu') / "
        "energy_fourier(w, r, 'gelu') - 1).max() < 1e-10)"
    )
    assert run_python(code, NUMBA_DISABLE_JIT="1").strip() == "True"


def test_importing_the_layer_compiles_nothing() -> None:
    code = "import sys, groupfeat.energy; print('numba' in sys.modules)"
    assert run_python(code).strip() == "False"


@pytest.mark.parametrize("count", [1, 40])
def test_serial_and_parallel_kernels_give_the_same_bits(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = group_from_spec("S4")
    pairs, weights = sample_pairs(group, 0.7, rng=0), draw(group, 1, count)
    found = []
    for threshold in (0, 10**12):
        monkeypatch.setattr("groupfeat.energy.objective._prepared._PARALLEL_WORK", threshold)
        found.append(energy_and_gradient(weights, pairs, "silu"))
    assert all(np.array_equal(x, y) for x, y in zip(*found, strict=True))
