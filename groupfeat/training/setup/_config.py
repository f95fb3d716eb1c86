"""One frozen value that says everything about a training run."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from groupfeat.energy import ACTIVATIONS
from groupfeat.training.setup._config_checks import (
    check_combinations,
    check_kind,
    check_names,
    check_ranges,
)

__all__ = [
    "DEAD_NODES",
    "INITS",
    "LOSSES",
    "OPTIMIZERS",
    "PRECISIONS",
    "SCHEDULES",
    "STOPS",
    "WEIGHT_NORMS",
    "TrainConfig",
]

LOSSES = ("mse_classes", "mse_samples", "cross_entropy", "stablemax")
OPTIMIZERS = ("adam", "adamw", "sgd", "gd", "muon")
INITS = ("linear", "normal")
PRECISIONS = ("float32", "float64", "bfloat16")
SCHEDULES = ("constant", "cosine", "linear")
STOPS = ("settled", "memorised", "never")
WEIGHT_NORMS = ("free", "node", "total")
DEAD_NODES = ("keep", "drop")


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a network Ŷ = β σ(XW)V and of its training.

    Parameters
    ----------
    n_hidden
        Hidden nodes K.
    train_fraction
        Share p of the examples (for a group: of its M² pairs) that are trained on, in (0, 1]; 1
        leaves no test set.
    activation
        Name of σ (``groupfeat.energy.ACTIVATIONS``).
    loss
        ``"mse_classes"``: (1/n)‖(Y − Ŷ)(I − 11ᵀ/M)‖²_F, centred over classes and averaged over
        pairs, as in the author's trainer. ``"mse_samples"``: ½‖P⊥(Y − Ŷ)‖²_F, centred over
        samples, the theory's J; answers are read up to the constant that it does not see
        (`TrainedRun.answer_shift`). ``"cross_entropy"``: mean over pairs. ``"stablemax"``: the
        same with s(x) = x + 1 for x ≥ 0, 1/(1 − x) below, in place of exp [1]_.
    optimizer
        ``"gd"``, ``"sgd"`` (with ``momentum``), ``"adam"`` (weight decay as an L2 term in the
        gradient), ``"adamw"`` (decoupled), ``"muon"`` [2]_ (orthogonalised steps for W and the
        other layers' matrices, AdamW for the rest; a complex W is one complex matrix).
    learning_rate, weight_decay, momentum
        Of the optimiser; momentum is SGD's. A weight decay of None is one that suits: 1 with
        ``"adamw"`` and ``"muon"``, which decouple it; else 0.02 with ``batch_norm``, 0.05 under
        ``"mse_samples"`` and 0.3/M² otherwise (docs/decisions/0004).
    init
        ``"linear"``: uniform within ±1/√fan_in, as ``torch.nn.Linear`` and the author's trainer.
        ``"normal"``: W ~ N(0, 1), V ~ N(0, 1), the theory's.
    init_scale, alpha
        Factors on the initial W and V; ``alpha=0`` starts V at zero.
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
        ``"float32"`` or ``"float64"``; ``"bfloat16"``: the three products of a step with operands
        rounded to it, under the losses ``"mse_…"`` and for plain real layers; weights, optimiser,
        every sum and evaluation in float32. For processors with AMX and networks large enough:
        elsewhere it is slower (docs/benchmarks/training.md).
    task
        Text that names the task (``"C23"``); filled in by `train`.
    pair_seed, init_seed
        Seeds of the choice of pairs and of the initial weights; None means the run's seed.
    embedding
        Size of a trained embedding of the symbols, shared by the operands; 0 means one-hot.
    complex_weights
        Whether W and V are complex: Ŷ = β Re(σ(XW)V), for polynomial σ.
    bias
        Whether hidden nodes, and answers where the loss can see it, have a bias.
    batch_norm
        Whether XW is normalised over the training pairs before σ, with a trained scale and shift.
    other_layers, residual
        Number of further K × K layers h ← h + σ(hU) (``residual=False``: h ← σ(hU)).
    ridge
        None: V follows its gradient. A number η > 0: before every step V is solved for,
        V = (F̃ᵀF̃ + ηI)⁻¹F̃ᵀỸ, in float64 under either precision, as is W's gradient there.
    weight_norm
        ``"free"``; ``"node"``: every column of W keeps its initial norm; ``"total"``: W keeps its
        initial Frobenius norm.
    schedule, warmup_epochs
        The learning rate rises linearly over the warm-up, then is ``"constant"`` or falls to zero
        at ``epochs`` (``"cosine"``, ``"linear"``).
    stop
        ``"settled"``: see ``settle_epochs``. ``"memorised"``: at train accuracy
        ``stop_accuracy``. ``"never"``: at ``epochs`` only.
    fallback_rate
        Learning rate of the parameters that Muon leaves to AdamW; None means ``learning_rate``.
    muon_momentum
        Muon's (Nesterov) momentum.
    adam_beta1, adam_beta2, adam_epsilon
        Adam's.
    dead_nodes
        ``"keep"``, or ``"drop"``: at an evaluation, a node whose max|w|²·max|v| is below ε² of
        the largest (ε the precision's rounding) is set to 0 and leaves the arithmetic; with
        σ = x² no step could revive it.

    Raises
    ------
    ValueError
        If a setting is out of range, or two settings exclude each other; the message says what is
        expected.

    References
    ----------
    .. [1] L. Prieto et al., "Grokking at the edge of numerical stability", arXiv:2501.04697.
    .. [2] K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.

    Examples
    --------
    >>> from groupfeat.training import TrainConfig
    >>> TrainConfig(optimizer="muon", learning_rate=0.02).n_hidden
    256
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
    task: str = ""
    pair_seed: int | None = None
    init_seed: int | None = None
    embedding: int = 0
    complex_weights: bool = False
    bias: bool = False
    batch_norm: bool = False
    other_layers: int = 0
    residual: bool = True
    ridge: float | None = None
    weight_norm: str = "free"
    schedule: str = "constant"
    warmup_epochs: int = 0
    stop: str = "settled"
    fallback_rate: float | None = None
    muon_momentum: float = 0.95
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    dead_nodes: str = "keep"

    def __post_init__(self) -> None:
        settings = vars(self)
        for name, value in list(settings.items()):
            if isinstance(value, np.generic):  # a numpy scalar passes for the plain number
                object.__setattr__(self, name, value.item())
        for name, choices in _CHOICES.items():
            if settings[name] not in choices:
                raise ValueError(f"unknown {name} {settings[name]!r}; known: {', '.join(choices)}")
        for name, value in settings.items():
            if name not in _CHOICES:
                check_kind(name, value)
        check_ranges(settings)
        defaults = {f.name: f.default for f in dataclasses.fields(self)}
        check_combinations(settings, defaults)

    def resolved(self, order: int) -> "TrainConfig":
        """Return the config with the weight decay that None stands for at group order M."""
        if self.weight_decay is not None:
            return self
        if self.optimizer in ("adamw", "muon"):
            decay = 1.0
        elif self.batch_norm:
            decay = 0.02
        else:
            decay = 0.05 if self.loss == "mse_samples" else 0.3 / order**2
        return dataclasses.replace(self, weight_decay=decay)

    def seeded(self, seed: int) -> "TrainConfig":
        """Return the config with ``seed`` in place of seeds that are None."""
        pair = seed if self.pair_seed is None else self.pair_seed
        init = seed if self.init_seed is None else self.init_seed
        return dataclasses.replace(self, pair_seed=pair, init_seed=init)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> "TrainConfig":
        """Return the config of plain values; unknown names are refused."""
        check_names(cls, settings)
        return cls(**settings)


_CHOICES = {
    "activation": ACTIVATIONS,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "init": INITS,
    "precision": PRECISIONS,
    "schedule": SCHEDULES,
    "stop": STOPS,
    "weight_norm": WEIGHT_NORMS,
    "dead_nodes": DEAD_NODES,
}
