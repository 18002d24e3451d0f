"""A cloud on the loopback with registry, Endpoints, metadata and TensorFlow's `gs://`; and a clock for versions."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import configs  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import pytest

from pipeline.versions import publish
from pipeline.vertex.registry import versions as registry_versions
from tests.pipeline.vertex.registry.worlds import World
from tests.vertex_api import cloud as vertex_cloud
from tests.vertex_api.object_store import ObjectStore, object_store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ObjectStore, dict[str, str]]]:
    """Cloud Storage, and the environment that leads TensorFlow there."""
    with object_store(tmp_path_factory.mktemp("object store")) as running:
        yield running


@pytest.fixture
def world(
    tmp_path: Path, store: tuple[ObjectStore, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """An empty project, to which this process is signed in."""
    numbers = itertools.count(1000)
    monkeypatch.setattr(publish, "_now", lambda: float(next(numbers)))
    monkeypatch.setattr(registry_versions, "_sleep", lambda seconds: None)
    with vertex_cloud.cloud(tmp_path) as running:
        for name, value in {**running.environment, **store[1]}.items():
            monkeypatch.setenv(name, value)
        world = World(running.api, store[0], tmp_path)
        yield world
        store[0].refused.clear()
        parts = [part for part in world.endpoints.answered if part]
        first = world.endpoints.answered.index(parts[0]) if parts else 0
        assert all(world.endpoints.answered[first:]), "for a while, nothing answered"
