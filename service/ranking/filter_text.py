"""Reads a filter from the text of a URL; `service.ranking.filters` has the grammar's examples.

filter    = and { "or" and }
and       = condition { "and" condition }
condition = "not" condition | "(" filter ")" | name compare number | name ":" values
compare   = "<" | "<=" | ">" | ">=" | "="
values    = value | ( "any" | "all" | "none" ) "(" value { "," value } ")" | [ number ] ".." [ number ]
"""

import re
from typing import NamedTuple, NoReturn

from common.errors import QueryError
from service.ranking.filters import HOW, MAX_DEPTH, And, Filter, Not, Or, Range, Values

NUMBER = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
"""A number. A digit stands after the point, so that `1..5` is read in one way."""

_TOKEN = re.compile(r'\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<sign><=|>=|[<>=:,()])|(?P<word>[^\s"():,<>=]+)|$)', re.S)
_RANGE = re.compile(rf"({NUMBER})?\.\.({NUMBER})?", re.A)
_NUMBER = re.compile(NUMBER, re.A)
_COMPARES = ("<", "<=", ">", ">=", "=")
_ECHO_CHARACTERS = 40
"""Longest part of a query that a message repeats."""


class _Token(NamedTuple):
    """A part of the text: `kind` is `quoted`, `sign`, `word` or `end`."""

    kind: str
    text: str
    start: int


def parse_filter(text: str, max_values: int, name: str = "filter", start: int = 0) -> Filter:
    """Reads a filter.

    Args:
        text: The text.
        max_values: Largest number of values and bounds in it.
        name: The query's parameter, for messages.
        start: Where the filter begins in the text.

    Returns:
        The filter.

    Raises:
        QueryError: The text is no filter, or too large; the message says where and what was expected.
    """
    parser = _Parser(text, max_values, name, start)
    found = parser.either(0)
    parser.expect_end()
    return found


class _Parser:
    """Recursive descent, one token ahead."""

    def __init__(self, text: str, max_values: int, name: str, start: int) -> None:
        self._text, self._left, self._max_values, self._name = text, max_values, max_values, name
        self._next = self._read(start)

    def either(self, depth: int) -> Filter:
        parts = [self._both(depth)]
        while self._is_word("or"):
            self._take()
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def expect_end(self) -> None:
        if self._next.kind != "end":
            self._fail('"and", "or" or the end')

    def _both(self, depth: int) -> Filter:
        parts = [self._condition(depth)]
        while self._is_word("and"):
            self._take()
            parts.append(self._condition(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _condition(self, depth: int) -> Filter:
        if self._is_word("not") or self._is_sign("("):
            if depth == MAX_DEPTH:
                self._fail(f"at most {MAX_DEPTH} of parentheses and not inside one another")
            if self._take().text != "(":
                return Not(self._condition(depth + 1))
            found = self.either(depth + 1)
            self._take_sign(")", '"and", "or" or ")"')
            return found
        if self._is_sign() or self._next.kind == "end" or self._is_word("and") or self._is_word("or"):
            self._fail('a feature\'s name, "not" or "("')
        at = self._place()
        feature = self._value("a feature's name")
        if self._next.kind == "sign" and self._next.text in _COMPARES:
            return self._comparison(feature, at)
        self._take_sign(":", '":", "<", "<=", ">", ">=" or "="')
        return self._values(feature, at)

    def _comparison(self, feature: str, at: str) -> Range:
        sign = self._take().text
        word = self._next.text
        if self._next.kind != "word" or not _NUMBER.fullmatch(word):
            self._fail('a number; for text write ":" and the value')
        number = self._number(word)
        self._take()
        low = number if sign in (">", ">=", "=") else None
        high = number if sign in ("<", "<=", "=") else None
        return Range(feature, low, high, with_low=sign != ">", with_high=sign != "<", at=at)

    def _values(self, feature: str, at: str) -> Values | Range:
        if self._next.kind == "word":
            bounds = _RANGE.fullmatch(self._next.text)
            if bounds is not None and bounds[0] != "..":
                low, high = (None if bound is None else self._number(bound) for bound in bounds.groups())
                if low is not None and high is not None and low > high:
                    self._fail("a range from the smaller number to the larger")
                self._take()
                return Range(feature, low, high, at=at)
            for how in HOW:
                if self._is_word(how):
                    word = self._take()
                    if self._is_sign("("):
                        return Values(feature, how, self._list(), at)
                    # Without parentheses it is a category of this name.
                    self._count()
                    return Values(feature, "any", (word.text,), at)
        self._count()
        return Values(feature, "any", (self._value(_A_VALUE),), at)

    def _list(self) -> tuple[str, ...]:
        values: list[str] = []
        while not values or self._is_sign(","):
            self._take()
            self._count()
            values.append(self._value(_A_VALUE))
        self._take_sign(")", '"," or ")"')
        return tuple(values)

    def _value(self, expected: str) -> str:
        if self._next.kind == "word":
            return self._take().text
        if self._next.kind != "quoted":
            self._fail(expected)
        return re.sub(r"\\(.)", r"\1", self._take().text[1:-1], flags=re.S)

    def _number(self, word: str) -> float:
        self._count()
        return float(word)

    def _count(self) -> None:
        if not self._left:
            self._fail(f"at most {self._max_values} values")
        self._left -= 1

    def _is_word(self, word: str) -> bool:
        return self._next.kind == "word" and self._next.text.casefold() == word

    def _is_sign(self, sign: str | None = None) -> bool:
        return self._next.kind == "sign" and sign in (None, self._next.text)

    def _take_sign(self, sign: str, expected: str) -> None:
        if not self._is_sign(sign):
            self._fail(expected)
        self._take()

    def _take(self) -> _Token:
        taken = self._next
        self._next = self._read(taken.start + len(taken.text))
        return taken

    def _read(self, start: int) -> _Token:
        found = _TOKEN.match(self._text, start)
        if found is None:  # only a quote that does not end matches nothing
            raise QueryError(
                f"{self._name}, character {start + 1}: a quoted value does not end. Add the closing quote."
            )
        if found.lastgroup is None:
            return _Token("end", "", len(self._text))
        return _Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup))

    def _place(self) -> str:
        return f"{self._name}, character {self._next.start + 1}"

    def _fail(self, expected: str) -> NoReturn:
        text = self._next.text
        text = text if len(text) <= _ECHO_CHARACTERS else f"{text[:_ECHO_CHARACTERS]}…"
        received = "the end" if self._next.kind == "end" else text
        raise QueryError(
            f"{self._place()}: expected {expected}. Received: {received}. An example: "
            "genres:any(drama,comedy) and year:1990..1999"
        )


_A_VALUE = "a value; one with spaces or signs stands in double quotes"
