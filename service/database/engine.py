"""Connects to the database: one engine for each of SQLite, PostgreSQL, and MariaDB or MySQL, with its timeouts.

What is committed is on the disk: SQLite is set so; a server has settings of its own, which `doubts` looks at.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from common.errors import ConfigError
from configs.service.events import Database as Settings
from service.database.columns import is_mysql
from service.database.errors import DatabaseUnavailableError

WRITES = "perennial_writes"
"""Execution option of a connection whose transaction writes."""

_DRIVERS = ("sqlite", "postgresql+psycopg", "mysql+pymysql", "mariadb+pymysql")

_LEAST_CONNECT_SECONDS = 2
"""libpq takes whole seconds and makes 2 of 1."""


def make_engine(settings: Settings, default_file: Path, timeout_seconds: float) -> Engine:
    """Makes the engine; nothing connects before the first use.

    Args:
        settings: The config's `service.database`.
        default_file: The SQLite file if the config names no URL; its folder is made.
        timeout_seconds: Time for a connection, for a lock, and for a statement.

    Raises:
        ConfigError: The URL cannot be used.
    """
    url = _url(settings, default_file)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, settings, timeout_seconds)
    arguments = _postgresql(timeout_seconds) if url.get_backend_name() == "postgresql" else _mysql(timeout_seconds)
    # READ COMMITTED everywhere: MySQL's own default locks gaps between keys, so that inserts run into deadlocks.
    engine = create_engine(
        url,
        connect_args=arguments,
        isolation_level="READ COMMITTED",
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=timeout_seconds,
        hide_parameters=True,  # a statement's parameters are ids
    )
    if settings.password_file is not None:
        event.listen(engine, "do_connect", _with_password(settings.password_file))
    return engine


def doubts(connection: Connection) -> list[str]:
    """Tells why what is committed might be lost when the server or its machine ends: a line for each doubt."""
    if is_mysql(connection.dialect):
        wanted = {"innodb_flush_log_at_trx_commit": "1"}
        found = {name: str(connection.execute(text(f"SELECT @@GLOBAL.{name}")).scalar_one()) for name in wanted}
    elif connection.dialect.name == "postgresql":
        wanted = {"fsync": "on", "synchronous_commit": "on"}
        found = {name: str(connection.execute(text(f"SHOW {name}")).scalar_one()) for name in wanted}
        if found["synchronous_commit"] in ("remote_write", "remote_apply", "local"):  # the server's own disk has it
            found["synchronous_commit"] = "on"
    else:
        return []
    return [
        f"{name} of the database server is {found[name]}: events that were acknowledged may be lost when it crashes. "
        f"Set it to {value}."
        for name, value in wanted.items()
        if found[name] != value
    ]


def _url(settings: Settings, default_file: Path) -> URL:
    if settings.url is None:
        default_file.parent.mkdir(parents=True, exist_ok=True)
        return URL.create("sqlite", database=str(default_file))
    try:
        url = make_url(settings.url)
    except ArgumentError:
        # The text may hold a password, so it is not repeated.
        raise ConfigError("service.database.url: is no URL. Write it as postgresql+psycopg://USER@HOST/NAME.") from None
    if url.drivername not in _DRIVERS:
        raise ConfigError(
            f"service.database.url: {url.drivername!r} is not supported. Begin it with one of: {', '.join(_DRIVERS)}."
        )
    if url.password is not None:
        raise ConfigError("service.database.url: holds a password. Put it into a file, and name that as password_file.")
    if url.drivername == "sqlite" and not url.database:
        raise ConfigError("service.database.url: names no file. Write sqlite:///FILE, or leave url out.")
    return url


def _sqlite(url: URL, settings: Settings, timeout_seconds: float) -> Engine:
    file = str(url.database)

    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        # Transactions are ours, see `begin`: the driver would begin them late, and none for what only reads.
        connection.isolation_level = None
        cursor = connection.cursor()
        # FULL syncs the log at each commit; WAL's usual NORMAL would lose the last commits with the machine's power.
        # secure_delete: a forgotten user's rows are overwritten in the file.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begin(connection: Connection) -> None:
        # A transaction that first reads and then writes would fail if another one wrote in between.
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    def create(_: Any, __: Any, arguments: list[Any], ___: dict[str, Any]) -> None:
        # Only this account may read what people did. SQLite gives its other files the same permissions.
        os.close(os.open(arguments[0], os.O_CREAT | os.O_RDWR, 0o600))

    engine = create_engine(
        url.set(database=os.path.abspath(file)),
        connect_args={"timeout": timeout_seconds},
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=timeout_seconds,
        hide_parameters=True,
    )
    event.listen(engine, "do_connect", _unless_unwritable(create))
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def _unless_unwritable(create: Callable[..., None]) -> Callable[..., None]:
    """Lets SQLite say what is wrong with a file that cannot be made."""

    def listener(*arguments: Any) -> None:
        try:
            create(*arguments)
        except OSError as e:
            raise sqlite3.OperationalError(f"unable to open database file: {e.strerror}") from e

    return listener


def _postgresql(timeout_seconds: float) -> dict[str, Any]:
    milliseconds = max(1, round(timeout_seconds * 1000))
    seconds = max(1, round(timeout_seconds))
    return {
        "connect_timeout": max(_LEAST_CONNECT_SECONDS, seconds),
        # The last one: a process that hangs in a transaction must not hold its locks.
        "options": " ".join(
            f"-c {name}={milliseconds}"
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        ),
        # A server whose machine is gone sends nothing, not even that it is gone.
        "keepalives_idle": seconds,
        "keepalives_interval": seconds,
        "keepalives_count": 3,
        "tcp_user_timeout": milliseconds,
        # A prepared statement does not survive a pooler such as PgBouncer between the service and the server.
        "prepare_threshold": None,
    }


def _mysql(timeout_seconds: float) -> dict[str, Any]:
    seconds = max(1, round(timeout_seconds))
    return {
        "connect_timeout": seconds,
        "read_timeout": timeout_seconds,
        "write_timeout": timeout_seconds,
        "init_command": f"SET SESSION innodb_lock_wait_timeout={seconds}",
        "charset": "utf8mb4",
    }


def _with_password(file: str) -> Callable[[Any, Any, list[Any], dict[str, Any]], None]:
    """Reads the password at each new connection, so that it can be changed without a restart."""

    def add(_: Any, __: Any, ___: list[Any], parameters: dict[str, Any]) -> None:
        try:
            parameters["password"] = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as e:
            raise DatabaseUnavailableError(
                f"service.database.password_file: {file} cannot be read ({type(e).__name__}). Mount the secret there."
            ) from None

    return add
