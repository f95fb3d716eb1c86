"""Verbs of networks and their options."""

from typing import Any

from analyzers import _cli_verbs_training as verbs
from analyzers._cli_options import Json, Out, Seed
from analyzers._cli_output import Outcome

__all__ = ["exact", "train", "validate"]


def train(
    spec: str,
    *,
    hidden: int = 256,
    train_fraction: float = 0.8,
    learning_rate: float = 0.01,
    weight_decay: float | None = None,
    optimizer: str = "adam",
    activation: str = "square",
    loss: str = "mse_classes",
    init: str = "linear",
    init_scale: float = 0.3,
    alpha: float = 1.0,
    beta: float = 1.0,
    epochs: int = 4000,
    settle_epochs: int = 600,
    precision: str = "float32",
    runs: int = 1,
    seed: Seed = 0,
    json: Json = False,
    out: Out = None,
) -> Outcome:
    """Train two-layer networks on products of the group.

    Parameters
    ----------
    spec
        The group.
    hidden
        Hidden nodes K.
    train_fraction
        Share of the products that is trained on, in (0, 1].
    learning_rate
        Of the optimiser.
    weight_decay
        Of the optimiser; by default 0.3/M².
    optimizer
        adam (coupled L2), adamw or sgd.
    activation
        As in maxima.
    loss
        mse_classes (the author's), mse_samples (the theory's) or cross_entropy.
    init
        linear (the author's) or normal (the theory's).
    init_scale
        Factor on the initial first layer.
    alpha
        Factor on the initial second layer.
    beta
        Output multiplier.
    epochs
        Most full-batch steps.
    settle_epochs
        Steps after generalisation.
    precision
        float32 or float64.
    runs
        Networks, with seeds seed, seed + 1, …
    seed
        Of pairs and initial weights.
    json
        Print one JSON object.
    out
        Folder for checkpoints, result, config and versions.
    """
    settings: dict[str, Any] = {
        "n_hidden": hidden,
        "train_fraction": train_fraction,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "optimizer": optimizer,
        "activation": activation,
        "loss": loss,
        "init": init,
        "init_scale": init_scale,
        "alpha": alpha,
        "beta": beta,
        "epochs": epochs,
        "settle_epochs": settle_epochs,
        "precision": precision,
    }
    return verbs.train_networks(spec, settings, runs, seed, out).into(json, out)


def validate(
    path: str,
    *,
    group: str,
    activation: str | None = None,
    first_layer: str | None = None,
    second_layer: str | None = None,
    json: Json = False,
    out: Out = None,
) -> Outcome:
    """Tell which irreps a trained network holds.

    Parameters
    ----------
    path
        Checkpoint: ours, .npz, .safetensors, or a torch file (W.weight, V.weight).
    group
        The group, as in the other verbs.
    activation
        σ, where the file does not tell (default square).
    first_layer
        Name of W in the file.
    second_layer
        Name of V in the file.
    json
        Print one JSON object.
    out
        Folder for result, config and versions.
    """
    names = (first_layer, second_layer)
    return verbs.validate_network(path, group, activation, names).into(json, out)


def exact(spec: str, *, out: str, json: Json = False) -> Outcome:
    """Write a network with x² that answers every product exactly.

    Parameters
    ----------
    spec
        The group.
    out
        File for W and V: .npz or .safetensors.
    json
        Print one JSON object.
    """
    return verbs.write_exact_network(spec, out).into(json, None)
