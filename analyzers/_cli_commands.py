"""The command line as a whole: its verbs in the order of the help text."""

from collections.abc import Callable

from cyclopts import App

from analyzers._cli_energy import landscape, maxima, threshold
from analyzers._cli_groups import characters, group
from analyzers._cli_output import Outcome
from analyzers._cli_study import study
from analyzers._cli_training import exact, train, validate
from groupfeat import __version__

__all__ = ["commands"]

commands = App(
    name="groupfeat",
    help="Finite groups, their irreps, and the features that networks learn on their products.",
    version=__version__,
    suppress_keyboard_interrupt=False,
)
_VERBS: tuple[Callable[..., Outcome], ...] = (
    group,
    characters,
    maxima,
    landscape,
    threshold,
    train,
    validate,
    exact,
    study,
)
for _place, _verb in enumerate(_VERBS):
    commands.command(_verb, sort_key=_place)
commands["train"].usage = "Usage: groupfeat train [SPEC] [OPTIONS]"
