"""Characters induced from an abelian normal subgroup, where all others are linear.

Let A be abelian and normal of index n, and let λ be a character of A that only the elements
of A leave alone: λ(t⁻¹at) = λ(a) for all a only if t is in A. Then λ induced to G is
irreducible of degree n, and two such λ give the same character when an element of G carries
one to the other. If there are r of those characters, k classes and r n² + (k − r) = M, the
other k − r have degrees with Σ d² = k − r: they are linear, and all is known, in whole numbers.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.characters._character_table import CharacterTable, table_of_values
from groupfeat.groups.characters._induction import Induction
from groupfeat.groups.characters._linear import LinearCharacters, linear_characters
from groupfeat.groups.characters._ranking import ranking_of_values
from groupfeat.groups.characters._roots import roots_of_unity
from groupfeat.groups.table._finite_group import FiniteGroup
from groupfeat.groups.table._generation import generated_subset

__all__ = ["induced_table"]

ComplexArray = NDArray[np.complex128]
Whole = NDArray[np.intp]
_CANDIDATES = 3
_BATCH_ENTRIES = 1_000_000


def induced_table(group: FiniteGroup) -> CharacterTable | None:
    """Return the table of a group of degrees 1 and n.

    None for groups of another kind, and for some of this kind: A is sought among the
    centralisers of elements.
    """
    sizes = group.conjugacy_classes.sizes
    count, order = len(sizes), group.order
    for n in np.unique(sizes[sizes > 1]).tolist():
        linear, rest = divmod(count * n**2 - order, n**2 - 1)
        if rest or not 0 < linear < count or order % linear:
            continue
        for j in np.flatnonzero(sizes == n)[:_CANDIDATES].tolist():
            found = _induced_from_centralizer(group, j, n, linear)
            if found is not None:
                values, induction = found
                ranking = ranking_of_values(values)
                return table_of_values(group, values[ranking], induction.of_rows(ranking))
    return None


def _induced_from_centralizer(
    group: FiniteGroup, j: int, n: int, linear: int
) -> tuple[ComplexArray, Induction] | None:
    """Return the characters if the centraliser of class j's element is the A that is wanted."""
    table, classes = group.cayley_table, group.conjugacy_classes
    g = classes.representatives[j]
    subgroup = np.flatnonzero(table[g] == table[:, g])
    # Few steps generate A when elements of large order come first.
    by_order = subgroup[np.argsort(-group.element_orders[subgroup], kind="stable")]
    inner = table[subgroup[:, None], subgroup]
    if not np.array_equal(inner, inner.T):
        return None
    characters = linear_characters(table, by_order.tolist(), len(subgroup))
    place = np.full(group.order, len(subgroup))
    place[characters.elements] = np.arange(len(subgroup))
    transversal = _transversal(table, subgroup, n)
    orbits = _full_orbits(group, characters, place, transversal)
    if orbits is None or len(orbits[0]) != len(classes) - linear:
        return None
    representatives, mirrors = orbits
    nothing = np.full(linear, -1)
    chosen = np.concatenate([nothing, representatives])
    found = Induction(characters, place, transversal, chosen, np.concatenate([nothing, mirrors]))
    places = place[_conjugates(group, transversal, classes.representatives)]
    values = np.empty((len(classes), len(classes)), dtype=np.complex128)
    values[:linear] = _linear_values(group, linear)
    size = max(1, _BATCH_ENTRIES // places.size)
    for start in range(linear, len(classes), size):
        rows = np.arange(start, min(start + size, len(classes)))
        values[rows] = found.values(rows)[:, places].sum(axis=1)
    return values, found


def _transversal(table: NDArray[Any], subgroup: Whole, n: int) -> Whole:
    """Return the first element of each coset tA, the identity first, shape (n,)."""
    seen = np.zeros(len(table), dtype=bool)
    found = []
    for _ in range(n):
        t = int(seen.argmin())
        seen[table[t, subgroup]] = True
        found.append(t)
    return np.array(found)


def _conjugates(group: FiniteGroup, transversal: Whole, elements: Whole) -> Whole:
    """Return t⁻¹ g t, shape (n, m)."""
    inverse: Whole = group.inverse[transversal]
    table = group.cayley_table
    return table[inverse[:, None], table[elements, transversal[:, None]]]


def _full_orbits(
    group: FiniteGroup, characters: LinearCharacters, place: Whole, transversal: Whole
) -> tuple[Whole, Whole] | None:
    """Return one λ of each orbit of n characters of A, and where their conjugates stand.

    None if A is not normal.
    """
    size, modulus = characters.words.shape[0], characters.modulus
    moved = place[_conjugates(group, transversal, characters.steps)]
    if moved.max() == size:
        return None
    # A character is known by its values at the steps: one number in base e.
    base = modulus ** np.arange(len(characters.steps))
    images = characters.at_steps @ characters.words[moved].transpose(0, 2, 1) % modulus
    codes = (images @ base).T
    own = codes[:, :1]
    is_chosen = (codes[:, 1:] > own).all(axis=1)
    chosen = np.flatnonzero(is_chosen)
    conjugate = -characters.at_steps[chosen] % modulus @ base
    return chosen, (codes[chosen] == conjugate[:, None]).argmax(axis=1)


def _linear_values(group: FiniteGroup, count: int) -> ComplexArray:
    """Return the ``count`` linear characters at the classes, shape (l, k)."""
    table, inverse = group.cayley_table, group.inverse
    is_commutator = np.zeros(group.order, dtype=bool)
    for s in group.generators:
        # g⁻¹ s⁻¹ g s for all g.
        is_commutator[table[table[inverse, inverse[s]], table[:, s]]] = True
    derived = np.flatnonzero(is_commutator)
    if len(derived) * count != group.order:
        derived = np.flatnonzero(generated_subset(table, derived.tolist()))
    found = linear_characters(table, group.generators, group.order, kernel=derived)
    exponents = found.exponents_at(group.conjugacy_classes.representatives)
    return roots_of_unity(found.modulus)[exponents]
