"""A small transformer that reads "g h =" and predicts gh: the baseline of comparisons.

Trained by a plain loop on autograd; nothing of the two-layer engine is used.
"""

import dataclasses
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from groupfeat.groups import FiniteGroup
from groupfeat.training.baselines._transformer_config import TransformerConfig
from groupfeat.training.baselines._transformer_run import TransformerRun
from groupfeat.training.baselines._transformer_training import Training
from groupfeat.training.many._train import check_seeds
from groupfeat.training.run._runs import observed_epochs
from groupfeat.training.run._stored import check_labels, check_name
from groupfeat.training.tasks._tasks import Task, as_task

__all__ = ["resume_transformer", "train_transformer"]

Progress = Callable[[int, int, int], None]
Observer = Callable[[TransformerRun], None]


@overload
def train_transformer(
    task: FiniteGroup | Task,
    config: TransformerConfig,
    *,
    seed: int = 0,
    seeds: None = None,
    progress: Progress | None = None,
    observe: Observer | None = None,
    observe_at: Iterable[int] | None = None,
) -> TransformerRun: ...


@overload
def train_transformer(
    task: FiniteGroup | Task,
    config: TransformerConfig,
    *,
    seeds: Sequence[int],
    progress: Progress | None = None,
    observe: Observer | None = None,
    observe_at: Iterable[int] | None = None,
) -> Iterator[TransformerRun]: ...


def train_transformer(
    task: FiniteGroup | Task,
    config: TransformerConfig,
    *,
    seed: int = 0,
    seeds: Sequence[int] | None = None,
    progress: Progress | None = None,
    observe: Observer | None = None,
    observe_at: Iterable[int] | None = None,
) -> TransformerRun | Iterator[TransformerRun]:
    """Train a transformer full-batch on the examples that a two-layer run with this seed sees.

    It ends early when its loss is no longer finite; its status says so.

    Parameters
    ----------
    task
        The group whose products are learned, or another task.
    config
        The settings.
    seed
        Of the choice of examples and of the initial weights.
    seeds
        In place of ``seed``: one run each, yielded as they end, as by `train`.
    progress
        Called as ``progress(seed, epoch, epochs)`` at every evaluation.
    observe
        Called with the run as it is, its status ``"running"``, at the epochs of ``observe_at``.
    observe_at
        Epochs, 0 being the start; None means every evaluation.

    Raises
    ------
    TypeError
        If ``seeds`` is one number.

    Examples
    --------
    >>> from groupfeat.groups import cyclic
    >>> small = TransformerConfig(width=16, heads=2, feed_forward=32, epochs=5, eval_every=5)
    >>> train_transformer(cyclic(3), small).history["epoch"]
    [0, 5]
    >>> [run.seed for run in train_transformer(cyclic(3), small, seeds=[1, 2])]
    [1, 2]
    """
    check_seeds(seeds)
    learned, watch = as_task(task), _Watch(observe, observed_epochs(observe_at), progress)
    if seeds is None:
        return watch.finish(Training(learned, config, operator.index(seed)))
    listed = [operator.index(each) for each in seeds]
    return (watch.finish(Training(learned, config, each)) for each in listed)


def resume_transformer(
    run: TransformerRun,
    task: FiniteGroup | Task,
    *,
    epochs: int | None = None,
    progress: Progress | None = None,
    observe: Observer | None = None,
    observe_at: Iterable[int] | None = None,
) -> TransformerRun:
    """Train a stored run on to ``epochs`` and return it: bit for bit the run that never paused.

    Parameters
    ----------
    run
        As `load_transformer` or an observer gives it; it is left as it is.
    task
        What it was trained on.
    epochs
        By default the config's.
    progress, observe, observe_at
        As in `train_transformer`.

    Raises
    ------
    ValueError
        If the run cannot go on: another task, diverged, at its end, or arrays that do not fit.
    """
    if not isinstance(run, TransformerRun):
        raise TypeError(
            f"expected a TransformerRun, got {type(run).__name__}; resume is for two-layer networks"
        )
    learned, config = as_task(task), run.config
    if epochs is not None:
        config = dataclasses.replace(config, epochs=epochs)
    if run.status.startswith("diverged"):
        raise ValueError(f"the run {run.status}; resume an earlier checkpoint or train anew")
    if run.epochs >= config.epochs:
        raise ValueError(f"the run is at epoch {run.epochs}; ask for more epochs than that")
    check_name(run.task_name, learned)
    check_labels(run.task_digest, learned)
    going = Training(learned, config, run.seed, run)
    return _Watch(observe, observed_epochs(observe_at), progress).finish(going)


@dataclass(frozen=True)
class _Watch:
    """Who is told of a run in progress."""

    observe: Observer | None
    at: frozenset[int] | None
    progress: Progress | None

    def finish(self, going: Training) -> TransformerRun:
        """Train a run to its end."""
        for _ in going.advance():
            if self.observe is not None and self._wanted(going) and going.is_finite:
                self.observe(going.result("running"))
            if self.progress is not None and going.epoch and going.is_due:
                self.progress(going.seed, going.epoch, going.config.epochs)
        return going.result()

    def _wanted(self, going: Training) -> bool:
        return going.is_due if self.at is None else going.epoch in self.at
