"""From words to an `Outcome`: groups. Heavy libraries load with the verb that needs them."""

from analyzers._cli_output import Outcome, table
from analyzers.groups import describe_characters as character_values
from analyzers.groups import measure_group
from groupfeat.groups import format_value, group_from_spec

__all__ = ["describe_characters", "describe_group"]


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
