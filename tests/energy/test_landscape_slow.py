"""The exact landscape on fourteen groups; each test prints the line that docs/landscape.md holds.

Run with ``pytest -m slow -s tests/energy/test_landscape_slow.py``.
"""

from itertools import combinations

import numpy as np
import pytest

from groupfeat.energy import (
    basin_probabilities,
    energy_and_gradient,
    family_shares,
    find_basins,
    find_maxima,
    full_pairs,
    pass_levels,
    predicted_families,
    random_starts,
    riemannian_spectrum,
)
from groupfeat.groups import group_from_spec, irreps
from tests.energy.landscape_numerics import flow_to_the_end
from tests.energy.test_basins import basins_agree, probabilities_agree
from tests.energy.test_landscape import census_agrees, strings_agree

pytestmark = pytest.mark.slow

GROUPS = {
    "C7": 100,
    "C8": 100,
    "C23": 40,
    "S3": 100,
    "S4": 60,
    "Q8": 100,
    "D5": 100,
    "Dic5": 60,
    "F21": 60,
    "A5": 20,
    "SL(2,3)": 60,
    "Heis(3)": 40,
    "S5": 8,
    "SmallGroup(32,50)": 60,
}
"""Groups, and starts of the census on each."""


@pytest.mark.parametrize("spec", GROUPS)
def test_every_end_point_lies_on_a_family(spec: str) -> None:
    """500 starts: distance, energy and the whole Hessian spectrum of every end point."""
    reps = irreps(group_from_spec(spec))
    pairs = full_pairs(reps.group)
    found = find_maxima(reps, starts=500, rng=11, tolerance=1e-9)
    assert found.is_converged
    assert found.unmatched == 0
    worst, family_of = 0.0, np.argmax(family_shares(found.ascent.weights, reps), axis=1)
    for w, position in zip(found.ascent.weights, family_of, strict=True):
        family = found.predicted[position - 1]
        spectrum = riemannian_spectrum(w, pairs)
        stated = np.concatenate([np.full(n, value) for value, n in family.hessian_spectrum])
        error = np.abs(spectrum.eigenvalues - np.sort(stated)).max() / (4 * family.energy)
        assert (spectrum.nullity, spectrum.index) == (family.flat_dim, 0)
        worst = max(worst, float(error))
    distance = max(c.distance for c in found.classes)
    levels = max(abs(c.energy / found.predicted[c.matches or 0].energy - 1) for c in found.classes)
    assert levels < 1e-9
    seen = f"{len(found.classes)} of {len(found.predicted)}"
    print(
        f"| {spec} | {reps.group.order} | {seen} | {distance:.0e} | {levels:.0e} | {worst:.0e} | "
        f"{found.unseen_probability:.4f} |"
    )
    assert worst < 1e-5


@pytest.mark.parametrize("spec", GROUPS)
def test_basins_agree_with_a_thousand_flows(spec: str) -> None:
    settled, agreed = basins_agree(spec, 1000, 17)
    print(f"| {spec} | settled {settled:.4f} | agreed {agreed:.4f} |")
    assert settled > 0.99
    assert agreed >= 0.995


@pytest.mark.parametrize("spec", GROUPS)
def test_census_of_critical_points(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    starts = random_starts(reps.group.order, GROUPS[spec], rng=5)
    ranks = census_agrees(reps, starts)
    units = [sum(r) for r in ranks]
    print(
        f"| {spec} | {len(ranks)} of {len(starts)} | {len(set(ranks))} | "
        f"{min(units)}–{max(units)} |"
    )


@pytest.mark.parametrize("spec", GROUPS)
def test_probabilities_of_basins(spec: str) -> None:
    inside = probabilities_agree(spec, 5000, 23, tests=200)
    reps = irreps(group_from_spec(spec))
    p, e = basin_probabilities(reps)
    counts = np.bincount(find_basins(random_starts(reps.group.order, 5000, rng=23), reps))
    z = (counts / 5000 - p) / np.sqrt(p * (1 - p) / 5000 + e**2)
    print(
        f"| {spec} | largest |z| of {len(p)}: {np.abs(z).max():.2f} | largest error {e.max():.1e} |"
    )
    assert inside


@pytest.mark.parametrize("spec", ["C7", "S3", "S4", "Q8", "D5"])
def test_no_string_goes_over_the_pass(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    passes = pass_levels(reps)
    for between in combinations(range(len(predicted_families(reps))), 2):
        levels = strings_agree(reps, between, paths=8, seed=7)
        reached = sum(abs(level / passes[between] - 1) < 1e-8 for level in levels)
        print(f"| {spec} | {between} | pass {passes[between]:.4f} | {reached} of 8 reach it |")


def test_flow_climbs_all_the_time() -> None:
    """The integrator behind the basins: E never falls along it."""
    pairs = full_pairs(group_from_spec("S4"))
    w = random_starts(24, 50, rng=0)
    before = energy_and_gradient(w, pairs)[0]
    for _ in range(10):
        w = flow_to_the_end(w, pairs, steps=20)
        after = energy_and_gradient(w, pairs)[0]
        assert np.all(after >= before * (1 - 1e-12))
        before = after
