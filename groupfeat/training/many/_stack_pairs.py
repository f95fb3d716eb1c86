"""Examples of several runs as one stack, padded to equal number by examples of weight 0."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from torch import Tensor

from groupfeat.training.network._network import PairTensors

__all__ = ["StackedPairs"]


class StackedPairs(NamedTuple):
    """Examples of R runs.

    ``rows`` (k, R, n) as in `PairTensors`, ``target`` (R, n), ``weight`` (R, n), 1 or 0 for
    padding, ``total`` (R,), at least 1, ``share`` (R, 1, M).
    """

    rows: Tensor
    target: Tensor
    weight: Tensor
    total: Tensor
    share: Tensor

    @classmethod
    def of(cls, sets: Sequence[PairTensors | None]) -> "StackedPairs | None":
        """Return the stack; an absent set has weight 0 throughout, all absent give None."""
        most = max((len(pairs) for pairs in sets if pairs is not None), default=0)
        like = next((pairs for pairs in sets if pairs is not None), None)
        if like is None:
            return None
        operands = len(like.rows)
        rows = like.rows.new_zeros(operands, len(sets), most)
        target, weight = rows.new_zeros(len(sets), most), like.share.new_zeros(len(sets), most)
        share = like.share.new_zeros(len(sets), 1, len(like.share))
        for r, pairs in enumerate(sets):
            if pairs is not None:
                n = len(pairs)
                rows[:, r, :n], target[r, :n], weight[r, :n] = pairs.rows, pairs.target, 1
                share[r, 0] = pairs.share
        return cls(rows, target, weight, weight.sum(1).clamp_min(1), share)

    def of_runs(self, kept: Tensor) -> "StackedPairs":
        """Return the stack of the runs at positions ``kept``, padded no further than they need."""
        total, share = self.total[kept], self.share[kept]
        most = slice(int(total.max()) if len(kept) else 0)
        rows = self.rows[:, kept, most].contiguous()
        return StackedPairs(rows, self.target[kept, most], self.weight[kept, most], total, share)

    def chunks(self, entries: int, hidden: int) -> Iterator["StackedPairs"]:
        """Yield slices whose hidden layers hold about ``entries`` values, 64 examples at least.

        ``hidden`` is the number of hidden nodes, or of classes where there are more.
        """
        most = max(64, entries // (hidden * len(self.target)))
        for a in range(0, self.target.shape[1], most):
            part = slice(a, a + most)
            rows = self.rows[..., part]
            yield self._replace(rows=rows, target=self.target[:, part], weight=self.weight[:, part])
