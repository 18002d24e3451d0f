"""Opens the service's database for a command."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.commands.service_libraries import require_service

if TYPE_CHECKING:
    from configs.pipeline import PipelineConfig
    from service.database.database import Database


@contextlib.contextmanager
def service_database(config: "PipelineConfig") -> Iterator["Database"]:
    """Opens the database of the config, and makes or upgrades its tables, as the service itself does.

    Args:
        config: The pipeline.

    Yields:
        The database, with the timeout of what a person waits for.

    Raises:
        MachineError: Its libraries are not installed.
        ConfigError: Its URL cannot be used.
        OutputError: The folder of its file cannot be made.
        DatabaseUnavailableError, DatabaseError: It does not answer or refuses.
    """
    require_service("alembic", "sqlalchemy")
    from service.database.database import LONG_SECONDS
    from service.database.opening import open_database

    database = open_database(config, timeout_seconds=LONG_SECONDS)
    try:
        yield database
    finally:
        database.close()
