"""The study of thresholds: rows that survive storage, series that are what they say."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from analyzers.network_thresholds import least_fraction, measure_network_threshold
from analyzers.threshold_fits import fit_exponents, plot_thresholds, select
from analyzers.threshold_study import (
    SERIES,
    Measurement,
    measure_again,
    measure_series,
    read_rows,
    write_rows,
)
from groupfeat.energy import predicted_families
from groupfeat.groups import group_from_spec, irreps
from groupfeat.training import TrainConfig


def test_series_hold_the_families_they_name() -> None:
    effective = {"real": 1, "complex": 2, "quaternionic": 2}
    for series in SERIES.values():
        orders = [group_from_spec(spec).order for spec in series.specs]
        assert orders == sorted(orders)
        families = predicted_families(irreps(group_from_spec(series.specs[0])))
        own = next(f for f in families if (f.dim, f.type) == (series.dim, series.type))
        assert orders[0] / (2 * own.energy) == series.dim * effective[series.type]


def test_a_measurement_comes_back_from_json() -> None:
    (row,) = measure_series(SERIES["C_q:C_3"], trials=4, specs=["F21"])
    stored = json.loads(json.dumps(row.to_dict(), allow_nan=False))
    assert Measurement.from_dict(stored) == row
    assert (row.dim, row.type, row.effective_dim) == (3, "complex", 6.0)
    assert row.n50 is not None
    assert row.fraction == row.n50 / 441
    censored = Measurement.from_dict({**stored, "n50": None})
    assert math.isnan(censored.fraction)


def test_least_fraction_closes_on_the_edge() -> None:
    asked: list[float] = []

    def holds(p: float) -> bool:
        asked.append(p)
        return p >= 0.3

    found = least_fraction(holds, low=0.02, high=0.97, resolution=0.02)
    assert found is not None
    assert 0.3 <= found <= 0.3 * 1.03
    assert len(asked) < 10
    assert least_fraction(lambda p: False, low=0.02, high=0.97, resolution=0.02) is None


@pytest.mark.parametrize("paired", [False, True])
def test_networks_have_a_threshold(paired: bool) -> None:
    config = TrainConfig(n_hidden=32, epochs=500, settle_epochs=1, eval_every=25, stop_accuracy=0.9)
    found = measure_network_threshold("C7", config, paired=paired, seeds=2, resolution=0.3)
    assert len(found.counts) == 2
    assert found.n50 is None or 5 < found.n50 < 49
    assert found.weight_decay == pytest.approx(0.3 / 49)
    json.dumps(found.to_dict(), allow_nan=False)


DATA = Path(__file__).resolve().parents[2] / "docs" / "data" / "thresholds.json"


def power_law(beta: float, gamma: float, noise: float = 0.0) -> list[Measurement]:
    """Rows that obey n50 = 3 (M ln M)^β (M/2E*)^γ, up to ``noise`` from trial to trial."""
    (row,) = measure_series(SERIES["cyclic"], trials=1, specs=["C23"])
    rng, found = np.random.default_rng(0), []
    for order in (50, 100, 200, 400):
        for dim in (2.0, 6.0):
            level = 3 * (order * np.log(order)) ** beta * dim**gamma
            trials = level * np.exp(noise * rng.standard_normal(20))
            found.append(
                dataclasses.replace(
                    row,
                    order=order,
                    effective_dim=dim,
                    n50=float(np.median(trials)),
                    thresholds=tuple(trials.tolist()),
                )
            )
    return found


def test_fits_find_the_exponents() -> None:
    fit = fit_exponents(power_law(1.3, 0.8), ["M ln M", "M/(2E*)"], rng=0)
    assert fit.exponents == pytest.approx((1.3, 0.8))
    assert fit.constant == pytest.approx(3)
    assert fit.spread < 1e-12
    fractions = [row.fraction for row in power_law(1.3, 0.8)]
    assert (fit.least_fraction, fit.most_fraction) == (min(fractions), max(fractions))
    assert "n/M² from" in str(fit)
    noisy = power_law(1.3, 0.8, 0.1)
    for rows, width in ((noisy, 1.0), (power_law(1.3, 0.8, 0.4), 4.0)):
        fit = fit_exponents(rows, ["M ln M", "M/(2E*)"], rng=1)
        for true, (low, high) in zip((1.3, 0.8), fit.intervals, strict=True):
            assert low < true < high
            assert 0.01 * width < high - low < 0.15 * width
    with pytest.raises(ValueError, match="at least 3 groups, got 2"):
        fit_exponents(noisy[:2], ["M", "d"], rng=0)
    with pytest.raises(ValueError, match="not independent"):
        fit_exponents(noisy, ["M", "d"], rng=0)


def test_rows_are_selected_by_question_and_range() -> None:
    rows = [row for series in read_rows(DATA).values() for row in series]
    chosen = select(rows, variant="cross", sampling="without", most_fraction=0.2)
    assert chosen
    assert all((r.variant, r.kind) == ("cross", "existence") and r.fraction <= 0.2 for r in chosen)
    axes = plot_thresholds({"cyclic": [r for r in chosen if r.spec.startswith("C")]})
    assert len(axes.lines) == 1
    corrected = plot_thresholds({"all": chosen}, corrected=True).lines[0].get_ydata()
    expected = [r.n50 / (1 - r.fraction) / r.order / r.effective_dim for r in chosen]  # type: ignore[operator]
    np.testing.assert_allclose(corrected, expected)


def test_stored_rows_come_out_again() -> None:
    """A sample of docs/data/thresholds.json: what is measured now lies in the stored interval.

    Starts are drawn in the basis of the irreps: where that is found by another road than when the
    rows were measured, the same seed draws other starts. Abelian groups have no such choice.
    """
    rows = [row for series in read_rows(DATA).values() for row in series if row.order <= 25]
    assert len({(r.variant, r.kind) for r in rows}) >= 4
    for row in rows[::5]:
        fresh = measure_again(row)
        assert row.low <= fresh.n50 <= row.high
        if row.spec.startswith("C") and "x" not in row.spec:
            assert (fresh.n50, fresh.low, fresh.high) == (row.n50, row.low, row.high)


def test_rows_survive_a_file(tmp_path: Path) -> None:
    stored = read_rows(DATA)
    assert read_rows(write_rows(tmp_path / "rows.json", stored)) == stored
