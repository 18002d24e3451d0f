"""Opens the service's database for a command."""

import contextlib
import importlib.util
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from common.errors import MachineError

if TYPE_CHECKING:
    from configs.pipeline import PipelineConfig
    from service.database.database import Database

_LIBRARIES = ("alembic", "sqlalchemy")


def require_libraries(names: Sequence[str]) -> None:
    """Checks that libraries of the dependency group `serve` are installed.

    Raises:
        MachineError: They are not.
    """
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise MachineError(
            f"the service needs {', '.join(missing)}, which this environment lacks. Install the dependency group: "
            "uv sync --group serve"
        )


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
    require_libraries(_LIBRARIES)
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
