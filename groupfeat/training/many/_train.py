"""Full-batch training of networks on group products and other tasks."""

import dataclasses
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch

from groupfeat.energy import PairSet, sample_pairs
from groupfeat.groups import FiniteGroup
from groupfeat.training.many._execute import Jobs, Watch, check_device, in_order
from groupfeat.training.many._stack_plan import memory_limit, plan_stacks
from groupfeat.training.many._stepper import check_engine
from groupfeat.training.many._workers import finish_in_workers
from groupfeat.training.run._progress import Progress, Run
from groupfeat.training.run._runs import Observer, TrainedRun
from groupfeat.training.run._stored import check_resumable, check_task
from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.setup._memory import check_memory
from groupfeat.training.setup._reach import check_reach
from groupfeat.training.tasks._tasks import Task, as_task

__all__ = ["check_resume", "check_seeds", "resume", "train", "train_many", "training_pairs"]


def training_pairs(group: FiniteGroup, config: TrainConfig, seed: int) -> PairSet:
    """Return the pairs that a run with this seed trains on."""
    chosen = seed if config.pair_seed is None else config.pair_seed
    return sample_pairs(group, config.train_fraction, rng=chosen)


def train(
    group: FiniteGroup | Task,
    config: TrainConfig,
    *,
    seeds: Sequence[int] = (0,),
    progress: Progress | None = None,
    observe: Observer | None = None,
    observe_at: Iterable[int] | None = None,
    device: str | torch.device = "cpu",
    workers: int = 1,
) -> Iterator[TrainedRun]:
    """Train one network a seed and yield each run as it ends.

    The seed draws both the pairs and the initial weights, unless the config
    names a seed of its own for either. A run stops at ``config.epochs``, or by the config's
    stopping rule, or when its loss is no longer finite (its status says so; the other runs go on).

    Parameters
    ----------
    group
        The group whose products are learned, or another task.
    config
        The settings.
    seeds
        One run each.
    progress
        Called as ``progress(seed, epoch, epochs)`` at every evaluation.
    observe
        Called with a `Snapshot` at the epochs of ``observe_at``; where its attribute
        ``sees_last`` is true, as that of `Telemetry`, at the last epoch of every run as well. A
        run that diverges is not shown from there on.
    observe_at
        Epochs, 0 being the start; None means every evaluation. See `log_epochs`.
    device
        A torch device.
    workers
        Processes, one thread each, that share the runs (or stacks) out. Observers and progress are
        called in this process; the runs are bit for bit those that one thread here gives. A script
        needs the guard ``if __name__ == "__main__"``.

    Raises
    ------
    ValueError
        If a run refuses its settings, or can learn nothing: words of three elements with σ = x².
    ChildProcessError, RuntimeError
        If a worker dies, or fails; names the run it had, and the other workers are stopped.

    Yields
    ------
    TrainedRun

    Examples
    --------
    >>> from groupfeat.groups import cyclic
    >>> from groupfeat.training import TrainConfig, train
    >>> (run,) = train(cyclic(5), TrainConfig(n_hidden=16, epochs=20))
    >>> run.first_layer.shape
    (10, 16)
    """
    check_seeds(seeds)
    configs = [config] * len(seeds)
    yield from train_many(
        group,
        configs,
        seeds=seeds,
        progress=progress,
        observe=observe,
        observe_at=observe_at,
        device=device,
        workers=workers,
    )


def check_seeds(seeds: object) -> None:
    """Raise TypeError where one number stands for the seeds: a seed, or how many it may be."""
    if isinstance(seeds, int):
        raise TypeError(
            f"expected a list of seeds, got {seeds}: pass seeds=[{seeds}] for that seed, "
            f"range({seeds}) for so many runs"
        )


