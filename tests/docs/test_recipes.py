"""The tables of docs/tutorials/training-recipes.md say what the code does."""

import ast
import re
import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest

from analyzers._cli_commands import commands
from groupfeat.groups import cyclic
from groupfeat.training import TrainConfig, train

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/tutorials/training-recipes.md").read_text(encoding="utf-8")


def recipes() -> list[tuple[str, dict[str, Any], list[str], list[int]]]:
    """What is wanted, the settings, the words of the command line, the epochs told."""
    table = re.search(r"\| to have .*?\n\|[-|]+\n(.*?)\n\n", PAGE, flags=re.DOTALL)
    assert table is not None
    found = []
    for line in table[1].splitlines():
        wanted, python, words, epochs = (cell.strip() for cell in line.strip("|").split("|"))
        call = ast.parse(f"f({python.strip('`')})", mode="eval").body
        assert isinstance(call, ast.Call)
        settings = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
        told = [int(number) for number in epochs.split(",")]
        found.append((wanted, settings, shlex.split(words.strip("`")), told))
    return found


RECIPES = [pytest.param(*each[1:], id=each[0]) for each in recipes()]


def test_the_table_is_read() -> None:
    assert len(RECIPES) >= 20
    assert sum(bool(settings) for _, settings, _, _ in recipes()) == len(RECIPES) - 1


@pytest.mark.parametrize(("settings", "words", "epochs"), RECIPES)
def test_python_and_the_command_line_say_the_same(
    settings: dict[str, Any], words: list[str], epochs: list[int]
) -> None:
    _, bound, _ = commands.parse_args(["train", "C23", *words])
    given = bound.arguments["settings"].given() if "settings" in bound.arguments else {}
    assert given == settings
    assert TrainConfig(**given) == TrainConfig(**settings)


@pytest.mark.slow
@pytest.mark.parametrize(("settings", "words", "epochs"), RECIPES)
def test_each_recipe_groks(settings: dict[str, Any], words: list[str], epochs: list[int]) -> None:
    config = TrainConfig(**{"epochs": 1500, "settle_epochs": 100, **settings})
    found = [run.generalized_at for run in train(cyclic(23), config, seeds=[0, 1])]
    print(words, found, epochs)
    assert all(at is not None for at in found)


def test_presets_are_as_the_page_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples/preset_settings.py"), run_name="__main__")
    assert capsys.readouterr().out.strip() in PAGE
