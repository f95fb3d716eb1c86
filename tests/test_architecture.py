"""The house stays in order: imports go one way, heavy libraries in one room, small files."""

import ast
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ["groupfeat.groups", "groupfeat.energy", "groupfeat.training", "analyzers", "examples"]
HEAVY = {
    "torch": ["groupfeat/training/"],
    "safetensors": ["groupfeat/training/"],
    "numba": [
        "groupfeat/energy/kernels/",
        "groupfeat/groups/kernels/",
        "groupfeat/training/kernels/",
    ],
    "matplotlib": ["analyzers/"],
    "cyclopts": ["analyzers/cli", "analyzers/_cli", "analyzers/__main__"],
}
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def imported_modules(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def room_of(module: str) -> int | None:
    for position, room in enumerate(ROOMS):
        if module == room or module.startswith(room + "."):
            return position
    return None


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def backward_imports(source: str, module: str) -> list[str]:
    own = room_of(module)
    found = []
    for name, line in imported_modules(ast.parse(source)):
        other = room_of(name)
        if own is not None and other is not None and other > own:
            found.append(f"{module}:{line} imports {name}")
        if name.split(".")[0] == "tests":
            found.append(f"{module}:{line} imports the tests")
    return found


def misplaced_heavy_imports(source: str, relative: str) -> list[str]:
    return [
        f"{relative}:{line} imports {name}"
        for name, line in imported_modules(ast.parse(source))
        for heavy, homes in HEAVY.items()
        if name.split(".")[0] == heavy and not any(relative.startswith(home) for home in homes)
    ]


def long_functions(source: str, relative: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                lines -= (first.end_lineno or first.lineno) - first.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                found.append(f"{relative}:{node.lineno} {node.name} has {lines} lines")
    return found


def test_no_backward_import() -> None:
    broken = [
        line
        for path in sources("groupfeat", "analyzers", "examples")
        for line in backward_imports(path.read_text(), module_name(path))
    ]
    assert not broken, broken


def folder_imports(room: str, sources_of_room: dict[str, str]) -> set[tuple[str, str]]:
    """Who imports whom among the folders of a room, given its modules' sources."""
    found = set()
    for module, source in sources_of_room.items():
        own = module.removeprefix(room + ".").split(".")[0]
        for name, _ in imported_modules(ast.parse(source)):
            parts = name.removeprefix(room + ".").split(".")
            if name.startswith(room + ".") and len(parts) > 1 and parts[0] != own:
                found.add((own, parts[0]))
    return found


@pytest.mark.parametrize("room", ["groupfeat.groups", "groupfeat.energy", "groupfeat.training"])
def test_folders_of_a_room_import_in_one_direction(room: str) -> None:
    modules = {module_name(path): path.read_text() for path in sources(room.replace(".", "/"))}
    modules.pop(room)
    arrows = nx.DiGraph(folder_imports(room, modules))
    assert nx.is_directed_acyclic_graph(arrows), nx.find_cycle(arrows)


def test_an_import_between_folders_is_seen() -> None:
    source = "def f():\n    from groupfeat.energy.exact._units import nearest_in_family\n"
    arrows = folder_imports("groupfeat.energy", {"groupfeat.energy.kernels._blocks": source})
    assert arrows == {("kernels", "exact")}


def test_heavy_libraries_have_one_room() -> None:
    broken = [
        line
        for path in sources("groupfeat", "analyzers")
        for line in misplaced_heavy_imports(path.read_text(), path.relative_to(ROOT).as_posix())
    ]
    assert not broken, broken


def test_no_long_file_or_function() -> None:
    broken = []
    for path in sources("groupfeat", "analyzers", "examples", "tests"):
        text, relative = path.read_text(), path.relative_to(ROOT).as_posix()
        count = len(text.splitlines())
        broken += [f"{relative} has {count} lines"] if count > MAX_FILE_LINES else []
        broken += long_functions(text, relative)
    assert not broken, broken


@pytest.mark.parametrize(
    ("source", "module", "told"),
    [
        ("from groupfeat.energy import energy", "groupfeat.groups._x", True),
        ("import groupfeat.training", "groupfeat.energy._x", True),
        ("from groupfeat import training", "groupfeat.groups._x", True),
        ("import analyzers.cli", "groupfeat.training._x", True),
        ("from tests import oracles", "groupfeat.groups._x", True),
        ("from groupfeat.groups import irreps", "groupfeat.energy._x", False),
    ],
)
def test_backward_imports_are_seen(source: str, module: str, told: bool) -> None:
    assert bool(backward_imports(source, module)) is told


def test_misplaced_heavy_imports_are_seen() -> None:
    source = "def f():\n    import torch.nn\n    from numba import njit\n"
    assert len(misplaced_heavy_imports(source, "groupfeat/energy/ascent/_search.py")) >= 2
    assert not misplaced_heavy_imports("import numba", "groupfeat/energy/kernels/_pairs.py")


def test_long_functions_are_seen() -> None:
    source = "def f():\n" + "    x = 1\n" * MAX_FUNCTION_LINES
    assert long_functions(source, "f.py")
    assert not long_functions("def f():\n" + "    x = 1\n" * (MAX_FUNCTION_LINES - 1), "f.py")


@pytest.mark.parametrize("module", ["groupfeat", "groupfeat.groups"])
def test_light_imports_load_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({set(HEAVY)!r} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=os.fspath(ROOT),
    )
    assert found.stdout.split() == []


@pytest.mark.parametrize("room", ["groupfeat.groups", "groupfeat.energy", "groupfeat.training"])
def test_public_names_exist_once(room: str) -> None:
    module = importlib.import_module(room)
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)
