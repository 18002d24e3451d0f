"""Reads the newest events of several users at once. Every answer to a user waits for it, so it must cost little."""

import functools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, func, select

from service.database.columns import MAX_ID_BYTES, is_storable
from service.database.ready import is_one_of, parameters, present, room_for
from service.database.tables import events, forgotten, state
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
    gone = present(connection, forgotten.c.digest, digests.values())
    found: dict[tuple[str, int | None], list[StoredEvent]] = {}
    for after in {after for _, after in asked}:
        # What no row can hold must not reach the database, which may refuse it and with it the others of the list.
        users = list(dict.fromkeys(user for user, known in asked if known == after and is_storable(user, MAX_ID_BYTES)))
        if not users:
            continue
        values = {**parameters(users), "after": after or 0, "limit": limit}
        for user, *event in connection.execute(_newest(room_for(users)), values):
            found.setdefault((user, after), []).append(StoredEvent(*event))
    return [None if digests[user] in gone else found.get((user, after), []) for user, after in asked]


@functools.cache
def _newest(room: int) -> Select[Any]:
    age = func.row_number().over(
        partition_by=events.c.user_id, order_by=(events.c.time.desc(), events.c.sequence.desc())
    )
    # A version may know more exports than this database has ever closed: those of a database before this one.
    learned = bindparam("after", type_=events.c.export.type)
    after = case((select(state.c.open_export).scalar_subquery() > learned, learned), else_=0)
    wanted = (
        select(events.c.user_id, events.c.type, events.c.item_id, events.c.time, events.c.value, age.label("age"))
        .where(is_one_of(events.c.user_id, room), events.c.export > after)
        .subquery()
    )
    columns = [column for column in wanted.c if column.name != "age"]
    return select(*columns).where(wanted.c.age <= bindparam("limit")).order_by(wanted.c.age.desc())
