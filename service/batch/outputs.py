"""Defines where rows may go, and writes files of them: Parquet or CSV, which appear whole or not at all."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from common.atomicity import new_file
from common.errors import OutputError

_WRITERS = {".parquet": pq.ParquetWriter, ".csv": pyarrow.csv.CSVWriter}


class Output(Protocol):
    """Where rows go.

    Attributes:
        parts_folder: Where parts are kept until the output is complete.
    """

    parts_folder: Path

    def check(self) -> None:
        """Refuses what cannot be written, before there is anything to write."""
        ...

    def write(self, schema: pa.Schema, parts: Iterable[pa.Table]) -> None:
        """Writes all rows, in order."""
        ...


class TableFile:
    """A Parquet or CSV file."""

    def __init__(self, path: Path) -> None:
        """Names the file.

        Raises:
            OutputError: Its name does not say what it is.
        """
        if path.suffix not in _WRITERS:
            raise OutputError(f"{path}: the name of the output must end with {' or '.join(_WRITERS)}.")
        self.path = path
        self.parts_folder = path.with_name(f"{path.name}.parts")

    def check(self) -> None:
        """Refuses a folder."""
        if self.path.is_dir():
            raise OutputError(f"{self.path}: is a folder. Name a file.")

    def write(self, schema: pa.Schema, parts: Iterable[pa.Table]) -> None:
        """Writes the file, whole or not at all.

        Raises:
            OutputError: It cannot be written; an old file stays.
        """
        try:
            with new_file(self.path, durable=True) as path, self._writer(path, schema) as writer:
                for part in parts:
                    writer.write_table(part)
        except OSError as e:
            raise OutputError(f"{self.path}: cannot be written ({e}).") from e

    def _writer(self, path: str, schema: pa.Schema) -> Any:
        return _WRITERS[self.path.suffix](path, schema)
