"""Reads the beginning of files as columns of text, and finds out how the files are laid out."""

import codecs
import contextlib
import csv
import glob
import io
import itertools
import json
import os
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.errors import DataError
from pipeline import datasets
from pipeline.commands.init import words
from pipeline.commands.init.notes import Note
from pipeline.reading import compression, partitions
from pipeline.reading.file_kinds import mistaken

ROWS = 100_000
"""Rows that are looked at, of all files together."""

_BYTES = 8 << 20
"""Bytes that are looked at, of all files together, and as many again of a single large file."""

_PLACES = 8
"""Further places of a large file that are looked at: a log may be sorted by type of event, or by item."""

_FILES = 16
"""Files that are looked at: the first, the last, and some between them."""

_SEPARATORS = {"::": "two colons", "\t": "a tab", "|": "a bar", ";": "a semicolon", ",": "a comma", " ": "a blank"}

_COMPARED_ROWS = 500
"""Rows from which the separator is chosen."""

_ALIKE = 0.95
"""The share of rows with the same number of columns that a separator must reach."""

_LONG_TEXT_LINES = 900
"""Lines of a quoted text from which the files must be read as a whole; up to 1,000 lines need no setting."""


@dataclass
class Head:
    """The beginning of some files."""

    files: list[Path]
    format: dict[str, Any]
    """Fields of the config's `format` that differ from their defaults."""

    names: list[str] | None
    """The header; None if there is none."""

    columns: list[list[str]]
    """Cells of each column; empty cells are "". All columns have as many rows."""

    is_whole: bool
    """Whether these are all rows."""

    notes: dict[str, Note] = field(default_factory=dict)
    """What is said about each field of `format`."""

    folders: dict[int, str] = field(default_factory=dict)
    """Position to name of the columns that folders name, such as `dt=2026-11-29`."""

    types: dict[int, str] = field(default_factory=dict)
    """Parquet's type of a column, by position, where it decides: `time`, `number` or `list`."""

    _plain_ids: dict[int, frozenset[str]] = field(default_factory=dict)

    def plain_ids(self, position: int) -> frozenset[str]:
        """The cells of a column as `words.plain_id` writes them."""
        if position not in self._plain_ids:
            self._plain_ids[position] = frozenset(map(words.plain_id, self.columns[position]))
        return self._plain_ids[position]

    @property
    def rows(self) -> int:
        """The number of rows that were looked at."""
        return len(self.columns[0]) if self.columns else 0

    def name(self, position: int) -> str | None:
        """The name of a column; None if it has none."""
        return self.folders.get(position) or (None if self.names is None else self.names[position])

    def column(self, position: int) -> str | int:
        """How a config names a column: by its name, or by position if it has none of its own."""
        if position in self.folders:
            return self.folders[position]
        if self.names is None or self.names.count(self.names[position]) > 1 or not self.names[position].strip():
            return position
        return self.names[position]

    def label(self, position: int) -> str:
        """How a message names a column."""
        column = self.column(position)
        return repr(column) if isinstance(column, str) else f"column {column}"


def read(path: str) -> Head:
    """Reads the beginning of files.

    Args:
        path: A file, a folder, or a glob.

    Raises:
        DataError: There is no such file, or it is no table that Perennial reads.
    """
    files = _files(path)
    if files[0].suffix == ".parquet" or _first_bytes(files[0]).startswith(b"PAR1"):
        return _read_parquet(files)
    return _read_text(files)


def _files(path: str) -> list[Path]:
    if "://" in path and not path.startswith(datasets.SCHEME):
        raise DataError(f"{path}: is not on this machine. Copy some of its files here, and change path in the config.")
    given = Path(datasets.resolve(path)).expanduser()
    if given.is_dir():
        raise DataError(f"{given}: is a folder; name its files, as in {given / '*.csv'}")
    names = [str(given)] if given.exists() else sorted(glob.glob(str(given), recursive=True))
    files = [Path(name) for name in names if os.path.isfile(name) and not os.path.basename(name).startswith((".", "_"))]
    if not files:
        raise DataError(f"{given}: no such file. Name the file, or a glob in quotes.")
    return files


def _some(files: Sequence[Path]) -> list[Path]:
    if len(files) <= _FILES:
        return list(files)
    return [files[round(n * (len(files) - 1) / (_FILES - 1))] for n in range(_FILES)]


