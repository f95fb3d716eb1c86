"""All subgroups of a group, and which lie directly below which."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.table._element_orders import element_powers
from groupfeat.groups.table._finite_group import FiniteGroup
from groupfeat.groups.table._kinds import check_group

__all__ = ["SubgroupLattice", "subgroup_lattice"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SubgroupLattice:
    """The subgroups of a group, sorted by order, then elements: the first is 1, the last G.

    Parameters
    ----------
    group
        The group.
    subgroups
        The sorted elements of each subgroup.
    covers
        Pairs (i, j): subgroup i is a maximal subgroup of subgroup j.
    class_index
        Conjugacy class of each subgroup, numbered in order of first appearance.
    """

    group: FiniteGroup
    subgroups: tuple[NDArray[np.intp], ...] = field(repr=False)
    covers: tuple[tuple[int, int], ...] = field(repr=False)
    class_index: tuple[int, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.subgroups)

    @property
    def orders(self) -> tuple[int, ...]:
        """The order of each subgroup."""
        return tuple(len(s) for s in self.subgroups)

    @property
    def normal(self) -> tuple[bool, ...]:
        """Whether each subgroup is normal: alone in its class."""
        sizes = np.bincount(self.class_index)
        return tuple(bool(sizes[c] == 1) for c in self.class_index)


def subgroup_lattice(group: FiniteGroup, *, max_count: int = 50_000) -> SubgroupLattice:
    """Find every subgroup by joining, from 1 upwards, with cyclic groups of prime-power order.

    Meant for orders up to a few hundred; C2⁷, with 29,212 subgroups, takes about ten seconds.

    Raises
    ------
    ValueError
        If there are more than ``max_count`` subgroups.

    Examples
    --------
    >>> from groupfeat.groups import subgroup_lattice, symmetric
    >>> lattice = subgroup_lattice(symmetric(4))
    >>> len(lattice), max(lattice.class_index) + 1, sum(lattice.normal)
    (30, 11, 4)
    """
    check_group(group)
    trivial = np.zeros(group.order, dtype=bool)
    trivial[0] = True
    seeds = _prime_power_generators(group)
    orbits = [_orbit(group, trivial)]
    class_of = {_key(trivial): 0}
    above: dict[bytes, list[bytes]] = {}
    done = 0
    while done < len(orbits):
        orbit, done = orbits[done], done + 1
        low = next(iter(orbit.values()))[0]
        joins = {_key(join): join for join in _joins(group, low, seeds)}
        for key, join in joins.items():
            if key not in class_of:
                orbits.append(_orbit(group, join))
                class_of.update(dict.fromkeys(orbits[-1], len(orbits) - 1))
        if len(class_of) > max_count:
            raise ValueError(
                f"{group.name} has more than {max_count} subgroups; pass a larger max_count"
            )
        # What lies above a conjugate is the conjugate of what lies above.
        minimal = _minimal(joins)
        for key, (_, g) in orbit.items():
            above[key] = [_key(_conjugate(group, join, g)) for join in minimal]
    return _sorted_lattice(group, orbits, class_of, above)


def _sorted_lattice(
    group: FiniteGroup,
    orbits: list[dict[bytes, tuple[Mask, int]]],
    class_of: dict[bytes, int],
    above: dict[bytes, list[bytes]],
) -> SubgroupLattice:
    found = {key: np.flatnonzero(m) for orbit in orbits for key, (m, _) in orbit.items()}
    ordered = sorted(found, key=lambda key: (len(found[key]), found[key].tolist()))
    place = {key: i for i, key in enumerate(ordered)}
    covers = sorted((place[low], place[high]) for low in above for high in above[low])
    renumbered: dict[int, int] = {}
    for key in ordered:
        renumbered.setdefault(class_of[key], len(renumbered))
    labels = tuple(renumbered[class_of[key]] for key in ordered)
    return SubgroupLattice(group, tuple(found[key] for key in ordered), tuple(covers), labels)


def _orbit(group: FiniteGroup, mask: Mask) -> dict[bytes, tuple[Mask, int]]:
    """Return the conjugates of a subgroup, the first itself, each with a conjugating element."""
    found = {_key(mask): (mask, 0)}
    pending = [(mask, 0)]
    while pending:
        current, g = pending.pop()
        for s in group.generators:
            moved = _conjugate(group, current, s)
            key = _key(moved)
            if key not in found:
                found[key] = (moved, int(group.cayley_table[s, g]))
                pending.append(found[key])
    return found


def _conjugate(group: FiniteGroup, mask: Mask, g: int) -> Mask:
    moved = np.zeros_like(mask)
    moved[group.cayley_table[group.cayley_table[g, np.flatnonzero(mask)], group.inverse[g]]] = True
    return moved


def _prime_power_generators(group: FiniteGroup) -> NDArray[np.intp]:
    """Return one generator of each cyclic subgroup of prime-power order > 1."""
    orders = group.element_orders
    found, taken = [], np.zeros(group.order, dtype=bool)
    for g in range(1, group.order):
        if taken[g]:
            continue
        if _is_prime_power(int(orders[g])):
            found.append(g)
            powers = element_powers(group.cayley_table, g)
            taken[powers[orders[powers] == orders[g]]] = True
    return np.array(found, dtype=np.intp)


def _is_prime_power(n: int) -> bool:
    p = next(p for p in range(2, n + 1) if n % p == 0)
    while n % p == 0:
        n //= p
    return n == 1


def _joins(group: FiniteGroup, low: Mask, seeds: NDArray[np.intp]) -> Iterator[Mask]:
    """Yield the subgroups ⟨low, s⟩ for the seeds s outside of ``low``, some perhaps twice."""
    left = seeds[~low[seeds]]
    while len(left):
        join = _closure(group, low, int(left[0]))
        yield join
        index = int(join.sum() // low.sum())
        # Of prime index, every seed inside generates the same join.
        outside = ~join[left] if index > 1 and _is_prime(index) else np.ones(len(left), dtype=bool)
        outside[0] = False
        left = left[outside]


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % p for p in range(2, int(n**0.5) + 1))


def _closure(group: FiniteGroup, low: Mask, seed: int) -> Mask:
    """Return ⟨low, seed⟩: multiply by the cyclic group and by ``low`` until nothing is new."""
    table = group.cayley_table
    inner = np.flatnonzero(low)
    cyclic = element_powers(group.cayley_table, seed)
    found = low
    while True:
        grown = np.zeros_like(low)
        grown[table[np.flatnonzero(found)[:, None], cyclic]] = True
        grown[table[np.flatnonzero(grown)[:, None], inner]] = True
        if np.array_equal(grown, found):
            return grown
        found = grown


def _minimal(joins: dict[bytes, Mask]) -> list[Mask]:
    """Return the joins that hold no other one."""
    return [
        join
        for key, join in joins.items()
        if not any((other <= join).all() for name, other in joins.items() if name != key)
    ]


def _key(mask: Mask) -> bytes:
    return np.packbits(mask).tobytes()
