"""The tables. `migrations/` makes them; a test compares the two.

Their names begin with `perennial_`, as the database may be one that others use too.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

from service.database.columns import MAX_ID_BYTES, ByteText, counter_type, digest_type
from service.database.sizes import DIGEST_BYTES

MAX_EVENT_ID_BYTES = 128
"""Longest id of an event: room for a UUID or a hash with a prefix."""

MAX_RECOMMENDATION_ID_BYTES = 255
"""More than the longest `recommendation_id`."""

MAX_NAME_BYTES = 128
"""Longest name of a user of the API."""

metadata = MetaData()

# Titles are in any script, and MariaDB's default may be Latin-1.
_MYSQL: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("charset", "utf8mb4"), ("collate", "utf8mb4_bin"), ("engine", "InnoDB"))
}


def _table(name: str, *columns: Any) -> Table:
    return Table(f"perennial_{name}", metadata, *columns, **_MYSQL)


events = _table(
    "events",
    Column("sequence", counter_type(), primary_key=True, autoincrement=True),
    Column("event_id", ByteText(MAX_EVENT_ID_BYTES), nullable=False),
    Column("type", String(16), nullable=False),
    Column("user_id", ByteText(MAX_ID_BYTES), nullable=False),
    Column("item_id", ByteText(MAX_ID_BYTES), nullable=False),
    Column("time", BigInteger, nullable=False),  # microseconds since 1970
    Column("value", Double, nullable=True),
    Column("recommendation_id", ByteText(MAX_RECOMMENDATION_ID_BYTES), nullable=True),
    Column("version", BigInteger, nullable=True),
    Column("position", SmallInteger, nullable=True),
    Column("export", Integer, nullable=False),
    Index("perennial_events_id", "event_id", unique=True),
    Index("perennial_events_of_user", "user_id", "time", "sequence", "export"),  # the newest are read from its end
    Index("perennial_events_of_export", "export", "sequence"),
)
"""One row for each event. `version` and `position` follow from `recommendation_id`. `export` is the number of the
export that the event belongs to, see `state`."""

state = _table(
    "state",
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("open_export", Integer, nullable=False),
)
"""One row: the number of the export that new events belong to. Whoever adds events, closes an export or forgets a user
holds its lock until the commit. So an export never gets an event after it is closed, a forgotten user never gets one
from a request that began before, and no two processes add events with one id. Processes wait for each other, and lose
little by it: a commit of one takes everything that waited in it."""

exports = _table(
    "exports",
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("closed_at", BigInteger, nullable=False),  # microseconds since 1970
    Column("generation", Integer, nullable=False),
    Column("written", Boolean, nullable=False),
)
"""One row for each closed export. Whoever deletes events of it raises `generation` and unsets `written`: the file must
be written again."""

shown = _table(
    "shown",
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("position", SmallInteger, primary_key=True, autoincrement=False),
    Column("answers", BigInteger, nullable=False),
)
"""How many answers of a version had an item at a position, from 0."""

forgotten = _table("forgotten", Column("digest", digest_type(DIGEST_BYTES), primary_key=True))
"""Keyed hashes of forgotten users."""

secrets = _table(
    "secrets",
    Column("name", String(32), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
"""Keys that the service made for itself, and that all its processes share."""

items = _table(
    "items",
    Column("item_id", ByteText(MAX_ID_BYTES), primary_key=True),
    Column("title", Text, nullable=False),
    Column("features", JSON, nullable=False),
)
"""Items' metadata, for those who keep it here."""

api_users = _table(
    "api_users",
    Column("name", ByteText(MAX_NAME_BYTES), primary_key=True),
    Column("hash", String(255), nullable=False),
    Column("scopes", String(255), nullable=False),
)
"""Users of the API: an argon2 hash, and scopes with blanks between them."""
