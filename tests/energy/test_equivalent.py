"""Which families automorphisms exchange: against listed automorphisms and their generators."""

from itertools import chain, product

import numpy as np
import pytest

from groupfeat.energy import equivalent_families, predicted_families
from groupfeat.groups import (
    Irreps,
    automorphism_group,
    automorphisms,
    group_from_spec,
    irreps,
)

NONABELIAN = ["Q8", "S4", "D5", "F21", "C3xS3", "D4", "Dic3", "A4", "D8", "Q8xC2", "Q8xC3", "D4xC2"]


def partitions(total: int, largest: int) -> list[tuple[int, ...]]:
    if not total:
        return [()]
    return [
        (first, *rest)
        for first in range(min(total, largest), 0, -1)
        for rest in partitions(total - first, first)
    ]


def abelian_specs(largest: int) -> list[str]:
    """Return every abelian group of order 2..largest once, as a product of primary cyclic ones."""
    found = []
    for order in range(2, largest + 1):
        rest, choices = order, []
        for p in range(2, order + 1):
            power = 0
            while rest % p == 0:
                rest, power = rest // p, power + 1
            if power:
                choices.append([[f"C{p**k}" for k in parts] for parts in partitions(power, power)])
        found += ["x".join(map(str, chain(*chosen))) for chosen in product(*choices)]
    return found


def by_listing(reps: Irreps) -> list[int]:
    """Return the first family that any automorphism of the list, tried in turn, leads to."""
    families, table = predicted_families(reps), reps.table
    rows = [{k: table.on_elements(k) for k in f.irreps} for f in families]
    maps = automorphisms(reps.group)

    def joined(i: int, j: int) -> bool:
        return any(
            bool((np.abs(value[maps] - other).max(axis=1) < 1e-9).any())
            for value in rows[i].values()
            for other in rows[j].values()
        )

    return [next(j for j in range(i + 1) if joined(i, j)) for i in range(len(families))]


def by_generators(reps: Irreps) -> list[int]:
    """Return the first family of each orbit, walked by generators of Aut(G)."""
    families, table = predicted_families(reps), reps.table
    values = np.stack([table.on_elements(f.irreps[0]) for f in families])
    first = list(range(len(families)))
    for images in automorphism_group(reps.group).generators:
        for i, value in enumerate(values):
            moved = value[images]
            gaps = [min(np.abs(moved - v).max(), np.abs(moved - v.conj()).max()) for v in values]
            low, high = sorted((first[i], first[int(np.argmin(gaps))]))
            first = [low if k == high else k for k in first]
    return first


def test_there_are_as_many_abelian_groups_as_there_should_be() -> None:
    """Orders 2 to 32, OEIS A000688: 54 less the trivial group."""
    sizes = [1, 1, 1, 2, 1, 1, 1, 3, 2, 1, 1, 2, 1, 1, 1, 5]
    sizes += [1, 2, 1, 2, 1, 1, 1, 3, 2, 1, 3, 2, 1, 1, 1, 7]
    assert len(abelian_specs(32)) == sum(sizes) - 1


@pytest.mark.parametrize("spec", [*abelian_specs(32), *NONABELIAN])
def test_equivalent_families_are_those_of_automorphisms(spec: str) -> None:
    group = group_from_spec(spec)
    reps = irreps(group)
    found = equivalent_families(reps, predicted_families(reps))
    assert found == by_generators(reps)
    if automorphism_group(group).order <= 400:
        assert found == by_listing(reps)


def test_elementary_and_mixed_groups() -> None:
    def classes(spec: str) -> list[int]:
        reps = irreps(group_from_spec(spec))
        return equivalent_families(reps, predicted_families(reps))

    assert classes("C2xC2") == [0, 0, 0]
    assert classes("C5xC5") == [0] * 12
    # Orders 2, 4 and what of order 2 is a square: C4xC2 has 3 kinds of characters.
    assert len(set(classes("C4xC2"))) == 3


def test_families_may_be_chosen_and_must_be_of_the_group() -> None:
    reps = irreps(group_from_spec("C3xC3"))
    families = predicted_families(reps)
    assert equivalent_families(reps, families[2:0:-1]) == [0, 0]
    assert equivalent_families(reps, []) == []
    other = irreps(group_from_spec("C8"))
    with pytest.raises(ValueError, match="families must be of C8, got irreps"):
        equivalent_families(other, families)


def test_equivalent_families_beyond_the_order_of_a_listing() -> None:
    """Dihedral irreps are carried into each other exactly where their kernels are equal."""
    reps = irreps(group_from_spec("D65"))
    families = predicted_families(reps)
    kernels = [
        (np.abs(reps.table.on_elements(f.irreps[0]) - f.dim) < 1e-9).tobytes() for f in families
    ]
    assert equivalent_families(reps, families) == [kernels.index(kernel) for kernel in kernels]
    assert len(set(kernels)) == 4
