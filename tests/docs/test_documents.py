"""Every >>> in the documents and docstrings is run and gives what is printed beside it."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import pytest

import analyzers
import groupfeat

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules_of(package: ModuleType) -> list[str]:
    found = pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    return [module.name for module in found if not module.name.endswith("__main__")]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_document(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    # A fence is no output.
    blocks = "\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL))
    parsed = doctest.DocTestParser().get_doctest(blocks, {}, path.name, str(path), 0)
    assert not doctest.DocTestRunner(optionflags=FLAGS).run(parsed).failed


@pytest.mark.parametrize("name", [*modules_of(groupfeat), *modules_of(analyzers)])
def test_docstrings(name: str) -> None:
    assert not doctest.testmod(importlib.import_module(name), optionflags=FLAGS).failed


def test_local_links_lead_somewhere() -> None:
    broken = [
        f"{path.name}: {target}"
        for path in DOCUMENTS
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert not broken, broken
