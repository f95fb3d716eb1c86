"""Expressions such as ``x^2 + x*y + y^2 mod 97``, read by a parser of our own.

    expression := sum ("mod" | "%") modulus, or expression "(mod" modulus ")"
    sum        := product (("+" | "-") product)*
    product    := signed ("*" signed, or a power that begins with no number)*
    signed     := ("+" | "-")* power
    power      := atom [("^" | "**") exponent]
    atom       := integer | "x" | "y" | "(" sum ")"

Nothing is ever evaluated as code: the answer is a table over Z/m, built operation by operation.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ExpressionError", "expression_table"]

MAX_LENGTH = 200
MAX_MODULUS = 2048
MAX_EXPONENT = 10_000
MAX_DEPTH = 20

Table = NDArray[np.int64]
_TOKEN = re.compile(r"\s*([0-9]+|mod|\*\*|[-+*^()%xy−·×²³])")
_SPELLINGS = {"−": ["-"], "·": ["*"], "×": ["*"], "²": ["^", "2"], "³": ["^", "3"]}


class ExpressionError(ValueError):
    """An expression that cannot be read; the message tells the place, counted from 1."""


@dataclass(frozen=True)
class _Token:
    text: str
    place: int

    @property
    def is_number(self) -> bool:
        return self.text.isdigit()


def expression_table(text: str) -> Table:
    """Return the table of an expression in x and y modulo m, shape (m, m), entries 0 … m − 1.

    Parameters
    ----------
    text
        A polynomial in x and y with + − * ^ (or **), parentheses and whole numbers, then
        ``mod m`` (or ``% m``); ``2xy`` means 2·x·y, and −x^2 is −(x^2). Signs may stand before
        every operand, as in ``x + -y`` and ``x*-y``, but not in an exponent. A number after a
        letter is refused: ``x2`` may be a lost exponent.

    Raises
    ------
    ExpressionError
        If it cannot be read, or is longer, deeper or larger than `MAX_LENGTH` … `MAX_EXPONENT`.

    Examples
    --------
    >>> expression_table("x^2 + xy mod 3").tolist()
    [[0, 0, 0], [1, 2, 0], [1, 0, 2]]
    """
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"expected an expression of at most {MAX_LENGTH} characters, got "
            f"{len(text) if isinstance(text, str) else type(text).__name__}"
        )
    tokens, modulus = _split(_tokens(text), text)
    reader = _Reader(tokens, modulus)
    table = reader.sum(0)
    if (left := reader.peek()) is not None:
        raise _error("expected an operator", left)
    return np.ascontiguousarray(np.broadcast_to(table, (modulus, modulus)))


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            start = place + len(text[place:]) - len(text[place:].lstrip())
            raise ExpressionError(
                f"cannot read {text[start]!r} at place {start + 1}; known are x, y, whole numbers, "
                "+ - * ^ ( ) and mod"
            )
        spelled = _SPELLINGS.get(match[1], [match[1]])
        found += [_Token(part, match.start(1) + 1) for part in spelled]
        place = match.end()
    return found


def _split(tokens: list[_Token], text: str) -> tuple[list[_Token], int]:
    """Return the tokens before, and the modulus of, ``mod m``, ``% m`` or ``(mod m)``."""
    if [token.text for token in tokens[-4:-2]] == ["(", "mod"] and tokens[-1].text == ")":
        tokens = [*tokens[:-4], *tokens[-3:-1]]
    if len(tokens) < 2 or tokens[-2].text not in ("mod", "%") or not tokens[-1].is_number:
        raise ExpressionError(f"expected 'mod m' at the end of {text!r}, as in 'x^2 + y mod 97'")
    modulus = int(tokens[-1].text)
    if not 2 <= modulus <= MAX_MODULUS:
        raise _error(f"modulus must be in 2..{MAX_MODULUS}", tokens[-1])
    return tokens[:-2], modulus


class _Reader:
    """Recursive descent over tokens; every method returns a table broadcastable to (m, m)."""

    def __init__(self, tokens: list[_Token], modulus: int) -> None:
        self.tokens, self.modulus, self.next = tokens, modulus, 0
        line = np.arange(modulus, dtype=np.int64)
        self.values = {"x": line[:, None], "y": line[None, :]}

    def peek(self) -> _Token | None:
        return self.tokens[self.next] if self.next < len(self.tokens) else None

    def take(self, *texts: str) -> _Token | None:
        token = self.peek()
        if token is None or token.text not in texts:
            return None
        self.next += 1
        return token

    def sum(self, depth: int) -> Table:
        total = self.product(depth)
        while (sign := self.take("+", "-")) is not None:
            term = self.product(depth)
            total = (total + term if sign.text == "+" else total - term) % self.modulus
        return total

    def product(self, depth: int) -> Table:
        total = self.signed(depth)
        while True:
            token = self.peek()
            if token is not None and token.is_number:
                raise _error("a number stands after ^ or *, or before letters, as in 2x^3", token)
            implied = token is not None and token.text in ("x", "y", "(")
            if self.take("*") is None and not implied:
                return total
            total = total * self.signed(depth) % self.modulus

    def signed(self, depth: int) -> Table:
        negative = False
        while (sign := self.take("+", "-")) is not None:  # a loop: signs in a row are no nesting
            negative ^= sign.text == "-"
        value = self.power(depth)
        return -value % self.modulus if negative else value

    def power(self, depth: int) -> Table:
        base = self.atom(depth)
        if self.take("^", "**") is None:
            return base
        exponent = self.peek()
        if exponent is None or not exponent.is_number:
            raise self.unexpected("a whole number as exponent")
        self.next += 1
        if int(exponent.text) > MAX_EXPONENT:
            raise _error(f"exponents go up to {MAX_EXPONENT}", exponent)
        again = self.take("^", "**")
        if again is not None:
            raise _error("a power of a power needs parentheses", again)
        return _power(base, int(exponent.text), self.modulus)

    def atom(self, depth: int) -> Table:
        token = self.peek()
        if token is None or not (token.is_number or token.text in ("x", "y", "(")):
            raise self.unexpected("x, y, a whole number or '('")
        self.next += 1
        if token.is_number:
            return np.array([[int(token.text) % self.modulus]], dtype=np.int64)
        if token.text != "(":
            return self.values[token.text]
        if depth == MAX_DEPTH:
            raise _error(f"parentheses nest up to {MAX_DEPTH} deep", token)
        inside = self.sum(depth + 1)
        if self.take(")") is None:
            raise self.unexpected(f"')' for the '(' at place {token.place}")
        return inside

    def unexpected(self, wanted: str) -> ExpressionError:
        token = self.peek()
        if token is None:
            return ExpressionError(f"expected {wanted} before 'mod', the expression ends")
        return _error(f"expected {wanted}", token)


def _power(base: Table, exponent: int, modulus: int) -> Table:
    """Return base^exponent by repeated squaring; x^0 = 1 for every x."""
    total = np.ones_like(base)
    while exponent:
        if exponent & 1:
            total = total * base % modulus
        base = base * base % modulus
        exponent >>= 1
    return total


def _error(message: str, token: _Token) -> ExpressionError:
    return ExpressionError(f"{message}, got {token.text!r} at place {token.place}")
