"""Fixtures of an object store that TensorFlow in this process uses under `gs://`."""

from collections.abc import Iterator

import pytest

from tests.vertex_api.object_store import ObjectStore, object_store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ObjectStore, dict[str, str]]]:
    """Cloud Storage, and the environment variables that make TensorFlow use it."""
    with object_store(tmp_path_factory.mktemp("object store")) as running:
        yield running


@pytest.fixture
def gs(store: tuple[ObjectStore, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """Cloud Storage without objects; watchers and refusals are removed after the test."""
    for name, value in store[1].items():
        monkeypatch.setenv(name, value)
    store[0].clear()
    yield store[0]
    store[0].clear()
