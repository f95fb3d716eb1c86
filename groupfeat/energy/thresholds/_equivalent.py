"""Which predicted families an automorphism of the group carries into each other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.exact._families import PredictedFamily, check_families
from groupfeat.groups import FiniteGroup, Irreps, automorphism_group, check_irreps, real_families

__all__ = ["equivalent_families"]

_LARGEST_AUTOMORPHISMS = 1024


def equivalent_families(irreps: Irreps, families: Sequence[PredictedFamily]) -> list[int]:
    """Return for each family the first one that an automorphism of the group carries it to.

    Abelian groups: by the orders of a character on the subgroups {g : g^q = 1} of all prime
    powers q, which tell its orbit. Others up to order 1024: through generators of Aut(G);
    beyond, every family stands for itself.

    Raises
    ------
    ValueError
        If a family is of another group.

    References
    ----------
    The orders give the heights of all multiples of a character's p-parts in the dual group, and
    these fix its orbit: R. Baer, Proc. London Math. Soc. (2) 39 (1935) 481–514.

    Examples
    --------
    >>> from groupfeat.energy import equivalent_families, predicted_families
    >>> from groupfeat.groups import group_from_spec, irreps
    >>> for spec in ("C9", "C3xC3", "Q8"):
    ...     reps = irreps(group_from_spec(spec))
    ...     print(equivalent_families(reps, predicted_families(reps)))
    [0, 1, 1, 1]
    [0, 0, 0, 0]
    [0, 0, 0, 3]
    """
    check_irreps(irreps)
    check_families(families, irreps)
    group, table = irreps.group, irreps.table
    if group.is_abelian:
        orders = _orders_on_torsion(group, np.array([f.irreps[0] for f in families]), irreps)
        keys = [row.tobytes() for row in orders]
        return [keys.index(key) for key in keys]
    if group.order > _LARGEST_AUTOMORPHISMS:
        return list(range(len(families)))
    moved = _moved_families(group, irreps)
    labels = list(range(len(real_families(table))))
    changed = True
    while changed:
        smallest = [
            min([labels[i], *(labels[row[i]] for row in moved)]) for i in range(len(labels))
        ]
        changed, labels = smallest != labels, smallest
    place = {family: i for i, family in enumerate(real_families(table))}
    own = [labels[place[f.irreps]] for f in families]
    return [own.index(label) for label in own]


def _orders_on_torsion(
    group: FiniteGroup, chosen: NDArray[np.intp], irreps: Irreps
) -> NDArray[np.intp]:
    """Return the order of each character on {g : g^q = 1}, a column for each order q of an element.

    Composite q say nothing that their prime powers do not.
    """
    if not len(chosen):
        return np.zeros((0, 0), dtype=np.intp)
    angles = np.angle(np.stack([irreps.table.on_elements(int(k)) for k in chosen])) / (2 * np.pi)
    orders = np.array(group.element_orders)
    columns = []
    for q in sorted(set(orders.tolist()) - {1}):
        # On an element of order dividing q the value is the root of unity to j/q.
        j = np.rint(q * angles[:, q % orders == 0]).astype(np.intp)
        columns.append(q // np.gcd(q, np.gcd.reduce(j, axis=1)))
    return np.stack(columns, axis=1)


def _moved_families(group: FiniteGroup, irreps: Irreps) -> list[list[int]]:
    """Return where each generator of Aut(G) carries each real family."""
    table, classes = irreps.table, group.conjugacy_classes
    families = real_families(table)
    holder = {k: i for i, family in enumerate(families) for k in family}
    rows = []
    for images in automorphism_group(group).generators:
        moved = table.values[:, classes.labels[images[classes.representatives]]]
        target = [
            int(np.abs(moved[family[0]] - table.values).max(axis=1).argmin()) for family in families
        ]
        rows.append([holder[k] for k in target])
    return rows
