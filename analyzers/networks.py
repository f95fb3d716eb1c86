"""Trained networks: curves, nodes by irrep; exact networks."""

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from analyzers._words import counted
from analyzers.style import FOUND, MUTED, PREDICTED, family_label, own_axes
from groupfeat.groups import FiniteGroup, Irreps, real_families
from groupfeat.training import (
    NodeMatch,
    Observer,
    Snapshot,
    Task,
    TrainConfig,
    TrainedRun,
    TransformerRun,
    exact_network,
    exact_sizes,
    logit_blocks,
    paper_bound,
    resume,
    save_layers,
    train_many,
)

__all__ = [
    "measure_exact",
    "measure_runs",
    "measure_training",
    "plot_curves",
    "plot_nodes",
]

Progress = Callable[[int, int, int], None]


def measure_training(
    task: FiniteGroup | Task,
    config: TrainConfig,
    *,
    seeds: Sequence[int],
    progress: Progress | None = None,
    finished: Callable[[int, TrainedRun], None] | None = None,
    start: TrainedRun | None = None,
    observe: Observer | None = None,
    observe_at: Collection[int] = (),
    workers: int = 1,
    device: str = "cpu",
) -> tuple[tuple[TrainedRun, ...], float | None]:
    """Train one run a seed; return the runs and the seconds a step; ``finished`` as below.

    ``start``: a stored run to go on from instead, up to ``config.epochs``; the rest as in
    `measure_runs`.
    """
    watch: dict[str, Any] = {"progress": progress, "observe": observe, "observe_at": observe_at}
    if start is None:
        planned = [(task, config, seed) for seed in seeds]
        return measure_runs(planned, finished=finished, workers=workers, device=device, **watch)
    run = resume(start, task, epochs=config.epochs, device=device, **watch)
    if finished is not None:
        finished(0, run)
    return (run,), run.seconds_per_step


def measure_runs(
    planned: Sequence[tuple[FiniteGroup | Task, TrainConfig, int]],
    *,
    progress: Progress | None = None,
    finished: Callable[[int, TrainedRun], None] | None = None,
    observe: Observer | None = None,
    observe_at: Collection[int] = (),
    workers: int = 1,
    device: str = "cpu",
) -> tuple[tuple[TrainedRun, ...], float | None]:
    """Train what is planned, (task, config, seed) each; return the runs and the seconds a step.

    Neighbours of one task are trained together. ``finished`` gets every run, with its position in
    ``planned``, as soon as it ends; the rest as in `train_many`. The seconds are the mean over
    all steps of all runs, each by the clock of its process, as `TrainedRun.seconds_per_step` tells
    them; None where no run took two.
    """
    runs = list[TrainedRun]()
    for _, some in itertools.groupby(planned, key=lambda each: id(each[0])):
        tasks, configs, seeds = zip(*some, strict=True)
        shift = _Shift(len(runs), observe, finished)
        runs += train_many(
            tasks[0],
            configs,
            seeds=seeds,
            progress=progress,
            observe=None if observe is None else shift,
            observe_at=observe_at,
            workers=workers,
            device=device,
            ended=shift.ended,
        )
    return tuple(runs), _mean_seconds(runs)


def _mean_seconds(runs: Sequence[TrainedRun]) -> float | None:
    timed = [(run.epochs - 1, run.seconds_per_step) for run in runs]
    known = [(steps, seconds) for steps, seconds in timed if seconds is not None]
    total = sum(steps for steps, _ in known)
    return sum(steps * seconds for steps, seconds in known) / total if total else None


@dataclass(frozen=True)
class _Shift:
    """Whoever watches, told of positions counted from ``first``."""

    first: int
    observe: Observer | None
    finished: Callable[[int, TrainedRun], None] | None

    @property
    def sees_last(self) -> bool:
        return getattr(self.observe, "sees_last", False)

    def __call__(self, seen: Snapshot) -> None:
        if self.observe is not None:
            self.observe(replace(seen, position=self.first + seen.position))

    def ended(self, position: int, run: TrainedRun) -> None:
        if self.finished is not None:
            self.finished(self.first + position, run)


def measure_exact(irreps: Irreps, path: str | Path, *, method: str = "fewest") -> dict[str, Any]:
    """Write the exact network of `exact_network` and measure its error on all products.

    Raises
    ------
    ValueError
        If ``path`` cannot be written or ends in neither .npz nor .safetensors.
    """
    first, second = exact_network(irreps, method=method)
    order = irreps.group.order
    target, gap, done = irreps.group.cayley_table.ravel(), 0.0, 0
    for answers in logit_blocks(first, second):  # M³ logits at once are gigabytes on S6
        wanted = np.eye(order)[target[done : done + len(answers)]] - 1 / order
        gap += float(np.sum((answers - wanted) ** 2))
        done += len(answers)
    error = np.sqrt(gap / max(order * (order - 1), 1))
    save_layers(path, first, second, group=irreps.group)
    return {
        "hidden": first.shape[1],
        "bound_paper": paper_bound(irreps),
        "relative_error": float(error),
        "method": method,
        "sizes": asdict(exact_sizes(irreps)),
        "path": str(path),
    }


def plot_curves(runs: Sequence[TrainedRun | TransformerRun], *, ax: Axes | None = None) -> Axes:
    """Draw train and test accuracy of every run over epochs (logarithmic from epoch 10 on)."""
    axes = own_axes(ax)
    for run in runs:
        epochs = run.history["epoch"]
        good = run.status == "generalised"
        fate, colour = ("generalised", FOUND) if good else ("did not generalise", PREDICTED)
        labels = {"train": "trained on", "test": f"not seen, run {fate}"}
        for name, shade in (("train", MUTED), ("test", colour)):
            values = run.history.get(f"{name}_accuracy")
            known = axes.get_legend_handles_labels()[1]
            if values:
                label = None if labels[name] in known else labels[name]
                axes.plot(epochs, values, color=shade, alpha=0.8, label=label)
    axes.set_xscale("symlog", linthresh=10)
    axes.set_ylim(-0.03, 1.05)
    axes.set_xlabel("epoch (full-batch steps)")
    axes.set_ylabel("accuracy")
    axes.set_title(f"Training, {counted(len(runs), 'run')}")
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3)
    return axes


def plot_nodes(match: NodeMatch, irreps: Irreps, *, ax: Axes | None = None) -> Axes:
    """Draw every live node's isotypic share over its family; a matched node lies above the line."""
    axes = own_axes(ax)
    families = real_families(irreps)[1:]
    jitter = np.random.default_rng(0)
    for x, family in enumerate(families):
        shares = [node.isotypic_share for node in match.nodes if node.irreps == family]
        places = x + jitter.uniform(-0.28, 0.28, len(shares))
        axes.scatter(places, shares, s=26, color=FOUND, alpha=0.6)
        axes.annotate(f"{len(shares)}", (x, 1.03), ha="center", color=FOUND)
    axes.axhline(match.thresholds.share, color=PREDICTED, linewidth=1.2, linestyle="--")
    labels = [family_label(family, irreps[family[0]].dim) for family in families]
    axes.set_xticks(range(len(labels)), labels, rotation=60 if len(labels) > 6 else 0)
    axes.set_xlim(-0.6, max(len(labels), 1) - 0.4)
    axes.set_ylim(0, 1.1)
    axes.set_ylabel("share of ‖w‖² in the irrep")
    axes.set_title("Live hidden nodes by irrep (count above, threshold dashed)")
    return axes
