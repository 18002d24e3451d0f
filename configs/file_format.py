"""Defines how the files of the log and of the catalogue are laid out."""

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict, field_validator, model_validator

from configs.base import Settings

Column = Annotated[str, Strict()] | Annotated[int, Strict(), Field(ge=0)]
"""A column: its name in the header, or its position from 0."""

_ESCAPE = re.compile(r"\\(?:[abefnrtv0]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})")


def refuse_escapes(text: str | None) -> str | None:
    r"""Checks that characters of a config are not an escape such as `\t` that YAML has not read.

    Args:
        text: The characters; None if the config has none.

    Raises:
        ValueError: They hold a backslash and what follows it in an escape.
    """
    if text is not None and (escape := _ESCAPE.search(text)):
        raise ValueError(
            f"holds a backslash and {escape[0][1:]!r}: YAML reads escapes only between double quotes. Write "
            f'"{text}" for the character itself'
        )
    return text


Characters = Annotated[str, AfterValidator(refuse_escapes)]
"""Characters that separate or enclose something."""


class FileFormat(Settings):
    """The layout of a file. For JSON Lines and Parquet, `separator`, `header`, `quote` and `escape` have no meaning.

    Example:
        log:
          path: ratings.dat
          format: {separator: "::", quote: "", header: false}
          columns: {user_id: 0, item_id: 1, value: 2, timestamp: 3}
    """

    kind: Literal["delimited", "jsonl", "parquet"] = "delimited"
    """`delimited`: text (CSV, TSV, `::`). `jsonl`: JSON Lines, one object on each line; `user.id` names the `id` of the
    object `user`. `parquet`: Parquet. A file whose name ends in `.gz` or `.zst` is decompressed while it is read."""

    separator: Characters = Field(default=",", min_length=1, max_length=8)
    """Characters between two columns; no line end. Default: the comma of RFC 4180."""

    header: bool = True
    """Whether the first line of each file names the columns. Default: yes, as in RFC 4180's examples."""

    quote: Characters = Field(default='"', max_length=1)
    """The quote character, ASCII; empty for none. Default: RFC 4180. Only a separator of one character can have one."""

    quoted_line_ends: bool = False
    """Whether quoted texts may hold any number of line ends. A file is then read from its beginning to its end, by one
    worker. Default: a file is read in pieces, and a quoted text of up to 1,000 lines that ends before a separator or a
    line end is one text all the same."""

    escape: Characters = Field(default="", max_length=1)
    """The character before a separator, quote or line end that belongs to the text, ASCII; often a backslash. Default:
    none, as in RFC 4180, where a quote inside a text is written twice."""

    empty: tuple[str, ...] = ("\\N", "NULL", "null", "nan", "NaN", "None", "NA", "<NA>")
    """Words that stand for an empty cell, besides the cell without anything. A word in quotes is that word."""

    decimal: Literal[".", ","] = "."
    """The character before the fraction of a number."""

    thousands: Literal["", ",", ".", " ", "'"] = ""
    """The character between groups of three digits of a number, as in 1,234,567. A number without it is read, too.
    Default: none."""

    number_signs: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Texts before or after a number that are left out, such as `$`, `EUR` and `%`."""

    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    """Character encoding of the files. A byte-order mark is skipped. Default: UTF-8."""

    @field_validator("separator")
    @classmethod
    def _separator_ends_no_line(cls, separator: str) -> str:
        if "\n" in separator or "\r" in separator:
            raise ValueError("a line end separates rows, so it cannot separate columns")
        return separator

    @field_validator("quote", "escape")
    @classmethod
    def _quote_is_one_byte(cls, quote: str) -> str:
        # Arrow's parser takes one byte.
        if quote and (not quote.isascii() or quote in "\r\n\0"):
            raise ValueError("must be one ASCII character other than a line end, or '' for none")
        return quote

    @model_validator(mode="after")
    def _quote_and_separator_fit_together(self) -> "FileFormat":
        if len(self.separator) > 1 and self.quote:
            raise ValueError(f"a separator of several characters ({self.separator!r}) cannot be quoted: set quote: ''")
        if self.separator == self.quote:
            raise ValueError(f"separator and quote are both {self.quote!r}; set quote: '' if nothing is quoted")
        if self.escape and self.escape in (self.separator, self.quote):
            raise ValueError(f"escape is {self.escape!r}, which separates columns or encloses texts; choose another")
        if len(self.separator) > 1 and self.escape:
            raise ValueError(
                f"a separator of several characters ({self.separator!r}) cannot be escaped: set escape: ''"
            )
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}; set thousands: '' or another decimal")
        if self.quoted_line_ends and not self.quote:
            raise ValueError("quoted_line_ends needs a quote character; set quote, or leave quoted_line_ends out")
        return self

    @property
    def has_plain_numbers(self) -> bool:
        """Whether numbers are written as programs write them."""
        return (self.decimal, self.thousands, self.number_signs) == (".", "", ())


def refuse_other_columns(form: FileFormat, columns: Iterable[Column | None], paths: Iterable[str]) -> None:
    """Checks that columns have positions where no header names them, and names where they have no order.

    Args:
        form: The layout of the files.
        columns: The columns of a config; None for one that it leaves out.
        paths: Globs of the files, whose folders may name columns, as in `dt=*/*.csv`.

    Raises:
        ValueError: A column has a name, and the files have no header; or a position, and the files are JSON Lines.
    """
    columns = tuple(columns)
    placed = [column for column in columns if isinstance(column, int)]
    if placed and form.kind == "jsonl":
        raise ValueError(f"columns of JSON Lines are given by name; received positions {placed}")
    folders = [folder for path in paths for folder in path.split("/")]
    named = [
        column
        for column in columns
        if isinstance(column, str) and not any(folder.startswith(f"{column}=") for folder in folders)
    ]
    if named and form.kind == "delimited" and not form.header:
        raise ValueError(
            f"without a header, columns must be given by position; received names {named}. A column that a "
            "folder names must be in the path, as in dt=*/*.csv"
        )


def require_names(paths: Iterable[str]) -> None:
    """Checks that every path of a config names files.

    Args:
        paths: Globs.

    Raises:
        ValueError: One is empty.
    """
    if not all(paths):
        raise ValueError("path is empty; name the files, or a glob of them")
