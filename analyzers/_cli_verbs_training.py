"""From words to an `Outcome`: networks. Heavy libraries load with the verb that needs them."""

from typing import Any

from analyzers._cli_output import Bar, Outcome, table
from analyzers.storage import prepare_folder
from groupfeat.groups import group_from_spec, irreps

__all__ = ["train_networks", "validate_network", "write_exact_network"]


def train_networks(
    spec: str, settings: dict[str, Any], runs: int, seed: int, out: str | None
) -> Outcome:
    """Answer ``groupfeat train``; checkpoints are written as runs end."""
    from analyzers.networks import measure_training
    from groupfeat.training import TrainConfig, TrainedRun, save_checkpoint

    if runs < 1:
        raise ValueError(f"runs must be at least 1, got {runs}")
    group = group_from_spec(spec)
    config = TrainConfig(**settings).resolved(group.order)
    folder = None if out is None else prepare_folder(out)
    checkpoints: list[str] = []

    def keep(run: TrainedRun) -> None:
        if folder is not None:
            path = folder / f"run-{run.seed}.safetensors"
            checkpoints.append(str(save_checkpoint(path, run, group)))

    with Bar() as bar:
        found, seconds = measure_training(
            group,
            config,
            seeds=range(seed, seed + runs),
            progress=lambda s, epoch, end: bar.update(f"seed {s}", epoch, end),
            finished=keep,
        )
    summaries = [run.summary() for run in found]
    payload = {"runs": summaries, "checkpoints": checkpoints, "seconds_per_step": seconds}
    columns = ("seed", "status", "epochs", "train", "test", "memorized_at", "generalized_at")
    keys = ("seed", "status", "epochs", "train_accuracy", "test_accuracy", *columns[5:])
    rows = [["–" if s[key] is None else s[key] for key in keys] for s in summaries]
    lines = (table(f"networks on {group.name}", columns, rows), f"{seconds * 1e3:.2f} ms a step")
    story = {"spec": spec, "runs": runs, "seed": seed, **config.to_dict()}
    return Outcome("train", story, payload, lines)


def validate_network(
    path: str, spec: str, activation: str | None, names: tuple[str | None, str | None]
) -> Outcome:
    """Answer ``groupfeat validate``."""
    from analyzers.networks import describe_match, measure_network

    first, second = names
    if (first is None) != (second is None):
        raise ValueError("name both layers (--first-layer and --second-layer) or neither")
    arrays = None if first is None or second is None else (first, second)
    validation = measure_network(
        path, irreps(group_from_spec(spec)), activation=activation, arrays=arrays
    )
    payload = {
        **describe_match(validation.match),
        "accuracy": validation.accuracy,
        "activation": validation.activation,
    }
    match = validation.match
    rows = [(",".join(f"ρ{k}" for k in family), n) for family, n in match.by_irrep.items()]
    head = (
        f"accuracy {validation.accuracy:.4f} on all products; {match.matched} of {match.alive} "
        f"live nodes matched ({match.share:.1%})"
    )
    missing = "; ".join(",".join(f"ρ{k}" for k in family) for family in match.missing)
    tail = f"missing: {missing}" if missing else "every nontrivial irrep has a node"
    config = {"path": path, "group": spec, "activation": activation, "arrays": arrays}
    lines = (head, table("nodes by irrep", ("irreps", "nodes"), rows), tail)
    return Outcome("validate", config, payload, lines)


def write_exact_network(spec: str, path: str) -> Outcome:
    """Answer ``groupfeat exact``."""
    from analyzers.networks import measure_exact

    payload = measure_exact(irreps(group_from_spec(spec)), path)
    line = (
        f"{payload['hidden']} hidden nodes (the paper asks {payload['bound_paper']}), relative "
        f"error {payload['relative_error']:.1e}, written to {path}"
    )
    passed = payload["relative_error"] < 1e-10
    return Outcome("exact", {"spec": spec, "file": path}, payload, (line,), passed=passed)
