"""Full-batch training of networks on group products and other tasks."""

import dataclasses
import operator
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from groupfeat.energy import PairSet, sample_pairs
from groupfeat.groups import FiniteGroup
from groupfeat.training.run._progress import Progress, Run
from groupfeat.training.run._runs import Observer, TrainedRun, observed_epochs
from groupfeat.training.run._stack import Stack, stack_key
from groupfeat.training.setup._config import TrainConfig
from groupfeat.training.tasks._tasks import Task, as_task

__all__ = ["resume", "train", "train_many", "training_pairs"]


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
    device: str = "cpu",
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
        Called with a `Snapshot` at the epochs of ``observe_at``.
    observe_at
        Epochs, 0 being the start; None means every evaluation. See `log_epochs`.
    device
        A torch device.

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
    configs = [config] * len(seeds)
    yield from train_many(
        group,
        configs,
        seeds=seeds,
        progress=progress,
        observe=observe,
        observe_at=observe_at,
        device=device,
    )


def train_many(
    group: FiniteGroup | Task,
    configs: Sequence[TrainConfig],
    *,
    seeds: Sequence[int] | None = None,
    progress: Progress | None = None,
    observe: Observer | None = None,
    observe_at: Iterable[int] | None = None,
    device: str = "cpu",
    stacked: bool | None = None,
) -> Iterator[TrainedRun]:
    """Train one network a config and yield the runs in the order given.

    Configs may differ in anything. In a loop every run is bit for bit what it is alone; small
    products in a loop beat stacked ones on a CPU. Stacked, runs whose arrays have equal shapes
    take their steps together, and agree with the loop within rounding.

    Parameters
    ----------
    group, progress, observe, observe_at, device
        As in `train`.
    configs
        One run each.
    seeds
        One for each config, for those of its seeds that are None; by default 0.
    stacked
        Whether plain two-layer runs of one width, activation, loss, optimiser and precision are
        stacked: Adam, AdamW, SGD and GD, without variants of the network; others train alone. A
        stack is trained to its end before its first run is yielded. None: on a GPU only.

    Raises
    ------
    ValueError
        If ``seeds`` and ``configs`` differ in number.
    """
    task, at = as_task(group), observed_epochs(observe_at)
    chosen = [0] * len(configs) if seeds is None else [operator.index(seed) for seed in seeds]
    if len(chosen) != len(configs):
        raise ValueError(f"expected a seed for each of {len(configs)} configs, got {len(chosen)}")

    settled = [settle(task, *each) for each in zip(configs, chosen, strict=True)]

    def fresh(position: int) -> Run:
        seed = chosen[position]
        return Run(task, settled[position], seed, position=position, device=device)

    together = not device.startswith("cpu") if stacked is None else stacked
    done: dict[int, TrainedRun] = {}
    for position, members in enumerate(_groups(settled, together)):
        if position not in done and len(members) > 1:
            runs = [fresh(member) for member in members]
            found = _finish_stack(runs, observe, at, progress)
            done |= dict(zip(members, found, strict=True))
        yield (
            done.pop(position)
            if position in done
            else _finish(fresh(position), observe, at, progress)
        )


def _groups(configs: Sequence[TrainConfig], together: bool) -> list[list[int]]:
    """Return for each config the positions of those it trains with."""
    found: dict[Hashable, list[int]] = {}
    keys = [
        (stack_key(config) if together else None) or position
        for position, config in enumerate(configs)
    ]
    for position, key in enumerate(keys):
        found.setdefault(key, []).append(position)
    return [found[key] for key in keys]


def resume(
    run: TrainedRun,
    group: FiniteGroup | Task,
    *,
    epochs: int | None = None,
    progress: Progress | None = None,
    observe: Observer | None = None,
    observe_at: Iterable[int] | None = None,
    device: str = "cpu",
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
        As in `train`.

    Raises
    ------
    ValueError
        If the run cannot go on: another task, no stored optimiser, diverged, at its end, or more
        epochs under a schedule that ends with them.
    """
    task = as_task(group)
    if (run.group_name, len(run.first_layer)) != (task.name, sum(task.sizes)):
        raise ValueError(f"the run was trained on {run.group_name}, got {task.name}; pass that")
    config = _extended(run, epochs)
    going = Run(task, config, run.seed, device=device, start=run)
    return _finish(going, observe, observed_epochs(observe_at), progress)


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


def _finish(
    run: Run,
    observe: Observer | None,
    at: frozenset[int] | None,
    progress: Progress | None,
) -> TrainedRun:
    for end, watched in run.advance(_watch(observe, at)):
        _tell(run, end, watched, observe, progress)
    return run.result()


def _finish_stack(
    runs: list[Run],
    observe: Observer | None,
    at: frozenset[int] | None,
    progress: Progress | None,
) -> list[TrainedRun]:
    for run, end, watched in Stack(runs).advance(_watch(observe, at)):
        _tell(run, end, watched, observe, progress)
    return [run.result() for run in runs]


def _watch(observe: Observer | None, at: frozenset[int] | None) -> Callable[[int, bool], bool]:
    def observed(epoch: int, evaluated: bool) -> bool:
        return observe is not None and (evaluated if at is None else epoch in at)

    return observed


def _tell(
    run: Run, end: int, watched: bool, observe: Observer | None, progress: Progress | None
) -> None:
    if watched and observe is not None:
        observe(run.snapshot())
    if progress is not None and run.epoch:
        progress(run.seed, run.epoch, end)
