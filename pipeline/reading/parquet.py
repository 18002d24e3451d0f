"""Reads Parquet files as Arrow columns, one row group at a time."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.errors import DataError
from configs.file_format import Column, FileFormat
from pipeline.reading import bad_rows, column_types
from pipeline.reading.parsed import Kind, without_words
from pipeline.reading.partitions import in_file

_UUID = "UUID"
"""Parquet's logical type of sixteen bytes that are a UUID."""

_ARROW_UUID = "arrow.uuid"
"""Arrow's name of it, which older versions of Arrow write into the schema's metadata only."""


@dataclass(frozen=True)
class Place:
    """Where a column is."""

    index: int
    """The position of the file's column, from 0."""

    fields: tuple[str, ...] = ()
    """The way into a column of objects: `id` for the column `user.id` of the objects `user`."""


def open_parquet(stream: IO[bytes]) -> Any:
    """Opens a Parquet file.

    Raises:
        pyarrow.ArrowInvalid, OSError: It is not a Parquet file, or cannot be read.
    """
    return pq.ParquetFile(pa.PythonFile(stream, mode="r"))


def find_columns(file: Any, wanted: Mapping[str, Column], path: str, folders: Collection[str] = ()) -> dict[str, Place]:
    """Finds the wanted columns.

    Args:
        file: The opened pyarrow.parquet.ParquetFile.
        wanted: Field to column, by name or position.
        path: The file's name, for messages.
        folders: The columns that folders of the path name.

    Returns:
        Field to the place of its column, without the columns that folders name and the file has not.

    Raises:
        DataError: A column is missing, or its name is that of two columns.
    """
    schema = file.schema_arrow
    names = schema.names
    found = {column: place for column in wanted.values() if (place := _place(schema, column)) is not None}
    wanted = in_file(wanted, {column for column in found if isinstance(column, str)}, folders, path)
    missing = [column for column in wanted.values() if column not in found]
    if missing:
        raise DataError(
            f"{path}: no column {', '.join(map(repr, missing))}. Wanted: {', '.join(map(repr, wanted.values()))}; "
            f"found {len(names)}: {bad_rows.listed(names)}. Correct the columns in the config."
        )
    twice = [column for column in wanted.values() if isinstance(column, str) and names.count(column) > 1]
    if twice:
        raise DataError(f"{path}: column {twice[0]!r} occurs twice; name it by position, from 0.")
    return {field: found[column] for field, column in wanted.items()}


def _place(schema: Any, column: Column) -> Place | None:
    if isinstance(column, int):
        return Place(column) if column < len(schema.names) else None
    if column in schema.names:
        return Place(schema.names.index(column))
    first, *fields = column.split(".")
    if schema.names.count(first) != 1:
        return None
    kind = schema.field(first).type
    for name in fields:
        if not pa.types.is_struct(kind) or kind.get_field_index(name) < 0:
            return None
        kind = kind[kind.get_field_index(name)].type
    return Place(schema.names.index(first), tuple(fields))


def read_row_group(
    file: Any, group: int, places: Mapping[str, Place], kinds: Mapping[str, Kind], form: FileFormat, path: str
) -> Any:
    """Reads the wanted columns of one row group.

    Args:
        file: The opened pyarrow.parquet.ParquetFile.
        group: The row group, from 0.
        places: Field to the place of its column, as returned by `find_columns`.
        kinds: What each field holds.
        form: The format, with the words of text columns that stand for an empty cell.
        path: The file's name, for messages.

    Returns:
        pyarrow.Table with one column for each field.

    Raises:
        DataError: A column has a type from which its field cannot be read.
        pyarrow.ArrowInvalid, OSError: The row group is damaged.
    """
    names = file.schema_arrow.names
    table = file.read_row_group(group, columns=sorted({names[place.index] for place in places.values()}))
    # Parquet readers do not check text; this finds broken UTF-8.
    table.validate(full=True)
    found = {}
    for field, place in places.items():
        column = _column(file, table, place)
        name = ".".join((names[place.index], *place.fields))
        column_types.require(column, kinds[field], name, path)
        found[field] = without_words(column, form.empty)
    return pa.table(found)


def _column(file: Any, table: Any, place: Place) -> Any:
    schema = file.schema_arrow
    name = schema.names[place.index]
    # Of columns with the same name, all are read, in the order of the file.
    before = schema.names[: place.index].count(name)
    column = table.column([i for i, other in enumerate(table.column_names) if other == name][before])
    field = schema.field(place.index)
    for name in place.fields:
        field = field.type[field.type.get_field_index(name)]
        column = pc.struct_field(column, [column.type.get_field_index(name)])
    return _plain(column, _is_uuid(file, place, field))


def _is_uuid(file: Any, place: Place, field: Any) -> bool:
    if getattr(field.type, "extension_name", None) == _ARROW_UUID:
        return True
    if (field.metadata or {}).get(b"ARROW:extension:name") == _ARROW_UUID.encode():
        return True
    path = ".".join((file.schema_arrow.names[place.index], *place.fields))
    leaves = (file.schema.column(i) for i in range(len(file.schema)))
    return any(leaf.path == path and str(leaf.logical_type) == _UUID for leaf in leaves)


def _plain(column: Any, is_uuid: bool) -> Any:
    """Returns a column with a type that means the same and that is easier to read."""
    if isinstance(column.type, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
    kind = column.type
    if is_uuid and kind == pa.binary(16):
        return _uuids(column)
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        try:
            return column.cast(pa.string())  # as old versions of Impala, Hive and Spark write text
        except pa.ArrowInvalid:
            return column  # the rows that are no text become bad ones
    return column


def _uuids(column: Any) -> Any:
    encoded = column.combine_chunks().dictionary_encode()
    encoded = encoded if isinstance(encoded, pa.DictionaryArray) else encoded.chunk(0)
    texts = [str(uuid.UUID(bytes=value)) for value in encoded.dictionary.to_pylist()]
    return pa.chunked_array([pa.DictionaryArray.from_arrays(encoded.indices, pa.array(texts, pa.string()))])
