"""Reads Parquet files as Arrow columns, one row group at a time."""

from collections.abc import Collection, Mapping, Sequence
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from common.errors import DataError
from configs.file_format import Column
from pipeline.reading.parsed import without_words
from pipeline.reading.partitions import in_file


def open_parquet(stream: IO[bytes]) -> Any:
    """Opens a Parquet file.

    Raises:
        pyarrow.ArrowInvalid, OSError: It is not a Parquet file, or cannot be read.
    """
    return pq.ParquetFile(pa.PythonFile(stream, mode="r"))


def find_columns(file: Any, wanted: Mapping[str, Column], path: str, folders: Collection[str] = ()) -> dict[str, str]:
    """Finds the wanted columns.

    Args:
        file: The opened pyarrow.parquet.ParquetFile.
        wanted: Field to column, by name or position.
        path: The file's name, for messages.
        folders: The columns that folders of the path name.

    Returns:
        Field to the column's name, without the columns that folders name and the file has not.

    Raises:
        DataError: A column is missing.
    """
    names = file.schema_arrow.names
    wanted = in_file(wanted, names, folders, path)
    missing = [c for c in wanted.values() if (c not in names if isinstance(c, str) else c >= len(names))]
    if missing:
        raise DataError(
            f"{path}: no column {', '.join(map(repr, missing))}. Wanted: {', '.join(map(repr, wanted.values()))}; "
            f"found {len(names)}: {', '.join(map(repr, names[:50]))}. Correct the columns in the config."
        )
    return {field: names[c] if isinstance(c, int) else c for field, c in wanted.items()}


def read_row_group(file: Any, group: int, columns: Mapping[str, str], empty: Sequence[str]) -> Any:
    """Reads the wanted columns of one row group.

    Args:
        file: The opened pyarrow.parquet.ParquetFile.
        group: The row group, from 0.
        columns: Field to column, as returned by `find_columns`.
        empty: Words of text columns that stand for an empty cell.

    Returns:
        pyarrow.Table with one column for each field.

    Raises:
        pyarrow.ArrowInvalid, OSError: The row group is damaged.
    """
    table = file.read_row_group(group, columns=sorted(set(columns.values())))
    # Parquet readers do not check text; this finds broken UTF-8.
    table.validate(full=True)
    return pa.table({field: without_words(table.column(name), empty) for field, name in columns.items()})
