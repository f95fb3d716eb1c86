"""Claims: what the theory predicts, what was measured, and the verdict."""

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["VERDICTS", "Claim"]

VERDICTS = ("confirmed", "corrected", "refuted", "undecided")
PAPER = "arXiv:2509.21519"


@dataclass(frozen=True)
class Claim:
    """One statement with its verdict.

    Parameters
    ----------
    name
        Short identifier.
    source
        Where the statement stands.
    prediction, measured
        What is expected and what was seen, in words and numbers.
    verdict
        One of ``VERDICTS``.
    rule
        What the verdict hangs on.
    """

    name: str
    source: str
    prediction: str
    measured: str
    verdict: str
    rule: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def decide(holds: bool) -> str:
    """Return ``"confirmed"`` or ``"refuted"``."""
    return "confirmed" if holds else "refuted"
