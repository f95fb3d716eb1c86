"""How a stack takes its steps: operation by operation, compiled, or as a CUDA graph."""

import inspect
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from torch import cuda

from groupfeat.training.many._stack_step import StepState, take_step

__all__ = ["ENGINES", "check_engine", "stepper"]

ENGINES = ("auto", "eager", "compiled", "graph")
_SHAPES = 64  # sizes of stacks in one process; torch compiles a function for eight by default


def check_engine(engine: str, device: str, stacked: bool) -> None:
    """Raise ValueError unless stacks on this device can take their steps so."""
    if engine not in ENGINES:
        raise ValueError(f"unknown engine {engine!r}; known: {', '.join(ENGINES)}")
    if engine == "graph" and not device.startswith("cuda"):
        raise ValueError(
            f"engine='graph' records CUDA graphs, got device={device!r}; use 'eager' or 'compiled'"
        )
    if engine != "auto" and not stacked:
        raise ValueError(f"engine={engine!r} is for stacked runs; pass stacked=True")


def stepper(engine: str, state: StepState) -> Callable[[], None]:
    """Return what takes one step of ``state``; its tensors must stay where they are."""
    device = state.epoch.device
    step = partial(_compiled() if engine == "compiled" else take_step, state)
    replayed = engine == "graph" or (engine == "compiled" and device.type == "cuda")
    return Replayed(step, device) if replayed else step


@cache
def _compiled() -> Callable[[StepState], None]:
    """Return the step through inductor, fused; by its default mode.

    The modes that record CUDA graphs by themselves copy what is not a module's parameter to memory
    of their own, or leave graphs aside where it is changed in place.
    """
    known = inspect.signature(torch.compile).parameters
    more: dict[str, Any] = {"recompile_limit": _SHAPES} if "recompile_limit" in known else {}
    found: Callable[[StepState], None] = torch.compile(take_step, dynamic=False, **more)
    return found


@cache
def _side_stream(device: torch.device) -> cuda.Stream:
    """Return the stream that records: one a device, as libraries keep memory for each."""
    return cuda.Stream(device)  # type: ignore[no-untyped-call]


class Replayed:
    """A step that is recorded as a CUDA graph when it is due for the second time.

    The first is taken as it is, on the stream that will record: it compiles what is compiled at
    first use, makes the libraries' handles, and is a step like any other. Recording takes none.
    """

    def __init__(self, step: Callable[[], None], device: torch.device) -> None:
        self.step, self.device = step, device
        self.stream = _side_stream(device)
        self.warm = False
        self.graph: cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        """Take a step."""
        with cuda.device(self.device):
            if not self.warm:
                self._warm_up()
                return
            if self.graph is None:
                graph = cuda.CUDAGraph()
                with cuda.graph(graph, stream=self.stream):
                    self.step()
                self.graph = graph
            self.graph.replay()

    def _warm_up(self) -> None:
        here = cuda.current_stream(self.device)
        self.stream.wait_stream(here)
        with cuda.stream(self.stream):
            self.step()
        here.wait_stream(self.stream)
        self.warm = True
