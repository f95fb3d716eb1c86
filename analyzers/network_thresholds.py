"""How many pairs a trained network needs to generalise, to lay beside the energy's thresholds."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from groupfeat.groups import FiniteGroup, group_from_spec
from groupfeat.training import TrainConfig, train, train_paired

__all__ = ["NetworkThreshold", "generalises", "least_fraction", "measure_network_threshold"]


@dataclass(frozen=True)
class NetworkThreshold:
    """The number of pairs at which half of the seeds generalise.

    Parameters
    ----------
    spec, order
        The group.
    activation, paired
        The network: its σ, and whether its nodes come in tied pairs [u; v], [u; −v].
    n_hidden, learning_rate, weight_decay, epochs, stop_accuracy
        Its training; generalised: test accuracy ≥ ``stop_accuracy`` within ``epochs`` steps.
    counts
        The least n of each seed, None where it never generalises (at most 0.97 of the pairs).
    n50
        Their median, None if half never do.
    seconds
        Of work.
    """

    spec: str
    order: int
    activation: str
    paired: bool
    n_hidden: int
    learning_rate: float
    weight_decay: float
    epochs: int
    stop_accuracy: float
    counts: tuple[float | None, ...]
    n50: float | None
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the threshold as plain values for JSON."""
        return asdict(self)


def generalises(group: FiniteGroup, config: TrainConfig, seed: int, *, paired: bool) -> bool:
    """Tell whether the network of this seed generalises."""
    if paired:
        return train_paired(group, config, seed=seed).generalized_at is not None
    (run,) = train(group, config, seeds=[seed])
    return run.generalized_at is not None


def least_fraction(
    holds: Callable[[float], bool], *, low: float, high: float, resolution: float
) -> float | None:
    """Return by bisection the least p in (low, high] for which ``holds(p)``, or None.

    Taken as monotone: what is held at p is held above. Steps end at ``resolution`` times p.
    """
    if not holds(high):
        return None
    while high - low > resolution * high:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def measure_network_threshold(
    spec: str,
    config: TrainConfig,
    *,
    paired: bool = False,
    seeds: int = 5,
    resolution: float = 0.03,
) -> NetworkThreshold:
    """Bisect, seed by seed on nested pair sets, the share of pairs at which a network generalises.

    Parameters
    ----------
    spec
        The group.
    config
        The network and its training; the share of pairs is what is searched.
    paired
        Whether nodes are tied in pairs.
    seeds
        Networks; the seed draws the order of the pairs and the initial weights.
    resolution
        Relative width at which the bisection stops.
    """
    group, start = group_from_spec(spec), time.perf_counter()
    found = [
        least_fraction(
            lambda p, seed=seed: generalises(  # type: ignore[misc]
                group, replace(config, train_fraction=p), seed, paired=paired
            ),
            low=0.02,
            high=0.97,
            resolution=resolution,
        )
        for seed in range(seeds)
    ]
    counts = [np.inf if p is None else round(p * group.order**2) for p in found]
    median = float(np.median(counts))
    settled = config.resolved(group.order)
    return NetworkThreshold(
        spec,
        group.order,
        config.activation,
        paired,
        config.n_hidden,
        config.learning_rate,
        settled.weight_decay or 0.0,
        config.epochs,
        config.stop_accuracy,
        tuple(float(n) if np.isfinite(n) else None for n in counts),
        median if np.isfinite(median) else None,
        time.perf_counter() - start,
    )
