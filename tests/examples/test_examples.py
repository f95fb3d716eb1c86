"""Every example runs and says what it promises."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PROMISES = {
    "irreps_of_s4.py": "rho(g) rho(h) = rho(gh): True",
    "maxima_of_c7.py": "outside the prediction: 0",
    "threshold_scaling.py": "ht, drawn with replacement",
    "train_and_match.py": "test accuracy 1.0",
}


def test_every_example_is_run() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(PROMISES)


@pytest.mark.parametrize("name", PROMISES)
def test_example(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    short = ["--quick", "--trials", "4"] if name == "threshold_scaling.py" else []
    monkeypatch.setattr("sys.argv", [name, *short])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    assert PROMISES[name] in capsys.readouterr().out
