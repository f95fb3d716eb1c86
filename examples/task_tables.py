"""Which tasks and settings grok as they stand: the tables of docs/experiments.md.

``python examples/task_tables.py`` prints them from docs/data/tasks.json. ``--run`` makes the runs
anew (about ten minutes of one core), each a call of ``groupfeat train`` as the tables name it;
``--run TABLE`` those of one table, and ``--store FILE`` keeps them elsewhere.
"""

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from analyzers.storage import versions, write_text

STORE = Path(__file__).resolve().parent.parent / "docs/data/tasks.json"
KEPT = ("train_accuracy", "memorized_at", "generalized_at", "test_accuracy")
HEAD = ("groupfeat train …", "runs", "generalised", "train", "test", "accuracy", "lowest")

_FORMS = ("x+y", "x*y", "x^2+y^2", "x^2+xy+y^2", "x^3+xy")
_WIDE = "--hidden 1024 --train-fraction"
COMMANDS = {
    "words": [
        *(f"{spec} --operands 3 --runs 10" for spec in ("C3", "C4", "C5", "S3", "C7", "D4", "Q8")),
        "C11 --operands 3 --runs 5",
        *(f"S3 --operands 3 --runs 5 --train-fraction {p}" for p in (0.8, 0.7)),
        *(f"C7 --operands 3 --runs 5 --train-fraction {p}" for p in (0.7, 0.6)),
        *(
            f"{s} --operands 3 --runs 5 --activation relu --train-fraction 0.9"
            for s in ("S3", "C7")
        ),
        "C7 --operands 3 --runs 5 --activation gelu --train-fraction 0.9",
        *(f"S3 --operands 3 --runs 5 --optimizer {name}" for name in ("adamw", "muon")),
        *(
            f"{spec} --operands 3 --runs 5 --loss {loss}"
            for spec in ("S3", "C7")
            for loss in ("mse_samples", "cross_entropy", "stablemax")
        ),
        *(f"{spec} --operands 4 --runs 5" for spec in ("C3", "S3", "C5")),
    ],
    "expressions": [
        *(f'--task "{form} mod {m}" --runs 5' for m in (11, 23) for form in _FORMS),
        *(f'--task "{form} mod 47" --runs 2 --epochs 1500' for form in _FORMS),
        *(f'--task "{form} mod 97" --epochs 600' for form in _FORMS),
        '--task "x^2+xy+y^2 mod 11" --hidden 64 --train-fraction 0.9 --weight-decay 5e-3 --runs 5',
        *(f'--task "x^2+xy+y^2 mod {m}" {_WIDE} 0.9 --runs 5' for m in (11, 23)),
        f'--task "x^2+xy+y^2 mod 47" {_WIDE} 0.9 --epochs 1500 --weight-decay 2.7e-4',
        *(f'--task "x^3+xy mod {m}" {_WIDE} 0.95 --runs 5' for m in (11, 23)),
        f'--task "x^3+xy mod 47" {_WIDE} 0.95 --epochs 1500 --weight-decay 2.7e-4',
    ],
    "settings": [
        f"C23 --runs 5{told}"
        for told in (
            "",
            " --loss mse_samples",
            " --loss mse_samples --ridge 0.05",
            " --loss cross_entropy",
            " --loss cross_entropy --weight-decay 2e-4",
            " --loss stablemax",
            " --loss stablemax --weight-decay 2e-4",
            " --optimizer adamw",
            " --optimizer muon",
            " --optimizer sgd",
            " --optimizer sgd --momentum 0.9 --learning-rate 1",
            " --optimizer gd",
            " --optimizer gd --learning-rate 3",
            " --embedding 32",
            " --batch-norm",
            " --bias",
            " --complex-weights",
            " --other-layers 1",
            " --alpha 0",
            " --activation relu",
            " --activation gelu",
            " --activation silu",
            " --activation tanh",
            " --activation power",
            " --activation power --weight-decay 4e-5",
            " --activation cube",
            " --activation cube --weight-decay 1e-4",
            " --weight-norm node",
            " --weight-norm node --init-scale 1",
            " --weight-norm total",
            " --weight-norm total --weight-decay 6e-5",
            " --init normal",
            " --init normal --init-scale 0.1 --alpha 0.1",
        )
    ],
}


def run(command: str) -> dict[str, Any]:
    """Return what the runs of a command came to, a list a column."""
    call = [sys.executable, "-m", "analyzers", "train", *shlex.split(command), "--json"]
    told = subprocess.run(call, capture_output=True, check=True).stdout  # noqa: S603
    answer = json.loads(told)
    columns = {name: [rounded(row[name]) for row in answer["runs"]] for name in KEPT}
    return {"command": command} | columns


def rounded(value: object) -> object:
    """Return a number to four digits."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a table, a command a line."""
    yield f"| {' | '.join(HEAD)} |"
    yield "|" + "---|" * len(HEAD)
    for row in rows:
        yield f"| `{row['command']}` | {' | '.join(cells(row))} |"


def cells(row: dict[str, Any]) -> Iterator[str]:
    """Yield a command's cells: counts, median epochs of those that got there, accuracies."""
    tested = row["test_accuracy"]
    reached = [[at for at in row[name] if at is not None] for name in KEPT[1:3]]
    yield from (str(len(tested)), str(len(reached[1])))
    yield from (f"{median(at):.0f}" if at else "–" for at in reached)
    yield from (f"{median(tested):.3g}", f"{min(tested):.3g}")


def save(path: Path, tables: dict[str, list[dict[str, Any]]]) -> None:
    """Write the store, a command a line."""
    parts = ",\n".join(
        f'"{name}": [\n' + ",\n".join(map(json.dumps, rows)) + "\n]"
        for name, rows in tables.items()
    )
    told = json.dumps(versions())
    write_text(path, f'{{"versions": {told},\n"tables": {{\n{parts}\n}}}}\n')


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", nargs="?", const="all", choices=["all", *COMMANDS])
    parser.add_argument("--store", type=Path, default=STORE)
    asked = parser.parse_args()
    held = json.loads(asked.store.read_text("utf-8"))["tables"] if asked.store.exists() else {}
    for name in COMMANDS if asked.run == "all" else [asked.run] * (asked.run is not None):
        held[name] = [run(command) for command in COMMANDS[name]]
        save(asked.store, held)
    print("\n\n".join("\n".join(table(held[name])) for name in COMMANDS if name in held))
