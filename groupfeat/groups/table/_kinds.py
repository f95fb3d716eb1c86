"""The likeliest wrong argument where a group is expected: its name."""

from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["check_group"]


def check_group(value: object) -> None:
    """Raise TypeError unless ``value`` is a group.

    Examples
    --------
    >>> from groupfeat.groups import check_group
    >>> check_group("S4")
    Traceback (most recent call last):
    ...
    TypeError: expected a FiniteGroup, got text: pass group_from_spec('S4')
    """
    if isinstance(value, FiniteGroup):
        return
    if isinstance(value, str):
        text = repr(value[:60])
        raise TypeError(f"expected a FiniteGroup, got text: pass group_from_spec({text})")
    raise TypeError(f"expected a FiniteGroup, got {type(value).__name__}")
