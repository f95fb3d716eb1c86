"""Stacks on a GPU: steps beside their floors, and a preset to its end. Run with ``make bench-gpu``.

Floors come from a product and a copy measured in the same run (`gpu_floor`); products are in full
single precision (torch's default: no TF32).
"""

import dataclasses
import time

import pytest
import torch

from groupfeat.groups import group_from_spec
from groupfeat.training import TrainConfig, preset, train_many
from tests.benchmarks.gpu_floor import measure, measured_rates, stack_of

pytestmark = [pytest.mark.benchmark, pytest.mark.gpu]

SMALL = TrainConfig(n_hidden=256, train_fraction=0.6)
STAGES = preset("three-stages", seeds=20)[:20]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, as inductor loads
@pytest.mark.parametrize(
    ("spec", "config", "runs"), [("C23", SMALL, 32), ("C23", SMALL, 512), ("C71", STAGES[0], 20)]
)
def test_a_step_beside_its_floors(spec: str, config: TrainConfig, runs: int) -> None:
    rates = measured_rates("cuda", 8192)
    name = torch.cuda.get_device_name()
    print(
        f"\n{runs} runs of {spec}, K {config.n_hidden}, on {name}: {rates.flops / 1e12:.1f} "
        f"TFLOP/s, {rates.bytes / 1e9:.0f} GB/s"
    )
    for engine in ("eager", "graph", "compiled"):
        stack = stack_of(spec, config, runs, "cuda", engine)
        print(f"  {engine:9}{measure(stack, rates, 'cuda', 100)}")


@pytest.mark.parametrize("eval_every", [1, 10])
def test_twenty_seeds_of_three_stages(eval_every: int) -> None:
    """Z71, K 2048, with weight decay, to its stop: seconds in all, and how many generalise."""
    configs = [dataclasses.replace(config, eval_every=eval_every) for config in STAGES]
    for engine in ("eager", "graph"):
        begin = time.perf_counter()
        runs = list(train_many(group_from_spec("C71"), configs, device="cuda", engine=engine))
        seconds = time.perf_counter() - begin
        good = sum(run.status == "generalised" for run in runs)
        steps = max(run.epochs for run in runs)
        print(
            f"\n20 seeds of three-stages, evaluated every {eval_every}, {engine}: {seconds:.1f} s "
            f"for {steps} epochs, {good} generalised"
        )
