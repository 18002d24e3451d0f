"""The digest that tells whether a version has changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from service.snapshot.source import digest_of


@pytest.fixture
def version(tmp_path: Path) -> Path:
    folder = tmp_path / "version"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables/variables.index").write_bytes(b"index")
    (folder / "variables/variables.data-00000-of-00001").write_bytes(b"weights")
    return folder


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "saved_model.pb").write_bytes(b"grapg"),
        lambda folder: (folder / "variables/variables.index").write_bytes(b"other"),
        lambda folder: (folder / "saved_model.pb").rename(folder / "model.pb"),
        lambda folder: (folder / "new").touch(),
        lambda folder: (folder / "variables/variables.data-00000-of-00001").write_bytes(b"longer weights"),
    ],
)
def test_digest_of_a_changed_version_is_another(version: Path, change: Callable[[Path], object]) -> None:
    before = digest_of(version)
    assert digest_of(version) == before
    change(version)
    assert digest_of(version) != before


def test_digest_does_not_depend_on_where_the_version_lies(version: Path) -> None:
    before = digest_of(version)
    assert digest_of(version.rename(version.with_name("elsewhere"))) == before
