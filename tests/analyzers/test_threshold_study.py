"""The study of thresholds: rows that survive storage, series that are what they say."""

import json
import math

import pytest

from analyzers.network_thresholds import least_fraction, measure_network_threshold
from analyzers.threshold_study import SERIES, Measurement, measure_series
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
