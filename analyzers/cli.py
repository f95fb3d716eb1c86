"""The command ``groupfeat``; ``app`` is its entry point."""

import sys
from collections.abc import Sequence

__all__ = ["app"]


def app(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 a check failed, 2 bad input (one line)."""
    try:
        from cyclopts import CycloptsError

        from analyzers._cli_commands import commands
        from analyzers._cli_output import Outcome, show
    except ModuleNotFoundError as missing:
        sys.exit(_complain(_advice(missing)))
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    try:
        outcome = commands(
            tokens, exit_on_error=False, print_error=False, result_action="return_value"
        )
        if isinstance(outcome, Outcome):
            show(outcome)
            sys.exit(0 if outcome.passed else 1)
    except (CycloptsError, ValueError, TypeError, OSError, ArithmeticError) as error:
        sys.exit(_complain(str(error) or type(error).__name__))
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "allocate memory" not in str(error):
            raise  # torch has no class of its own for a full memory
        sys.exit(_complain(f"out of memory ({error}); ask for less, or take a smaller group"))
    except ModuleNotFoundError as missing:
        sys.exit(_complain(_advice(missing)))
    except (KeyboardInterrupt, SystemError) as error:
        if not _is_interrupt(error):
            raise
        sys.stderr.write("groupfeat: interrupted; finished files are kept\n")
        sys.exit(130)


def _is_interrupt(error: BaseException | None) -> bool:
    """Tell whether Ctrl-C lies behind ``error``: within compiled code it ends as a SystemError."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _advice(missing: ModuleNotFoundError) -> str:
    return f'{missing.name} is not installed; the command needs pip install "groupfeat[all]"'


def _complain(text: str) -> int:
    sys.stderr.write(f"groupfeat: error: {' '.join(text.split())}\n")
    return 2
