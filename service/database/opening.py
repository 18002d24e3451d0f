"""Opens the database of a config, with its tables: for the service, and for the commands beside it."""

from common.errors import OutputError
from configs import home
from configs.pipeline import PipelineConfig
from service.database.database import Database
from service.database.migrate import migrate


def open_database(config: PipelineConfig, *, timeout_seconds: float | None = None) -> Database:
    """Makes or upgrades the tables, and returns the database.

    Args:
        config: The pipeline.
        timeout_seconds: As for `Database`; None: the config's.

    Raises:
        ConfigError: The database's URL cannot be used.
        OutputError: The folder of its file cannot be made.
        DatabaseUnavailableError, DatabaseError: It does not answer or refuses.
    """
    settings, file = config.service.database, home.database_file(config)
    if settings.url is None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise OutputError(f"{file.parent}: cannot be made ({e.strerror}). Name another output_dir.") from e
    migrate(settings, file)
    return Database(settings, file, timeout_seconds=timeout_seconds)
