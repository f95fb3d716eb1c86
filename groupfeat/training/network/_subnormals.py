"""Numbers below the smallest normal one are 0 while a network is trained."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["flushed_subnormals"]


@contextmanager
def flushed_subnormals() -> Iterator[None]:
    """Set results below 1.2e-38 (float32) or 2.2e-308 (float64) to 0 in this thread.

    Weight decay drives the weights and moments of dead nodes through that range, where a
    processor computes up to a hundred times slower; nothing that is learned lies there. What
    the caller had set is set again at the end.
    """
    already = sys.float_info.min / 2 == 0.0
    if not already:
        torch.set_flush_denormal(True)
    try:
        yield
    finally:
        if not already:
            torch.set_flush_denormal(False)
