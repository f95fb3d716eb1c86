"""Standard output as it is: of few letters, or closed before all is read."""

import codecs
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unicodedata import combining

__all__ = ["abandon_stdout", "spelled_stdout"]

_SPELLED = str.maketrans("ᵀρσχηαβλΣ–—−×±²³…‖≤≥½·’", "TrsxnablS---x~23.|<>h.'")
_HANDLER = "groupfeat-spelled"


def _spell(error: UnicodeError) -> tuple[str, int]:
    """Return one ASCII letter for each that the encoding lacks, so that columns stay in line."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    told = [letter for letter in lacking.translate(_SPELLED) if not combining(letter)]
    return "".join(letter if letter.isascii() else "?" for letter in told), error.end


@contextmanager
def spelled_stdout() -> Iterator[None]:
    """Write what stdout's encoding lacks (ρ, ², –) in ASCII instead of failing."""
    codecs.register_error(_HANDLER, _spell)
    stream = sys.stdout
    before = getattr(stream, "errors", None)
    if not hasattr(stream, "reconfigure") or before is None:
        yield
        return
    stream.reconfigure(errors=_HANDLER)
    try:
        yield
    finally:
        stream.reconfigure(errors=before)


def abandon_stdout() -> None:
    """Send what is left to nowhere: the reader has gone, and the exit would complain again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    finally:
        os.close(nowhere)
