"""Configs of the reference experiments, by name.

What a source leaves open (train fractions, rates, K of a row) is chosen here and said in
``about``; docs/experiments.md tells what came out.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from groupfeat.groups import group_from_spec
from groupfeat.training.setup._config import TrainConfig

__all__ = ["PRESETS", "Preset", "preset"]


@dataclass(frozen=True)
class Preset:
    """A reference experiment.

    Parameters
    ----------
    about
        What is compared.
    seeds
        Number of seeds in the source.
    tasks
        SPECs of its groups.
    arms
        The configs compared on one of them, seeds left open.
    fixed
        Settings that the comparison rests on though its arms may share them.
    """

    about: str
    seeds: int
    tasks: tuple[str, ...]
    arms: Callable[[str], Iterable[TrainConfig]] = field(repr=False)
    fixed: tuple[str, ...] = ()


def preset(
    name: str, *, seeds: int | Sequence[int] | None = None, task: str | None = None
) -> tuple[TrainConfig, ...]:
    """Return the configs of a reference experiment, to be trained task by task.

    Parameters
    ----------
    name
        One of `PRESETS`.
    seeds
        The seeds, or their number (from 0 on); by default the source's number.
    task
        SPEC of a group to use in place of the preset's own.

    Returns
    -------
    tuple of TrainConfig
        Every arm with every seed: ``task``, ``pair_seed`` and ``init_seed`` are set.

    Raises
    ------
    ValueError
        If the name is unknown or there are no seeds.

    References
    ----------
    arXiv:2509.21519, its experiments.

    Examples
    --------
    >>> [(c.task, c.weight_decay, c.init_seed) for c in preset("three-stages", seeds=1)]
    [('C71', 0.0002, 0), ('C71', 0.0, 0)]
    """
    if name not in PRESETS:
        raise ValueError(f"unknown preset {name!r}; known: {', '.join(PRESETS)}")
    found = PRESETS[name]
    chosen = found.seeds if seeds is None else seeds
    listed = range(chosen) if isinstance(chosen, int) else chosen
    if not listed:
        raise ValueError(f"seeds must be at least 1 or a list of seeds, got {chosen}")
    return tuple(
        replace(arm, task=spec, pair_seed=seed, init_seed=seed)
        for spec in (found.tasks if task is None else (task,))
        for arm in found.arms(spec)
        for seed in listed
    )


_SOURCE = TrainConfig(
    n_hidden=2048,
    train_fraction=0.4,
    learning_rate=1e-3,
    weight_decay=2e-4,
    init_scale=1.0,
    stop_accuracy=0.99,
    settle_epochs=100,
    epochs=600,
    eval_every=1,
)
_SMALL = replace(
    _SOURCE, train_fraction=0.6, learning_rate=5e-3, weight_decay=5e-5, epochs=3000, eval_every=10
)
_REPLICATED = (0.0, 1e-5, 5e-5, 1e-4, 2e-4, 5e-4)
_PRIMES, _COMPOSITES = ("C23", "C41", "C71", "C97", "C127"), ("C22", "C42", "C70", "C96", "C126")
_PRODUCTS = (
    *("C4xC7", "C5xC6", "C2xC2xC9", "C13xC11", "C5xC2xC2xC2", "C6xC4xC2", "C2xC3xC17"),
    "C2xC3xC3xC5",
)
_DIHEDRAL = ("D11", "D20", "D35", "D48")


def _edge(spec: str) -> float:
    """Return 2.7482 ln(M)/M, the author's least train fraction where no irrep exceeds d = 2."""
    order = group_from_spec(spec).order
    return 2.7482 * math.log(order) / order


def _scaling(spec: str) -> Iterable[TrainConfig]:
    shares = [factor * _edge(spec) for factor in (0.6, 0.8, 1.0, 1.25, 1.6, 2.0)]
    base = replace(_SOURCE, learning_rate=5e-4, eval_every=10)
    return [replace(base, train_fraction=share) for share in shares if share < 1]


