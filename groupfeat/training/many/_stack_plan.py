"""Which runs train as one stack: equal kinds, similar widths, a bound on memory."""

from collections.abc import Hashable, Sequence

import torch

from groupfeat.training.network._model import DTYPES
from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.setup._config_checks import PLAIN
from groupfeat.training.tasks._tasks import Task

__all__ = ["CPU_ENTRIES", "GPU_ENTRIES", "memory_limit", "plan_stacks", "stack_bytes", "stack_key"]

CPU_ENTRIES, GPU_ENTRIES = 1 << 20, 1 << 26
_CPU_BYTES = 1 << 30
_LEAST_CHUNK = 64
_RUN_BYTES = 1 << 16
_PLAIN = {**PLAIN, "dead_nodes": "keep"}
_SHARED = ("activation", "loss", "optimizer", "precision")


def stack_key(config: TrainConfig) -> Hashable | None:
    """Return what runs must share to be stacked; None if such a run trains alone."""
    plain = all(getattr(config, name) == value for name, value in _PLAIN.items())
    if not plain or config.optimizer == "muon" or config.precision == "bfloat16":
        return None
    return (*(getattr(config, name) for name in _SHARED), config.momentum > 0)


def memory_limit(device: str) -> int:
    """Return how many bytes a stack may take: 1 GiB on a CPU, half of what a GPU has free."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(torch.device(device))[0]) // 2
    return _CPU_BYTES


def stack_bytes(task: Task, config: TrainConfig, runs: int, device: str = "cpu") -> int:
    """Return an upper bound on the bytes of a stack of this many runs as wide as ``config``.

    A run: twelve times its weights (weights and two moments, its own and the stack's, gradient and
    temporaries of a step), three times the indices of all its examples (its own, and both sets of
    the stack padded to their longest) and twice those of W's rows (a chunk's, and the way back to
    them), a chunk of 64 examples with eight values a hidden node, and 64 KiB. All runs together: a
    chunk of 2²⁰ hidden values (2²⁶ on a GPU), sixteen values each: what a step keeps, its
    temporaries, and those of an evaluation, which on a GPU share no memory with a recorded step.
    """
    item = DTYPES[config.precision].itemsize
    operands, rows, classes = len(task.sizes), sum(task.sizes), task.n_classes
    weights = 12 * (rows + classes) * config.n_hidden * item
    examples = len(task) * (8 * (3 * (operands + 1) + 2 * operands) + 2 * item)
    width = max(config.n_hidden, classes)
    shared = 16 * item * (CPU_ENTRIES if device.startswith("cpu") else GPU_ENTRIES)
    chunk = 8 * item * _LEAST_CHUNK * width
    return shared + runs * (weights + examples + chunk + _RUN_BYTES)


def plan_stacks(
    task: Task, configs: Sequence[TrainConfig], *, device: str, limit: int
) -> list[list[int]]:
    """Return the positions of the configs in the stacks they train in; alone where nothing fits.

    From wide to narrow, a run joins the stack of its kind while it is at least half as wide as
    the widest there (so that padding at most doubles the work) and `stack_bytes` stays within
    ``limit``.
    """
    kinds: dict[Hashable, list[int]] = {}
    for position, config in enumerate(configs):
        kinds.setdefault(stack_key(config) or position, []).append(position)
    plan: list[list[int]] = []
    for members in kinds.values():
        begun = len(plan)
        for position in sorted(members, key=lambda p: -configs[p].n_hidden):
            if len(plan) > begun:
                widest = configs[plan[-1][0]]
                fits = stack_bytes(task, widest, len(plan[-1]) + 1, device) <= limit
                if fits and 2 * configs[position].n_hidden >= widest.n_hidden:
                    plan[-1].append(position)
                    continue
            plan.append([position])
    return [sorted(members) for members in plan]
