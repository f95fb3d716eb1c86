"""The command ``groupfeat``; ``app`` is its entry point."""

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

__all__ = ["app"]

_CACHE_ADVICE = "set NUMBA_CACHE_DIR to a folder that can be written"


def app(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 a check failed, 2 bad input (one line)."""
    try:
        with _terminations_heard():
            _run(list(sys.argv[1:] if arguments is None else arguments))
    except (KeyboardInterrupt, SystemError) as error:
        interrupt = _interrupt_behind(error)
        if interrupt is None:
            raise
        told, code = ("terminated", 143) if interrupt.args else ("interrupted", 130)
        sys.stderr.write(f"groupfeat: {told}; finished files are kept\n")
        sys.exit(code)


def _run(tokens: list[str]) -> None:
    try:
        from cyclopts import CycloptsError

        from analyzers._cli_commands import commands
        from analyzers._cli_mistakes import describe_mistake
        from analyzers._cli_output import Outcome, show
        from analyzers._cli_stream import abandon_stdout, spelled_stdout
    except ModuleNotFoundError as missing:
        sys.exit(_complain(_advice(missing)))
    try:
        with spelled_stdout():
            outcome = commands(
                tokens, exit_on_error=False, print_error=False, result_action="return_value"
            )
            if isinstance(outcome, Outcome):
                show(outcome)
                sys.exit(0 if outcome.passed else 1)
    except BrokenPipeError:  # as under | head: whoever reads has read enough
        abandon_stdout()
        sys.exit(141)
    except CycloptsError as error:
        sys.exit(_complain(describe_mistake(error)))
    except (ValueError, TypeError, OSError, ArithmeticError) as error:
        sys.exit(_complain(str(error) or type(error).__name__))
    except (MemoryError, RuntimeError) as error:
        if "no locator available" in str(error):  # of numba, which has no class for it either
            sys.exit(_complain("compiled code can be kept nowhere; " + _CACHE_ADVICE))
        if isinstance(error, RuntimeError) and "allocate memory" not in str(error):
            raise  # torch has no class of its own for a full memory
        sys.exit(_complain(f"out of memory ({error}); ask for less, or take a smaller group"))
    except ModuleNotFoundError as missing:
        sys.exit(_complain(_advice(missing)))


def _interrupt_behind(error: BaseException | None) -> KeyboardInterrupt | None:
    """Return the Ctrl-C behind ``error``, if any: within compiled code it ends as SystemError."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


@contextmanager
def _terminations_heard() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does: files are closed and workers stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: object) -> None:
        raise KeyboardInterrupt(number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _advice(missing: ModuleNotFoundError) -> str:
    if "pip install" in str(missing):  # what the extra does not bring says so itself
        return str(missing)
    return f'{missing.name} is not installed; the command needs pip install "groupfeat[all]"'


def _complain(text: str) -> int:
    sys.stderr.write(f"groupfeat: error: {' '.join(text.split())}\n")
    return 2
