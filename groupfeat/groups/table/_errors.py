"""The one error of our own: a table that is no group."""

__all__ = ["NotAGroupError"]


class NotAGroupError(ValueError):
    """A Cayley table breaks a group axiom; the message names the axiom and the first offenders."""
