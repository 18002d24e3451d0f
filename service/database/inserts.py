"""Inserts that do something else if the key is there; each database spells them differently."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.engine import Dialect

from service.database.columns import is_mysql


def insert_new(dialect: Dialect, table: Table, key: str) -> Any:
    """An INSERT that leaves a row with this key as it is.

    Args:
        dialect: The database's.
        table: The table.
        key: A column with a unique index.
    """
    if is_mysql(dialect):
        # Not INSERT IGNORE, which ignores everything, such as a value that is too long.
        return mysql.insert(table).on_duplicate_key_update({key: table.c[key]})
    return _dialect(dialect).insert(table).on_conflict_do_nothing(index_elements=[key])


def insert_or_replace(dialect: Dialect, table: Table) -> Any:
    """An INSERT that replaces the other columns of a row with the same primary key."""
    keys = [column.name for column in table.primary_key]
    others = [column.name for column in table.columns if column.name not in keys]
    if is_mysql(dialect):
        replacing = mysql.insert(table)
        return replacing.on_duplicate_key_update({name: replacing.inserted[name] for name in others})
    statement = _dialect(dialect).insert(table)
    return statement.on_conflict_do_update(
        index_elements=keys, set_={name: statement.excluded[name] for name in others}
    )


def insert_or_add(dialect: Dialect, table: Table, counter: str) -> Any:
    """An INSERT that adds to a counter of a row with the same primary key."""
    keys = [column.name for column in table.primary_key]
    if is_mysql(dialect):
        adding = mysql.insert(table)
        return adding.on_duplicate_key_update({counter: table.c[counter] + adding.inserted[counter]})
    statement = _dialect(dialect).insert(table)
    return statement.on_conflict_do_update(
        index_elements=keys, set_={counter: table.c[counter] + statement.excluded[counter]}
    )


def _dialect(dialect: Dialect) -> Any:
    return postgresql if dialect.name == "postgresql" else sqlite
