"""Characters of abelian groups, exactly, as exponents of one root of unity."""

import numpy as np
from numpy.typing import NDArray

from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["abelian_character_exponents"]


def abelian_character_exponents(group: FiniteGroup) -> NDArray[np.int32]:
    """Return E (M, M) with χ_i(g) = exp(2πi E[i, g]/e), e the exponent of the group.

    The characters of a subgroup H extend to ⟨H, s⟩ by choosing χ(s) among the
    n-th roots of χ(sⁿ), n the least power with sⁿ in H.
    """
    table, modulus = group.cayley_table, group.exponent
    members = np.zeros(1, dtype=np.intp)
    exponents = np.zeros((1, 1), dtype=np.int32)
    for s in group.generators:
        inside = np.zeros(group.order, dtype=bool)
        inside[members] = True
        step = table[:, s].tolist()
        powers = [0]
        while not inside[power := step[powers[-1]]]:
            powers.append(power)
        n = len(powers)
        if n == 1:
            continue
        # χ(s) = ((χ(sⁿ) + t·e)/n) for t = 0..n-1, in units of 1/e.
        base = exponents[:, np.flatnonzero(members == power)[0]] // n
        choice = (base[:, None] + np.arange(n) * (modulus // n)).ravel()
        old = np.repeat(exponents, n, axis=0)
        turns = (np.outer(choice, np.arange(n)) % modulus).astype(np.int32)
        exponents = (old[:, None, :] + turns[:, :, None]).reshape(len(old), -1) % modulus
        members = table[np.array(powers)[:, None], members].ravel().astype(np.intp)
    ordered = np.empty_like(exponents)
    ordered[:, members] = exponents
    return ordered
