"""Fixture of one fork server for all tests in this folder."""

from collections.abc import Iterator

import pytest

from tests.fault.workshop import ForkServer


@pytest.fixture(scope="session")
def server() -> Iterator[ForkServer]:
    server = ForkServer()
    yield server
    server.close()
