"""Options that several verbs share."""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from analyzers.storage import prepare_folder

__all__ = ["Json", "Out", "Seed"]

Json = Annotated[bool, Parameter(name="--json", negative="")]
Seed = Annotated[int, Parameter(name="--seed", validator=Number(gte=0))]


def _writable(_: object, value: str | None) -> None:
    """Refuse a folder that cannot be written before any work is done."""
    if value is not None:
        prepare_folder(value)


Out = Annotated[str | None, Parameter(name="--out", validator=_writable)]
