"""Train networks over learning rates and seeds in worker processes and print a line for each.

``python examples/many_networks.py [SPEC]``: by default on C11, in two processes.
"""

import sys
from dataclasses import replace

from groupfeat.groups import group_from_spec
from groupfeat.training import TrainConfig, train_many

RATES, SEEDS = (0.003, 0.01), (0, 1)


def main(spec: str) -> None:
    """Train a network for each rate and seed; tell of each as it ends, then of the rates."""
    base = TrainConfig(n_hidden=64, epochs=600, settle_epochs=100)
    plan = [(replace(base, learning_rate=rate), seed) for rate in RATES for seed in SEEDS]
    configs, seeds = zip(*plan, strict=True)
    runs = list(
        train_many(
            group_from_spec(spec),
            configs,
            seeds=seeds,
            workers=2,
            ended=lambda position, run: print(f"run {position}: {run.status}, {run.epochs} steps"),
        )
    )
    for rate in RATES:
        mine = [run for run in runs if run.config.learning_rate == rate]
        reached = sum(run.status == "generalised" for run in mine)
        print(f"rate {rate:g}: {reached} of {len(mine)} generalised")


if __name__ == "__main__":  # workers import this file
    main(*(sys.argv[1:2] or ["C11"]))
