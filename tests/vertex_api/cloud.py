"""Runs all services on one server, with one account, as most tests need them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.vertex_api.credentials import Tokens
from tests.vertex_api.metadata import Metadata
from tests.vertex_api.pipelines import Pipelines
from tests.vertex_api.projects import Projects
from tests.vertex_api.resources import Clock
from tests.vertex_api.schedules import Schedules
from tests.vertex_api.server import VertexApi, running
from tests.vertex_api.storage import Storage


@dataclass
class Cloud:
    """The server, and the state of its services."""

    api: VertexApi
    tokens: Tokens
    pipelines: Pipelines
    schedules: Schedules
    metadata: Metadata
    storage: Storage
    key_file: Path
    """The account's key, for GOOGLE_APPLICATION_CREDENTIALS."""

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead Google's libraries here. Vertex's own address is the config's `vertex.api_endpoint`."""
        return {
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.key_file),
            "STORAGE_EMULATOR_HOST": self.api.url,
            # google-auth looks up an account at iamcredentials.googleapis.com, even if its token has another address.
            "HTTPS_PROXY": self.api.url,
            "NO_PROXY": "127.0.0.1,localhost",
        }


@contextmanager
def cloud(folder: Path) -> Iterator[Cloud]:
    """Runs Google Cloud, with the bucket `example-bucket`, while the block runs.

    Args:
        folder: The folder for the account's key.
    """
    clock, tokens = Clock(), Tokens()
    pipelines, schedules, metadata = Pipelines(clock), Schedules(clock), Metadata()
    storage = Storage("example-bucket")
    with running(tokens, pipelines, schedules, metadata, storage, Projects()) as api:
        tokens.guard(api)
        key_file = tokens.key_file(folder / "key.json", api.url)
        yield Cloud(api, tokens, pipelines, schedules, metadata, storage, key_file)
