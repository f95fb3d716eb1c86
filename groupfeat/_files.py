"""Files that appear whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["replacing"]


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Yield a fresh neighbour of ``file`` to be written, which takes its place at the end.

    The neighbour is new under a name that nobody can know before, so that no link is followed; its
    mode is what the umask leaves, whatever the writer makes of it. Folders are made. Where the
    writing fails ``file`` stays as it was.
    """
    if not file.parent.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{secrets.token_hex(6)}.part")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        mode = part.stat().st_mode & 0o777
        yield part
        part.chmod(mode)  # safetensors writes for the owner alone
        os.replace(part, file)
    finally:
        with suppress(OSError):
            part.unlink()
