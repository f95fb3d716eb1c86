"""Stacks on a GPU: steps beside their floors, and a preset to its end. Run with ``make bench-gpu``.

Floors come from a product and a copy measured in the same run (`gpu_floor`); products are in full
single precision (torch's default: no TF32).
"""

import dataclasses

import pytest
import torch

from groupfeat.training import TrainConfig, preset
from tests.benchmarks.gpu_floor import beside_floors, to_the_end

pytestmark = [pytest.mark.benchmark, pytest.mark.gpu]

SMALL = TrainConfig(n_hidden=256, train_fraction=0.6)
STAGES = preset("three-stages", seeds=20)[:20]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, as inductor loads
@pytest.mark.parametrize(
    ("spec", "config", "runs"), [("C23", SMALL, 32), ("C23", SMALL, 512), ("C71", STAGES[0], 20)]
)
def test_a_step_beside_its_floors(spec: str, config: TrainConfig, runs: int) -> None:
    print(f"\n{torch.cuda.get_device_name()}")
    engines = ("eager", "graph", "compiled")
    for line in beside_floors(spec, config, runs, device="cuda", engines=engines, size=8192):
        print(line)


@pytest.mark.parametrize("eval_every", [1, 10])
def test_twenty_seeds_of_three_stages(eval_every: int) -> None:
    """Z71, K 2048, with weight decay, to its stop: seconds in all, and how many generalise."""
    configs = [dataclasses.replace(config, eval_every=eval_every) for config in STAGES]
    for engine in ("eager", "graph"):
        print("\n" + to_the_end("C71", configs, device="cuda", engine=engine))
