"""From words to an `Outcome`: networks. Heavy libraries load with the verb that needs them."""

from typing import Any

from analyzers._cli_output import Outcome, table
from analyzers._words import counted, irreps_name
from groupfeat.groups import group_from_spec, irreps

__all__ = ["validate_network", "write_exact_network"]


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
        orientation=orientation,
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
        (irreps_name(family), count, *answer)
        for (family, count), answer in zip(match.by_irrep.items(), answers, strict=True)
    ]
    head = (
        f"read {found.source}; "
        f"accuracy {found.accuracy:.4f} on all products (σ: {found.activation}); "
        f"{match.matched} of "
        f"{counted(match.alive, 'live node')} matched ({match.share:.1%}), "
        f"{len(match.impure)} impure, {len(match.dead)} dead, {found.paired} with a partner "
        f"(u; −v); of random nodes {found.null.match_probability:.2%} match, "
        f"p = {payload['p_value']:.1e}"
    )
    missing = "; ".join(irreps_name(family) for family in match.missing)
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
        if embedding is not None:
            raise ValueError("--embedding goes with --first-layer and --second-layer")
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
