"""What earlier calls of ``groupfeat train`` left in a folder."""

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from analyzers._cli_train_request import SOURCES, Request, numbered, read_request
from analyzers._words import counted

__all__ = [
    "difference",
    "joined_answers",
    "listed",
    "recipe_of",
    "run_files",
    "tells_of",
]

_SHOWN = 4
_LEARNED = (*SOURCES, "operands")
_OF_A_RUN = re.compile(
    r"run-[0-9]+(-arm-[0-9]+)?((-at-[0-9]+)?\.safetensors|\.jsonl|-resumed\.json)"
)


def run_files(folder: Path) -> set[str]:
    """Return the names of checkpoints, records and stories of resumed runs in a folder."""
    return {each.name for each in folder.iterdir() if _OF_A_RUN.fullmatch(each.name)}


def listed(names: Collection[str]) -> str:
    """Return ``"5 files of an earlier call stay: …, …, …, … and 1 more"``."""
    stay = "stays" if len(names) == 1 else "stay"
    return f"{counted(len(names), 'file')} of an earlier call {stay}: {some(names)}"


def some(names: Collection[str]) -> str:
    """Return the first four names and how many more there are."""
    ordered = sorted(names, key=numbered)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(ordered[:_SHOWN]) + more


def difference(told: Mapping[str, Any], story: Mapping[str, Any]) -> str | None:
    """Return the first setting in which a ``config.json`` is of other runs than ``story`` tells.

    The number of runs, the first one's seed and what is kept of them do not count.
    """
    from groupfeat.training import TrainConfig

    settings = [item.name for item in fields(TrainConfig) if item.name != "task"]
    own = {"verb": "train", **story}
    for name in ("verb", "preset", *_LEARNED, *settings):
        if told.get(name) != own.get(name):
            return f"{name}: {told.get(name)!r:.60} there, {own.get(name)!r:.60} now"
    return None


def recipe_of(file: Path) -> Request | None:
    """Return the request that a ``config.json`` tells, if its runs begin at their beginning."""
    try:
        request = read_request(str(file))
    except ValueError:
        return None
    return request if request.resume is None else None


def tells_of(recipe: Request, request: Request, settings: Mapping[str, Any], arm: bool) -> bool:
    """Tell whether a run with these settings, epochs and seed apart, is of a recipe's kind.

    ``request`` names what it learns; ``arm``: it is one of a preset's.
    """
    same = all(settings[k] == v for k, v in recipe.settings.items() if k != "epochs")
    if recipe.preset is not None:
        return same and arm and recipe.spec in (None, request.spec)
    learned = all(getattr(recipe, name) == getattr(request, name) for name in _LEARNED)
    return same and learned and not arm


def joined_answers(older: Mapping[str, Any], newer: Mapping[str, Any]) -> dict[str, Any]:
    """Return an older answer with what a newer one tells in its place, or beside it.

    What is no answer counts for nothing. Medians over arms are taken anew; the time of a step
    stays the older's.
    """
    if not _is_answer(older):
        return dict(newer)
    found = {**newer, **older}
    for name in ("runs", "stages", "resumed"):
        if rows := _joined_rows(older.get(name, []), newer.get(name, [])):
            found[name] = rows
    for name in ("checkpoints", "telemetry"):
        paths = [Path(path) for told in (older, newer) for path in told.get(name, [])]
        if paths:  # all in one folder, called what the older answer calls it
            names = sorted({path.name for path in paths}, key=numbered)
            found[name] = [str(paths[0].parent / each) for each in names]
    if "arms" in found and all("settings" in row for row in found["runs"]):
        from analyzers.presets import arms_of

        found["arms"] = [asdict(arm) for arm in arms_of(found["runs"])]
    return found


def _is_answer(told: Mapping[str, Any]) -> bool:
    rows = [told.get(name, []) for name in ("runs", "stages", "resumed")]
    paths = [told.get(name, []) for name in ("checkpoints", "telemetry")]
    return (
        "runs" in told
        and all(isinstance(each, list) for each in (*rows, *paths))
        and all(isinstance(path, str) for each in paths for path in each)
        and all(isinstance(row, dict) and _is_placed(row) for each in rows for row in each)
    )


def _is_placed(row: Mapping[str, Any]) -> bool:
    return type(row.get("seed")) is int and type(row.get("arm", 0)) is int


def _joined_rows(older: list[Any], newer: list[Any]) -> list[Any]:
    """Return rows in the order of arms and seeds; a newer one stands over an older one's values."""
    found: dict[Any, dict[str, Any]] = {}
    for row in (*older, *newer):
        key = row.get("arm", 0), row["seed"]
        found[key] = {**found.get(key, {}), **row}
    return [found[key] for key in sorted(found)]
