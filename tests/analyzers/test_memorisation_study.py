"""The phase diagram on a small group: what is known at its ends, and its formulas."""

import json

import numpy as np
import pytest

from analyzers.memorisation import (
    crossing_fraction,
    describe_phases,
    localised_energy,
    measure_phases,
    plot_phase_energies,
    plot_phases,
)
from groupfeat.energy import energy, predicted_families, sample_pairs
from groupfeat.groups import group_from_spec, irreps


def test_phases_of_s3() -> None:
    reps = irreps(group_from_spec("S3"))
    measured = measure_phases(
        reps, activations=("square", "cube"), fractions=(0.3, 1.0), starts=12, seed=0
    )
    assert (measured.counts.sum(axis=2) == 12).all()
    fourier, focused = measured.counts[..., 0], measured.counts[..., 1]
    assert fourier[0].tolist() == [0, 12]  # x²: memorising, then Fourier
    assert focused[1, 0] == 12
    levels = [f.energy for f in predicted_families(reps)]
    assert min(levels) <= measured.energies[0, 1, 0] <= max(levels)
    assert measured.converged[0, 1] == 12
    stored = json.loads(json.dumps(describe_phases(measured), allow_nan=False))
    assert stored["energies"][0][0][0] is None
    assert stored["counts"] == measured.counts.tolist()
    assert len(plot_phases(measured).patches) == 2 * 2 * 4
    assert len(plot_phase_energies(measured).lines) == 5


def test_energy_of_one_weight_and_where_it_crosses() -> None:
    group = group_from_spec("C101")
    w = np.eye(202)[4]
    for p in (0.3, 0.6):
        mean = np.mean([float(energy(w, sample_pairs(group, p, rng=r))) for r in range(20)])
        assert mean == pytest.approx(float(localised_energy(101, p)), rel=0.05)
    p = crossing_fraction(2.0)
    assert float(localised_energy(101, p)) == pytest.approx(p**2 * 101 / 4)
