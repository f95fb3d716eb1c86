"""The tables of docs/experiments.md, from answers of ``groupfeat train --preset``.

``python examples/preset_tables.py`` prints the arms of the runs that docs/data/presets.json
holds, those of the scaling law as a line a group: where its median test accuracy crosses ½.
Files named after it, each an answer of ``groupfeat train [GROUP] --preset NAME --json``, are added
first; a run that is held already is replaced. ``--store FILE`` takes another file.
"""

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from analyzers.presets import Arm, arms_of
from analyzers.storage import versions, write_text
from groupfeat.groups import group_from_spec
from groupfeat.training import PRESETS

STORE = Path(__file__).resolve().parent.parent / "docs/data/presets.json"
LAW = "scaling-law"
SAME = ("preset", "task", "settings")
COLUMNS = (
    *("seed", "epochs", "train_accuracy", "memorized_at", "half_at", "generalized_at"),
    *("test_accuracy", "test_loss"),
)
HEAD = ("preset, group", "arm", "runs", "generalised", "train", "½", "test", "accuracy", "loss")


def key_of(row: dict[str, Any]) -> str:
    """Return what tells a run's arm from others: preset, task, settings."""
    return json.dumps([row[name] for name in SAME])


def unfold(store: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the stored runs."""
    for arm in store["arms"]:
        same = {name: arm[name] for name in SAME}
        for values in zip(*(arm[name] for name in COLUMNS), strict=True):
            yield same | dict(zip(COLUMNS, values, strict=True))


def fold(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return runs arm by arm, a list a column; of two runs of one seed the later counts."""
    arms: dict[str, dict[int, dict[str, Any]]] = {}
    for row in rows:
        arms.setdefault(key_of(row), {})[row["seed"]] = row
    folded = [
        {name: next(iter(found.values()))[name] for name in SAME}
        | {name: [found[seed][name] for seed in sorted(found)] for name in COLUMNS}
        for found in arms.values()
    ]
    return sorted(folded, key=place_of)


def place_of(arm: dict[str, Any]) -> tuple[int, int, str, float]:
    """Return what arms are ordered by: preset, order of the group, its name, train fraction."""
    order, fraction = group_from_spec(arm["task"]).order, arm["settings"].get("train_fraction", 0.0)
    return list(PRESETS).index(arm["preset"]), order, arm["task"], fraction


def read_answer(path: Path) -> list[dict[str, Any]]:
    """Return the runs of an answer."""
    answer = json.loads(path.read_text(encoding="utf-8"))
    return [{"preset": answer["preset"]} | rounded(row) for row in answer["runs"]]


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its numbers to six digits."""
    return {name: float(f"{v:.6g}") if type(v) is float else v for name, v in row.items()}


def save(path: Path, arms: Sequence[dict[str, Any]]) -> None:
    """Write the store, an arm a line."""
    lines = ",\n".join(json.dumps(arm, ensure_ascii=False) for arm in arms)
    told = json.dumps(versions())
    write_text(path, f'{{"versions": {told},\n"arms": [\n{lines}\n]}}\n')


def table(arms: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of the table of arms."""
    yield f"| {' | '.join(HEAD)} |"
    yield "|" + "---|" * len(HEAD)
    for arm in arms:
        if arm["preset"] == LAW:
            continue
        (told,) = arms_of(list(unfold({"arms": [arm]})))
        yield f"| {arm['preset']}, {arm['task']} | {' | '.join(cells(told))} |"


def cells(arm: Arm) -> Iterator[str]:
    """Yield an arm's cells; what no run reached is a dash."""
    told = {name: value for name, value in arm.settings.items() if value is not None}
    yield ", ".join(f"{name} {number(value)}" for name, value in told.items()) or "defaults"
    yield from (str(arm.runs), str(arm.generalized))
    yield from map(number, (arm.memorized_at, arm.half_at, arm.generalized_at))
    yield from map(number, (arm.test_accuracy, arm.test_loss))


def number(value: object) -> str:
    """Return a number to four digits, other values as they are."""
    if value is None:
        return "–"
    return f"{value:.4g}" if type(value) is float else str(value)


def crossings(arms: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield, a group a line, the train fractions p where accuracy crosses ½ and all generalise."""
    yield "| group | M | seeds | p½ | p½ M / ln M | all generalise from p M / ln M |"
    yield "|---|---|---|---|---|---|"
    tasks = {
        arm["task"]: group_from_spec(arm["task"]).order for arm in arms if arm["preset"] == LAW
    }
    for task, order in tasks.items():
        mine = [arm for arm in arms if (arm["preset"], arm["task"]) == (LAW, task)]
        shares = [arm["settings"]["train_fraction"] for arm in mine]
        tested = [median(arm["test_accuracy"]) for arm in mine]
        half = float(np.interp(0.5, np.maximum.accumulate(tested), shares))
        sure = [p for p, arm in zip(shares, mine, strict=True) if None not in arm["generalized_at"]]
        scale, seeds = order / math.log(order), min(len(arm["seed"]) for arm in mine)
        least = f"{min(sure) * scale:.2f}" if sure else "–"
        yield f"| {task} | {order} | {seeds} | {half:.3f} | {half * scale:.2f} | {least} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("answers", nargs="*", type=Path)
    parser.add_argument("--store", type=Path, default=STORE)
    asked = parser.parse_args()
    held = json.loads(asked.store.read_text("utf-8")) if asked.store.exists() else {"arms": []}
    arms = fold([*unfold(held), *(row for path in asked.answers for row in read_answer(path))])
    if asked.answers:
        save(asked.store, arms)
    print("\n".join([*table(arms), "", *crossings(arms)]))
