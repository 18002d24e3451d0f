"""Reads the newest events of several users at once. Every answer to a user waits for it, so it must cost little."""

import functools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, select, union_all

from service.database.columns import MAX_ID_BYTES, is_storable
from service.database.ready import present, room_for
from service.database.tables import events, forgotten, state
from service.events.event import StoredEvent
from service.events.forgotten import digest

_MOST_USERS = 64
"""In one statement: SQLite takes a union of 500, and each has to be read by the database."""


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
    gone = present(connection, forgotten.c.digest, digests.values())
    found: dict[tuple[str, int | None], list[StoredEvent]] = {}
    for after in {after for _, after in asked}:
        # What no row can hold must not reach the database, which may refuse it and with it the others of the list.
        users = list(dict.fromkeys(user for user, known in asked if known == after and is_storable(user, MAX_ID_BYTES)))
        while users:
            some, users = users[:_MOST_USERS], users[_MOST_USERS:]
            room = room_for(some)
            values = {f"user{n}": some[n] if n < len(some) else None for n in range(room)}  # nobody has no id
            for user, *event in connection.execute(_newest(room), {**values, "after": after or 0, "limit": limit}):
                found.setdefault((user, after), []).append(StoredEvent(*event))
    return [None if digests[user] in gone else found.get((user, after), []) for user, after in asked]


@functools.cache
def _newest(room: int) -> Select[Any]:
    """Reads the index of one user after the other from its end, until there are enough.

    So a user with a million events, such as one that stands for all guests, costs as much as any other.
    """
    # A version may know more exports than this database has ever closed: those of a database before this one.
    learned = bindparam("after", type_=events.c.export.type)
    after = case((select(state.c.open_export).scalar_subquery() > learned, learned), else_=0)
    each = [
        select(events.c.sequence)
        .where(events.c.user_id == bindparam(f"user{n}", type_=events.c.user_id.type), events.c.export > after)
        .order_by(events.c.time.desc(), events.c.sequence.desc())
        .limit(bindparam("limit"))
        .subquery()
        for n in range(room)
    ]
    wanted = union_all(*(select(one.c.sequence) for one in each)).subquery()
    columns = (events.c.user_id, events.c.type, events.c.item_id, events.c.time, events.c.value)
    return (
        select(*columns).join(wanted, wanted.c.sequence == events.c.sequence).order_by(events.c.time, events.c.sequence)
    )
