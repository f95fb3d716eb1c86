"""A CUDA graph in miniature: operations recorded with their tensors, repeated on the same memory.

As with the real one, recording leaves every number as it was, and a repetition reads and writes
the addresses of the recording: a number that Python worked out, or a tensor made anew, stays what
it was.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree
from torch.utils._python_dispatch import TorchDispatchMode


def tensors_of(tree: Any) -> list[Tensor]:
    return [leaf for leaf in _pytree.tree_leaves(tree) if isinstance(leaf, Tensor)]


class _Recorder(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any, Any]] = []
        self.made: set[int] = set()
        self.before: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        for part in tensors_of((args, kwargs)):
            storage = part.untyped_storage()
            if storage.data_ptr() not in self.made | self.before.keys():
                self.before[storage.data_ptr()] = storage, storage.clone()
        found = func(*args, **kwargs)
        for part in tensors_of(found):
            if part.untyped_storage().data_ptr() not in self.before:
                self.made.add(part.untyped_storage().data_ptr())
        self.calls.append((func, args, kwargs, found))
        return found


class Graph:
    """Stands for ``torch.cuda.CUDAGraph``; keeps all tensors of the recording alive."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, Any, Any, Any]] = []
        self.replays = 0

    def replay(self) -> None:
        self.replays += 1
        for func, args, kwargs, found in self.calls:
            news = tensors_of(func(*args, **kwargs))
            for old, new in zip(tensors_of(found), news, strict=True):
                if old.untyped_storage().data_ptr() != new.untyped_storage().data_ptr():
                    old.copy_(new)


class Stream:
    def __init__(self, cuda: "Cuda", name: str) -> None:
        self.cuda, self.name = cuda, name

    def wait_stream(self, other: "Stream") -> None:
        self.cuda.told.append(f"{self.name} waits for {other.name}")


class Cuda:
    """Stands for ``torch.cuda`` on a CPU, as far as `Replayed` uses it."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.graphs: list[Graph] = []
        self.now = self.main = Stream(self, "main")

    def Stream(self, device: torch.device) -> Stream:  # noqa: N802
        return Stream(self, "side")

    def CUDAGraph(self) -> Graph:  # noqa: N802
        self.graphs.append(Graph())
        return self.graphs[-1]

    def current_stream(self, device: torch.device) -> Stream:
        return self.now

    def device(self, device: torch.device) -> Any:
        return nullcontext()

    @contextmanager
    def stream(self, stream: Stream) -> Iterator[None]:
        self.now, before = stream, self.now
        self.told.append(f"work on {stream.name}")
        yield
        self.now = before

    @contextmanager
    def graph(self, graph: Graph, *, stream: Stream) -> Iterator[None]:
        recorder = _Recorder()
        with self.stream(stream), recorder:
            yield
        for storage, before in recorder.before.values():
            storage.copy_(before)
        graph.calls = recorder.calls
        self.told.append("recorded")
