"""Fixtures of the service's tests: databases of each kind, and one exported model."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from configs.service.events import Database as Settings
from service.database.database import Database
from service.database.migrate import migrate
from tests.service.in_process import InProcess
from tests.service.servers import mariadb_url, postgresql_url
from tests.serving_signatures.oracle import exported
from tests.trainer_inputs import TrainerInputs

KINDS = {"sqlite": lambda: None, "postgresql": postgresql_url, "mariadb": mariadb_url}


@pytest.fixture(params=KINDS)
def settings(request: pytest.FixtureRequest) -> Settings:
    """The config of a new, empty database of each kind."""
    return Settings(url=KINDS[request.param]())


@pytest.fixture
def database(settings: Settings, tmp_path: Path) -> Iterator[Database]:
    """A new database of each kind, with its tables."""
    yield from _database(settings, tmp_path)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """A new SQLite database with its tables, where the kind makes no difference."""
    yield from _database(Settings(), tmp_path)


def _database(settings: Settings, folder: Path) -> Iterator[Database]:
    file = folder / "service" / "perennial.db"
    migrate(settings, file)
    made = Database(settings, file)
    yield made
    made.close()


@pytest.fixture(scope="session")
def model(shop: TrainerInputs) -> InProcess:
    """The exported model of the shop, with random weights."""
    return InProcess(exported(shop))


@pytest.fixture(scope="session")
def model_folder(shop: TrainerInputs) -> str:
    """The folder of that model; no test may change it."""
    return str(exported(shop))
