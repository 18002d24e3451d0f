"""Fixture of a home to which tests write runs."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.store.runs.history import History

MEMORY = Path("/dev/shm")


@pytest.fixture
def history() -> Iterator[History]:
    # In memory: on a disk, SQLite waits for each of the many small transactions.
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield History(Path(folder))
