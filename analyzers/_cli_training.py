"""Verbs of networks and their options."""

from typing import Annotated

from cyclopts import Parameter

from analyzers import _cli_verbs_training as verbs
from analyzers._cli_options import OUTPUT, RUNS, TASK, Json, Out, Seed, Whole, read_whole
from analyzers._cli_output import Outcome
from analyzers._cli_train_options import NO_SETTINGS, Settings
from analyzers._cli_train_request import Request, read_request
from analyzers._cli_train_watch import NOT_WATCHED, Watch
from analyzers._cli_verbs_train import train_networks, train_preset

__all__ = ["exact", "train", "validate"]

_ONE = Parameter(converter=read_whole, show_default="1", group=RUNS)
_TWO = Parameter(converter=read_whole, show_default="2", group=TASK)
_NOUGHT, _CPU = (Parameter(show_default=text, group=RUNS) for text in ("0", "cpu"))
_TASK, _RUNS, _OUTPUT = (Parameter(group=heading) for heading in (TASK, RUNS, OUTPUT))


def train(
    spec: str | None = None,
    /,
    *,
    task: Annotated[str | None, _TASK] = None,
    task_file: Annotated[str | None, _TASK] = None,
    operands: Annotated[int | None, _TWO] = None,
    preset: Annotated[str | None, _TASK] = None,
    config: Annotated[str | None, _TASK] = None,
    settings: Settings = NO_SETTINGS,
    watch: Watch = NOT_WATCHED,
    runs: Annotated[int | None, _ONE] = None,
    workers: Annotated[Whole, _RUNS] = 1,
    device: Annotated[str | None, _CPU] = None,
    seed: Annotated[Seed | None, _NOUGHT] = None,
    json: Annotated[Json, _OUTPUT] = False,
    out: Annotated[Out, _OUTPUT] = None,
) -> Outcome:
    """Train two-layer networks on products of a group, on an expression or on any table.

    A run ends as generalised, memorised or not fitted, by its last accuracies; what had lasted
    and was lost, or a loss that rose, follows after a colon. Where its loss is no longer finite it
    has diverged.

    Parameters
    ----------
    spec
        The group; or leave it out and give --task, --task-file or --preset.
    task
        An expression in x and y, such as "x^2 + xy + y^2 mod 23".
    task_file
        A table of labels: .npy, .csv or .json.
    operands
        Elements in a product of the group.
    preset
        A reference experiment: default, three-stages, replication, scaling-law, boundary,
        adam-muon, complex-weights, ridge-v, zero-init-v, depth, with --runs of each arm.
        Settings told beside it hold for every arm; one that tells arms apart is refused.
    config
        A .toml file with any of these options, or the config.json that --out wrote; what the
        command line says stands before it.
    settings
        Network and optimiser.
    watch
        Checkpoints and telemetry.
    runs
        Networks, with seeds seed, seed + 1, …
    workers
        Processes, one thread each, that share the networks out.
    device
        The torch device that trains: cpu, or cuda (cuda:1) where torch was built for it. There
        networks are stacked, and agree with those of a CPU within float32.
    seed
        Of pairs and initial weights.
    json
        Print one JSON object.
    out
        Folder for checkpoints, telemetry, result, config and versions.
    """
    own = Request(
        preset=preset,
        spec=spec,
        task=task,
        task_file=task_file,
        operands=operands,
        runs=runs,
        seed=seed,
        device=device,
        checkpoint_at=watch.checkpoint_at,
        resume=watch.resume,
        telemetry=watch.telemetry,
        telemetry_at=watch.telemetry_at,
        settings=settings.given(),
    )
    request = own if config is None else own.over(read_request(config))
    places = {"tensorboard": watch.tensorboard, "wandb": watch.wandb}
    answer = train_networks if request.preset is None else train_preset
    return answer(request, out, places, workers).into(json, None)  # files are written already


def validate(
    path: str,
    /,
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
        The group, as in the other verbs; what train, study and exact wrote names its own.
    activation
        σ, where the file does not tell (default square); must agree where it does.
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


def exact(spec: str, /, *, out: str, method: str = "fewest", json: Json = False) -> Outcome:
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
