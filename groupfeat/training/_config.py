"""One frozen value that says everything about a training run."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from groupfeat.energy import ACTIVATIONS

__all__ = ["INITS", "LOSSES", "OPTIMIZERS", "PRECISIONS", "TrainConfig"]

LOSSES = ("mse_classes", "mse_samples", "cross_entropy")
OPTIMIZERS = ("adam", "adamw", "sgd")
INITS = ("linear", "normal")
PRECISIONS = ("float32", "float64")


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a two-layer network Ŷ = β σ(XW)V and of its training.

    Parameters
    ----------
    n_hidden
        Hidden nodes K.
    train_fraction
        Share p of the M² pairs that are trained on, in (0, 1]; 1 leaves no test set.
    activation
        Name of σ (``groupfeat.energy.ACTIVATIONS``).
    loss
        ``"mse_classes"``: (1/n)‖(Y − Ŷ)(I − 11ᵀ/M)‖²_F, centred over classes and averaged over
        pairs, as in the author's trainer. ``"mse_samples"``: ½‖P⊥(Y − Ŷ)‖²_F, centred over
        samples, the theory's J. ``"cross_entropy"``: mean over pairs.
    optimizer
        ``"adam"`` (weight decay as an L2 term in the gradient), ``"adamw"`` (decoupled), ``"sgd"``.
    learning_rate, weight_decay, momentum
        Of the optimiser; momentum is SGD's. A weight decay of None means 0.3/M², at which the
        default loss and optimiser grok on every group tried (docs/decisions/0004).
    init
        ``"linear"``: uniform within ±1/√fan_in, as ``torch.nn.Linear`` and the author's trainer.
        ``"normal"``: W ~ N(0, 1), V ~ N(0, 1), the theory's.
    init_scale, alpha
        Factors on the initial W and V.
    beta
        Output multiplier β.
    epochs
        Most full-batch steps.
    stop_accuracy
        A run has generalised when its test accuracy (without a test set: its train accuracy)
        reaches this.
    settle_epochs
        Steps for which generalisation must last before a run stops, so that nodes settle on
        features; an accuracy that falls below ``stop_accuracy`` starts the count anew.
    eval_every
        Steps between evaluations.
    precision
        ``"float32"`` or ``"float64"``.

    Raises
    ------
    ValueError
        If a setting is out of range; the message says what is expected.
    """

    n_hidden: int = 256
    train_fraction: float = 0.8
    activation: str = "square"
    loss: str = "mse_classes"
    optimizer: str = "adam"
    learning_rate: float = 0.01
    weight_decay: float | None = None
    momentum: float = 0.0
    init: str = "linear"
    init_scale: float = 0.3
    alpha: float = 1.0
    beta: float = 1.0
    epochs: int = 4000
    stop_accuracy: float = 0.995
    settle_epochs: int = 600
    eval_every: int = 10
    precision: str = "float32"

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"unknown {name} {getattr(self, name)!r}; known: {', '.join(choices)}"
                )
        for field in dataclasses.fields(self):
            _check_kind(field.name, getattr(self, field.name))
        for name in ("n_hidden", "epochs", "eval_every"):
            _check(name, getattr(self, name), getattr(self, name) >= 1, "at least 1")
        for name in ("learning_rate", "init_scale", "beta"):
            _check(name, getattr(self, name), getattr(self, name) > 0, "positive")
        decay = self.weight_decay
        _check("weight_decay", decay, decay is None or decay >= 0, "zero or more, or None")
        for name in ("alpha", "settle_epochs"):
            _check(name, getattr(self, name), getattr(self, name) >= 0, "zero or more")
        _check("train_fraction", self.train_fraction, 0 < self.train_fraction <= 1, "in (0, 1]")
        _check("stop_accuracy", self.stop_accuracy, 0 < self.stop_accuracy <= 1, "in (0, 1]")
        _check("momentum", self.momentum, 0 <= self.momentum < 1, "in [0, 1)")

    def resolved(self, order: int) -> "TrainConfig":
        """Return the config with the weight decay that None stands for at group order M."""
        if self.weight_decay is not None:
            return self
        return dataclasses.replace(self, weight_decay=0.3 / order**2)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> "TrainConfig":
        """Return the config of plain values; unknown names are refused."""
        known = {field.name for field in dataclasses.fields(cls)}
        strange = sorted(set(settings) - known)
        if strange:
            raise ValueError(f"unknown setting {strange[0]!r}; known: {', '.join(sorted(known))}")
        return cls(**settings)


_CHOICES = {
    "activation": ACTIVATIONS,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "init": INITS,
    "precision": PRECISIONS,
}


_WHOLE = ("n_hidden", "epochs", "eval_every", "settle_epochs")


def _check_kind(name: str, value: object) -> None:
    if name in _CHOICES or (name == "weight_decay" and value is None):
        return
    kinds, words = ((int,), "an int") if name in _WHOLE else ((int, float), "a number")
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise ValueError(f"{name} must be {words}, got {value!r}")


def _check(name: str, value: float | None, holds: bool, expected: str) -> None:
    if not holds or (value is not None and not math.isfinite(value)):
        raise ValueError(f"{name} must be {expected}, got {value}")
