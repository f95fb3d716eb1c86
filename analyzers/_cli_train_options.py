"""Further options of ``groupfeat train``: variants of network and optimiser, checkpoints."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from cyclopts import Parameter

__all__ = ["KEEP_NOTHING", "NO_MORE", "Keep", "More"]

_PLAIN = Parameter(negative="")


@dataclass(frozen=True)
class _More:
    """Settings of ``TrainConfig`` under their own names.

    Parameters
    ----------
    momentum
        Of sgd.
    schedule
        constant, cosine or linear.
    warmup_epochs
        Steps over which the learning rate rises.
    fallback_rate
        Learning rate of what muon leaves to AdamW.
    muon_momentum
        Of muon.
    other_layers
        Further K × K layers, residual.
    embedding
        Size of a trained embedding; 0 is one-hot.
    complex_weights
        Complex W and V.
    bias
        Hidden and output biases.
    batch_norm
        Normalise before the activation.
    ridge
        Solve for V before every step, with this ridge.
    weight_norm
        free, node or total.
    stop
        settled, memorised or never.
    stop_accuracy
        What counts as memorised and generalised.
    eval_every
        Steps between evaluations.
    dead_nodes
        keep or drop (square only).
    pair_seed
        Of the pairs; by default the run's seed.
    init_seed
        Of the initial weights; by default the run's seed.
    """

    momentum: float = 0.0
    schedule: str = "constant"
    warmup_epochs: int = 0
    fallback_rate: float | None = None
    muon_momentum: float = 0.95
    other_layers: int = 0
    embedding: int = 0
    complex_weights: Annotated[bool, _PLAIN] = False
    bias: Annotated[bool, _PLAIN] = False
    batch_norm: Annotated[bool, _PLAIN] = False
    ridge: float | None = None
    weight_norm: str = "free"
    stop: str = "settled"
    stop_accuracy: float = 0.995
    eval_every: int = 10
    dead_nodes: str = "keep"
    pair_seed: int | None = None
    init_seed: int | None = None

    def settings(self) -> dict[str, Any]:
        """Return them by name."""
        return asdict(self)


@dataclass(frozen=True)
class _Keep:
    """Checkpoints on the way, and going on from one.

    Parameters
    ----------
    checkpoint_at
        Epochs to write checkpoints at: log, or numbers such as 10,100,1000; needs --out.
    resume
        A checkpoint to train on from: its settings hold, epochs apart.
    """

    checkpoint_at: str | None = None
    resume: str | None = None

    def epochs(self, last: int) -> tuple[int, ...]:
        """Return the epochs of ``checkpoint_at``."""
        from groupfeat.training import log_epochs

        if self.checkpoint_at is None:
            return ()
        if self.checkpoint_at == "log":
            return log_epochs(last)
        words = self.checkpoint_at.split(",")
        if not all(word.strip().isdecimal() for word in words):
            raise ValueError(
                f"--checkpoint-at takes log or epochs such as 10,100,1000, got "
                f"{self.checkpoint_at!r}"
            )
        return tuple(int(word) for word in words)


More = Annotated[_More, Parameter(name="*")]
Keep = Annotated[_Keep, Parameter(name="*")]
NO_MORE, KEEP_NOTHING = _More(), _Keep()
