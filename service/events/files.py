"""The files of an export: names and columns. No SQLAlchemy is imported here: tasks of the pipeline do not have it."""

import re
from pathlib import Path

USER_ID, ITEM_ID, EVENT, VALUE, TIMESTAMP = "user_id", "item_id", "event", "value", "timestamp"
RECOMMENDATION_ID, VERSION, POSITION = "recommendation_id", "version", "position"
"""Columns of a file. `event` or `value` is there as the log has the one or the other, or neither."""

_FILE = re.compile(r"events-([1-9][0-9]*)\.parquet")


def file_of(folder: Path, number: int) -> Path:
    """The file of an export."""
    return folder / f"events-{number}.parquet"


def number_of(name: str) -> int | None:
    """The number of an export's file, by the file's name; None if the file is none."""
    match = _FILE.fullmatch(name)
    return int(match[1]) if match else None
