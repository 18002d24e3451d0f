"""A serving folder in a bucket: what Arrow's real client finds and copies, and the real service that follows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.errors import OutputError
from service.versions.folder import ServingFolder
from tests.service.bucket import Bucket, bucket
from tests.service.served_shop import ServedShop, wait_until
from tests.service.small_shop import HISTORIES, KINDS, shop_items
from tests.serving_signatures.oracle import Oracle, exported
from tests.trainer_inputs import TrainerInputs

FILES = {
    "saved_model.pb": b"graph",
    "variables/variables.index": b"index",
    "assets.extra/service/items.parquet": b"i" * 9,
}


@pytest.fixture
def remote() -> Iterator[Bucket]:
    with bucket() as running:
        yield running


@pytest.fixture
def folder(remote: Bucket, tmp_path: Path) -> ServingFolder:
    return ServingFolder(remote.uri, tmp_path)


def push(remote: Bucket, number: int | str, *without: str) -> None:
    for name, content in FILES.items():
        if name not in without:
            remote.put(f"{number}/{name}", content)


def test_versions_newest_first_and_only_whole_ones(remote: Bucket, folder: ServingFolder) -> None:
    assert folder.versions() == []
    for number in (9, 100, 20):
        push(remote, number)
    push(remote, 300, "saved_model.pb")
    for name in ("007", "latest", "12x", "1" * 19):
        push(remote, name)
    remote.put("101/old/saved_model.pb", b"")
    assert [version.number for version in folder.versions()] == [100, 20, 9]


def test_versions_with_objects_that_stand_for_folders_are_the_same(remote: Bucket, folder: ServingFolder) -> None:
    for name in ("", "5/", "5/variables/", "6/"):
        remote.put(name, b"")
    push(remote, 5)
    assert [version.number for version in folder.versions()] == [5]


def test_versions_of_thousands_of_objects_are_all_found(remote: Bucket, folder: ServingFolder) -> None:
    for number in range(1, 801):  # three objects each; a page of the store has 1000
        push(remote, number)
    assert [version.number for version in folder.versions()] == list(range(800, 0, -1))


def test_version_whose_file_was_written_again_has_another_time(remote: Bucket, folder: ServingFolder) -> None:
    push(remote, 5)
    before = folder.versions()
    push(remote, 5)
    assert folder.versions()[0].modified > before[0].modified > 0


def test_fetch_copies_all_files_once(remote: Bucket, folder: ServingFolder) -> None:
    push(remote, 5)
    copy = folder.fetch(5)
    assert {file.relative_to(copy).as_posix(): file.read_bytes() for file in copy.rglob("*") if file.is_file()} == FILES
    remote.is_down = True
    assert folder.fetch(5) == copy


@pytest.mark.parametrize("name", list(FILES))
def test_fetch_that_is_cut_leaves_nothing_and_succeeds_later(remote: Bucket, folder: ServingFolder, name: str) -> None:
    push(remote, 5)
    remote.cut = name
    with pytest.raises(OutputError, match="/5: cannot be copied"):
        folder.fetch(5)
    assert list(folder.copies.iterdir()) == []
    remote.cut = None
    assert (folder.fetch(5) / name).read_bytes() == FILES[name]


def test_versions_of_a_store_that_is_down_say_so_and_come_back(remote: Bucket, folder: ServingFolder) -> None:
    push(remote, 5)
    remote.is_down = True
    with pytest.raises(OutputError, match="cannot be read"):
        folder.versions()
    remote.is_down = False
    assert [version.number for version in folder.versions()] == [5]


@pytest.mark.e2e
def test_service_follows_a_bucket_and_goes_on_without_it(
    remote: Bucket, shop: TrainerInputs, oracle: Oracle, turned: Path, tmp_path: Path
) -> None:
    source = ServedShop(tmp_path / "source", exported(shop))
    place = ServedShop(tmp_path / "here", exported(shop), serving_dir=remote.uri)

    def upload(number: int, model: Path | None = None) -> None:
        remote.upload(source.push(number, shop_items(oracle), KINDS, HISTORIES, model=model))

    upload(100)
    with place.running() as running:
        running.serves(100)
        first = running.get("/v1/recommendations", items="i3")["items"]
        remote.is_down = True
        wait_until(lambda: "cannot be read" in running.output, lambda: running.output)
        assert running.get("/v1/recommendations", items="i3")["items"] == first
        remote.is_down = False
        upload(101, turned)
        running.serves(101)
        assert running.get("/v1/recommendations", items="i3")["items"] != first
        upload(102)  # a rollback is a new number with the files of an old version
        running.serves(102)
        assert running.get("/v1/recommendations", items="i3")["items"] == first
        copies = place.home / "service" / "cache" / "versions"
        wait_until(lambda: [one.name for one in copies.iterdir()] == ["102"], lambda: str(list(copies.iterdir())))
        remote.is_down = True  # it ends within its grace even so
