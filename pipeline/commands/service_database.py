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
    from common.errors import OutputError
    from configs import home
    from service.database.database import LONG_SECONDS, Database
    from service.database.migrate import migrate

    file = home.database_file(config)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise OutputError(f"{file.parent}: cannot be made ({e.strerror}). Name another output_dir.") from e
    migrate(config.service.database, file)
    database = Database(config.service.database, file, timeout_seconds=LONG_SECONDS)
    try:
        yield database
    finally:
        database.close()
