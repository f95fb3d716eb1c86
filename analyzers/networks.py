"""Trained networks: curves, nodes by irrep, and what a file holds."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from analyzers.style import FOUND, MUTED, PREDICTED, family_label, own_axes
from groupfeat.groups import FiniteGroup, Irreps, real_families
from groupfeat.training import (
    NodeMatch,
    TrainConfig,
    TrainedRun,
    exact_network,
    load_network,
    match_nodes,
    network_accuracy,
    paper_bound,
    save_layers,
    train,
)

__all__ = [
    "Validation",
    "describe_match",
    "measure_exact",
    "measure_network",
    "measure_training",
    "plot_curves",
    "plot_nodes",
]

Progress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class Validation:
    """A network read from a file: its nodes and its accuracy on all products."""

    match: NodeMatch
    accuracy: float
    activation: str


def measure_training(
    group: FiniteGroup,
    config: TrainConfig,
    *,
    seeds: Sequence[int],
    progress: Progress | None = None,
    finished: Callable[[TrainedRun], None] | None = None,
) -> tuple[tuple[TrainedRun, ...], float]:
    """Train one run a seed; return the runs and the seconds a step; ``finished`` gets each run."""
    start, runs = time.perf_counter(), []
    for run in train(group, config, seeds=seeds, progress=progress):
        runs.append(run)
        if finished is not None:
            finished(run)
    steps = sum(run.epochs for run in runs)
    return tuple(runs), (time.perf_counter() - start) / max(steps, 1)


def measure_network(
    path: str | Path,
    irreps: Irreps,
    *,
    activation: str | None = None,
    arrays: tuple[str, str] | None = None,
) -> Validation:
    """Read a network and match its nodes; σ from the file unless told (default x²)."""
    network = load_network(path, irreps.group, arrays=arrays)
    sigma = activation or network.activation or "square"
    accuracy = network_accuracy(network, irreps.group, sigma)
    return Validation(
        match_nodes(network.first_layer, network.second_layer, irreps), accuracy, sigma
    )


def measure_exact(irreps: Irreps, path: str | Path) -> dict[str, Any]:
    """Write the exact network of `exact_network` and measure its error on all products.

    Raises
    ------
    ValueError
        If ``path`` cannot be written or ends in neither .npz nor .safetensors.
    """
    first, second = exact_network(irreps)
    order = irreps.group.order
    answers = np.zeros((order**2, order))
    for columns in np.array_split(np.arange(first.shape[1]), max(1, first.shape[1] // 64)):
        hidden = (first[:order, None, columns] + first[None, order:, columns]) ** 2
        answers += hidden.reshape(order**2, -1) @ second[columns]
    wanted = np.eye(order)[irreps.group.cayley_table.ravel()] - 1 / order
    error = np.linalg.norm(answers - wanted) / max(float(np.linalg.norm(wanted)), 1e-300)
    save_layers(path, first, second)
    return {
        "hidden": first.shape[1],
        "bound_paper": paper_bound(irreps),
        "relative_error": float(error),
        "path": str(path),
    }


def describe_match(match: NodeMatch) -> dict[str, Any]:
    """Return a node match as plain values for JSON."""
    return {
        "alive": match.alive,
        "matched": match.matched,
        "matched_share": match.share,
        "by_irrep": [{"irreps": list(k), "nodes": n} for k, n in match.by_irrep.items()],
        "missing": [list(family) for family in match.missing],
        "thresholds": asdict(match.thresholds),
        "nodes": [
            {
                "index": node.index,
                "irreps": list(node.irreps),
                "isotypic_share": node.isotypic_share,
                "rank_one_share": node.rank_one_share,
                "energy_ratio": node.energy_ratio,
                "matched": node.matched,
            }
            for node in match.nodes
        ],
    }


def plot_curves(runs: Sequence[TrainedRun], *, ax: Axes | None = None) -> Axes:
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
    axes.set_title(f"Training, {len(runs)} runs")
    axes.legend(frameon=False, loc="lower right")
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
