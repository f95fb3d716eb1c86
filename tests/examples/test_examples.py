"""Every example runs and says what it promises."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PROMISES = {
    "irreps_of_s4.py": "rho(g) rho(h) = rho(gh): True",
    "maxima_by_activation.py": "tanh: unseen <=",
    "maxima_of_c7.py": "outside the prediction: 0",
    "memorising_phases.py": "x²: below p = 0.500",
    "many_networks.py": "rate 0.01: 2 of 2 generalised",
    "preset_settings.py": "| `three-stages` | C71 |",
    "preset_tables.py": "| three-stages, C71 | weight_decay 0.0002, epochs 600 | 15 | 15 |",
    "subset_landscapes.py": "| C7: 28 | 0 |",
    "task_tables.py": "| `S3 --operands 3 --runs 10` | 10 | 10 |",
    "telemetry_tables.py": "| Z5 | 64 | 15 |",
    "threshold_scaling.py": "## cross, drawn with replacement",
    "train_and_match.py": "test accuracy 1.0",
}
SHORT = {
    "maxima_by_activation.py": ["2"],
    "memorising_phases.py": ["--quick"],
    "subset_landscapes.py": ["1", "100"],
    "telemetry_tables.py": ["--quick"],
}


def test_every_example_is_run() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(PROMISES)


@pytest.mark.parametrize("name", PROMISES)
def test_example(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    short = SHORT.get(name, [])
    monkeypatch.setattr("sys.argv", [name, *short])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    assert PROMISES[name] in capsys.readouterr().out


def test_records_of_an_example_go_to_a_new_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "records"
    monkeypatch.setattr("sys.argv", ["telemetry_tables.py", "--quick", "--out", str(folder)])
    runpy.run_path(str(EXAMPLES / "telemetry_tables.py"), run_name="__main__")
    assert len(list(folder.glob("decay-*.jsonl"))) == 2
