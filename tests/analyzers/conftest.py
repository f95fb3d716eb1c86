"""The command line as a call."""

from typing import Any

import pytest

from analyzers.cli import app

Answer = tuple[int, str, str]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> Answer:
        with pytest.raises(SystemExit) as ended:
            app(arguments)
        captured = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), captured.out, captured.err

    return run
