"""Turns rows of neighbours into keys and values, for key-value stores.

The key is the item's id. The value is JSON: `[{"item_id": ..., "title": ..., "score": ...}, ...]`, the nearest first.
An item without neighbours has no key.
"""

import itertools
from collections.abc import Iterable, Iterator

import orjson
import pyarrow as pa

from service.batch.rows import ITEM_ID, NEIGHBOUR_ID, SCORE, TITLE, VERSION

_DIGITS = 6
"""float32 has no more, and the API shows no more."""

Pair = tuple[str, bytes]
"""An item's id and its neighbours."""


def pairs(table: pa.Table) -> Iterator[Pair]:
    """The keys and values of some rows; all rows of an item stand together.

    Args:
        table: Rows of neighbours.
    """
    columns = (table[name].to_pylist() for name in (ITEM_ID, NEIGHBOUR_ID, TITLE, SCORE))
    for item_id, rows in itertools.groupby(zip(*columns, strict=True), key=lambda row: row[0]):
        found = [{ITEM_ID: near, TITLE: title, SCORE: round(score, _DIGITS)} for _, near, title, score in rows]
        yield item_id, orjson.dumps(found)


def with_version(parts: Iterable[pa.Table]) -> tuple[int | None, Iterator[pa.Table]]:
    """Reads the version from the first row, and gives all parts; None if there is no row."""
    remaining = (part for part in parts if len(part))
    first = next(remaining, None)
    if first is None:
        return None, iter(())
    return first[VERSION][0].as_py(), itertools.chain([first], remaining)
