"""Words that several outputs share: numbers with their noun, names of irreps."""

__all__ = ["counted", "irreps_name"]


def counted(number: int, noun: str) -> str:
    """Return ``"1 network"``, ``"2 networks"``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def irreps_name(family: tuple[int, ...] | list[int]) -> str:
    """Return ``"ρ1,ρ2"``."""
    return ",".join(f"ρ{k}" for k in family)
