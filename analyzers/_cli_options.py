"""Options that several verbs share."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Group, Parameter, Token
from cyclopts.validators import Number

from analyzers.storage import prepare_folder

__all__ = [
    "NETWORK",
    "OUTPUT",
    "RUNS",
    "TASK",
    "TRAINING",
    "WATCH",
    "Json",
    "Out",
    "Seed",
    "Whole",
    "read_whole",
]

_HEADINGS = ("Task", "Network", "Training", "Runs", "Checkpoints and telemetry", "Output")
TASK, NETWORK, TRAINING, RUNS, WATCH, OUTPUT = map(Group.create_ordered, _HEADINGS)
"""Headings under which the many options of ``train`` stand in its help."""

Json = Annotated[bool, Parameter(name="--json", negative="")]


def read_whole(_: object, tokens: Sequence[Token]) -> int:
    """Read a whole number; cyclopts itself rounds 1.5 to 2 without a word."""
    text = tokens[0].value
    try:
        number = int(text)
    except ValueError:
        raise ValueError(f"expected a whole number, got {text!r:.60}") from None
    if abs(number) >= 2**63:
        raise ValueError(f"expected a whole number below 2⁶³, got {text!r:.60}")
    return number


Whole = Annotated[int, Parameter(converter=read_whole)]
Seed = Annotated[int, Parameter(name="--seed", converter=read_whole, validator=Number(gte=0))]


def _writable(_: object, value: str | None) -> None:
    """Refuse a folder that cannot be written before any work is done."""
    if value == "":  # as an unset variable of a shell gives; "." is the folder itself
        raise ValueError("expected the name of a folder, got ''")
    if value is not None:
        prepare_folder(value)


Out = Annotated[str | None, Parameter(name="--out", validator=_writable)]