def _first_bytes(file: Path, size: int = 1 << 16) -> bytes:
    ending = compression.ending(file.name)
    try:
        with file.open("rb") as raw:
            return (raw if ending is None else compression.OPENERS[ending](raw)).read(size)
    except (OSError, EOFError, zlib.error) as e:
        raise DataError(f"{file}: cannot be read ({e}).") from e


def _read_text(files: list[Path]) -> Head:
    chosen = _some(files)
    size = _BYTES // len(chosen)
    parts = []
    for file in chosen:
        parts.append((file, _first_bytes(file, size)))
        what = mistaken(parts[-1][1])
        if what is not None:
            raise DataError(f"{file}: {what}")
    is_whole = len(chosen) == len(files) and all(len(part) < size for _, part in parts)
    if len(files) == 1 and not is_whole and compression.ending(files[0].name) is None:
        parts += [(files[0], part) for part in _further_parts(files[0], size)]
    if any(b"\0" in part for _, part in parts):
        raise DataError(f"{files[0]}: holds bytes of value 0, so it is no text table. Is it the right file?")
    form: dict[str, Any] = {}
    notes: dict[str, Note] = {}
    texts = [(file, _decoded(part, not is_whole, form, notes)) for file, part in parts]
    texts = [(file, text) for file, text in texts if text.strip()]
    if not texts:
        raise DataError(f"{files[0]}: is empty, so there is nothing to see.")
    most = ROWS // len(texts)
    if texts[0][1].lstrip().startswith("{"):
        names: list[str] | None
        names, found = _json_rows(texts, most, files[0])
        form["kind"] = "jsonl"
        notes["kind"] = Note("each line is a JSON object")
    else:
        names, found = _text_rows(texts, most, form, notes)
    is_whole &= all(len(rows) <= most for _, rows in found)
    folders = partitions.columns_of(str(files[0])) if all(partitions.columns_of(str(file)) for file, _ in found) else {}
    rows = [
        [*row, *(partitions.columns_of(str(file)).get(name) or "" for name in folders)]
        for file, part in found
        for row in part[:most]
    ]
    if not rows:
        raise DataError(f"{files[0]}: has a header and no row, so there is nothing to see.")
    _note_long_texts(rows, form, notes)
    columns = [[cell if cell not in words.EMPTY else "" for cell in column] for column in zip(*rows, strict=True)]
    in_folders = {len(columns) - len(folders) + n: name for n, name in enumerate(folders)}
    return Head(files, form, names, columns, is_whole, notes, folders=in_folders)


_Found = list[tuple[Path, list[list[str]]]]
"""The rows of each file."""


def _text_rows(
    texts: list[tuple[Path, str]], most: int, form: dict[str, Any], notes: dict[str, Note]
) -> tuple[list[str] | None, _Found]:
    separator, quote = _choose_separator(texts[0][1], str(texts[0][0]), notes)
    if separator != ",":
        form["separator"] = separator
    if quote != '"':
        form["quote"] = quote
    found = [(file, list(itertools.islice(_records(text, separator, quote), most + 1))) for file, text in texts]
    has_header = _has_header(next(rows for _, rows in found if rows), notes)
    if not has_header:
        form["header"] = False
    width = Counter(len(row) for _, rows in found for row in rows).most_common(1)[0][0]
    names = next(rows for _, rows in found if rows)[0] if has_header else None
    return names, [(file, [row for row in rows if len(row) == width and row != names]) for file, rows in found]


def _json_rows(texts: list[tuple[Path, str]], most: int, path: Path) -> tuple[list[str], _Found]:
    """Reads JSON Lines; fields of nested objects are columns such as `user.id`, and lists are categories with bars."""
    objects = []
    for file, text in texts:
        of_file = []
        for line in itertools.islice(filter(str.strip, text.splitlines()), most + 1):
            with contextlib.suppress(ValueError, RecursionError):
                one = json.loads(line, parse_int=str, parse_float=str)
                of_file += [dict(_flat(one))] if isinstance(one, dict) else []
        objects.append((file, of_file))
    names = list(dict.fromkeys(name for _, of_file in objects for one in of_file for name in one))
    if not names:
        raise DataError(f"{path}: no line is a JSON object. A file in JSON Lines has one object on each line.")
    return names, [(file, [[one.get(name, "") for name in names] for one in of_file]) for file, of_file in objects]


