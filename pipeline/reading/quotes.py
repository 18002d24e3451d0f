"""Finds quoted texts that hold line ends, so that a row is never cut inside one.

The rules are those of RFC 4180 and of Arrow's parser: a quote opens a text only at the start of a field, and a quote in
the text is written twice, or after the escape character. A text ends *well* if a separator or a line end follows.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from configs.file_format import FileFormat

MAX_JOINED_LINES = 1000
"""The most lines of one quoted text, where a file is read in pieces. A quote that ends later, or not well, is a quote
too many, whose line is a bad row: one such line must not take the rest of a file with it."""

WINDOW_BYTES = 1 << 20
"""The bytes before a place in a file in which a quote that is open at this place is searched."""


def quoted_text(form: FileFormat) -> str:
    """Returns a pattern of a quoted text, from its opening quote to its closing one; quote and escape are ASCII."""
    quote, escape = re.escape(form.quote), re.escape(form.escape)
    escaped = f"|{escape}(?s:.)" if escape else ""
    other = f"[^{quote}{escape}]*"
    return f"{quote}{other}(?:(?:{quote}{quote}{escaped}){other})*{quote}(?!{quote})"


@dataclass(frozen=True)
class Quotes:
    """The quotes of a format."""

    form: FileFormat
    encoding: str
    """The encoding of the bytes that are searched: that of the file, or UTF-8 once they were converted."""

    @classmethod
    def of(cls, form: FileFormat, encoding: str = "utf-8") -> "Quotes | None":
        """Returns None for a format without quotes."""
        return cls(form, encoding) if form.kind == "delimited" and form.quote else None

    @cached_property
    def _separator(self) -> bytes:
        return self.form.separator.encode(self.encoding)

    @cached_property
    def _text(self) -> bytes:
        return quoted_text(self.form).encode()

    @cached_property
    def _start(self) -> bytes:
        """A pattern: the place where a field starts."""
        return rb"(?:\A|(?<=\n)|(?<=" + re.escape(self._separator) + b"))"

    @cached_property
    def _texts(self) -> re.Pattern[bytes]:
        quote = re.escape(self.form.quote.encode())
        return re.compile(self._start + b"(?:(" + self._text + b")|(" + quote + b"))")

    @cached_property
    def _one_text(self) -> re.Pattern[bytes]:
        return re.compile(self._text)

    def closing(self, rows: bytes, start: int) -> "Closing | None":
        """Finds where a quoted text ends.

        Args:
            rows: Bytes of a file.
            start: The place of the opening quote.

        Returns:
            The end; None if the text does not end, or has too many lines, or if the next quote opens another text: then
            the first quote is one too many.
        """
        found = self._one_text.match(rows, start)
        if found is None or self._is_long(rows, start, found.end()):
            return None
        end = found.end()
        is_well = self._ends_well(rows, end)
        opens = rows.endswith((b"\n", self._separator), start + 1, end - len(self.form.quote))
        return None if opens and not is_well else Closing(end, is_well)

    def spans(self, rows: bytes) -> "Spans":
        """Finds the quoted texts that hold line ends.

        Args:
            rows: Bytes that begin with a row.
        """
        starts, ends, opens, is_well = list[int](), list[int](), list[int](), True
        for found in self._texts.finditer(rows):
            start, end = found.span()
            if found[2] is not None:
                opens.append(start)
            elif b"\n" in found[1]:
                starts.append(start)
                ends.append(end)
                is_well = is_well and self._ends_well(rows, end) and not self._is_long(rows, start, end)
        return Spans(np.array(starts, np.int64), np.array(ends, np.int64), is_well, tuple(opens))

    def _ends_well(self, rows: bytes, end: int) -> bool:
        return rows[end : end + 1] in (b"", b"\n") or rows.startswith((b"\r\n", self._separator), end)

    def _is_long(self, rows: bytes, start: int, end: int) -> bool:
        return not self.form.quoted_line_ends and rows.count(b"\n", start, end) >= MAX_JOINED_LINES

    def rest(self, window: bytes, line: Callable[[], bytes]) -> tuple[bytes, bool]:
        """Reads the rest of a row that is not complete because a quote is open.

        Args:
            window: The bytes before a line end, from a row's start on.
            line: Reads the next line.

        Returns:
            The lines that were read, and whether they end where a row ends. If not, no open quote is closed within
            `MAX_JOINED_LINES`: each is one too many, and the row has ended before.
        """
        opens = self.spans(window).opens if self.form.quote.encode() in window else ()
        more, is_over = b"", False
        for start in opens:
            while True:
                if self._one_text.match(window + more, start):
                    closing = self.closing(window + more, start)
                    if closing is None:
                        break
                    # The row may go on, with a further text that holds line ends.
                    further, _ = self.rest(window + more, line) if closing.is_well else (b"", True)
                    return more + further, True
                read = b"" if is_over else line()
                if not read or more.count(b"\n") >= MAX_JOINED_LINES or len(more) >= WINDOW_BYTES:
                    more, is_over = more + read, True
                    break
                more += read
        return more, not opens


@dataclass(frozen=True)
class Closing:
    """The end of a quoted text."""

    place: int
    """The place after its closing quote."""

    is_well: bool
    """Whether a separator or a line end follows."""


@dataclass(frozen=True)
class Spans:
    """The quoted texts in some bytes that hold line ends."""

    starts: npt.NDArray[np.int64]
    """[texts] int64: the places of their opening quotes."""

    ends: npt.NDArray[np.int64]
    """[texts] int64: the places after their closing quotes."""

    is_well: bool
    """Whether each of them ends well, and none has too many lines."""

    opens: tuple[int, ...]
    """The places of opening quotes without a closing one."""

    def row_starts(self, rows: bytes) -> npt.NDArray[np.int64]:
        """[rows] int64: the places in `rows` where a row starts, blank lines among them."""
        line_ends = np.flatnonzero(np.frombuffer(rows, np.uint8) == ord("\n"))
        text = np.searchsorted(self.starts, line_ends, side="right") - 1
        inside = (text >= 0) & (line_ends < np.append(self.ends, 0)[text])
        starts = np.append(0, line_ends[~inside] + 1)
        return starts[starts < len(rows)]

    def rows(self, rows: bytes) -> npt.NDArray[np.int64]:
        """[rows] int64: the lines, from 0, in which a row starts, without blank lines."""
        bytes_ = np.append(np.frombuffer(rows, np.uint8), [ord("\n"), ord("\n")])
        starts = self.row_starts(rows)
        first, second = bytes_[starts], bytes_[starts + 1]
        is_blank = (first == ord("\n")) | ((first == ord("\r")) & (second == ord("\n")))
        line_ends = np.flatnonzero(bytes_ == ord("\n"))
        return np.searchsorted(line_ends, starts[~is_blank])
