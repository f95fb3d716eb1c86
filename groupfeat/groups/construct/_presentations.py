"""Groups from finite presentations: ``a,b|a^2,b^3,(a*b)^5``."""

import re
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from groupfeat.groups.table._closure import table_from_left_maps
from groupfeat.groups.table._display import shorten
from groupfeat.groups.table._finite_group import FiniteGroup

__all__ = ["from_presentation"]

Letters = list[int]
_MAX_LETTERS = 500
_MAX_GENERATORS = 50
_TOKEN = re.compile(r"\s*([A-Za-z]\w*|-?\d+|[()\[\]*^,])", re.ASCII)


def from_presentation(text: str, *, name: str = "", max_order: int = 2000) -> FiniteGroup:
    """Return the group ⟨generators | relators⟩, by coset enumeration over the trivial subgroup.

    Parameters
    ----------
    text
        Generators, ``|``, relators, e.g. ``"a,b|a^2,b^3,(a*b)^5"``. A relator is a product
        with ``*`` of generators, parentheses and commutators ``[a,b]`` = a⁻¹b⁻¹ab, with
        powers ``^n``; ``u=v`` stands for u·v⁻¹.
    name
        Name of the group.
    max_order
        Refuse a larger group. Four times as many cosets may be defined on the way; an infinite
        group is noticed by passing that.

    Raises
    ------
    ValueError
        If the text cannot be read (the place is told) or the group is too large.
    """
    generators, relators = _split(text)
    _check_abelian_image(generators, relators)
    right_maps = _enumerate(generators, relators, max_order)
    # Right multiplication is left multiplication of the opposite group.
    table = table_from_left_maps(right_maps).T.copy()
    chosen = list(dict.fromkeys(int(g) for g in right_maps[:, 0] if g))
    return FiniteGroup._trusted(name or f"pres:{text}", table, chosen)


def _check_abelian_image(generators: list[str], relators: list[Letters]) -> None:
    """Refuse a group whose abelian image is infinite: fewer independent relators than generators.

    The relators' exponent sums are brought to echelon form in exact fractions.
    """
    rows = [
        [Fraction(word.count(i) - word.count(-i)) for i in range(1, len(generators) + 1)]
        for word in relators
    ]
    for i, generator in enumerate(generators):
        pivot = next((row for row in rows[i:] if row[i]), None)
        if pivot is None:
            raise ValueError(
                f"the presentation defines an infinite group: no relator bounds the order of "
                f"{generator!r} in the abelian image; add relators such as {generator}^2"
            )
        rows.remove(pivot)
        rows.insert(i, pivot)
        for row in rows[i + 1 :]:
            factor = row[i] / pivot[i]
            row[i:] = [x - factor * y for x, y in zip(row[i:], pivot[i:], strict=True)]


def _enumerate(
    generators: list[str], relators: list[Letters], max_order: int
) -> "np.ndarray[tuple[int, int], np.dtype[np.intp]]":
    from sympy.combinatorics.coset_table import coset_enumeration_r
    from sympy.combinatorics.fp_groups import FpGroup
    from sympy.combinatorics.free_groups import free_group

    free, *letters = free_group(",".join(generators))
    words = []
    for relator in relators:
        word = free.identity
        for letter in relator:
            word *= letters[abs(letter) - 1] ** (1 if letter > 0 else -1)
        words.append(word)
    try:
        cosets = coset_enumeration_r(FpGroup(free, words), [], max_cosets=4 * max_order)
    except ValueError as error:
        raise ValueError(
            f"the presentation defines more than {4 * max_order} cosets: the group is infinite, "
            f"larger than max_order={max_order}, or needs more relators"
        ) from error
    cosets.compress()
    cosets.standardize()
    columns = np.array(cosets.table, dtype=np.intp)[:, ::2].T
    if columns.shape[1] > max_order:
        raise ValueError(f"the group has order {columns.shape[1]} > {max_order}; pass max_order")
    return columns


