"""Verbs of networks and their options."""

from typing import Any

from analyzers import _cli_verbs_presets as presets
from analyzers import _cli_verbs_training as verbs
from analyzers._cli_options import Json, Out, Seed
from analyzers._cli_output import Outcome
from analyzers._cli_train_options import KEEP_NOTHING, NO_MORE, Keep, More

__all__ = ["exact", "train", "validate"]


def train(
    spec: str | None = None,
    *,
    preset: str | None = None,
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
    more: More = NO_MORE,
    keep: Keep = KEEP_NOTHING,
    seed: Seed = 0,
    json: Json = False,
    out: Out = None,
) -> Outcome:
    """Train two-layer networks on products of the group.

    Parameters
    ----------
    spec
        The group; with a preset it may be left out.
    preset
        A reference experiment: default, three-stages, replication, scaling-law, boundary,
        adam-muon, complex-weights, ridge-v, zero-init-v, depth. It sets everything but the
        group, runs (of each arm), seed and output.
    hidden
        Hidden nodes K.
    train_fraction
        Share of the products that is trained on, in (0, 1].
    learning_rate
        Of the optimiser.
    weight_decay
        Of the optimiser; by default 0.3/M².
    optimizer
        adam (coupled L2), adamw (decoupled), sgd, gd or muon.
    activation
        As in maxima.
    loss
        mse_classes (the author's), mse_samples (the theory's), cross_entropy or stablemax.
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
    more
        Variants of network and optimiser.
    keep
        Checkpoints.
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
        **more.settings(),
    }
    if preset is not None and keep != KEEP_NOTHING:
        raise ValueError("a preset keeps no checkpoints on the way; leave --preset out")
    if preset is not None:
        return presets.train_preset(preset, spec, settings, runs, seed, out).into(json, out)
    if spec is None:
        raise ValueError("train needs a group, as in 'train C23', or --preset NAME")
    return verbs.train_networks(spec, settings, runs, seed, out, keep).into(json, out)


def validate(
    path: str,
    *,
    group: str | None = None,
    activation: str | None = None,
    first_layer: str | None = None,
    second_layer: str | None = None,
    embedding: str | None = None,
    orientation: str = "auto",
    element_order: str | None = None,
    alive: float = 0.05,
    share: float = 0.9,
    rank_one: float = 0.9,
    energy: float = 0.8,
    seed: Seed = 0,
    json: Json = False,
    out: Out = None,
) -> Outcome:
    """Tell which irreps a trained network holds.

    Parameters
    ----------
    path
        Checkpoint: ours, .npz, .safetensors, or a torch file (W.weight, V.weight, or layera.weight,
        layerb.weight, layerc.weight).
    group
        The group, as in the other verbs; our own checkpoints name theirs.
    activation
        σ, where the file does not tell (default square).
    first_layer
        Name of W in the file; two names with a comma where g and h have one each.
    second_layer
        Name of V in the file.
    embedding
        Name of an embedding before the first layer; two with a comma for g and h.
    orientation
        auto, plain (inputs × outputs) or linear (outputs × inputs, as torch.nn.Linear).
    element_order
        Where the network numbers the elements otherwise: a file with its number of each of our
        elements, or with its product table; or the word answers, to find the numbering by its
        own answers.
    alive
        Least strength of a live node, relative to the strongest.
    share
        Least isotypic share of a matched node.
    rank_one
        Least rank-one share of a matched node.
    energy
        Least energy ratio of a matched node.
    seed
        Of the random nodes that matches are compared with.
    json
        Print one JSON object.
    out
        Folder for result, config and versions.
    """
    names = {"first_layer": first_layer, "second_layer": second_layer, "embedding": embedding}
    thresholds = {"alive": alive, "share": share, "rank_one": rank_one, "energy": energy}
    return verbs.validate_network(
        path,
        group,
        names,
        orientation=orientation,
        element_order=element_order,
        activation=activation,
        thresholds=thresholds,
        seed=seed,
    ).into(json, out)


def exact(spec: str, *, out: str, method: str = "fewest", json: Json = False) -> Outcome:
    """Write a network with x² that answers every product exactly.

    Parameters
    ----------
    spec
        The group.
    out
        File for W and V: .npz or .safetensors.
    method
        fewest, single (one node a product and a constant one), pairs (nodes [u; ±v], Strassen) or
        schoolbook.
    json
        Print one JSON object.
    """
    return verbs.write_exact_network(spec, out, method).into(json, None)
