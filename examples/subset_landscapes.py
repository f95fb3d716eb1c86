"""Maxima, saddles and components of σ = x² on random pairs of Z7 and S3, as a table.

Run ``python examples/subset_landscapes.py [SEEDS [SEARCHES]]``;
docs/subset_landscapes.md keeps a result.
"""

import sys
from collections.abc import Iterator

from groupfeat.energy import LandscapeGraph, explore_landscape, merge_graphs, sample_pairs
from groupfeat.groups import FiniteGroup, cyclic, symmetric

CASES = ((cyclic(7), 46), (cyclic(7), 38), (cyclic(7), 28), (symmetric(3), 30))
HEADER = """\
| pairs | seed | maxima | new in run 2 | saddles | new in run 2 | components | from saddles | lost \
| least basin | unseen maxima | unseen saddles | highest barrier | lowest |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"""


def explore(group: FiniteGroup, count: int, seed: int, searches: int) -> Iterator[LandscapeGraph]:
    """Yield the graph of one run, and of two together."""
    pairs = sample_pairs(group, count / group.order**2, rng=seed)
    first, second = (
        explore_landscape(pairs, starts=searches // 2, searches=searches, rng=start)
        for start in (seed, seed + 10_000)
    )
    yield first
    yield merge_graphs(first, second)


def row(group: FiniteGroup, count: int, seed: int, searches: int) -> str:
    """Return one line of the table."""
    one, both = explore(group, count, seed, searches)
    levels = [merge.energy for merge in both.merge_tree()]
    cells = (
        f"{group.name}: {count}",
        str(seed),
        str(len(both.maxima)),
        str(len(both.maxima) - len(one.maxima)),
        str(len(both.saddles)),
        str(len(both.saddles) - len(one.saddles)),
        str(len(both.components)),
        str(both.only_from_saddles),
        str(int((both.ends < 0).any(axis=1).sum())),
        f"{both.maxima_counts.min() / both.maxima_tries:.4f}",
        f"{both.unseen_maxima:.4f}",
        f"{both.unseen_saddles:.4f}",
        f"{max(levels):.4f}",
        f"{min(levels):.4f}",
    )
    return f"| {' | '.join(cells)} |"


def main(seeds: int = 10, searches: int = 2000) -> None:
    """Search and print."""
    print(HEADER)
    for group, count in CASES:
        for seed in range(seeds):
            print(row(group, count, seed, searches))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
