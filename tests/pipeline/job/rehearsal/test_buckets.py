"""Folders that stand for buckets."""

from pathlib import Path

import pytest

from common.errors import JobError
from pipeline.job.rehearsal.buckets import Buckets, check_places

ROOT = "gs://bucket/root"


def test_buckets_places_in_any_text_become_folders_and_places_again(tmp_path: Path) -> None:
    buckets = Buckets(tmp_path)
    value = {"a": "gs://one/b/*.csv", "c": ["gs://two", 3, None], 'é"': '"gs://three"'}
    here = buckets.locally(value)
    assert here == {"a": f"{tmp_path}/one/b/*.csv", "c": [f"{tmp_path}/two", 3, None], 'é"': f'"{tmp_path}/three"'}
    assert buckets.remotely(here) == value


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    (folder / "log.csv").write_text("1")
    (folder / "deep" / "items.csv").write_text("2")
    return folder


def test_buckets_linked_files_are_read_through_the_place(tmp_path: Path, data: Path) -> None:
    buckets = Buckets(tmp_path / "buckets")
    for _ in range(2):  # again, as the next rehearsal does
        buckets.link({"gs://bucket/some/data/": data})
    assert Path(buckets.local("gs://bucket/some/data/log.csv")).read_text() == "1"
    assert Path(buckets.local("gs://bucket/some/data/deep/items.csv")).read_text() == "2"


def test_buckets_deleting_at_the_place_deletes_nothing_of_the_folder(tmp_path: Path, data: Path) -> None:
    buckets = Buckets(tmp_path / "buckets")
    buckets.link({"gs://bucket/data": data})
    Path(buckets.local("gs://bucket/data/log.csv")).unlink()
    (Path(buckets.local("gs://bucket/data/deep")) / "new").write_text("3")
    assert sorted(str(path.relative_to(data)) for path in data.rglob("*")) == ["deep", "deep/items.csv", "log.csv"]


def test_buckets_place_stands_only_for_the_rehearsal_that_names_it(tmp_path: Path, data: Path) -> None:
    buckets = Buckets(tmp_path / "buckets")
    buckets.link({"gs://bucket/data": data})
    buckets.link({})
    assert not Path(buckets.local("gs://bucket/data")).exists()
    assert (data / "log.csv").exists()


@pytest.mark.parametrize("place", ["bucket/data", "s3://bucket", "gs://bucket/*.csv", "gs://B", "gs://bb/../../x"])
def test_check_places_no_place_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(JobError, match="is not a folder of a bucket"):
        check_places({place: tmp_path}, ROOT)


def test_check_places_one_inside_another_or_the_root_inside_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="gs://bucket/data/deep is inside gs://bucket/data/"):
        check_places({"gs://bucket/data/": tmp_path, "gs://bucket/data/deep": tmp_path}, ROOT)
    with pytest.raises(JobError, match="gs://bucket/root is inside gs://bucket"):
        check_places({"gs://bucket": tmp_path}, ROOT)
    check_places({"gs://bucket/data": tmp_path, "gs://bucket/data2": tmp_path}, ROOT)


def test_check_places_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="there is no such folder to stand for gs://bucket/data"):
        check_places({"gs://bucket/data": tmp_path / "none"}, ROOT)


def test_buckets_link_over_what_a_rehearsal_wrote_is_refused(tmp_path: Path) -> None:
    buckets = Buckets(tmp_path / "buckets")
    (tmp_path / "buckets" / "bucket" / "data").mkdir(parents=True)
    with pytest.raises(JobError, match="earlier rehearsals have written there"):
        buckets.link({"gs://bucket/data": tmp_path})
