"""A home to write runs into."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.store.runs.history import History

MEMORY = Path("/dev/shm")


@pytest.fixture
def history() -> Iterator[History]:
    # In memory: SQLite waits for the disk at each of the many small transactions.
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield History(Path(folder))
