"""Titles and features of items, for those who keep them in the database rather than in the catalogue's files."""

import functools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, func, select

from service.database.columns import MAX_ID_BYTES, is_storable
from service.database.database import Database
from service.database.errors import DatabaseError
from service.database.inserts import insert_or_replace
from service.database.ready import CHUNK, is_one_of, parameters, room_for
from service.database.tables import items as table


@dataclass(frozen=True)
class ItemMetadata:
    """What the database says about an item."""

    title: str
    """The title."""

    features: Mapping[str, Any]
    """Feature to JSON value."""


class ItemStore:
    """The items of a database, with the newest-asked ones in memory. Safe to use from many threads."""

    def __init__(
        self,
        database: Database,
        cached_items: int = 100_000,
        cached_seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Makes the store.

        Args:
            database: With its tables.
            cached_items: Most items in memory; 100,000 take some 100 MB with ten features.
            cached_seconds: How long a change in the database may go unnoticed.
            clock: Seconds.
        """
        self._database = database
        self._most = cached_items
        self._seconds = cached_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._cache: OrderedDict[str, tuple[float, ItemMetadata | None]] = OrderedDict()

    def get(self, item_ids: Sequence[str]) -> dict[str, ItemMetadata]:
        """Reads items: those that are not in memory, with one query for 500 of them.

        Args:
            item_ids: Their ids.

        Returns:
            Id to metadata; an item that the database does not have is left out.

        Raises:
            DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
        """
        now = self._clock()
        with self._lock:
            found = {item: self._cache[item][1] for item in item_ids if self._is_fresh(item, now)}
            for item in found:
                self._cache.move_to_end(item)
        missing = [item for item in dict.fromkeys(item_ids) if item not in found and is_storable(item, MAX_ID_BYTES)]
        read: dict[str, ItemMetadata | None] = dict.fromkeys(missing)
        for start in range(0, len(missing), CHUNK):
            read |= self._read(missing[start : start + CHUNK])
        self._remember(read, now)
        return {item: metadata for item, metadata in (found | read).items() if metadata is not None}

    def put(self, items: Iterable[tuple[str, ItemMetadata]]) -> int:
        """Stores items; those that are there are replaced. Each 500 are a transaction.

        Args:
            items: Ids and metadata.

        Returns:
            Their number.

        Raises:
            DatabaseUnavailableError, DatabaseError: The database does not answer or refuses, or an id is too long.
        """
        statement, rows, count = insert_or_replace(self._database.engine.dialect, table), list[dict[str, Any]](), 0
        for count, (item_id, metadata) in enumerate(items, 1):
            if not is_storable(item_id, MAX_ID_BYTES):
                raise DatabaseError(f"The id of item {count} is longer than {MAX_ID_BYTES} bytes or holds NUL.")
            rows.append({"item_id": item_id, "title": metadata.title, "features": dict(metadata.features)})
            if len(rows) == CHUNK:
                self._database.change(statement, rows)
                rows = []
        if rows:
            self._database.change(statement, rows)
        with self._lock:
            self._cache.clear()
        return count

    def remembered(self, item_ids: Sequence[str]) -> dict[str, ItemMetadata] | None:
        """What `get` returns, if all of it is in memory; None if the database must be asked."""
        now = self._clock()
        with self._lock:
            if not all(self._is_fresh(item, now) for item in item_ids):
                return None
            found = {item: self._cache[item][1] for item in item_ids}
            for item in found:
                self._cache.move_to_end(item)
        return {item: metadata for item, metadata in found.items() if metadata is not None}

    def first(self, limit: int) -> tuple[int, list[tuple[str, ItemMetadata]]]:
        """Counts the items, and reads the first ones by the bytes of their ids.

        Raises:
            DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
        """
        [(count,)] = self._database.rows(select(func.count()).select_from(table))
        rows = self._database.rows(select(table).order_by(table.c.item_id).limit(limit))
        return count, [(row.item_id, ItemMetadata(row.title, row.features)) for row in rows]

    def remove(self, item_ids: Sequence[str]) -> int:
        """Removes items; returns how many were there.

        Raises:
            DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
        """
        storable = [item for item in dict.fromkeys(item_ids) if is_storable(item, MAX_ID_BYTES)]
        count = 0
        for start in range(0, len(storable), CHUNK):
            some = storable[start : start + CHUNK]
            count += self._database.change(delete(table).where(table.c.item_id.in_(some)))
        with self._lock:
            self._cache.clear()
        return count

    def _read(self, item_ids: Sequence[str]) -> dict[str, ItemMetadata]:
        query, values = _query(room_for(item_ids)), parameters(item_ids)
        rows = self._database.read(lambda connection: connection.execute(query, values).all())
        return {row.item_id: ItemMetadata(row.title, row.features) for row in rows}

    def _is_fresh(self, item: str, now: float) -> bool:
        return item in self._cache and now - self._cache[item][0] < self._seconds

    def _remember(self, read: dict[str, ItemMetadata | None], now: float) -> None:
        with self._lock:
            for item, metadata in read.items():
                self._cache[item] = (now, metadata)
                self._cache.move_to_end(item)
            while len(self._cache) > self._most:
                self._cache.popitem(last=False)


@functools.cache
def _query(room: int) -> Select[Any]:
    return select(table).where(is_one_of(table.c.item_id, room))
