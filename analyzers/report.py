"""The report: one HTML page that needs nothing but itself."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from analyzers.storage import write_text

__all__ = ["write_report"]


def write_report(path: Path, results: Mapping[str, Any], figures: Mapping[str, Path]) -> Path:
    """Write the study's results and figures as one self-contained page and return its path."""
    environment = Environment(
        loader=PackageLoader("analyzers"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    inlined = {name: _data_uri(file) for name, file in figures.items()}
    page = environment.get_template("report.html.j2").render(**results, figures=inlined)
    return write_text(path, page)


def _data_uri(file: Path) -> str:
    encoded = base64.b64encode(file.read_bytes()).decode("ascii")
    return f"data:image/svg+xml;base64,{encoded}"
