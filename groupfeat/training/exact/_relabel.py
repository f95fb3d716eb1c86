"""Networks whose elements stand in another order than the group's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups import FiniteGroup, NotAGroupError, isomorphism
from groupfeat.training.run._load import Network

__all__ = ["answered_order", "find_element_order", "load_element_order", "relabel_network"]

Indices = NDArray[np.intp]
_ROUNDS = 6
_LEAST_AGREEMENT = 0.5
"""From order 60 on or so a group is found from fewer answers, which are then mostly none of its."""
_SURE_AGREEMENT = 0.9


def relabel_network(network: Network, element_order: ArrayLike) -> Network:
    """Return the network in the group's own order.

    Parameters
    ----------
    network
        A network whose inputs and answers are numbered otherwise.
    element_order
        ``element_order[g]`` is the network's number of our element g, shape (M,).

    Raises
    ------
    ValueError
        If it is no permutation of 0 … M − 1.
    """
    count = network.second_layer.shape[1]
    order = _permutation(element_order, count)
    bias = None if network.output_bias is None else network.output_bias[order]
    return replace(
        network,
        first_layer=network.first_layer[np.concatenate([order, order + count])],
        second_layer=network.second_layer[:, order],
        output_bias=bias,
    )


def find_element_order(table: ArrayLike, group: FiniteGroup) -> Indices:
    """Return a numbering under which a nearly right product table is the group's.

    Wrong entries are outvoted: x·y should be (x z)(z⁻¹ y) for every z. What is left must be a
    group isomorphic to ``group``. The numbering is one of several that differ by an
    automorphism, so irreps are told up to the action of automorphisms on them.

    Parameters
    ----------
    table
        Products in the network's own numbers, shape (M, M), for instance `network_table`.
    group
        The group it should be.

    Returns
    -------
    ndarray
        ``element_order`` of `relabel_network`, shape (M,).

    Raises
    ------
    ValueError
        If the shape is wrong, the table is too far from a group's, fewer than half of the answers
        are that group's, or it is another group's.
    """
    given = np.asarray(table)
    if given.shape != (group.order,) * 2 or given.dtype.kind not in "iu":
        raise ValueError(
            f"expected whole numbers of shape ({group.order}, {group.order}), got {given.dtype} "
            f"{given.shape}"
        )
    if given.min() < 0 or given.max() >= group.order:
        raise ValueError(f"expected products in 0..{group.order - 1}, got {given.max()}")
    found, shift, agreement = _answered_group(given.astype(np.intp))
    if agreement < _LEAST_AGREEMENT:
        raise ValueError(
            f"only {agreement:.0%} of the answers are products of one group; give the order"
        )
    phi = isomorphism(group, found)
    if phi is None:
        raise ValueError(
            f"the answers are the products of a group that is not isomorphic to {group.name}; "
            "name the right group"
        )
    return shift[phi].astype(np.intp)


def answered_order(table: ArrayLike, group: FiniteGroup) -> Indices | None:
    """Return the numbering that a network's answers plainly use, None where it is the group's own.

    None too where the answers are no group's: a network that has not learned is no wrong input.

    Parameters
    ----------
    table
        Its answers to all products, shape (M, M), as `network_table` gives them.
    group
        The group it is said to have learned.

    Returns
    -------
    ndarray or None
        ``element_order`` of `relabel_network`, shape (M,).

    Raises
    ------
    ValueError
        If nine tenths of the answers, and more than agree with ``group``'s, are the products of a
        group that is not isomorphic to it.
    """
    given = np.asarray(table).astype(np.intp)
    own = float(np.mean(given == group.cayley_table))
    if own >= _SURE_AGREEMENT:
        return None
    try:
        found, shift, agreement = _answered_group(given)
    except ValueError:
        return None
    if agreement < _SURE_AGREEMENT or agreement <= own:
        return None
    phi = isomorphism(group, found)
    if phi is None:
        raise ValueError(
            f"{agreement:.0%} of the answers are the products of a group that is not isomorphic "
            f"to {group.name} ({own:.0%} agree with that one); name the right group"
        )
    return shift[phi].astype(np.intp)


def load_element_order(path: str | Path, group: FiniteGroup) -> Indices:
    """Read a numbering: M whole numbers (the network's number of our element g), or M rows of M.

    The second is the network's own product table, matched by an isomorphism. ``.npy``, or text
    with commas or spaces.

    Raises
    ------
    ValueError
        If the file cannot be read or holds neither.
    """
    file = Path(path)
    try:
        if file.suffix == ".npy":
            values = np.load(file, allow_pickle=False)
        else:
            lines = file.read_text().replace(",", " ").splitlines()
            rows = [line.partition("#")[0].split() for line in lines]
            values = np.array([row for row in rows if row], dtype=np.int64)
        if not isinstance(values, np.ndarray):
            raise ValueError("expected one array")
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise ValueError(f"cannot read the element order {str(file)!r}: {error}") from error
    if values.ndim == 2 and 1 not in values.shape:
        return find_element_order(values, group)
    return _permutation(values.ravel(), group.order)


def _answered_group(table: Indices) -> tuple[FiniteGroup, Indices, float]:
    """Return the group of a nearly right table, where its elements went, and how much agrees."""
    repaired = _repair(table)
    # The identity first, as a group's table has it.
    shift = np.arange(len(table))
    identity = _identity(repaired)
    shift[[0, identity]] = identity, 0
    try:
        found = FiniteGroup.from_cayley_table(shift[repaired[np.ix_(shift, shift)]], name="answers")
    except NotAGroupError as error:
        raise ValueError(
            f"the answers are too far from any group's product table to number the elements by "
            f"them ({error}); give the order"
        ) from error
    return found, shift, float(np.mean(repaired == table))


def _permutation(values: ArrayLike, count: int) -> Indices:
    order = np.asarray(values)
    if order.dtype.kind not in "iu" or not np.array_equal(np.sort(order), np.arange(count)):
        raise ValueError(
            f"the element order must hold each of 0..{count - 1} once, got {order.dtype} of "
            f"shape {order.shape}"
        )
    return order.astype(np.intp)


def _identity(table: Indices) -> int:
    numbers = np.arange(len(table))
    return int(np.argmax((table == numbers).sum(1) + (numbers == table.T).sum(1)))


def _repair(table: Indices) -> Indices:
    """Replace entries by the majority of (x z)(z⁻¹ y) over z until nothing changes."""
    order = len(table)
    rows = np.arange(order * order)
    for _ in range(_ROUNDS):
        is_identity = table == _identity(table)
        # z and w with zw = wz = 1 before those with one of the two alone.
        inverse = np.argmax(is_identity.astype(np.int8) + is_identity.T, axis=1)
        votes = np.zeros((order * order, order), dtype=np.int32)
        for z in range(order):
            products = table[table[:, z][:, None], table[inverse[z]][None]]
            votes[rows, products.ravel()] += 1
        best = votes.argmax(1).reshape(order, order)
        if np.array_equal(best, table):
            return table
        table = best
    return table
