"""Statements that are put together once: SQLAlchemy takes longer to put one together than SQLite takes to answer it.

A statement with a list has room for 1, 2, 4, 8 … values, and a list that is shorter is filled up with its last value.
"""

import functools
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, bindparam, select

CHUNK = 500
"""Values in one list, and rows in one INSERT: MariaDB takes 16 MiB in one statement, SQLite some 30,000 values."""


def room_for(values: Sequence[Any]) -> int:
    """The smallest power of two that is not below the number of values, which is at least 1."""
    return 1 << (len(values) - 1).bit_length()


def is_one_of(column: Column[Any], room: int) -> ColumnElement[bool]:
    """The condition that a column has one of the values of a list.

    Args:
        column: The column.
        room: The most values.
    """
    return column.in_([bindparam(f"value{n}", type_=column.type) for n in range(room)])


def parameters(values: Sequence[Any]) -> dict[str, Any]:
    """The parameters of a statement with `is_one_of`, and room for the values; there is at least one."""
    return {f"value{n}": values[min(n, len(values) - 1)] for n in range(room_for(values))}


def present(connection: Connection, column: Column[Any], values: Iterable[Any]) -> set[Any]:
    """Which of the values are in a column."""
    found, left = set[Any](), list(values)
    while left:
        some, left = left[:CHUNK], left[CHUNK:]
        found.update(connection.execute(_present(column, room_for(some)), parameters(some)).scalars())
    return found


@functools.cache
def _present(column: Column[Any], room: int) -> Select[Any]:
    return select(column).where(is_one_of(column, room))
