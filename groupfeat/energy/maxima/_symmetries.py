"""Permutations of the weights that leave E alone, and end points that are one up to them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groupfeat.energy.ascent._search import random_starts
from groupfeat.energy.objective._activations import Activation
from groupfeat.energy.objective._energy import energy
from groupfeat.energy.objective._pairs import PairSet, full_pairs
from groupfeat.energy.objective._variants import ENERGY_VARIANTS, Variant, get_variant
from groupfeat.energy.saddles._same_points import Signs, sign_symmetries
from groupfeat.groups import FiniteGroup, automorphism_group, automorphisms, center

__all__ = ["Symmetries", "find_symmetries", "orbit_distances"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
_MOST_ENTRIES = 4_000_000
_LARGEST = 32


@dataclass(frozen=True, eq=False)
class Symmetries:
    """Symmetries of E: w ↦ [s a'; t b'] with w' = w[permutation] and signs (s, t).

    Parameters
    ----------
    permutations
        Shape (S, 2M); the first is the identity.
    signs
        As `sign_symmetries`.
    is_complete
        Whether translations, automorphisms and the exchange were all tried; if not
        (the group is too large), only the identity and the signs are here.
    by_values
        Whether points count as images of each other if their sorted |a|, |b| agree, up to
        exchanging the two: on all pairs of a large group, where images are too many to try.
        All symmetries keep these values; that nothing else does is an assumption.
    """

    permutations: Indices
    signs: Signs
    is_complete: bool
    by_values: bool = False


def find_symmetries(
    pairs: PairSet, activation: str | Activation, variant: str | Variant = "raw"
) -> Symmetries:
    """Return the symmetries of E among those of all pairs that map the pair set to itself.

    On all pairs: a(g) ↦ a(sgu), b(h) ↦ b(u⁻¹hv), which moves the targets t ↦ stv; a
    and b under one automorphism; the exchange a(g) ↦ b(g⁻¹), b(h) ↦ a(h⁻¹), which
    inverts the targets (not for the cross energy, unless σ allows it).
    """
    group, signs = pairs.group, sign_symmetries(pairs, activation, variant=variant)
    identity = np.arange(2 * group.order, dtype=np.intp)[None]
    if get_variant(variant).name not in ENERGY_VARIANTS:
        return Symmetries(identity, signs, False)
    if group.order > _LARGEST:
        return Symmetries(identity, signs, False, pairs.is_full)
    # Translations are M³/|Z|, inner automorphisms M/|Z| of them.
    count = 2 * automorphism_group(group).order * group.order**2
    if count * 2 * group.order > _MOST_ENTRIES:
        return Symmetries(identity, signs, False, pairs.is_full)
    moved = _permutations(group, _outer_automorphisms(group))
    exchange = _exchange(group)
    (point,) = random_starts(group.order, 1, rng=0)
    everything = full_pairs(group)
    there, here = energy(
        np.stack([point[exchange], point]), everything, activation, variant=variant
    )
    if abs(there - here) <= 1e-10 * abs(here):
        moved = np.concatenate([moved, moved[:, exchange]])
    return Symmetries(moved if pairs.is_full else _keeping(moved, pairs), signs, True)


def _keeping(moved: Indices, pairs: PairSet) -> Indices:
    """Return the permutations that map the pair set, multiplicities included, to itself."""
    order, counts = pairs.order, pairs.multiplicities.ravel()
    first, second = moved[:, pairs.left], moved[:, order + pairs.right]
    # Under the exchange the entries of the first half point into the second.
    codes = np.minimum(first, second) * order + np.maximum(first, second) - order
    own = counts[pairs.left * order + pairs.right]
    return moved[(counts[codes] == own).all(axis=1)]


def orbit_distances(point: Floats, others: Floats, symmetries: Symmetries) -> Floats:
    """Return the least distance from each of ``others`` (N, 2M) to an image of ``point``, (N,).

    With ``by_values``, that of the sorted absolute values, a lower bound.
    """
    half = len(point) // 2
    if symmetries.by_values:
        own = np.sort(np.abs(point.reshape(2, half)), axis=1)
        theirs = np.sort(np.abs(others.reshape(-1, 2, half)), axis=2)
        apart = [np.linalg.norm(theirs - way, axis=(1, 2)) for way in (own, own[::-1])]
        return np.minimum(*apart)
    images = point[symmetries.permutations]
    first, second = images[:, :half] @ others[:, :half].T, images[:, half:] @ others[:, half:].T
    best = np.full(len(others), -np.inf)
    for s, t in symmetries.signs:
        best = np.maximum(best, np.max(s * first + t * second, axis=0))
    squares = np.sum(others**2, axis=1) + point @ point - 2 * best
    found: Floats = np.sqrt(np.maximum(squares, 0))
    return found


def _exchange(group: FiniteGroup) -> Indices:
    """Return the permutation of a(g) ↦ b(g⁻¹), b(h) ↦ a(h⁻¹)."""
    return np.concatenate([group.order + group.inverse, group.inverse]).astype(np.intp)


def _permutations(group: FiniteGroup, outer: list[Indices]) -> Indices:
    """Return translations times automorphisms, the identity first, none twice."""
    table, inverse, order = group.cayley_table.astype(np.intp), group.inverse, group.order
    # s and v over the group, u over its cosets of the centre, which s and v make up for.
    middle = _coset_representatives(group)
    left = table[:, table[:, middle]].transpose(0, 2, 1)  # [s, u, g] = s g u
    right = table[table[inverse[middle]]].transpose(2, 0, 1)  # [v, u, h] = u⁻¹ h v
    rows = np.empty((order, order, len(middle), 2 * order), dtype=np.intp)
    rows[..., :order] = left[:, None]
    rows[..., order:] = order + right[None]
    moved = rows.reshape(-1, 2 * order)
    turns = [np.concatenate([automorphism, order + automorphism]) for automorphism in outer]
    return np.concatenate([moved[:, turn] for turn in turns])


def _coset_representatives(group: FiniteGroup) -> Indices:
    """Return one element of each coset of the centre."""
    middle = np.asarray(center(group), dtype=np.intp)
    first = group.cayley_table[:, middle].min(axis=1)
    return np.unique(first).astype(np.intp)


def _outer_automorphisms(group: FiniteGroup) -> list[Indices]:
    """Return automorphisms as index arrays, one for each coset of the inner ones."""
    table = group.cayley_table
    conjugations = [table[table[x], group.inverse[x]] for x in range(group.order)]
    seen: set[bytes] = set()
    found = []
    for automorphism in automorphisms(group):
        image = np.asarray(automorphism, dtype=np.intp)
        if image.tobytes() in seen:
            continue
        found.append(image)
        seen.update(np.asarray(c, dtype=np.intp)[image].tobytes() for c in conjugations)
    return found