def _boundary(spec: str) -> Iterable[TrainConfig]:
    share = min(1.9 * _edge(spec), 0.9)
    base = replace(_SOURCE, n_hidden=1024, train_fraction=share, eval_every=10)
    return [replace(base, learning_rate=rate) for rate in (0.001, 0.002, 0.005)]


def _against_muon(_: str) -> Iterable[TrainConfig]:
    base = replace(_SMALL, train_fraction=0.4, epochs=600, settle_epochs=600)
    for hidden in (32, 48, 64):
        yield replace(base, n_hidden=hidden)
        yield replace(
            base,
            n_hidden=hidden,
            optimizer="muon",
            learning_rate=0.02,
            fallback_rate=base.learning_rate,
        )


def _sized(spec: str) -> TrainConfig:
    order = group_from_spec(spec).order
    return replace(_SMALL, n_hidden=256 if order < 64 else 1024)


def _with_ridge(spec: str) -> Iterable[TrainConfig]:
    """V by its gradient, and by ridge; both with the theory's loss and η = nλ/2."""
    base = _sized(spec)
    count = round(base.train_fraction * group_from_spec(spec).order ** 2)
    eta = count / 2 * (base.weight_decay or 0.0)
    theory = replace(base, loss="mse_samples", weight_decay=eta)
    return theory, replace(theory, ridge=eta)


def _deep(_: str) -> Iterable[TrainConfig]:
    base = replace(_SMALL, n_hidden=512, activation="relu", train_fraction=0.7, weight_decay=5e-4)
    return [replace(base, other_layers=layers) for layers in (0, 1, 2)]


_ORDERS = ("C23", "C41", "C89", "C127")

PRESETS = {
    "default": Preset("the defaults, which grok", 1, ("C23",), lambda _: [TrainConfig()]),
    "three-stages": Preset(
        "weight decay 2e-4 against none: only with decay does the network generalise",
        15,
        ("C71",),
        lambda _: [_SOURCE, replace(_SOURCE, weight_decay=0.0, epochs=300)],
    ),
    "replication": Preset(
        "a sweep of weight decay, as an outside replication ran it",
        1,
        ("C71",),
        lambda _: [replace(_SOURCE, weight_decay=decay) for decay in _REPLICATED],
    ),
    "scaling-law": Preset(
        "train fractions around 2.7482 ln(M)/M; sizes of primes, composites and dihedral groups "
        "are ours",
        20,
        (*_PRIMES, *_COMPOSITES, *_PRODUCTS, *_DIHEDRAL),
        _scaling,
    ),
    "boundary": Preset(
        "learning rates at 1.9 times that fraction (M = 127, n = 3225 in the source)",
        15,
        ("C23", "C71", "C127"),
        _boundary,
        fixed=("train_fraction",),
    ),
    "adam-muon": Preset(
        "Adam against Muon with few nodes; K, rates and decay are ours", 5, ("C71",), _against_muon
    ),
    "complex-weights": Preset(
        "real against complex weights; which K goes with which M, and 60 % of the pairs, are ours",
        5,
        _ORDERS,
        lambda spec: [_sized(spec), replace(_sized(spec), complex_weights=True)],
    ),
    "ridge-v": Preset(
        "V by gradient against V by ridge, with the theory's loss; sizes as above",
        5,
        _ORDERS,
        _with_ridge,
        fixed=("train_fraction", "weight_decay", "loss"),
    ),
    "zero-init-v": Preset(
        "V drawn at random against V = 0 at the start; sizes as above",
        5,
        _ORDERS,
        lambda spec: [_sized(spec), replace(_sized(spec), alpha=0.0)],
    ),
    "depth": Preset(
        "two to four layers with ReLU; K 512, 70 % of the pairs and weight decay 5e-4 are ours",
        5,
        ("C23",),
        _deep,
    ),
}
"""The reference experiments by name."""
