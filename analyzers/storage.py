"""Folders and JSON files of results, each written whole or not at all."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from groupfeat._files import replacing

__all__ = ["prepare_folder", "read_object", "versions", "write_json", "write_text"]

_PACKAGES = ("groupfeat", "numpy", "scipy", "numba", "torch", "matplotlib")


def prepare_folder(path: str | Path) -> Path:
    """Make ``path`` and show that a file can be written there.

    Raises
    ------
    ValueError
        If it cannot be made or written to; nothing was computed yet, so nothing is lost.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)  # another call in this folder may have been faster
    except FileExistsError as error:
        raise ValueError(f"cannot write to --out {str(folder)!r}: it is a file") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ValueError(f"cannot write to --out {str(folder)!r}: {reason}") from error
    return folder


def write_text(path: Path, text: str) -> Path:
    """Write ``text`` to ``path``, so that readers never see half of it."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
    return path


def write_json(path: Path, content: Any) -> Path:
    """Write ``content`` as JSON; NaN and infinity are refused."""
    return write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_object(file: Path) -> dict[str, Any] | None:
    """Return the JSON object in a file; None without a file, empty if it holds none."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages a result depends on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
