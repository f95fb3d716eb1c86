"""From words to an `Outcome`; heavy libraries load with the verb that needs them."""

from typing import Any

from analyzers._cli_output import Bar, Outcome, table
from analyzers.groups import describe_characters as character_values
from analyzers.groups import measure_group
from analyzers.storage import prepare_folder
from groupfeat.groups import format_value, group_from_spec, irreps

__all__ = [
    "describe_characters",
    "describe_group",
    "describe_landscape",
    "find_thresholds",
    "search_maxima",
    "study_group",
    "train_networks",
    "validate_network",
    "write_exact_network",
]


def describe_group(spec: str, seed: int) -> Outcome:
    """Answer ``groupfeat group``."""
    payload = measure_group(group_from_spec(spec), rng=seed).to_dict()
    errors = payload["certificate"]
    kind = {1: "real", 0: "complex", -1: "quaternionic"}
    rows = [(r["index"], r["dim"], kind[r["frobenius_schur"]]) for r in payload["irreps"]]
    head = (
        f"{payload['name']}: order {payload['order']}, "
        f"{'abelian' if payload['abelian'] else 'not abelian'}, class sizes "
        f"{', '.join(map(str, payload['class_sizes'][:30]))}"
        f"{', …' if len(payload['class_sizes']) > 30 else ''}"
    )
    tail = (
        f"homomorphism error {errors['homomorphism_error']:.1e}, unitarity "
        f"{errors['unitarity_error']:.1e}, orthogonality {errors['orthogonality_error']:.1e}; "
        f"{payload['seconds'] * 1e3:.1f} ms"
    )
    lines = (head, table("irreps", ("index", "dim", "type"), rows), tail)
    return Outcome("group", {"spec": spec, "seed": seed}, payload, lines)


def describe_characters(spec: str, seed: int, *, exact: bool = False) -> Outcome:
    """Answer ``groupfeat characters``."""
    payload = character_values(group_from_spec(spec), exact=exact, rng=seed)
    columns = [
        f"{name} ({size})"
        for name, size in zip(payload["class_names"], payload["class_sizes"], strict=True)
    ]
    texts = payload.get("exact") or [
        [format_value(complex(*value)) for value in row] for row in payload["table"]
    ]
    rows = [[f"ρ{i}", *row] for i, row in enumerate(texts)]
    lines = (table(f"characters of {payload['name']}", ["", *columns], rows),)
    return Outcome("characters", {"spec": spec, "exact": exact, "seed": seed}, payload, lines)


def search_maxima(
    spec: str, activation: str, starts: int, train_fraction: float, seed: int
) -> Outcome:
    """Answer ``groupfeat maxima``."""
    from analyzers.maxima import describe_maxima, measure_maxima

    found_irreps = irreps(group_from_spec(spec), rng=seed)
    with Bar() as bar:
        found, seconds = measure_maxima(
            found_irreps,
            activation=activation,
            starts=starts,
            train_fraction=train_fraction,
            seed=seed,
            progress=lambda done, total: bar.update("ascent", done, total),
        )
    payload = describe_maxima(found, seconds)
    columns = ("irreps", "kind", "E", "E predicted", "flat", "ascending", "starts", "gradient")
    rows = [
        (
            ",".join(f"ρ{k}" for k in c.irreps),
            c.kind,
            c.energy,
            "–" if c.matches is None else f"{found.predicted[c.matches].energy:.6g}",
            c.flat_dim,
            c.index,
            c.count,
            f"{c.gradient_norm:.0e}",
        )
        for c in found.classes
    ]
    matched = f"{found.unmatched} unmatched" if found.predicted else "no closed form to match"
    tail = (
        f"{payload['converged']} of {starts} starts converged, {matched}; a further start finds "
        f"something unseen with probability <= {found.unseen_probability:.3f}"
    )
    if not found.is_converged:
        tail += "; what did not converge is listed where it stopped and need not be a maximum"
    config = {
        "spec": spec,
        "activation": activation,
        "starts": starts,
        "train_fraction": train_fraction,
        "seed": seed,
    }
    lines = (table(f"maxima of {spec}", columns, rows), tail)
    passed = found.is_converged and not found.unmatched
    return Outcome("maxima", config, payload, lines, passed=passed)


def describe_landscape(spec: str, samples: int, seed: int) -> Outcome:
    """Answer ``groupfeat landscape``."""
    from analyzers.landscape import describe_landscape as describe

    payload = describe(irreps(group_from_spec(spec), rng=seed), samples=samples, seed=seed)
    rows = [
        (
            ",".join(f"ρ{k}" for k in f["irreps"]),
            f["dim"],
            f["type"],
            f["energy"],
            f["flat_dim"],
            f"{f['basin_probability']:.4f} ± {f['basin_error']:.4f}",
        )
        for f in payload["families"]
    ]
    columns = ("irreps", "dim", "type", "E*", "flat", "basin")
    saddles = [("{} – {}".format(*b["between"]), b["energy"]) for b in payload["barriers"][:40]]
    lines = (
        table(f"families of {spec}", columns, rows),
        table("barriers between families, by position", ("families", "E"), saddles),
    )
    return Outcome("landscape", {"spec": spec, "samples": samples, "seed": seed}, payload, lines)


def find_thresholds(
    spec: str, trials: int, variant: str, kind: str, sampling: str, seed: int
) -> Outcome:
    """Answer ``groupfeat threshold``."""
    from analyzers.thresholds import describe_thresholds, measure_thresholds

    config = {"trials": trials, "variant": variant, "kind": kind, "sampling": sampling}
    reps = irreps(group_from_spec(spec))
    found, seconds = measure_thresholds(
        reps, trials=trials, variant=variant, kind=kind, sampling=sampling, seed=seed
    )
    payload = describe_thresholds(reps, found, seconds)
    keys = ("n50", "low", "high", "n50_over_all", "n50_over_m_log_m")
    rows = [
        (
            ",".join(f"ρ{k}" for k in row["irreps"]),
            row["dim"],
            row["type"],
            *("–" if row[key] is None else f"{row[key]:.4g}" for key in keys),
        )
        for row in payload["irreps"]
    ]
    columns = ("irreps", "dim", "type", "n50", "low", "high", "n50/M²", "n50/(M ln M)")
    tail = (
        f"{trials} random pair orders, drawn {sampling} replacement, energy {variant}, {kind}; low "
        f"and high bound the median with 95 %; the author's code trains on "
        f"{payload['author_pairs']:.0f} pairs; {seconds:.1f} s"
    )
    lines = (table(f"pairs that keep half of the maxima of {spec}", columns, rows), tail)
    return Outcome("threshold", {"spec": spec, **config, "seed": seed}, payload, lines)


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


def study_group(spec: str, out: str, starts: int, runs: int, epochs: int, seed: int) -> Outcome:
    """Answer ``groupfeat study``."""
    from dataclasses import replace

    from analyzers.study import default_config, run_study

    group = group_from_spec(spec)
    config = replace(default_config(group), epochs=epochs)
    with Bar() as bar:
        result = run_study(
            group,
            out,
            config=config,
            starts=starts,
            runs=runs,
            seed=seed,
            progress=bar.update,
        )
    payload = {
        "report": str(result.report),
        "results": str(result.results),
        "verdicts": [claim.to_dict() for claim in result.claims],
    }
    rows = [(c.name, c.measured, c.verdict) for c in result.claims]
    lines = (
        table(f"study of {group.name}", ("claim", "measured", "verdict"), rows),
        f"report: {result.report}",
    )
    return Outcome("study", {"spec": spec, "seed": seed}, payload, lines, passed=result.holds)
