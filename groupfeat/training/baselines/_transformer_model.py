"""The transformer itself: reads "g h =" and answers at "="."""

from typing import Any

import torch
from torch import Tensor, nn

from groupfeat.training.baselines._transformer_config import TransformerConfig
from groupfeat.training.tasks._tasks import Task

__all__ = ["Transformer"]


class Transformer(nn.Module):
    """Embeddings of the operands and of "=", blocks, and the answer read off at "=".

    Parameters
    ----------
    config
        Its sizes.
    symbols, operands, classes
        Number of values of an operand, of operands, and of answers.
    """

    def __init__(
        self, config: TransformerConfig, *, symbols: int, operands: int, classes: int
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(symbols + 1, config.width)
        self.places = nn.Parameter(torch.randn(operands + 1, config.width) * 0.02)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                config.width,
                config.heads,
                config.feed_forward,
                dropout=0.0,
                batch_first=True,
                norm_first=True,
            )
            for _ in range(config.layers)
        )
        self.answer = nn.Linear(config.width, classes)

    @classmethod
    def of(cls, task: Task, config: TransformerConfig) -> "Transformer":
        """Return the transformer for a task, drawn from torch's global random state."""
        return cls(config, **sizes_of(task))

    def forward(self, operands: Tensor) -> Tensor:
        """Return the answers to operands (n, k), shape (n, M)."""
        equals = operands.new_full((len(operands), 1), self.tokens.num_embeddings - 1)
        stream = self.tokens(torch.cat([operands, equals], 1)) + self.places
        for block in self.blocks:
            stream = block(stream)
        found: Tensor = self.answer(stream[:, -1])
        return found


def sizes_of(task: Task) -> dict[str, Any]:
    """Return the sizes that a task gives the transformer."""
    return {"symbols": max(task.sizes), "operands": len(task.sizes), "classes": task.n_classes}