def _flat(one: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in one.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, list):
            yield f"{before}{name}", "|".join(str(each) for each in value if not isinstance(each, dict | list))
        else:
            yield f"{before}{name}", "" if value is None else str(value)


def _further_parts(file: Path, begun: int) -> list[bytes]:
    """Parts of a file after its first bytes, the last one at its end, each from the start of a line."""
    rest = file.stat().st_size - begun
    size = min(_BYTES, rest) // _PLACES
    parts = []
    with file.open("rb") as stream:
        for n in range(1, _PLACES + 1):
            stream.seek(begun + rest * n // _PLACES - size)
            stream.readline()
            parts.append(stream.read(size))
    return [part for part in parts if part]


def _decoded(head: bytes, is_cut: bool, form: dict[str, Any], notes: dict[str, Note]) -> str:
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


def _records(text: str, separator: str, quote: str) -> Iterator[list[str]]:
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


def _choose_separator(text: str, path: str, notes: dict[str, Note]) -> tuple[str, str]:
    """Chooses the separator with which nearly all rows have as many columns as the first; of several, the most."""
    beginning = text[: 1 << 18]
    found: list[tuple[int, float, str, str]] = []
    for separator in _SEPARATORS:
        for quote in ('"', "") if len(separator) == 1 else ("",):
            rows = list(itertools.islice(_records(beginning, separator, quote), _COMPARED_ROWS))
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


def _has_header(rows: list[list[str]], notes: dict[str, Note]) -> bool:
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


def _note_long_texts(rows: list[list[str]], form: dict[str, Any], notes: dict[str, Note]) -> None:
    lines = max((cell.count("\n") for row in rows for cell in row), default=0)
    if lines > _LONG_TEXT_LINES:
        form["quoted_line_ends"] = True
        notes["quoted_line_ends"] = Note(f"a quoted text has {lines:,} lines")


def _read_parquet(files: list[Path]) -> Head:
    import pyarrow as pa
    from pyarrow import parquet

    chosen = _some(files)
    is_whole = len(chosen) == len(files)
    names: list[str] = []
    columns: list[list[str]] = []
    types: dict[int, str] = {}
    folders: list[str] = []
    for file in chosen:
        try:
            opened = parquet.ParquetFile(file)
            batch = next(opened.iter_batches(ROWS // len(chosen)), None)
        except (OSError, pa.ArrowException) as e:
            raise DataError(f"{file}: is not Parquet that can be read ({e}).") from e
        if batch is None:
            continue
        is_whole &= batch.num_rows == opened.metadata.num_rows
        table = pa.Table.from_batches([batch])
        while any(pa.types.is_struct(field.type) for field in table.schema):
            table = table.flatten()  # a field of an object is a column such as `user.id`
        in_folders = partitions.columns_of(str(file))
        if not names:
            names, folders = table.schema.names, list(in_folders)
            columns = [[] for _ in (*names, *folders)]
            types = {place: kind for place, one in enumerate(table.schema) if (kind := _kind(one.type, pa))}
        if table.schema.names != names:
            raise DataError(f"{file}: has other columns than {chosen[0]}; name files of one kind.")
        for place, column in enumerate(table.columns):
            columns[place] += ["" if cell is None else _text(cell) for cell in column.to_pylist()]
        for place, name in enumerate(folders, len(names)):
            columns[place] += [in_folders.get(name) or ""] * table.num_rows
    if not columns or not columns[0]:
        raise DataError(f"{files[0]}: has no row, so there is nothing to see.")
    notes = {"kind": Note("the files are Parquet")}
    named = dict(enumerate(folders, len(names)))
    return Head(files, {"kind": "parquet"}, names, columns, is_whole, notes, types=types, folders=named)


def _kind(arrow_type: Any, pa: Any) -> str | None:
    if pa.types.is_timestamp(arrow_type) or pa.types.is_date(arrow_type):
        return "time"
    if pa.types.is_list(arrow_type) or pa.types.is_large_list(arrow_type):
        return "list"
    return "number" if pa.types.is_integer(arrow_type) or pa.types.is_floating(arrow_type) else None


def _text(cell: Any) -> str:
    return "|".join(map(str, cell)) if isinstance(cell, list) else str(cell)
