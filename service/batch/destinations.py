"""Reads where the neighbours go."""

from pathlib import Path

from common.errors import OutputError
from service.batch.outputs import Output, TableFile
from service.batch.sqlite_store import SqliteStore

_SQLITE = "sqlite://"
_REDIS = ("redis://", "rediss://", "unix://")


def destination(text: str, work_dir: Path) -> Output:
    """Reads `--output` of `perennial neighbours`.

    Args:
        text: A file that ends with `.parquet` or `.csv`, `sqlite://FILE`, or `redis://HOST:PORT/DB`.
        work_dir: A folder for the parts of what has no place on this machine.

    Raises:
        OutputError: It is none of them.
    """
    if text.startswith(_SQLITE):
        name = text.removeprefix(_SQLITE)
        if not name:
            raise OutputError(f"{text}: names no file. An example: sqlite://neighbours.db")
        return SqliteStore(Path(name))
    if text.startswith(_REDIS):
        from service.batch.redis_store import RedisStore  # redis takes a tenth of a second to import

        return RedisStore(text, work_dir)
    if "://" in text:
        raise OutputError(f"{text}: nothing can be written there. Name a file, sqlite://FILE or redis://HOST:PORT/DB.")
    return TableFile(Path(text))
