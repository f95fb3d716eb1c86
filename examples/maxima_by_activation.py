"""Maxima of ReLU, SiLU, |x|³ and tanh on all pairs of S3 and Z11, as a table.

Run ``python examples/maxima_by_activation.py [STARTS]``; docs/activations.md keeps a result.
"""

import sys

from groupfeat.energy import MaximumClass, find_maxima, wilson_interval
from groupfeat.groups import cyclic, irreps, symmetric

HEADER = """\
| σ | energy | starts | share (95 %) | kind | irreps | isotypic | rank one | index | flat | grad |
|---|---|---|---|---|---|---|---|---|---|---|"""


def row(activation: str, level: list[MaximumClass], starts: int) -> str:
    """Return one line of the table: all classes of one energy and kind."""
    count = sum(c.count for c in level)
    low, high = wilson_interval(count, starts)
    families = sorted({c.irreps for c in level})
    cells = (
        activation,
        f"{level[0].energy:.6g}",
        str(count),
        f"{count / starts:.3f} ({low:.3f}–{high:.3f})",
        " ".join(filter(None, (level[0].kind, level[0].shape))),
        "; ".join(",".join(map(str, family)) for family in families),
        f"{min(c.isotypic_share for c in level):.4f}",
        f"{min(c.rank_one_share for c in level):.4f}",
        str(max(c.index for c in level)),
        str(max(c.flat_dim for c in level)),
        f"{max(c.gradient_norm for c in level):.0e}",
    )
    return f"| {' | '.join(cells)} |"


def main(starts: int = 300) -> None:
    """Search and print one table a group."""
    for group in (symmetric(3), cyclic(11)):
        print(f"{group.name}\n{HEADER}")
        for activation in ("relu", "silu", "power", "tanh"):
            found = find_maxima(irreps(group), activation=activation, starts=starts, rng=0)
            levels: dict[tuple[str, str, str], list[MaximumClass]] = {}
            for c in found.classes:
                levels.setdefault((f"{c.energy:.6g}", c.kind, c.shape), []).append(c)
            for level in levels.values():
                print(row(activation, level, starts))
            lost = sum(not s.startswith("converged") for s in found.ascent.statuses)
            print(f"{activation}: unseen <= {found.unseen_probability:.3f}, {lost} not converged")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
