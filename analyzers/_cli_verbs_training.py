"""From words to an `Outcome`: networks. Heavy libraries load with the verb that needs them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzers._cli_output import Bar, Outcome, table
from analyzers._cli_train_options import KEEP_NOTHING, Keep
from analyzers.storage import prepare_folder
from groupfeat.groups import group_from_spec, irreps

if TYPE_CHECKING:
    from groupfeat.training import TrainedRun

__all__ = ["train_networks", "validate_network", "write_exact_network"]


def train_networks(
    spec: str,
    settings: dict[str, Any],
    runs: int,
    seed: int,
    out: str | None,
    keep: Keep = KEEP_NOTHING,
) -> Outcome:
    """Answer ``groupfeat train``; checkpoints are written as runs go and end."""
    from analyzers.networks import measure_training
    from groupfeat.training import TrainConfig, checkpoint_writer, save_checkpoint

    if runs < 1:
        raise ValueError(f"runs must be at least 1, got {runs}")
    if keep.checkpoint_at is not None and out is None:
        raise ValueError("--checkpoint-at needs --out, a folder for the checkpoints")
    group = group_from_spec(spec)
    config = TrainConfig(**settings).resolved(group.order)
    folder = None if out is None else prepare_folder(out)
    written: list[Path] = []

    def finish(run: "TrainedRun") -> None:
        if folder is not None:
            path = folder / f"run-{run.seed}.safetensors"
            written.append(save_checkpoint(path, run, group))

    with Bar() as bar:
        found, seconds = measure_training(
            group,
            config,
            seeds=range(seed, seed + runs),
            progress=lambda s, epoch, end: bar.update(f"seed {s}", epoch, end),
            finished=finish,
            start=_stored_run(keep.resume, runs),
            observe=None if folder is None else checkpoint_writer(folder, written),
            observe_at=keep.epochs(config.epochs),
        )
    summaries = [run.summary() for run in found]
    checkpoints = [str(path) for path in written]
    payload = {"runs": summaries, "checkpoints": checkpoints, "seconds_per_step": seconds}
    columns = ("seed", "status", "epochs", "train", "test", "memorized_at", "generalized_at")
    keys = ("seed", "status", "epochs", "train_accuracy", "test_accuracy", *columns[5:])
    rows = [["–" if s[key] is None else s[key] for key in keys] for s in summaries]
    lines = (table(f"networks on {group.name}", columns, rows), f"{seconds * 1e3:.2f} ms a step")
    told = config if keep.resume is None else found[0].config
    story = {"spec": spec, "runs": runs, "seed": seed, "resume": keep.resume, **told.to_dict()}
    return Outcome("train", story, payload, lines)


def _stored_run(path: str | None, runs: int) -> "TrainedRun | None":
    from groupfeat.training import load_checkpoint

    if path is not None and runs != 1:
        raise ValueError(f"--resume goes on with one run, got --runs {runs}")
    return None if path is None else load_checkpoint(path)


def validate_network(
    path: str,
    spec: str | None,
    names: dict[str, str | None],
    *,
    orientation: str,
    element_order: str | None,
    activation: str | None,
    thresholds: dict[str, float],
    seed: int,
) -> Outcome:
    """Answer ``groupfeat validate``."""
    from analyzers.validation import describe_validation, validate_file

    found = validate_file(
        path,
        None if spec is None else group_from_spec(spec),
        layout=_layout(names, orientation),
        element_order=element_order,
        activation=activation,
        thresholds=thresholds,
        seed=seed,
    )
    payload, match = describe_validation(found), found.match
    like, cut = found.similarity, found.ablation
    answers = [["–"] * 3] * len(match.by_irrep)
    if like is not None and cut is not None:
        columns = zip(like.cosines, cut.excluded_accuracy, cut.restricted_accuracy, strict=True)
        answers = [[f"{value:.3f}" for value in row] for row in columns]
    rows = [
        (",".join(f"ρ{k}" for k in family), count, *answer)
        for (family, count), answer in zip(match.by_irrep.items(), answers, strict=True)
    ]
    head = (
        f"read {found.source}; "
        f"accuracy {found.accuracy:.4f} on all products (σ: {found.activation}); "
        f"{match.matched} of {match.alive} "
        f"live nodes matched ({match.share:.1%}), {len(match.impure)} impure, {len(match.dead)} "
        f"dead, {found.paired} with a partner (u; −v); of random nodes "
        f"{found.null.match_probability:.2%} match, p = {payload['p_value']:.1e}"
    )
    missing = "; ".join(",".join(f"ρ{k}" for k in family) for family in match.missing)
    tail = f"missing: {missing}" if missing else "every nontrivial irrep has a node"
    config = {
        "path": path,
        "group": spec,
        **names,
        "orientation": orientation,
        "element_order": element_order,
        "activation": activation,
        "seed": seed,
    }
    titles = ("irreps", "nodes", "cosine of logits", "accuracy without", "accuracy with it alone")
    lines = (head, table("nodes and answers by irrep", titles, rows), tail)
    return Outcome("validate", config, payload, lines)


def _layout(names: dict[str, str | None], orientation: str) -> Any:
    from groupfeat.training import Layout

    first, second, embedding = (names[key] for key in ("first_layer", "second_layer", "embedding"))
    if (first is None) != (second is None):
        raise ValueError("name both layers (--first-layer and --second-layer) or neither")
    if first is None or second is None:
        if embedding is not None or orientation != "auto":
            raise ValueError(
                "--embedding and --orientation go with --first-layer and --second-layer"
            )
        return None
    inner = () if embedding is None else tuple(embedding.split(","))
    return Layout(tuple(first.split(",")), second, inner, orientation)


def write_exact_network(spec: str, path: str, method: str = "fewest") -> Outcome:
    """Answer ``groupfeat exact``."""
    from analyzers.networks import measure_exact

    payload = measure_exact(irreps(group_from_spec(spec)), path, method=method)
    line = (
        f"{payload['hidden']} hidden nodes (the paper asks {payload['bound_paper']}), relative "
        f"error {payload['relative_error']:.1e}, written to {path}"
    )
    passed = payload["relative_error"] < 1e-10
    config = {"spec": spec, "file": path, "method": method}
    return Outcome("exact", config, payload, (line,), passed=passed)
