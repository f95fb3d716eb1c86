"""How much memory training takes, held against what there is before anything is allocated."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from groupfeat.training.kernels._hidden import CODES
from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.tasks._tasks import Task

__all__ = [
    "CHUNK",
    "DEEP_ROWS",
    "LEAST_ROWS",
    "MemoryEstimate",
    "available_memory",
    "check_memory",
    "estimate_memory",
]

CHUNK = 1 << 19
"""Hidden values of a chunk of examples."""
LEAST_ROWS, DEEP_ROWS = 64, 512
_TORCH_COPIES = 8
"""Of a chunk's hidden layer, where torch forms σ and its slope; compiled loops need one."""
_ANSWERS = 5
"""Of a chunk's answers: centred over samples, judged, their gradient, a softmax's."""
_NORM_COPIES = 4
"""Of XᵀX: counted in whole numbers, which are twice as wide, summed and divided."""
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

    @property
    def kept(self) -> int:
        """What it leaves."""
        return self.weights + self.history


def estimate_memory(task: Task, config: TrainConfig) -> MemoryEstimate:
    """Return what a run takes, from above, by up to three; ``weights`` to the 1-d arrays exactly.

    ``work`` of small runs is that of one chunk of examples: the hidden layer and what its way back
    needs, and answers, of which there may be more than hidden nodes.
    """
    width, hidden = 8 if config.precision == "float64" else 4, config.n_hidden
    parts, operands = 1 + config.complex_weights, len(task.sizes)
    inputs = operands * config.embedding if config.embedding else sum(task.sizes)
    square = config.other_layers * hidden**2
    trained = parts * hidden * (inputs + task.n_classes) + square
    trained += config.embedding * task.sizes[0]
    layers = parts * hidden * (sum(task.sizes) + task.n_classes)
    state = _state_size(config, trained, trained - square - parts * hidden * inputs)
    work = 3 * trained + 2 * layers + _chunk_size(task, config)
    if config.batch_norm:
        work += _NORM_COPIES * sum(task.sizes) ** 2
    fine = 0 if config.ridge is None else _solve_size(task, config) + 3 * layers
    sets = 2 if config.ridge is None else 3  # examples, the others, and the first in float64
    examples = 8 * sets * (operands + 1) * len(task)
    rows = 1 + -(-config.epochs // config.eval_every)
    return MemoryEstimate(
        width * (trained + state + layers), _HISTORY_ROW * rows, width * work + 8 * fine + examples
    )


def _copies(task: Task, config: TrainConfig) -> int:
    """Return how many arrays as large as the hidden layer live at once."""
    compiled = len(task.sizes) == 2 and not config.complex_weights and config.activation in CODES
    deep = 4 * config.other_layers + 2 if config.other_layers else 0
    return (1 if compiled else _TORCH_COPIES) + deep


def _train_size(task: Task, config: TrainConfig) -> int:
    return max(1, round(config.train_fraction * len(task)))


def _chunk_size(task: Task, config: TrainConfig) -> int:
    """Return the entries of the largest chunk: hidden values, and answers three times over."""
    nodes = config.n_hidden * (1 + config.complex_weights)
    least = DEEP_ROWS if config.other_layers else LEAST_ROWS
    most = max(least, (1 + (config.precision == "bfloat16")) * CHUNK // nodes)
    count = _train_size(task, config)
    sizes = (size for size in (count, len(task) - count) if size)
    rows = max(-(-size // -(-size // most)) for size in sizes)  # slices of about equal size
    return rows * (_copies(task, config) * nodes + _ANSWERS * task.n_classes)


def _solve_size(task: Task, config: TrainConfig) -> int:
    """Return the entries of the smaller matrix, its factor and its solve, and whole features."""
    nodes = config.n_hidden * (1 + config.complex_weights)
    count = _train_size(task, config)
    whole = (1 + _copies(task, config)) * count * nodes if count < nodes else 0
    return 3 * min(nodes, count) ** 2 + whole + _chunk_size(task, config)


def check_memory(
    task: Task | Sequence[Task],
    configs: Sequence[TrainConfig],
    *,
    runs: int = 1,
    workers: int = 1,
) -> None:
    """Raise ValueError where ``runs`` results, and the work on one more, cannot be held.

    Parameters
    ----------
    task
        What is learned; a sequence tells it for each config.
    configs
        One run each. Where ``runs`` are more, the largest stands for the rest.
    runs
        Results that are kept at once: those of the largest runs, where they are fewer.
    workers
        Processes, no more of them used than there are runs or configs. Each of several takes
        256 MiB and one of the largest runs; one more process is what they are forked of.

    Raises
    ------
    ValueError
        If that is more than is free; the message says what to lower. Nothing is refused on a
        system that does not tell its free memory.
    """
    free = available_memory()
    if free is None or not configs:
        return
    tasks = [task] * len(configs) if isinstance(task, Task) else task
    if len(tasks) != len(configs):
        raise ValueError(f"expected a task for each of {len(configs)} configs, got {len(tasks)}")
    found = [estimate_memory(*each) for each in zip(tasks, configs, strict=True)]
    alone = needed = _most_at_once(found, runs)
    busy = min(workers, max(runs, len(configs)))
    if busy > 1:
        kept = _sum_of_largest([each.kept for each in found], runs)
        held = _sum_of_largest([sum(each) for each in found], busy)
        needed = kept + held + (busy + 1) * _PROCESS
    if needed <= free:
        return
    if alone <= free:
        way = f"take fewer than {busy} workers"
    else:
        way = _way_out(found, configs, runs, free)
    raise ValueError(
        f"training needs about {needed / 2**30:.3g} GiB of memory and {free / 2**30:.3g} GiB are "
        f"free; {way}"
    )


def _most_at_once(found: Sequence[MemoryEstimate], runs: int) -> int:
    """Return the most that one process holds: a run at work, its own result among those kept."""
    if runs >= len(found):
        return _sum_of_largest([each.kept for each in found], runs) + max(e.work for e in found)
    largest = sorted((each.kept for each in found), reverse=True)
    others, last = sum(largest[: runs - 1]), largest[runs - 1]
    return max(  # one that is not among the largest takes the place of their least
        each.work + others + (last if each.kept >= last else each.kept) for each in found
    )


def _sum_of_largest(sizes: Sequence[int], count: int) -> int:
    """Return the sum of the ``count`` largest; the largest stands for those that lack."""
    listed = sorted(sizes, reverse=True)[:count]
    return sum(listed) + (count - len(listed)) * listed[0]


def _way_out(
    found: Sequence[MemoryEstimate], configs: Sequence[TrainConfig], runs: int, free: int
) -> str:
    """Return what to do about runs of which one process holds too many, or one too large."""
    largest = max(range(len(found)), key=lambda i: sum(found[i]))
    config, most = configs[largest], found[largest]
    rows = _sum_of_largest([each.history for each in found], runs)
    rest = _sum_of_largest([each.weights for each in found], runs) + most.work
    if rows > rest:
        return f"raise eval_every ({config.eval_every}) or lower epochs ({config.epochs})"
    if runs > 1 and sum(most) <= free:
        return f"train fewer than {runs} runs at once"
    return f"lower {_largest(config)} or take a smaller task"


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
