"""Reads the beginning of files as columns of text."""

import contextlib
import itertools
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.errors import DataError
from configs import paths
from configs.file_format import FileFormat
from pipeline import datasets
from pipeline.commands.init import guess_layout
from pipeline.commands.init.notes import Note
from pipeline.reading import compression, files, json_lines, partitions, spans, spellings
from pipeline.reading.file_kinds import mistaken

ROWS = 100_000
"""Rows that are looked at, of all files together."""

_BYTES = 8 << 20
"""Bytes that are looked at, of all files together, and as many again of a single large file."""

_PLACES = 8
"""Further places of a large file that are looked at: a log may be sorted by type of event, or by item."""

_FILES = 16
"""Files that are looked at: the first, the last, and some between them."""


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
        """The cells of a column as `plain_ids` writes them."""
        if position not in self._plain_ids:
            self._plain_ids[position] = frozenset(plain_ids(sorted(set(self.columns[position]))))
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


def plain_ids(texts: list[str]) -> list[str]:
    """Ids without blanks around them, and without the fractions of whole numbers."""
    import pyarrow as pa

    plain: list[str] = spellings.plain(pa.array(texts, pa.string())).to_pylist()
    return plain


def read(path: str) -> Head:
    """Reads the beginning of files.

    Args:
        path: A file, a folder, or a glob.

    Raises:
        DataError: There is no such file, or it is no table that Perennial reads.
    """
    found = _files(path)
    if _first_bytes(found[0]).startswith(b"PAR1"):
        return _read_parquet(found)
    return _read_text(found)


def _files(path: str) -> list[Path]:
    """Lists the files that a run would read."""
    if "://" in path and not path.startswith(datasets.SCHEME):
        raise DataError(f"{path}: is not on this machine. Copy some of its files here, and change path in the config.")
    local = datasets.resolve(path)
    pattern = spans.as_glob(local if local != path else paths.resolved(path, Path.cwd(), glob=True))
    found = [Path(file.path) for file in files.list_files("", {"log": pattern})]
    if Path(path).expanduser().is_dir():
        raise DataError(f"{path}: is a folder; name its files, as in {path.rstrip('/')}/*.csv")
    if not found:
        raise DataError(f"{path}: no such file. Name the file, or a glob in quotes.")
    return found


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
        raise DataError(f"{file}: cannot be read ({e}). Repair it, or name other files.") from e


def _read_text(inputs: list[Path]) -> Head:
    chosen = _some(inputs)
    size = _BYTES // len(chosen)
    parts = []
    for file in chosen:
        parts.append((file, _first_bytes(file, size)))
        what = mistaken(parts[-1][1])
        if what is not None:
            raise DataError(f"{file}: {what}")
    is_whole = len(chosen) == len(inputs) and all(len(part) < size for _, part in parts)
    if len(inputs) == 1 and not is_whole and compression.ending(inputs[0].name) is None:
        parts += [(inputs[0], part) for part in _further_parts(inputs[0], size)]
    if any(b"\0" in part for _, part in parts):
        raise DataError(f"{inputs[0]}: holds bytes of value 0, so it is no text table. Is it the right file?")
    form: dict[str, Any] = {}
    notes: dict[str, Note] = {}
    texts = [(file, guess_layout.decoded(part, not is_whole, form, notes)) for file, part in parts]
    texts = [(file, text) for file, text in texts if text.strip()]
    if not texts:
        raise DataError(f"{inputs[0]}: is empty. Name a file with rows.")
    most = ROWS // len(texts)
    names: list[str] | None
    if texts[0][1].lstrip().startswith(("{", "[{", "[\n")):
        json_lines.require_object(texts[0][1].lstrip().partition("\n")[0].encode(), str(texts[0][0]))
        names, found = _json_rows(texts, most)
        form["kind"] = "jsonl"
        notes["kind"] = Note("each line is a JSON object")
    else:
        names, found = _text_rows(texts, most, form, notes)
    is_whole &= all(len(rows) <= most for _, rows in found)
    named = [partitions.columns_of(str(file)) for file, _ in found]
    folders = list(named[0]) if all(named) else []
    rows = [
        [*row, *(values.get(name) or "" for name in folders)]
        for values, (_, part) in zip(named, found, strict=True)
        for row in part[:most]
    ]
    if not rows:
        raise DataError(f"{inputs[0]}: has a header and no row. Name a file with rows.")
    guess_layout.note_long_texts(rows, form, notes)
    empty = frozenset(FileFormat().empty)
    columns = [["" if cell in empty else cell for cell in column] for column in zip(*rows, strict=True)]
    in_folders = {len(columns) - len(folders) + n: name for n, name in enumerate(folders)}
    return Head(inputs, form, names, columns, is_whole, notes, folders=in_folders)


_Found = list[tuple[Path, list[list[str]]]]
"""The rows of each file."""


def _text_rows(
    texts: list[tuple[Path, str]], most: int, form: dict[str, Any], notes: dict[str, Note]
) -> tuple[list[str] | None, _Found]:
    separator, quote = guess_layout.choose_separator(texts[0][1], str(texts[0][0]), notes)
    if separator != ",":
        form["separator"] = separator
    if quote != '"':
        form["quote"] = quote
    found = [
        (file, list(itertools.islice(guess_layout.records(text, separator, quote), most + 1))) for file, text in texts
    ]
    has_header = guess_layout.has_header(next(rows for _, rows in found if rows), notes)
    if not has_header:
        form["header"] = False
    width = Counter(len(row) for _, rows in found for row in rows).most_common(1)[0][0]
    names = next(rows for _, rows in found if rows)[0] if has_header else None
    return names, [(file, [row for row in rows if len(row) == width and row != names]) for file, rows in found]


def _json_rows(texts: list[tuple[Path, str]], most: int) -> tuple[list[str], _Found]:
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
        raise DataError(f"{texts[0][0]}: no line is a JSON object. A file in JSON Lines has one object on each line.")
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


def _read_parquet(inputs: list[Path]) -> Head:
    import pyarrow as pa
    from pyarrow import parquet

    chosen = _some(inputs)
    is_whole = len(chosen) == len(inputs)
    names: list[str] = []
    columns: list[list[str]] = []
    types: dict[int, str] = {}
    folders: list[str] = []
    for file in chosen:
        try:
            opened = parquet.ParquetFile(file)
            batch = next(opened.iter_batches(ROWS // len(chosen)), None)
        except (OSError, pa.ArrowException) as e:
            raise DataError(f"{file}: is not Parquet that can be read ({e}). Repair it, or name other inputs.") from e
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
        raise DataError(f"{inputs[0]}: has no row. Name a file with rows.")
    notes = {"kind": Note("the files are Parquet")}
    named = dict(enumerate(folders, len(names)))
    return Head(inputs, {"kind": "parquet"}, names, columns, is_whole, notes, types=types, folders=named)


def _kind(arrow_type: Any, pa: Any) -> str | None:
    if pa.types.is_timestamp(arrow_type) or pa.types.is_date(arrow_type):
        return "time"
    if pa.types.is_list(arrow_type) or pa.types.is_large_list(arrow_type):
        return "list"
    return "number" if pa.types.is_integer(arrow_type) or pa.types.is_floating(arrow_type) else None


def _text(cell: Any) -> str:
    return "|".join(map(str, cell)) if isinstance(cell, list) else str(cell)
