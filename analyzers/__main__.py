"""``python -m analyzers`` is the command ``groupfeat``."""

from analyzers.cli import app

app()
