"""Groups from smaller groups: direct and semidirect products."""

from collections.abc import Sequence
from functools import reduce
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groupfeat.groups.table._arguments import number_array
from groupfeat.groups.table._checks import table_dtype
from groupfeat.groups.table._closure import MAX_ORDER, check_order
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["direct_product", "semidirect_product", "wreath_product"]


def direct_product(*factors: FiniteGroup, max_order: int = MAX_ORDER) -> FiniteGroup:
    """Return the direct product; element (g₁, …, g_r) has the index of mixed radix, last fastest.

    Raises
    ------
    ValueError
        If no factor is given or the product has more than ``max_order`` elements.
    """
    if not factors:
        raise ValueError("a direct product needs at least one factor, got none")
    name = "x".join(factor.name for factor in factors)
    check_order(prod(factor.order for factor in factors), max_order, name)
    product = reduce(_pair, factors)
    return FiniteGroup._trusted(name, product.cayley_table, product.generators, product.labels)


def semidirect_product(
    normal: FiniteGroup,
    acting: FiniteGroup,
    action: ArrayLike,
    *,
    name: str = "",
    max_order: int = MAX_ORDER,
) -> FiniteGroup:
    """Return N ⋊ H with (n₁, h₁)(n₂, h₂) = (n₁ φ_{h₁}(n₂), h₁h₂).

    Parameters
    ----------
    normal, acting
        N of order m and H of order k; (n, h) has index n·k + h.
    action
        Shape (k, m): ``action[h, n]`` is φ_h(n).

    Raises
    ------
    ValueError
        If a φ_h is no automorphism of N, or φ no homomorphism: the first offenders are named.
    """
    title = name or f"{normal.name}:{acting.name}"
    check_order(normal.order * acting.order, max_order, title)
    phi = number_array(action, "an action", whole=True)
    _check_action(normal, acting, phi)
    n, h = np.divmod(np.arange(normal.order * acting.order), acting.order)
    dtype = table_dtype(len(n))
    # Row (n1, h1), column (n2, h2): N's table at (n1, φ_{h1}(n2)), H's at (h1, h2).
    upper = normal.cayley_table.astype(dtype)[n[:, None], phi[h][:, n]]
    table = upper * dtype(acting.order) + acting.cayley_table.astype(dtype)[np.ix_(h, h)]
    generators = [s * acting.order for s in normal.generators] + list(acting.generators)
    return FiniteGroup._trusted(title, table, generators, _pair_names(normal, acting))


def wreath_product(
    base: FiniteGroup, acting: FiniteGroup, *, max_order: int = MAX_ORDER
) -> FiniteGroup:
    """Return the regular wreath product A ≀ B = A^|B| ⋊ B, B moving the copies by translation.

    (f, b)(f', b') = (f · f'(b⁻¹ ·), bb'); copy x of A is digit x of the mixed radix.

    Raises
    ------
    ValueError
        If |A|^|B|·|B| exceeds ``max_order``.
    """
    copies, order = acting.order, base.order
    name = f"{base.name}wr{acting.name}"
    check_order(order**copies * copies, max_order, name)
    power = direct_product(*[base] * copies, max_order=max_order)
    weights = order ** np.arange(copies - 1, -1, -1)
    digits = np.arange(order**copies) // weights[:, None] % order
    moved = [weights @ digits[acting.cayley_table[inverse]] for inverse in acting.inverse]
    return semidirect_product(power, acting, np.array(moved), name=name, max_order=max_order)


def _pair(first: FiniteGroup, second: FiniteGroup) -> FiniteGroup:
    a, b = first.cayley_table, second.cayley_table
    order = len(a) * len(b)
    dtype = table_dtype(order)
    wide = a.astype(dtype)[:, None, :, None] * dtype(len(b)) + b.astype(dtype)[None, :, None, :]
    generators = [s * len(b) for s in first.generators] + list(second.generators)
    return FiniteGroup._trusted(
        f"{first.name}x{second.name}",
        wide.reshape(order, order),
        generators,
        _pair_names(first, second),
    )


def _pair_names(first: FiniteGroup, second: FiniteGroup) -> Sequence[str]:
    return [f"({g},{h})" for g in first.element_names for h in second.element_names]


def _check_action(normal: FiniteGroup, acting: FiniteGroup, phi: NDArray[np.integer[Any]]) -> None:
    expected = (acting.order, normal.order)
    if phi.shape != expected:
        raise ValueError(f"an action needs shape {expected}, got {phi.shape}")
    everyone = np.arange(normal.order)
    outside = np.argwhere((phi < 0) | (phi >= normal.order))
    if len(outside):
        h, n = (int(i) for i in outside[0])
        raise ValueError(
            f"an action's entries must be elements 0..{normal.order - 1}, but action[{h}, {n}] "
            f"is {phi[h, n]}"
        )
    for h in range(acting.order):
        image = phi[h]
        if not np.array_equal(np.sort(image), everyone):
            raise ValueError(f"action of element {h} is no bijection: {image.tolist()}")
        moved = normal.cayley_table[np.ix_(image, image)]
        broken = np.argwhere(image[normal.cayley_table] != moved)
        if len(broken):
            x, y = (int(i) for i in broken[0])
            raise ValueError(
                f"action of element {h} is no automorphism: φ({x}*{y}) = "
                f"{image[normal.cayley_table[x, y]]} but φ({x})*φ({y}) = {moved[x, y]}"
            )
    for s in acting.generators:
        broken = np.argwhere(
            phi[acting.cayley_table[:, s]]
            != np.take_along_axis(phi, np.broadcast_to(phi[s], phi.shape), axis=1)
        )
        if len(broken):
            h, n = (int(i) for i in broken[0])
            raise ValueError(
                f"the action is no homomorphism: φ of {h}*{s} differs from φ_{h} after φ_{s} "
                f"at element {n}"
            )
