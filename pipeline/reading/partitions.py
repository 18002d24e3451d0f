"""Reads columns from the names of folders, such as `dt=2026-11-29`, as Hive, Spark and others write them."""

from collections.abc import Collection, Mapping
from urllib.parse import unquote

from common.errors import DataError
from configs.file_format import Column

_EMPTY = "__HIVE_DEFAULT_PARTITION__"
"""The value that stands for an empty cell."""


def columns_of(path: str) -> dict[str, str | None]:
    """Returns the columns that the folders of a path name, with their value; None for an empty cell.

    Of two folders that name one column, the inner one counts. `%3A` and the like are decoded.

    Args:
        path: The path of a file.
    """
    found: dict[str, str | None] = {}
    for folder in path.split("/")[:-1]:
        name, sign, value = folder.partition("=")
        if name and sign:
            found[_decoded(name)] = None if value in ("", _EMPTY) else _decoded(value)
    return found


def in_file(
    wanted: Mapping[str, Column], names: Collection[str], folders: Collection[str], path: str
) -> dict[str, Column]:
    """Returns the wanted columns that must be in the file. A column of the file comes before a folder of its name.

    Args:
        wanted: Field to column.
        names: The columns of the file.
        folders: The columns that folders name.
        path: The file's name, for messages.

    Raises:
        DataError: Folders name all of them.
    """
    found = {field: column for field, column in wanted.items() if column in names or column not in folders}
    if not found:
        raise DataError(
            f"{path}: folders of the path name all columns of the config, {', '.join(map(repr, wanted.values()))}, so "
            "the rows of the file have no meaning. Correct the columns in the config."
        )
    return found


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:  # a per cent sign that is one
        return text
