"""The verbs of the command line and their options."""

from typing import Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number

from analyzers import _cli_verbs as verbs
from analyzers._cli_output import Outcome
from analyzers.storage import prepare_folder
from groupfeat import __version__

__all__ = ["commands"]

Json = Annotated[bool, Parameter(name="--json", negative="")]
Seed = Annotated[int, Parameter(name="--seed", validator=Number(gte=0))]


def _writable(_: object, value: str | None) -> None:
    """Refuse a folder that cannot be written before any work is done."""
    if value is not None:
        prepare_folder(value)


Out = Annotated[str | None, Parameter(name="--out", validator=_writable)]

commands = App(
    name="groupfeat",
    help="Finite groups, their irreps, and the features that networks learn on their products.",
    version=__version__,
)


@commands.command
def group(spec: str, *, seed: Seed = 0, json: Json = False, out: Out = None) -> Outcome:
    """Describe a group: classes, irreps, certificate.

    Parameters
    ----------
    spec
        C23, D5, S4, A5, Q8, Dic5, F21, C2xC3, perm:(1,2,3);(1,2), table:FILE.
    seed
        Of the random numbers behind the irreps.
    json
        Print one JSON object.
    out
        Folder for result, config and versions.
    """
    return verbs.describe_group(spec, seed).into(json, out)


@commands.command
def characters(
    spec: str, *, exact: bool = False, seed: Seed = 0, json: Json = False, out: Out = None
) -> Outcome:
    """Print the character table: rows irreps, columns conjugacy classes.

    Parameters
    ----------
    spec
        The group.
    exact
        Show values as square roots and roots of unity instead of decimals.
    seed
        Of the random numbers behind the table.
    json
        Print one JSON object.
    out
        Folder for result, config and versions.
    """
    return verbs.describe_characters(spec, seed, exact=exact).into(json, out)


@commands.command
def maxima(
    spec: str,
    *,
    activation: str = "square",
    starts: int = 200,
    train_fraction: float = 1.0,
    seed: Seed = 0,
    json: Json = False,
    out: Out = None,
) -> Outcome:
    """Find the maxima of the energy from random starts and match them to the predicted families.

    Parameters
    ----------
    spec
        The group.
    activation
        square, half_square, cube, power, relu, leaky_relu, silu, gelu, tanh, sigmoid, …
    starts
        Number of random starts.
    train_fraction
        Share of the pairs in the energy, in (0, 1].
    seed
        Of starts and pairs.
    json
        Print one JSON object.
    out
        Folder for result, config and versions.
    """
    return verbs.search_maxima(spec, activation, starts, train_fraction, seed).into(json, out)


@commands.command
def landscape(
    spec: str, *, samples: int = 20000, seed: Seed = 0, json: Json = False, out: Out = None
) -> Outcome:
    """Tell the exact landscape of x² on all pairs: families, basins, barriers.

    Parameters
    ----------
    spec
        The group.
    samples
        Blow-up times drawn for each dimension and type of irrep.
    seed
        Of those.
    json
        Print one JSON object.
    out
        Folder for result, config and versions.
    """
    return verbs.describe_landscape(spec, samples, seed).into(json, out)


@commands.command
def threshold(
    spec: str,
    *,
    trials: int = 20,
    variant: str = "raw",
    kind: str = "existence",
    sampling: str = "without",
    seed: Seed = 0,
    json: Json = False,
    out: Out = None,
) -> Outcome:
    """Measure how many random pairs keep each family of maxima of x² in half of the trials.

    Parameters
    ----------
    spec
        The group.
    trials
        Random orders of the pairs.
    variant
        The energy: raw, cross (2ab alone, as paired nodes see it) or ht (unbiased).
    kind
        existence (a planted maximum stays) or reachability (a random start finds it).
    sampling
        How pairs are drawn: without or with replacement.
    seed
        Of pair orders and starts.
    json
        Print one JSON object.
    out
        Folder for result, config and versions.
    """
    return verbs.find_thresholds(spec, trials, variant, kind, sampling, seed).into(json, out)


@commands.command
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


@commands.command
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


@commands.command
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


@commands.command
def study(
    spec: str,
    *,
    out: str,
    starts: int = 200,
    runs: int = 6,
    epochs: int = 4000,
    seed: Seed = 0,
    json: Json = False,
) -> Outcome:
    """Study one group from table to verdict and write a report.

    Parameters
    ----------
    spec
        The group.
    out
        Folder for report, figures, results, checkpoints, config and versions.
    starts
        Random starts of the ascent.
    runs
        Networks to train.
    epochs
        Most steps of a network.
    seed
        Of starts, pairs and initial weights.
    json
        Print one JSON object.
    """
    return verbs.study_group(spec, out, starts, runs, epochs, seed).into(json, None)
