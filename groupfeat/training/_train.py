"""Full-batch training of networks on group products and other tasks."""

import dataclasses
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence

from groupfeat.energy import PairSet, sample_pairs
from groupfeat.groups import FiniteGroup
from groupfeat.training._config import TrainConfig
from groupfeat.training._progress import Progress, Run
from groupfeat.training._runs import Observer, TrainedRun, observed_epochs
from groupfeat.training._tasks import Task, as_task

__all__ = ["train", "train_many", "training_pairs"]


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
) -> Iterator[TrainedRun]:
    """Train one network a config and yield the runs in the order given.

    Configs may differ in anything. Every run is bit for bit what it is alone: on a CPU the runs
    share no arithmetic, as small products in a loop beat stacked ones there.

    Parameters
    ----------
    group, progress, observe, observe_at, device
        As in `train`.
    configs
        One run each.
    seeds
        One for each config, for those of its seeds that are None; by default 0.

    Raises
    ------
    ValueError
        If ``seeds`` and ``configs`` differ in number.
    """
    task, at = as_task(group), observed_epochs(observe_at)
    chosen = [0] * len(configs) if seeds is None else [operator.index(seed) for seed in seeds]
    if len(chosen) != len(configs):
        raise ValueError(f"expected a seed for each of {len(configs)} configs, got {len(chosen)}")

    def observed(epoch: int, evaluated: bool) -> bool:
        return observe is not None and (evaluated if at is None else epoch in at)

    for position, (config, seed) in enumerate(zip(configs, chosen, strict=True)):
        settled = settle(task, config, seed)
        yield _finish(
            Run(task, settled, seed, position=position, device=device), observed, observe, progress
        )


def settle(task: Task, config: TrainConfig, seed: int) -> TrainConfig:
    """Return the config with nothing left open: weight decay, seeds, name of the task."""
    resolved = config.resolved(max(task.sizes)).seeded(seed)
    return dataclasses.replace(resolved, task=task.name)


def _finish(
    run: Run,
    observed: Callable[[int, bool], bool],
    observe: Observer | None,
    progress: Progress | None,
) -> TrainedRun:
    for end, watched in run.advance(observed):
        if watched and observe is not None:
            observe(run.snapshot())
        if progress is not None and run.epoch:
            progress(run.seed, run.epoch, end)
    return run.result()
