"""Reads items' titles and features from a file, for `service.database.items`: CSV, JSON Lines or Parquet."""

import csv
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from common.errors import DataError
from service.database.columns import MAX_ID_BYTES, is_storable
from service.database.items import ItemMetadata

ITEM_ID, TITLE = "item_id", "title"
"""Columns of a file; every other one is a feature."""

_BATCH_ROWS = 8192

Value = list[str] | list[float]


def read_items(
    path: Path, kinds: Mapping[str, str], separator: str | None = None
) -> Iterator[tuple[str, ItemMetadata]]:
    """Reads a file, row by row.

    Args:
        path: Its ending says what it is: `.csv`, `.jsonl` or `.parquet`. An empty cell, or a null, is no value.
        kinds: Feature of the catalogue to its kind: what is a `number` there is one here, too, though a CSV has texts
            alone.
        separator: What stands between several values of a text; None: a text is one value.

    Yields:
        Id and metadata.

    Raises:
        DataError: The file cannot be read, or a row has no id, no title, or a value that is none; the message says
            where.
    """
    readers = {".csv": _csv, ".jsonl": _json_lines, ".parquet": _parquet}
    reader = readers.get(path.suffix)
    if reader is None:
        raise DataError(f"{path}: its name ends with {path.suffix or 'nothing'}. Name a {', '.join(readers)} file.")
    reached = 0
    try:
        for number, row in reader(path):
            reached = number
            yield _item(row, kinds, separator)
    except (OSError, UnicodeDecodeError, csv.Error, json.JSONDecodeError, pa.ArrowException) as e:
        where = f"after row {reached}" if reached else "at all"
        raise DataError(f"{path}: cannot be read {where} ({type(e).__name__}: {e}). Mend the file.") from e
    except ValueError as e:
        raise DataError(f"{path}, row {reached}: {e}. Mend the row, and put the file again.") from e


def _csv(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file, strict=True), 1):
            if None in row or None in row.values():
                raise csv.Error(f"row {number} has more or fewer cells than the header")
            yield number, row


def _json_lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                row = json.loads(line)
                yield number, row if isinstance(row, dict) else {}


def _parquet(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    number = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield number, row


def _item(row: Mapping[str, Any], kinds: Mapping[str, str], separator: str | None) -> tuple[str, ItemMetadata]:
    item_id, title = row.get(ITEM_ID), row.get(TITLE)
    if isinstance(item_id, int) and not isinstance(item_id, bool):
        item_id = str(item_id)
    for name, value in ((ITEM_ID, item_id), (TITLE, title)):
        if not isinstance(value, str) or not value:
            raise ValueError(f"{name} is missing, or is no text")
    if not is_storable(str(item_id), MAX_ID_BYTES):
        raise ValueError(f"{ITEM_ID} is longer than {MAX_ID_BYTES} bytes, or holds NUL")
    features = {
        name: _values(value, name, kinds.get(name) == "number", separator)
        for name, value in row.items()
        if name not in (ITEM_ID, TITLE) and value not in (None, "", [])
    }
    return str(item_id), ItemMetadata(str(title), features)


def _values(value: Any, name: str, is_number: bool, separator: str | None) -> Value:
    if isinstance(value, str):
        value = [value] if separator is None else [part for part in value.split(separator) if part]
    values = value if isinstance(value, list) else [value]
    if is_number:
        try:
            values = [float(each) for each in values]
        except (TypeError, ValueError):
            raise ValueError(f"{name} is a number in the catalogue, and none here") from None
    texts = all(isinstance(each, str) for each in values)
    numbers = all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in values)
    if not texts and not (numbers and all(math.isfinite(each) for each in values)):
        raise ValueError(f"{name} holds what is neither texts nor finite numbers")
    return values
