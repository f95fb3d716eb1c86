"""Slow, obvious twins of the groups layer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups import FiniteGroup, Irreps


def classes_by_definition(group: FiniteGroup) -> set[frozenset[int]]:
    """Return {g x g⁻¹ : g} for every x."""
    table, inverse = group.cayley_table, group.inverse
    return {
        frozenset(int(table[table[g, x], inverse[g]]) for g in range(group.order))
        for x in range(group.order)
    }


def convolution_by_definition(a: Any, b: Any, group: FiniteGroup) -> NDArray[Any]:
    """Return Σ_{gh=t} a(g) b(h), term by term, for functions (..., M)."""
    shape = np.broadcast_shapes(np.shape(a), np.shape(b))
    total = np.zeros(shape, dtype=np.result_type(a, b))
    for g in range(group.order):
        for h in range(group.order):
            total[..., group.cayley_table[g, h]] += a[..., g] * b[..., h]
    return total


def generator_images(found: Irreps) -> list[NDArray[Any]]:
    """Return each block's matrices of the generators."""
    generators = np.array(found.group.generators)
    return [block.matrices(found.group.cayley_table, generators) for block in found.blocks]


def is_group_by_definition(table: NDArray[Any]) -> bool:
    """Check closure, identity 0, inverses and all M³ triples."""
    order = len(table)
    everyone = range(order)
    if table.min() < 0 or table.max() >= order:
        return False
    if any(table[0, g] != g or table[g, 0] != g for g in everyone):
        return False
    if any(not any(table[g, h] == 0 == table[h, g] for h in everyone) for g in everyone):
        return False
    return all(
        table[table[x, y], z] == table[x, table[y, z]]
        for x in everyone
        for y in everyone
        for z in everyone
    )


def closure_of_permutations(generators: list[tuple[int, ...]]) -> set[tuple[int, ...]]:
    """Return all products of the generators, one at a time."""
    identity = tuple(range(len(generators[0])))
    found, queue = {identity}, [identity]
    while queue:
        p = queue.pop()
        for g in generators:
            product = tuple(g[p[i]] for i in range(len(p)))
            if product not in found:
                found.add(product)
                queue.append(product)
    return found
