"""Numbers below the smallest normal one are 0 while a network is trained."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["flushed_subnormals"]

_PARALLEL_ENTRIES = 1 << 17
"""Of which torch gives a part to each of its threads."""
_started = threading.local()


@contextmanager
def flushed_subnormals() -> Iterator[None]:
    """Set results below 1.2e-38 (float32) or 2.2e-308 (float64) to 0 in this thread.

    Weight decay drives the weights and moments of dead nodes through that range, where a
    processor computes up to a hundred times slower; nothing that is learned lies there. What
    the caller had set is set again at the end.

    The mode is a thread's own. Those that torch starts to help this one keep such numbers: with
    more than one a weight may be 0 or below 1.2e-38 by which of them computed it. They are started
    before the mode is set, for a thread begins with the mode of the one that starts it, and nobody
    would ever set it back.
    """
    _start_threads()
    already = sys.float_info.min / 2 == 0.0
    if not already:
        torch.set_flush_denormal(True)
    try:
        yield
    finally:
        if not already:
            torch.set_flush_denormal(False)


def _start_threads() -> None:
    """Let torch start the threads that help this one, once for every number of them."""
    count = torch.get_num_threads()
    if count > getattr(_started, "count", 1):
        torch.ones(_PARALLEL_ENTRIES)
        _started.count = count
