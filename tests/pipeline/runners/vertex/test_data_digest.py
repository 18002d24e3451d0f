from pathlib import Path
from typing import Any

import pytest

from common.errors import VertexError
from configs.load import load_config
from pipeline.cloud.client import Api
from pipeline.job.compiled import CompiledJob, parse_job, read_job
from pipeline.reading.event_files import with_events
from pipeline.runners.vertex.data_digest import data_digest
from tests.pipeline.runners.vertex.conftest import DATA, QUICK, WriteConfig
from tests.vertex_api.cloud import Cloud

BUCKET = "example-bucket"


@pytest.fixture
def api(write_config: WriteConfig) -> Api:
    vertex = load_config(write_config()).vertex
    assert vertex is not None
    return Api(vertex, QUICK)


@pytest.fixture
def job(job_file: Path) -> CompiledJob:
    return read_job(job_file)


def job_reading(folder: str, **patterns: str) -> CompiledJob:
    """A job with one ExampleGen."""
    splits: Any = [{"name": name, "pattern": pattern} for name, pattern in patterns.items()]
    inputs = {
        "input_base": {"runtimeValue": {"constant": folder}},
        "input_config": {"runtimeValue": {"constant": str({"splits": splits}).replace("'", '"')}},
    }
    task = {"componentRef": {"name": "Gen"}, "inputs": {"parameters": inputs}}
    return parse_job({"pipelineInfo": {"name": "a"}, "root": {"dag": {"tasks": {"Gen": task}}}}, "job.json")


def test_data_digest_same_files_elsewhere_is_the_same(cloud: Cloud, api: Api, job: CompiledJob) -> None:
    cloud.storage.buckets["other"] = {}
    cloud.storage.put("other", "copy/ratings.tsv", b"ratings")
    cloud.storage.put("other", "copy/items.tsv", b"items")
    moved = {"log_dir": "gs://other/copy", "catalogue_dir": "gs://other/copy/"}

    assert data_digest(api, job, moved) == data_digest(api, job, {})


@pytest.mark.parametrize("content", [b"ratingz", b"ratings, and one more"])
def test_data_digest_other_content_is_another(cloud: Cloud, api: Api, job: CompiledJob, content: bytes) -> None:
    before = data_digest(api, job, {})

    cloud.storage.put(BUCKET, f"{DATA}/ratings.tsv", content)

    assert data_digest(api, job, {}) != before


def test_data_digest_written_again_as_it_was_is_the_same(cloud: Cloud, api: Api, job: CompiledJob) -> None:
    before = data_digest(api, job, {})

    cloud.storage.put(BUCKET, f"{DATA}/ratings.tsv", b"ratings")

    assert data_digest(api, job, {}) == before


def test_data_digest_glob_takes_its_files_alone(cloud: Cloud, api: Api) -> None:
    for name in ("log/part-1.csv", "log/part-2.csv"):
        cloud.storage.put(BUCKET, name, name.encode())
    glob = job_reading(f"gs://{BUCKET}/log", log="part-?.csv")
    before = data_digest(api, glob, {})

    for name in ("log/part-10.csv", "log/part-1.csv.bak", "log/part-1.csv/deeper.csv", "catalogue/part-3.csv"):
        cloud.storage.put(BUCKET, name, b"")

    assert data_digest(api, glob, {}) == before
    cloud.storage.put(BUCKET, "log/part-3.csv", b"")
    assert data_digest(api, glob, {}) != before


def test_data_digest_star_stays_in_its_folder(cloud: Cloud, api: Api) -> None:
    cloud.storage.put(BUCKET, "days/1/log.csv", b"1")
    days = job_reading(f"gs://{BUCKET}/days", log="*/log.csv")
    before = data_digest(api, days, {})

    cloud.storage.put(BUCKET, "days/2/late/log.csv", b"2")

    assert data_digest(api, days, {}) == before


def test_data_digest_behind_a_wildcard_the_server_looks(cloud: Cloud, api: Api) -> None:
    cloud.storage.put(BUCKET, "days/1/log.csv", b"1")

    data_digest(api, job_reading(f"gs://{BUCKET}/days", log="*/log.csv"), {})

    (asked,) = cloud.api.received("storage.objects.list")
    assert (asked["prefix"], asked["matchGlob"]) == ("days/", "days/*/log.csv")


def test_data_digest_of_spans_looks_at_all_of_them(cloud: Cloud, api: Api) -> None:
    cloud.storage.put(BUCKET, "spans/dt=2026-11-01/log.csv", b"1")
    spans = job_reading(f"gs://{BUCKET}/spans", log="dt={YYYY}-{MM}-{DD}/log.csv")
    before = data_digest(api, spans, {})

    cloud.storage.put(BUCKET, "spans/dt=2026-11-02/log.csv", b"2")

    assert data_digest(api, spans, {}) != before
    assert {asked["matchGlob"] for asked in cloud.api.received("storage.objects.list")} == {"spans/dt=*-*-*/log.csv"}


def test_data_digest_too_many_files_are_refused(cloud: Cloud, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.runners.vertex.data_digest._MOST_FILES", 2)
    for number in range(3):
        cloud.storage.put(BUCKET, f"log/part-{number}.csv", b"")

    with pytest.raises(VertexError, match="more than 2 files"):
        data_digest(api, job_reading(f"gs://{BUCKET}/log", log="part-*.csv"), {})


def test_data_digest_splits_exchanged_is_another(cloud: Cloud, api: Api) -> None:
    cloud.storage.put(BUCKET, "a.csv", b"a")
    cloud.storage.put(BUCKET, "b.csv", b"b")

    one = data_digest(api, job_reading(f"gs://{BUCKET}", train="a.csv", eval="b.csv"), {})

    assert one != data_digest(api, job_reading(f"gs://{BUCKET}", train="b.csv", eval="a.csv"), {})


def test_data_digest_job_without_example_gen_has_none(api: Api, job_with_parameters: Path) -> None:
    assert data_digest(api, read_job(job_with_parameters), {}) is None


def test_data_digest_path_of_this_machine_is_refused(api: Api) -> None:
    with pytest.raises(VertexError, match=r"/data/log\.csv, which is not a path in a bucket"):
        data_digest(api, job_reading("/data", log="log.csv"), {})


def test_data_digest_no_exported_events_yet_is_no_error(cloud: Cloud, api: Api) -> None:
    cloud.storage.put(BUCKET, "shop/log.csv", b"log")
    patterns = with_events("shop/log.csv", "shop/events")
    whole = job_reading(f"gs://{BUCKET}", **patterns)
    before = data_digest(api, whole, {})

    cloud.storage.put(BUCKET, "shop/events/forgotten.bin", b"0123456789abcdef")

    assert data_digest(api, whole, {}) != before
