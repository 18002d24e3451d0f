"""Fixtures of the service's tests: databases of each kind, an exported model, a server of it, and a running service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.answers import array
from configs.service.events import Database as Settings
from documents.provenance import Provenance
from documents.serving_requests import ServingRequests
from service.database.database import LONG_SECONDS, Database
from service.database.migrate import migrate
from serving_signatures.export import export_model
from tests.once import once
from tests.service.in_process import InProcess
from tests.service.model_server import ModelServer, serving
from tests.service.served_shop import ServedShop, Service
from tests.service.servers import mariadb_url, postgresql_url
from tests.service.small_shop import pushed_shop, serving_first
from tests.serving_signatures.oracle import Oracle, exported, make_retriever
from tests.trainer_inputs import TrainerInputs

NEWEST, OLDER = 7, 3
"""Versions of the model server; both are the same model."""

KINDS = {"sqlite": lambda: None, "postgresql": postgresql_url, "mariadb": mariadb_url}


SERVERS = [pytest.param(kind, marks=[] if kind == "sqlite" else pytest.mark.e2e) for kind in KINDS]
"""Servers are processes of their own."""


@pytest.fixture(params=SERVERS)
def settings(request: pytest.FixtureRequest) -> Settings:
    """The config of a new, empty database of each kind."""
    return Settings(url=KINDS[request.param]())


@pytest.fixture
def database(settings: Settings, tmp_path: Path) -> Iterator[Database]:
    """A new database of each kind, with its tables."""
    yield from _database(settings, tmp_path)


@pytest.fixture
def patient(settings: Settings, tmp_path: Path) -> Iterator[Database]:
    """A new database of each kind, with its tables and the timeout of exports."""
    yield from _database(settings, tmp_path, LONG_SECONDS)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """A new SQLite database with its tables, where the kind makes no difference."""
    yield from _database(Settings(), tmp_path)


def _database(settings: Settings, folder: Path, timeout_seconds: float | None = None) -> Iterator[Database]:
    file = folder / "service" / "perennial.db"
    migrate(settings, file)
    made = Database(settings, file, timeout_seconds=timeout_seconds)
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


@pytest.fixture(scope="session")
def stored_requests(model_folder: str) -> list[Any]:
    """The requests that the model carries: signature, inputs by name, and outputs as they are stored."""
    stored = ServingRequests.read(model_folder).model_dump(mode="json")["requests"]
    return [
        (each["signature"], {name: array(form) for name, form in each["inputs"].items()}, each["outputs"])
        for each in stored
    ]


@pytest.fixture(scope="session")
def model_server(model_folder: str) -> Iterator[ModelServer]:
    """A model process at a port of the loopback, with two versions and a label."""
    versions = [f"{OLDER}={model_folder}", f"{NEWEST}={model_folder}", "--label", f"stable={OLDER}"]
    with serving("localhost:0", *versions) as server:
        yield server


@pytest.fixture(scope="session")
def oracle(shop: TrainerInputs) -> Oracle:
    """The exported model as loops and dictionaries."""
    return make_retriever(shop)[1]


@pytest.fixture(scope="session")
def turned(shop: TrainerInputs) -> Path:
    """Another model of the same shop: its items are each other's, so that it answers otherwise."""

    def make(folder: Path) -> None:
        retriever = make_retriever(shop)[0]
        retriever.model.embedding.assign(retriever.model.embedding.numpy()[::-1])
        export_model(retriever, str(folder / "model"), Provenance(pipeline="shop"))

    return once("turned-shop", make) / "model"


@pytest.fixture(scope="session")
def served_shop(shop: TrainerInputs, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> ServedShop:
    """The shop with one version, which no test may change."""
    return pushed_shop(tmp_path_factory.mktemp("served"), shop, oracle)


@pytest.fixture(scope="session")
def service(served_shop: ServedShop) -> Iterator[Service]:
    """The running service, which no test may disturb."""
    with serving_first(served_shop) as running:
        yield running
