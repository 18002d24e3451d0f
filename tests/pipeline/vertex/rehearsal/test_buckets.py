"""Folders that stand for buckets."""

from pathlib import Path

import pytest

from configs.errors import JobError
from pipeline.vertex.rehearsal.buckets import Buckets


def test_buckets_places_in_any_text_become_folders_and_places_again(tmp_path: Path) -> None:
    buckets = Buckets(tmp_path)
    text = '{"a": "gs://one/b/*.csv", "c": ["gs://two"]}'
    here = buckets.local(text)
    assert here == f'{{"a": "{tmp_path}/one/b/*.csv", "c": ["{tmp_path}/two"]}}'
    assert buckets.remote(here) == text


def test_buckets_linked_folder_is_read_through_the_place(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "log.csv").write_text("1")
    buckets = Buckets(tmp_path / "buckets")
    for _ in range(2):  # again, as the next rehearsal does
        buckets.link({"gs://bucket/deep/data/": data})
    assert Path(buckets.local("gs://bucket/deep/data/log.csv")).read_text() == "1"


@pytest.mark.parametrize("place", ["bucket/data", "s3://bucket", "gs://bucket/*.csv", "gs://B"])
def test_buckets_link_of_no_place_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(JobError, match="is no folder of a bucket"):
        Buckets(tmp_path / "buckets").link({place: tmp_path})


def test_buckets_link_over_what_a_rehearsal_wrote_is_refused(tmp_path: Path) -> None:
    buckets = Buckets(tmp_path / "buckets")
    (tmp_path / "buckets" / "bucket" / "data").mkdir(parents=True)
    with pytest.raises(JobError, match="earlier rehearsals have written there"):
        buckets.link({"gs://bucket/data": tmp_path})


def test_buckets_link_to_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no such folder, which is to stand for gs://bucket/data"):
        Buckets(tmp_path / "buckets").link({"gs://bucket/data": tmp_path / "none"})
