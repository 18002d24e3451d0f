"""Reads the newest events of several users at once: the query behind every answer with a user, so it must cost little.

SQLAlchemy takes longer to put a statement together than SQLite takes to answer it. So the statements are put together
once, with room for 1, 2, 4, 8 … users, and a list that is shorter is filled up with its last user.
"""

import functools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Select, bindparam, func, select

from service.database.columns import MAX_ID_BYTES, is_storable
from service.database.tables import events, forgotten
from service.events.event import StoredEvent
from service.events.forgotten import digest


def newest_of(
    connection: Connection, key: bytes, asked: Sequence[tuple[str, int | None]], limit: int
) -> list[list[StoredEvent] | None]:
    """Reads them; see `service.events.store.EventStore.newest`.

    Args:
        connection: In a transaction.
        key: Of the hashes of forgotten users.
        asked: Users' ids, each with the newest export that is known.
        limit: Largest number for each user.
    """
    digests = {user: digest(key, user) for user, _ in asked}
    gone = set(connection.execute(_forgotten(_room(len(digests))), _values(list(digests.values()))).scalars())
    found: dict[tuple[str, int | None], list[StoredEvent]] = {}
    for after in {after for _, after in asked}:
        # What no row can hold must not reach the database, which may refuse it and with it the others of the list.
        users = list(dict.fromkeys(user for user, known in asked if known == after and is_storable(user, MAX_ID_BYTES)))
        if not users:
            continue
        parameters = {**_values(users), "after": after or 0, "limit": limit}
        for user, *event in connection.execute(_newest(_room(len(users))), parameters):
            found.setdefault((user, after), []).append(StoredEvent(*event))
    return [None if digests[user] in gone else found.get((user, after), []) for user, after in asked]


def _room(number: int) -> int:
    """The smallest power of two that has room for a number of values."""
    return 1 << (number - 1).bit_length()


def _values(values: Sequence[Any]) -> dict[str, Any]:
    return {f"value{n}": values[min(n, len(values) - 1)] for n in range(_room(len(values)))}


def _is_one_of(column: Column[Any], room: int) -> Any:
    return column.in_([bindparam(f"value{n}", type_=column.type) for n in range(room)])


@functools.cache
def _forgotten(room: int) -> Select[Any]:
    return select(forgotten.c.digest).where(_is_one_of(forgotten.c.digest, room))


@functools.cache
def _newest(room: int) -> Select[Any]:
    age = func.row_number().over(
        partition_by=events.c.user_id, order_by=(events.c.time.desc(), events.c.sequence.desc())
    )
    wanted = (
        select(events.c.user_id, events.c.type, events.c.item_id, events.c.time, events.c.value, age.label("age"))
        .where(_is_one_of(events.c.user_id, room), events.c.export > bindparam("after"))
        .subquery()
    )
    columns = [column for column in wanted.c if column.name != "age"]
    return select(*columns).where(wanted.c.age <= bindparam("limit")).order_by(wanted.c.age.desc())
