"""Types of columns that mean the same in SQLite, PostgreSQL, MariaDB and MySQL."""

from typing import Any

from sqlalchemy import BigInteger, Integer, LargeBinary, Text
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

MAX_ID_BYTES = 512
"""Longest id of a user or an item, in bytes of UTF-8. A key of InnoDB has room for 3,072 bytes."""


class ByteText(TypeDecorator[str]):
    """A text that is compared and sorted by its bytes.

    MariaDB and MySQL take `A` for `a` and `é` for `e`, and even their `utf8mb4_bin` takes `a` followed by a blank for
    `a`. So there it is a VARBINARY of UTF-8. PostgreSQL's collation `C` and SQLite's own compare bytes.

    PostgreSQL has no text with a NUL character, and none of them one with half a surrogate pair: `is_storable` tells.
    """

    impl = Text
    cache_ok = True

    def __init__(self, max_bytes: int) -> None:
        """Args: max_bytes: Longest text, in bytes of UTF-8."""
        super().__init__()
        self.max_bytes = max_bytes

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Returns the type in this database."""
        if is_mysql(dialect):
            return mysql.VARBINARY(self.max_bytes)
        return postgresql.TEXT(collation="C") if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        """Returns the value as the driver takes it."""
        return value.encode() if value is not None and is_mysql(dialect) else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Returns the text of what the driver gives."""
        return value.decode() if isinstance(value, bytes) else value


def is_storable(text: str, max_bytes: int) -> bool:
    """Tells whether every database can hold a text in a `ByteText` of this size."""
    try:
        return "\0" not in text and len(text.encode()) <= max_bytes
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can write
        return False


def digest_type(num_bytes: int) -> TypeEngine[bytes]:
    """The type of a column of bytes that can be a key."""
    return LargeBinary(num_bytes).with_variant(mysql.VARBINARY(num_bytes), "mysql", "mariadb")


def counter_type() -> TypeEngine[int]:
    """The type of a key that the database counts up. SQLite does that for INTEGER alone, which has 64 bits there."""
    return BigInteger().with_variant(Integer(), "sqlite")


def is_mysql(dialect: Dialect) -> bool:
    """Tells whether it is MySQL or MariaDB."""
    return dialect.name in ("mysql", "mariadb")
