"""How much memory training takes, held against what there is before anything is allocated."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.tasks._tasks import Task

__all__ = ["MemoryEstimate", "available_memory", "check_memory", "estimate_memory"]

_CHUNK_ENTRIES = 1 << 20
"""Twice the chunks of a run: an estimate from above."""
_LEAST_ROWS, _DEEP_ROWS = 64, 512
_HISTORY_ROW = 5 * 32
_PROCESS = 256 << 20
"""A process that imported torch and us, from above.

Anonymous memory in ``/proc/PID/smaps_rollup`` (Linux, torch on the CPU, two workers, S3 with K 16
and C71 with K 1024): 216 MiB for the server that workers are forked of, 233 and 245 for a worker.
Of a worker's, 92 and 104 MiB were its own and the rest was shared with the server, which need not
last: pages part as they are written to.
"""


class MemoryEstimate(NamedTuple):
    """Bytes of one run: ``weights`` and ``history`` that it leaves, ``work`` while it trains."""

    weights: int
    history: int
    work: int


def estimate_memory(task: Task, config: TrainConfig) -> MemoryEstimate:
    """Return what a run takes, to about a factor of two; ``weights`` exactly, where none is 1-d."""
    width, hidden = 8 if config.precision == "float64" else 4, config.n_hidden
    parts, operands = 1 + config.complex_weights, len(task.sizes)
    inputs = operands * config.embedding if config.embedding else sum(task.sizes)
    square = config.other_layers * hidden**2
    trained = parts * hidden * (inputs + task.n_classes) + square
    trained += config.embedding * task.sizes[0]
    layers = parts * hidden * (sum(task.sizes) + task.n_classes)
    count = max(1, round(config.train_fraction * len(task)))
    state = _state_size(config, trained, trained - square - parts * hidden * inputs)
    least = _DEEP_ROWS if config.other_layers else _LEAST_ROWS
    chunks = (3 * parts + 2 * config.other_layers) * max(_CHUNK_ENTRIES, least * hidden)
    work, fine = 2 * trained + 2 * layers + chunks, 0
    if config.ridge is not None:  # solved, and stepped with, in float64
        side = parts * hidden
        fine = 2 * min(side, count) ** 2 + (count * side if count < side else 0)
        fine += 3 * layers + chunks
    if config.batch_norm:
        work += 2 * inputs**2
    examples = 2 * 8 * (operands + 1) * len(task)
    rows = 1 + -(-config.epochs // config.eval_every)
    return MemoryEstimate(
        width * (trained + state + layers), _HISTORY_ROW * rows, width * work + 8 * fine + examples
    )


def check_memory(
    task: Task, configs: Sequence[TrainConfig], *, runs: int = 1, workers: int = 1
) -> None:
    """Raise ValueError where the largest config's work, and ``runs`` results, cannot be held.

    Each of several ``workers``, no more than there are runs or configs, takes a process of its
    own and the largest run; one more process is what they are forked of. Nothing is refused on a
    system that does not tell its free memory.
    """
    free = available_memory()
    if free is None or not configs:
        return
    config = max(configs, key=lambda each: sum(estimate_memory(task, each)))
    found = estimate_memory(task, config)
    weights, history = runs * found.weights, runs * found.history
    alone = needed = weights + history + found.work
    busy = min(workers, max(runs, len(configs)))
    if busy > 1:
        needed = weights + history + busy * (_PROCESS + sum(found)) + _PROCESS
    if needed <= free:
        return
    if alone <= free:
        way = f"take fewer than {busy} workers"
    elif history > weights + found.work:
        way = f"raise eval_every ({config.eval_every}) or lower epochs ({config.epochs})"
    elif runs > 1 and found.weights + found.history + found.work <= free:
        way = f"train fewer than {runs} runs at once"
    else:
        way = f"lower {_largest(config)} or take a smaller task"
    raise ValueError(
        f"training needs about {needed / 2**30:.3g} GiB of memory and {free / 2**30:.3g} GiB are "
        f"free; {way}"
    )


def available_memory() -> int | None:
    """Return the bytes that can be had now, as system and container tell; None if neither does."""
    found = list[int]()
    with suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        told = dict(line.split(":", 1) for line in lines if ":" in line)
        found += [int(told[name].split()[0]) * 1024 for name in ("MemAvailable",) if name in told]
    with suppress(OSError, ValueError):
        folder = Path("/sys/fs/cgroup")
        most, now = (int((folder / f"memory.{name}").read_text()) for name in ("max", "current"))
        stat = (folder / "memory.stat").read_text().split()
        found.append(most - now + int(stat[stat.index("inactive_file") + 1]))
    if not found and hasattr(os, "sysconf"):
        with suppress(OSError, ValueError):
            found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return max(min(found), 0) if found else None


def _largest(config: TrainConfig) -> str:
    """Return the setting that makes the most of a network's weights, and its value."""
    layers, rest = config.other_layers * config.n_hidden, max(config.n_hidden, config.embedding)
    if layers > max(rest, 100 * config.n_hidden):
        return f"other_layers ({config.other_layers})"
    name = "embedding" if config.embedding > config.n_hidden else "n_hidden"
    return f"{name} ({rest})"


def _state_size(config: TrainConfig, trained: int, plain: int) -> int:
    """Return the number of entries in the optimiser's state; Muon keeps one a matrix entry."""
    if config.optimizer == "muon":
        return trained + plain
    kept = {"adam": 2, "adamw": 2, "sgd": int(config.momentum > 0)}
    return kept.get(config.optimizer, 0) * trained
