"""The likeliest wrong argument where irreps are expected: the group itself."""

from groupfeat.groups.representations._irreps import Irreps
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["check_irreps"]


def check_irreps(value: object) -> None:
    """Raise TypeError unless ``value`` is the `Irreps` of a group.

    Examples
    --------
    >>> from groupfeat.groups import check_irreps, cyclic
    >>> check_irreps(cyclic(7))
    Traceback (most recent call last):
    ...
    TypeError: expected Irreps, got a FiniteGroup: pass irreps(group)
    """
    if isinstance(value, Irreps):
        return
    if isinstance(value, FiniteGroup):
        raise TypeError("expected Irreps, got a FiniteGroup: pass irreps(group)")
    raise TypeError(f"expected Irreps, got {type(value).__name__}: pass irreps(group)")