def _split(text: str) -> tuple[list[str], list[Letters]]:
    head, bar, tail = text.partition("|")
    generators = [word.strip() for word in head.split(",")]
    if not bar or not all(re.fullmatch(r"[A-Za-z]\w*", word, re.ASCII) for word in generators):
        raise ValueError(
            f"expected generators|relators such as a,b|a^2,b^3,(a*b)^5, got {shorten(text)!r}"
        )
    if len(generators) > _MAX_GENERATORS:
        raise ValueError(f"expected up to {_MAX_GENERATORS} generators, got {len(generators)}")
    if len(set(generators)) < len(generators):
        raise ValueError(f"a generator stands twice in {head!r}")
    numbers = {word: i for i, word in enumerate(generators, start=1)}
    return generators, [_relator(part, numbers) for part in _relator_texts(tail)]


def _relator_texts(tail: str) -> list[str]:
    """Split at commas outside parentheses and brackets."""
    parts, depth = [""], 0
    for character in tail:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part for part in parts if part.strip()]


def _relator(text: str, numbers: dict[str, int]) -> Letters:
    left, equals, right = text.partition("=")
    word = _parse(left, numbers)
    return word + _inverse(_parse(right, numbers)) if equals else word


def _parse(text: str, numbers: dict[str, int]) -> Letters:
    reader = _Reader(_tokens(text), numbers, text)
    word = reader.product()
    if reader.place < len(reader.tokens):
        reader.fail(f"unexpected {reader.tokens[reader.place]!r}")
    return word


def _tokens(text: str) -> list[str]:
    found, place = [], 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"cannot read {text.strip()!r} from {text[place:].strip()[:10]!r} on")
        found.append(match[1])
        place = match.end()
    return found


def _inverse(word: Letters) -> Letters:
    return [-letter for letter in reversed(word)]


@dataclass
class _Reader:
    """A descent over tokens: product := factor (* factor)*, factor := atom (^ integer)?."""

    tokens: list[str]
    numbers: dict[str, int]
    text: str
    place: int = 0
    depth: int = 0

    def fail(self, reason: str) -> None:
        raise ValueError(f"cannot read relator {shorten(self.text.strip())!r}: {reason}")

    def take(self, expected: str = "") -> str:
        token = self.tokens[self.place] if self.place < len(self.tokens) else ""
        if not token or (expected and token != expected):
            self.fail(f"expected {expected or 'a generator'!r}, got {token or 'the end'!r}")
        self.place += 1
        return token

    def next_is(self, token: str) -> bool:
        return self.place < len(self.tokens) and self.tokens[self.place] == token

    def product(self) -> Letters:
        word = self.factor()
        while self.next_is("*"):
            self.take("*")
            word = word + self.factor()
            if len(word) > _MAX_LETTERS:
                self.fail(f"a word of more than {_MAX_LETTERS} letters")
        return word

    def factor(self) -> Letters:
        word = self.atom()
        if self.next_is("^"):
            self.take("^")
            exponent = self.take()
            if not re.fullmatch(r"-?[0-9]{1,6}", exponent):
                self.fail(f"expected a whole exponent, got {exponent!r}")
            times = int(exponent)
            if abs(times) * len(word) > _MAX_LETTERS:
                self.fail(f"a word of more than {_MAX_LETTERS} letters")
            word = (word if times > 0 else _inverse(word)) * abs(times)
        return word

    def atom(self) -> Letters:
        self.depth += 1
        if self.depth > 200:
            self.fail("parentheses too deep")
        symbol = self.take()
        if symbol == "(":
            word = self.product()
            self.take(")")
        elif symbol == "[":
            first = self.product()
            self.take(",")
            second = self.product()
            self.take("]")
            word = _inverse(first) + _inverse(second) + first + second
        elif symbol == "1":
            word = []
        else:
            if symbol not in self.numbers:
                self.fail(f"{symbol!r} is no generator")
            word = [self.numbers[symbol]]
        self.depth -= 1
        return word
