"""Training computes no subnormal numbers, and leaves the thread as it was."""

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import torch

from groupfeat.groups import symmetric
from groupfeat.training import TrainConfig, train_many
from groupfeat.training.many import _stack, _stack_step
from groupfeat.training.network._subnormals import flushed_subnormals
from groupfeat.training.run import _progress

CONFIG = TrainConfig(n_hidden=8, epochs=3, stop="never", eval_every=2)


def are_flushed() -> bool:
    return sys.float_info.min / 2 == 0.0


@pytest.mark.parametrize(
    ("module", "name", "stacked"),
    [
        (_progress, "layer_gradients", False),
        (_progress, "measure", False),
        (_stack_step, "stack_gradients", True),
        (_stack, "measure_stack", True),
    ],
)
def test_a_step_is_taken_without_subnormals(
    module: Any, name: str, stacked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, compute = [], getattr(module, name)

    def watched(*arguments: Any, **told: Any) -> Any:
        seen.append(are_flushed())
        return compute(*arguments, **told)

    monkeypatch.setattr(module, name, watched)
    configs = [replace(CONFIG, init_seed=seed) for seed in range(2)]
    # Watched off the grid of evaluations too, where a run's loss is measured all the same.
    runs = train_many(
        symmetric(3), configs, stacked=stacked, observe=lambda _: None, observe_at=[1]
    )
    for _ in runs:
        assert not are_flushed()
    assert all(seen)
    assert len(seen) >= (3 if stacked else 6)


def test_an_error_leaves_the_thread_as_it_was() -> None:
    with pytest.raises(KeyError), flushed_subnormals():
        raise KeyError("a caller's own")
    assert not are_flushed()


def test_what_the_caller_set_stays() -> None:
    assert torch.set_flush_denormal(True)  # x86-64 and ARM can
    try:
        with flushed_subnormals():
            assert are_flushed()
        assert are_flushed()
    finally:
        torch.set_flush_denormal(False)


PROBE = """
import os
import subprocess
import sys
import torch
torch.set_num_threads(2)
from groupfeat.groups import cyclic
from groupfeat.training import TrainConfig, train
from groupfeat.training.network._subnormals import flushed_subnormals

def flushed():
    product = torch.full((1 << 20,), 2e-38) * 0.1
    return [bool((half.view(torch.int32) == 0).all()) for half in product.chunk(2)]

if sys.argv[1] == "trained":
    config = TrainConfig(n_hidden=512, epochs=2, activation="gelu")
    (run,) = train(cyclic(41), config)
else:
    with flushed_subnormals():
        print(flushed())
print(flushed())
if sys.argv[1] == "set":
    torch.set_flush_denormal(True)
    with flushed_subnormals():
        pass
    print(flushed())
"""


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("trained", ["[False, False]"]),
        ("context", ["[True, False]", "[False, False]"]),
        ("set", ["[True, False]", "[False, False]", "[True, False]"]),
    ],
)
def test_torchs_other_threads_keep_their_mode(case: str, told: list[str]) -> None:
    """Of two threads, in a process whose second is first needed while training."""
    settings = {**os.environ, "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    found = subprocess.run(
        [sys.executable, "-c", PROBE, case], env=settings, capture_output=True, text=True
    )
    assert (found.returncode, found.stdout.splitlines()) == (0, told), found.stderr
