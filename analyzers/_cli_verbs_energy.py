"""From words to an `Outcome`: the energy. Heavy libraries load with the verb that needs them."""

from analyzers._cli_output import Bar, Outcome, table
from analyzers._words import irreps_name
from groupfeat.groups import group_from_spec, irreps

__all__ = ["describe_landscape", "find_thresholds", "search_maxima"]


def search_maxima(
    spec: str, activation: str, starts: int, train_fraction: float, method: str, seed: int
) -> Outcome:
    """Answer ``groupfeat maxima``."""
    from analyzers.maxima import COLUMNS, describe_maxima, measure_maxima, summarize, tabulate

    found_irreps = irreps(group_from_spec(spec), rng=seed)
    with Bar() as bar:
        found, seconds = measure_maxima(
            found_irreps,
            activation=activation,
            starts=starts,
            train_fraction=train_fraction,
            method=method,
            seed=seed,
            progress=lambda done, total: bar.update("ascent", done, total),
        )
    payload = describe_maxima(found, seconds)
    config = {
        "spec": spec,
        "activation": activation,
        "starts": starts,
        "train_fraction": train_fraction,
        "method": method,
        "seed": seed,
    }
    lines = (table(f"maxima of {spec}", COLUMNS, tabulate(found)), summarize(found))
    passed = found.is_converged and not found.unmatched
    return Outcome("maxima", config, payload, lines, passed=passed)


def describe_landscape(spec: str, samples: int, seed: int) -> Outcome:
    """Answer ``groupfeat landscape``."""
    from analyzers.landscape import describe_landscape as describe

    payload = describe(irreps(group_from_spec(spec), rng=seed), samples=samples, seed=seed)
    rows = [
        (
            irreps_name(f["irreps"]),
            f["dim"],
            f["type"],
            f["energy"],
            f["flat_dim"],
            f"{f['basin_probability']:.4f} ± {f['basin_error']:.4f}",
        )
        for f in payload["families"]
    ]
    columns = ("irreps", "dim", "type", "E*", "flat", "basin")
    names = [row[0] for row in rows]
    saddles = [
        (" – ".join(names[i] for i in b["between"]), b["energy"], b["pass_energy"])
        for b in payload["barriers"][:40]
    ]
    lines = (
        table(f"families of {spec}", columns, rows),
        table("barriers between families", ("families", "saddle", "pass"), saddles),
    )
    return Outcome("landscape", {"spec": spec, "samples": samples, "seed": seed}, payload, lines)


def find_thresholds(
    spec: str, trials: int, variant: str, kind: str, sampling: str, seed: int
) -> Outcome:
    """Answer ``groupfeat threshold``."""
    from analyzers.thresholds import describe_thresholds, measure_thresholds

    config = {"trials": trials, "variant": variant, "kind": kind, "sampling": sampling}
    reps = irreps(group_from_spec(spec))
    measured = measure_thresholds(
        reps, trials=trials, variant=variant, kind=kind, sampling=sampling, seed=seed
    )
    payload = describe_thresholds(measured)
    keys = ("n50", "low", "high", "n50_over_all", "n50_over_m_log_m", "predicted")
    rows = [
        (
            irreps_name(row["irreps"]),
            row["dim"],
            row["type"],
            *("–" if row[key] is None else f"{row[key]:.4g}" for key in keys),
        )
        for row in payload["irreps"]
    ]
    columns = ("irreps", "dim", "type", "n50", "low", "high", "n50/M²", "n50/(M ln M)", "predicted")
    level = "95" if trials > 5 else f"{100 * (1 - 2 ** (1 - trials)):.3g}"
    bounds = (
        f"low and high bound the median with {level} %" if trials > 1 else "one trial: no bounds"
    )
    tail = (
        f"random pair orders: {trials}, drawn {sampling} replacement, energy {variant}, {kind}; "
        f"{bounds}; the author's code trains on "
        f"{payload['author_pairs']:.0f} pairs; {measured.seconds:.1f} s"
    )
    lines = (
        table(f"pairs that keep each family of {spec} in half of the trials", columns, rows),
        tail,
    )
    return Outcome("threshold", {"spec": spec, **config, "seed": seed}, payload, lines)
