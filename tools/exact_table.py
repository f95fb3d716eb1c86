"""Write docs/exact_networks_table.md: sizes of exact networks, every group of order 2 to 60."""

from collections import Counter, defaultdict
from pathlib import Path

from groupfeat.groups import Irreps, irreps, number_of_small_groups, small_group
from groupfeat.training import ExactSize, exact_sizes

TARGET = Path(__file__).resolve().parent.parent / "docs" / "exact_networks_table.md"
MARKS = {1: "", 0: "c", -1: "q"}
HEAD = """# Nodes of exact networks, every group of order 2 to 60

Written by `python tools/exact_table.py`; columns as in [exact networks](exact_networks.md).
Groups of one order with irreps of the same dimensions and types share a row, named by their
SmallGroup numbers. Irreps: `1^3 2q^1` are three of dimension 1 and real type and one of dimension 2
and quaternionic type (`c`: complex type, both of a pair counted).

| order | groups | irreps | single | pairs | schoolbook | fewest | conjugate | paper |
|---|---|---|---|---|---|---|---|---|
"""


def signature(reps: Irreps) -> str:
    """Return dimensions, types and their counts."""
    kinds = Counter((r.dim, MARKS[r.frobenius_schur]) for r in reps)
    return " ".join(f"{dim}{mark}^{count}" for (dim, mark), count in sorted(kinds.items()))


def ranges(numbers: list[int]) -> str:
    """Return 1–3, 5 for [1, 2, 3, 5]."""
    found: list[list[int]] = []
    for n in numbers:
        if found and n == found[-1][1] + 1:
            found[-1][1] = n
        else:
            found.append([n, n])
    return ", ".join(f"{a}" if a == b else f"{a}–{b}" for a, b in found)


def main() -> None:
    """Write the table."""
    lines = []
    for order in range(2, 61):
        alike: dict[tuple[str, ExactSize], list[int]] = defaultdict(list)
        for index in range(1, number_of_small_groups(order) + 1):
            reps = irreps(small_group(order, index))
            alike[signature(reps), exact_sizes(reps)].append(index)
        for (text, size), numbers in alike.items():
            cells = (size.single, size.pairs, size.schoolbook, size.fewest)
            row = (order, ranges(numbers), text, *cells, size.conjugate, size.paper)
            lines.append("| " + " | ".join(map(str, row)) + " |")
    TARGET.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
