"""Settings of the transformer baseline."""

from dataclasses import asdict, dataclass
from typing import Any

from groupfeat.training.setup._config_checks import check_kind, check_names, check_number

__all__ = ["TransformerConfig"]

_COUNTS = ("width", "heads", "layers", "feed_forward", "epochs", "eval_every", "settle_epochs")


@dataclass(frozen=True)
class TransformerConfig:
    """Settings of the transformer and of its training by AdamW on cross-entropy.

    Parameters
    ----------
    width, heads, layers, feed_forward
        Size of the embeddings, attention heads, blocks, and hidden nodes of each block.
    train_fraction
        Share of the examples that is trained on, in (0, 1].
    learning_rate, weight_decay
        Of AdamW (betas 0.9, 0.98). The defaults are three times the rate and the decay of [1]_:
        with those small cyclic groups did not grok in thousands of steps (docs/experiments.md).
    epochs
        Most full-batch steps.
    eval_every
        Steps between evaluations.
    stop_accuracy, settle_epochs
        The run ends when its test accuracy (without a test set: train accuracy) has been at least
        this for so many steps; 0: at the first. AdamW at these rates throws the network back now
        and then, so that it seldom lasts for hundreds.

    Raises
    ------
    ValueError
        If a setting is out of range.

    References
    ----------
    .. [1] N. Nanda et al., "Progress measures for grokking via mechanistic interpretability",
       arXiv:2301.05217.
    """

    width: int = 128
    heads: int = 4
    layers: int = 1
    feed_forward: int = 512
    train_fraction: float = 0.8
    learning_rate: float = 3e-3
    weight_decay: float = 3.0
    epochs: int = 4000
    eval_every: int = 10
    stop_accuracy: float = 0.995
    settle_epochs: int = 0

    def __post_init__(self) -> None:
        told = vars(self)
        for name, value in told.items():
            if value is None:
                raise ValueError(f"{name} must be a number, got None")
            check_kind(name, value)
        for name in _COUNTS:
            least = 0 if name == "settle_epochs" else 1
            check_number(name, told[name], told[name] >= least, f"at least {least}")
        check_number("learning_rate", self.learning_rate, self.learning_rate > 0, "positive")
        check_number("weight_decay", self.weight_decay, self.weight_decay >= 0, "zero or more")
        for name in ("train_fraction", "stop_accuracy"):
            check_number(name, told[name], 0 < told[name] <= 1, "in (0, 1]")
        if self.width % self.heads:
            raise ValueError(
                f"width must be a multiple of heads, got {self.width} and {self.heads}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> "TransformerConfig":
        """Return the config of plain values; unknown names are refused."""
        check_names(cls, settings)
        return cls(**settings)
