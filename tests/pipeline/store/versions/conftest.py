"""Fixtures: a clock that stands still until it is set, and a serving folder that acts like an object store."""

from pathlib import Path

import pytest

from common.atomicity import copying, files, folders
from pipeline.ground import local_copy
from pipeline.store.versions import in_place, publish


class Clock:
    """Seconds since 1970."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that numbers versions."""
    clock = Clock()
    monkeypatch.setattr(publish, "_now", clock)
    return clock


@pytest.fixture
def object_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A serving folder without rename and locks. TensorFlow's own `ram://` lists the files of `assets.extra` twice."""
    for module in (publish, in_place, local_copy, copying, files, folders):
        monkeypatch.setattr(module, "is_local", lambda path: False)
    return tmp_path / "bucket"


@pytest.fixture(params=["here", "object store"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A serving folder on this machine, and one on an object store."""
    if request.param == "here":
        return tmp_path / "serving"
    folder: Path = request.getfixturevalue("object_store")
    return folder
