"""Guesses how a text file is laid out: encoding, separator, quotes, header."""

import codecs
import csv
import io
import itertools
from collections.abc import Iterator
from typing import Any

from common.errors import DataError
from pipeline.commands.init import words
from pipeline.commands.init.notes import Note

_SEPARATORS = {"::": "two colons", "\t": "a tab", "|": "a bar", ";": "a semicolon", ",": "a comma", " ": "a blank"}

_COMPARED_ROWS = 500
"""Rows from which the separator is chosen."""

_ALIKE = 0.95
"""The share of rows with the same number of columns that a separator must reach."""

_LONG_TEXT_LINES = 900
"""Lines of a quoted text from which the files must be read as a whole; up to 1,000 lines need no setting."""


def decoded(head: bytes, is_cut: bool, form: dict[str, Any], notes: dict[str, Note]) -> str:
    """Decodes the beginning of a file, in UTF-8 or else in latin-1; a line that is cut off is left out."""
    if is_cut:
        head = head[: head.rfind(b"\n") + 1] or head
    head = head.removeprefix(codecs.BOM_UTF8)
    try:
        return head.decode("utf-8")
    except UnicodeDecodeError as e:
        form["encoding"] = "latin-1"
        shown = head[max(0, e.start - 20) : e.start + 20].decode("latin-1").replace("\n", " ")
        notes["encoding"] = Note(
            f"the files are not UTF-8: byte {e.start} is 0x{head[e.start]:02x}. In latin-1 it reads {shown!r}",
            is_sure=False,
            otherwise="convert the files to UTF-8",
        )
        return head.decode("latin-1")


def records(text: str, separator: str, quote: str) -> Iterator[list[str]]:
    """Yields the rows of a text that are not blank."""
    if len(separator) > 1:
        yield from (line.split(separator) for line in text.splitlines() if line.strip())
        return
    csv.field_size_limit(1 << 24)
    lines = io.StringIO(text, newline="")
    if quote:
        reader = csv.reader(lines, delimiter=separator, quotechar=quote)
    else:
        reader = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)
    try:
        yield from (row for row in reader if row and any(cell.strip() for cell in row))
    except csv.Error:  # a carriage return inside a line, or a text of 16 MiB: what was read before is enough
        return


def choose_separator(text: str, path: str, notes: dict[str, Note]) -> tuple[str, str]:
    """Chooses the separator with which nearly all rows have as many columns as the first; of several, the most."""
    beginning = text[: 1 << 18]
    found: list[tuple[int, float, str, str]] = []
    for separator in _SEPARATORS:
        for quote in ('"', "") if len(separator) == 1 else ("",):
            rows = list(itertools.islice(records(beginning, separator, quote), _COMPARED_ROWS))
            if len(rows) > 1 and len(text) > len(beginning):
                rows.pop()  # the last one may be cut
            width = len(rows[0])
            share = sum(len(row) == width for row in rows) / len(rows)
            if width > 1 and share >= _ALIKE:
                found.append((width, share, separator, quote))
                break
    # A blank stands in texts too: it separates only if nothing else does.
    others = [one for one in found if one[2] != " "]
    if not others and not found:
        raise DataError(
            f"{path}: no separator gives all rows as many columns; tried {', '.join(_SEPARATORS.values())}. Write the "
            "config by hand: docs/own-data.md describes format."
        )
    width, share, separator, quote = max(others or found, key=lambda one: (one[0], one[1]))
    notes["separator"] = Note(f"{_SEPARATORS[separator]}: {width} columns in {share:.0%} of the rows")
    if not quote and len(separator) > 1:
        notes["quote"] = Note("a separator of several characters cannot be quoted")
    elif not quote:
        notes["quote"] = Note("quotes in the files do not enclose cells", otherwise="'\"'")
    return separator, quote


def has_header(rows: list[list[str]], notes: dict[str, Note]) -> bool:
    """Whether the first row names the columns."""
    first, rest = rows[0], rows[1 : _COMPARED_ROWS + 1]
    if sum(map(words.is_known, first)) > 1:
        return True
    if any(words.is_number(cell) or words.looks_like_time(cell) for cell in first):
        notes["header"] = Note(f"the first row holds numbers as the others do: {words.shown(first)}")
        return False
    if any(words.is_known(cell) for cell in first) or any(not cell.strip() for cell in first[1:]):
        return True
    columns = list(zip(*(row for row in rest if len(row) == len(first)), strict=True))
    if any(all(words.is_number(cell) or not cell for cell in column) for column in columns):
        return True
    is_repeated = any(cell in column for cell, column in zip(first, columns, strict=False))
    notes["header"] = Note(
        f"the first row is {words.shown(first)}",
        is_sure=False,
        otherwise=f"header: {str(is_repeated).lower()}",
    )
    return not is_repeated


def note_long_texts(rows: list[list[str]], form: dict[str, Any], notes: dict[str, Note]) -> None:
    """Sets `quoted_line_ends` if a quoted text has so many lines that the files need it."""
    lines = max((cell.count("\n") for row in rows for cell in row), default=0)
    if lines > _LONG_TEXT_LINES:
        form["quoted_line_ends"] = True
        notes["quoted_line_ends"] = Note(f"a quoted text has {lines:,} lines")