def train_many(
    group: FiniteGroup | Task,
    configs: Sequence[TrainConfig],
    *,
    seeds: Sequence[int] | None = None,
    progress: Progress | None = None,
    observe: Observer | None = None,
    observe_at: Iterable[int] | None = None,
    device: str | torch.device = "cpu",
    workers: int = 1,
    stacked: bool | None = None,
    stack_bytes: int | None = None,
    engine: str = "auto",
    ended: Callable[[int, TrainedRun], None] | None = None,
) -> Iterator[TrainedRun]:
    """Train one network a config and yield the runs in the order given.

    Configs may differ in anything. In a loop every run is bit for bit what it is alone; small
    products in a loop beat stacked ones on a CPU. Stacked, runs of one kind take their steps
    together, narrow ones padded by nodes that stay exactly 0, and agree with the loop within
    rounding. What an optimiser makes of rounding differs with it: a gradient that is 0 but for
    rounding (one example centred over samples, the two sides of a kink) is a full step to Adam.

    Parameters
    ----------
    group, progress, observe, observe_at, device, workers
        As in `train`.
    configs
        One run each.
    seeds
        One for each config, for those of its seeds that are None; by default 0.
    stacked
        Whether plain two-layer runs of one activation, loss, optimiser and precision, none less
        than half as wide as the widest, are stacked: Adam, AdamW, SGD and GD, without variants of
        the network; others train alone. A stack is trained to its end before its first run is
        yielded. None: on a GPU only.
    stack_bytes
        Bound on the memory of a stack; runs that do not fit form another. None: 1 GiB on a CPU,
        half of what is free on a GPU.
    engine
        How stacks take their steps. ``"eager"``: operation by operation. ``"compiled"``: through
        torch.compile, which takes a minute for each size of a stack and on a CPU needs a C++
        compiler. ``"graph"``: as a CUDA graph, recorded once a size. ``"compiled"`` on a GPU is
        recorded too. ``"auto"``: eager (docs/decisions/0021). Where one is named, a run that could
        be stacked but is alone is a stack of one.
    ended
        Called with the position and the run as soon as it is there: worker processes may end a
        run long before those that are yielded first.

    Raises
    ------
    ValueError
        If ``seeds`` and ``configs`` differ in number, ``workers`` is below 1, ``engine`` is not
        for these runs or this device, or a run can learn nothing (as in `train`).
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    device = check_device(device)
    check_seeds(seeds)
    task, watch = as_task(group), Watch.of(observe, observe_at, progress)
    chosen = [0] * len(configs) if seeds is None else [operator.index(seed) for seed in seeds]
    if len(chosen) != len(configs):
        raise ValueError(f"expected a seed for each of {len(configs)} configs, got {len(chosen)}")

    settled = [settle(task, *each) for each in zip(configs, chosen, strict=True)]
    check_reach(task, settled)
    if device.startswith("cpu"):
        check_memory(task, settled, workers=workers)
    stacks = not device.startswith("cpu") if stacked is None else stacked
    check_engine(engine, device, stacks)
    way = "eager" if engine == "auto" else engine
    jobs = Jobs(task, settled, chosen, device, way)
    plan = [[position] for position in range(len(settled))]
    if stacks:
        limit = memory_limit(device) if stack_bytes is None else stack_bytes
        plan = sorted(plan_stacks(task, settled, device=device, limit=limit), key=min)
    if min(workers, len(plan)) > 1:
        yield from in_order(finish_in_workers(jobs, plan, watch, workers), ended)
    else:
        done = ((members, jobs.finish(members, watch)) for members in plan)
        yield from in_order(done, ended)


def resume(
    run: TrainedRun,
    group: FiniteGroup | Task,
    *,
    epochs: int | None = None,
    progress: Progress | None = None,
    observe: Observer | None = None,
    observe_at: Iterable[int] | None = None,
    device: str | torch.device = "cpu",
) -> TrainedRun:
    """Train a stored run on to ``epochs`` and return it: bit for bit the run that never paused.

    Parameters
    ----------
    run
        As `load_checkpoint` or an observer gives it.
    group
        What it was trained on.
    epochs
        By default the config's.
    progress, observe, observe_at, device
        As in `train`; the stored run itself is observed where its epoch is named.

    Raises
    ------
    ValueError
        If the run cannot go on: another task, no stored optimiser, diverged, at its end, or more
        epochs under a schedule that ends with them.
    """
    task, device = as_task(group), check_device(device)
    config = check_resume(run, task, epochs=epochs)
    going = Run(task, config, run.seed, device=device, start=run)
    return Watch.of(observe, observe_at, progress).finish(going)


def check_resume(
    run: TrainedRun, group: FiniteGroup | Task, *, epochs: int | None = None
) -> TrainConfig:
    """Return the config with which `resume` would train on; raise what it raises if it cannot."""
    if not isinstance(run, TrainedRun):
        raise TypeError(
            f"expected a TrainedRun, got {type(run).__name__}; resume_transformer is for "
            "transformers"
        )
    task = as_task(group)
    check_task(run, task)
    config = _extended(run, epochs)
    check_resumable(run, task)
    return config


def _extended(run: TrainedRun, epochs: int | None) -> TrainConfig:
    config = run.config
    if not run.parameters:
        raise ValueError(
            "the run holds no optimiser state (an old format): it can be read, not resumed"
        )
    if run.status.startswith("diverged"):
        raise ValueError(f"the run {run.status}; resume an earlier checkpoint or train anew")
    if epochs is not None and epochs != config.epochs:
        if config.schedule != "constant":
            raise ValueError(
                f"the {config.schedule} schedule ends at epoch {config.epochs}; resume without "
                "epochs, or train anew"
            )
        config = dataclasses.replace(config, epochs=epochs)
    if run.epochs >= config.epochs:
        raise ValueError(f"the run is at epoch {run.epochs}; ask for more epochs than that")
    return config


def settle(task: Task, config: TrainConfig, seed: int) -> TrainConfig:
    """Return the config with nothing left open: weight decay, seeds, name of the task."""
    resolved = config.resolved(max(task.sizes)).seeded(seed)
    return dataclasses.replace(resolved, task=task.name)
