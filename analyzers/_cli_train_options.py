"""Options of ``groupfeat train``: every setting of ``TrainConfig`` under its own name."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from cyclopts import Group, Parameter

from analyzers._cli_options import NETWORK, RUNS, TRAINING, read_whole

__all__ = ["NO_SETTINGS", "Settings"]


def _whole(group: Group, default: str | None = None) -> Parameter:
    return Parameter(converter=read_whole, show_default=default, group=group)


def _shown(group: Group, default: str | None = None) -> Parameter:
    return Parameter(show_default=default, group=group)


@dataclass(frozen=True)
class _Settings:
    """Settings of ``TrainConfig``; None where none is given, so that a file's or the default holds.

    Parameters
    ----------
    hidden
        Hidden nodes K.
    train_fraction
        Share of the examples that is trained on, in (0, 1]; of three operands 0.9.
    learning_rate
        Of the optimiser.
    weight_decay
        Of the optimiser; by default 1 with adamw and muon, else 0.02 with batch-norm, 0.05 under
        mse_samples, 0.3/M² otherwise (words of three, with cube: 0.02/M²).
    optimizer
        adam (coupled L2), adamw (decoupled), sgd, gd or muon.
    activation
        σ: square, cube, relu, gelu, … as in maxima; with three operands cube, with more relu.
    loss
        mse_classes (the author's), mse_samples (the theory's), cross_entropy or stablemax.
    init
        linear (the author's) or normal (the theory's).
    init_scale
        Factor on the initial first layer; with three operands 0.6.
    alpha
        Factor on the initial second layer.
    beta
        Output multiplier.
    epochs
        Most full-batch steps.
    settle_epochs
        Steps after generalisation.
    precision
        float32, float64 or bfloat16 (products only; weights in float32).
    momentum
        Of sgd.
    schedule
        constant, cosine or linear.
    warmup_epochs
        Steps over which the learning rate rises.
    fallback_rate
        Learning rate of what muon leaves to AdamW; by default the learning rate.
    muon_momentum
        Of muon.
    adam_beta1
        Of adam, adamw and what muon leaves to AdamW.
    adam_beta2
        As adam-beta1.
    adam_epsilon
        As adam-beta1.
    other_layers
        Further K × K layers.
    residual
        Whether they are added to what they read.
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
        Of the examples trained on; by default the run's seed.
    init_seed
        Of the initial weights; by default the run's seed.
    """

    hidden: Annotated[int | None, _whole(NETWORK, "256")] = None
    train_fraction: Annotated[float | None, _shown(TRAINING, "0.8")] = None
    learning_rate: Annotated[float | None, _shown(TRAINING, "0.01")] = None
    weight_decay: Annotated[float | None, _shown(TRAINING)] = None
    optimizer: Annotated[str | None, _shown(TRAINING, "adam")] = None
    activation: Annotated[str | None, _shown(NETWORK, "square")] = None
    loss: Annotated[str | None, _shown(TRAINING, "mse_classes")] = None
    init: Annotated[str | None, _shown(NETWORK, "linear")] = None
    init_scale: Annotated[float | None, _shown(NETWORK, "0.3")] = None
    alpha: Annotated[float | None, _shown(NETWORK, "1.0")] = None
    beta: Annotated[float | None, _shown(NETWORK, "1.0")] = None
    epochs: Annotated[int | None, _whole(TRAINING, "4000")] = None
    settle_epochs: Annotated[int | None, _whole(TRAINING, "600")] = None
    precision: Annotated[str | None, _shown(TRAINING, "float32")] = None
    momentum: Annotated[float | None, _shown(TRAINING, "0.0")] = None
    schedule: Annotated[str | None, _shown(TRAINING, "constant")] = None
    warmup_epochs: Annotated[int | None, _whole(TRAINING, "0")] = None
    fallback_rate: Annotated[float | None, _shown(TRAINING)] = None
    muon_momentum: Annotated[float | None, _shown(TRAINING, "0.95")] = None
    adam_beta1: Annotated[float | None, _shown(TRAINING, "0.9")] = None
    adam_beta2: Annotated[float | None, _shown(TRAINING, "0.999")] = None
    adam_epsilon: Annotated[float | None, _shown(TRAINING, "1e-08")] = None
    other_layers: Annotated[int | None, _whole(NETWORK, "0")] = None
    residual: Annotated[bool | None, _shown(NETWORK, "True")] = None
    embedding: Annotated[int | None, _whole(NETWORK, "0")] = None
    complex_weights: Annotated[bool | None, _shown(NETWORK, "False")] = None
    bias: Annotated[bool | None, _shown(NETWORK, "False")] = None
    batch_norm: Annotated[bool | None, _shown(NETWORK, "False")] = None
    ridge: Annotated[float | None, _shown(TRAINING)] = None
    weight_norm: Annotated[str | None, _shown(NETWORK, "free")] = None
    stop: Annotated[str | None, _shown(TRAINING, "settled")] = None
    stop_accuracy: Annotated[float | None, _shown(TRAINING, "0.995")] = None
    eval_every: Annotated[int | None, _whole(TRAINING, "10")] = None
    dead_nodes: Annotated[str | None, _shown(NETWORK, "keep")] = None
    pair_seed: Annotated[int | None, _whole(RUNS)] = None
    init_seed: Annotated[int | None, _whole(RUNS)] = None

    def given(self) -> dict[str, Any]:
        """Return those that are given, by their names in ``TrainConfig``."""
        named = {"n_hidden" if name == "hidden" else name: v for name, v in asdict(self).items()}
        return {name: value for name, value in named.items() if value is not None}


Settings = Annotated[_Settings, Parameter(name="*")]
NO_SETTINGS = _Settings()
