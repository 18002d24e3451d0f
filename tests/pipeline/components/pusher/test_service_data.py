"""What a push puts beside a model: read back with Arrow, from local and remote artifacts, and within the memory."""

import os
import subprocess
from pathlib import Path
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from common.errors import OutputError
from configs.content_features import CategoryFeature, Feature, NumberFeature, TextFeature
from configs.service.pushed_data import PushedData
from documents.service_data import ServiceData
from pipeline.components.pusher import items as items_module
from pipeline.components.pusher.items import Met, read_items
from pipeline.components.pusher.service_data import Sources, write_service_data
from tests.documents.samples import EVALUATION
from tests.pipeline.components.pusher.inputs import (
    EVENTS_EXPORT,
    HISTORIES,
    SETTINGS,
    write_catalogue,
    write_interactions,
)

EXPECTED = [
    {"item_id": "é", "title": "Alien", "count": 0, "first_time": 8, "last_time": 9,
     "feature:genres": ["horror", "sci-fi"], "feature:year": [1979.0]},
    {"item_id": "b", "title": "Brazil", "count": 7, "first_time": 5, "last_time": 7,
     "feature:genres": ["sci-fi"], "feature:year": []},
    {"item_id": "a", "title": "a", "count": 0, "first_time": None, "last_time": None,
     "feature:genres": [], "feature:year": [1.5, 2.5]},
]  # fmt: skip


def _sources(folder: Path) -> Sources:
    return Sources(write_interactions(folder / "log"), write_catalogue(folder / "catalogue"), EVALUATION)


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_write_everything_is_there_as_the_document_says(tmp_path: Path) -> None:
    out = tmp_path / "out"
    document = write_service_data(str(out), _sources(tmp_path), SETTINGS)
    names = ("histories.parquet", "items.parquet", "service.json")
    assert _files(out) == [f"assets.extra/service/{name}" for name in names]
    histories, items, _ = (out / "assets.extra" / "service" / name for name in names)
    assert pq.read_table(items).to_pylist() == EXPECTED
    assert sorted(pq.read_table(histories).to_pylist(), key=lambda row: row["user_id"]) == HISTORIES
    assert document == ServiceData.read(out)
    assert document.histories is not None
    assert (document.items, document.histories.users, document.histories.max_items) == (3, 3, 3)
    assert document.features == {"genres": "category", "year": "number"}
    assert document.metrics["model"]["recall@10"].value == 0.3
    assert document.decision == EVALUATION.decision
    assert document.is_timed
    assert document.events_export == EVENTS_EXPORT


def test_write_twice_same_bytes(tmp_path: Path) -> None:
    sources = _sources(tmp_path)
    for name in ("one", "two"):
        write_service_data(str(tmp_path / name), sources, SETTINGS)
    for file in _files(tmp_path / "one"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_write_histories_switched_off_there_are_none(tmp_path: Path) -> None:
    off = SETTINGS.model_copy(update={"max_history": 0})
    document = write_service_data(str(tmp_path / "out"), _sources(tmp_path), off)
    assert document.histories is None
    assert _files(tmp_path / "out") == [f"assets.extra/service/{name}" for name in ("items.parquet", "service.json")]


def test_write_log_without_times_and_catalogue_without_features(tmp_path: Path) -> None:
    sources = _sources(tmp_path)
    (tmp_path / "log" / "item_times.parquet").unlink()
    plain = PushedData(features={}, is_timed=False, max_history=3)
    assert not write_service_data(str(tmp_path / "out"), sources, plain).is_timed
    table = pq.read_table(tmp_path / "out" / "assets.extra" / "service" / "items.parquet")
    assert table.column_names == ["item_id", "title", "count", "first_time", "last_time"]
    assert (table["count"].to_pylist(), table["first_time"].to_pylist()) == ([0, 7, 0], [None] * 3)


def test_write_from_an_object_store_equal(tmp_path: Path) -> None:
    here = _sources(tmp_path)
    there = f"ram://{tmp_path}"
    for file in (*Path(here.interactions).iterdir(), *map(Path, here.catalogue_files)):
        tf.io.gfile.copy(str(file), f"ram://{file}")
    remote = Sources(f"{there}/log", tuple(f"ram://{file}" for file in here.catalogue_files), EVALUATION)
    for name, sources in (("here", here), ("there", remote)):
        write_service_data(str(tmp_path / name), sources, SETTINGS)
    for path in _files(tmp_path / "here"):
        assert (tmp_path / "here" / path).read_bytes() == (tmp_path / "there" / path).read_bytes()


@pytest.mark.parametrize("lost", ["items.parquet", "histories-*", "item_times.parquet"])
@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_write_artifact_missing_or_damaged_says_what_to_do(tmp_path: Path, lost: str, how: str) -> None:
    sources = _sources(tmp_path)
    for file in (tmp_path / "log").glob(lost):
        file.write_bytes(file.read_bytes()[:20]) if how == "damaged" else file.unlink()
    with pytest.raises(OutputError, match=rf"cannot be made of {tmp_path}/log .*delete its folder. Then run again"):
        write_service_data(str(tmp_path / "out"), sources, SETTINGS)


def test_write_damaged_examples_say_what_to_do(tmp_path: Path) -> None:
    sources = _sources(tmp_path)
    Path(sources.catalogue_files[0]).write_bytes(b"no records")
    with pytest.raises(OutputError, match="the service's data cannot be made"):
        write_service_data(str(tmp_path / "out"), sources, SETTINGS)


def test_write_no_room_says_what_to_do(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("mounting is not permitted here")
    try:
        long = [{"item_id": [f"i{n}"], "title": [os.urandom(200).hex()]} for n in range(200)]
        sources = Sources(
            write_interactions(tmp_path / "log"), write_catalogue(tmp_path / "catalogue", long), EVALUATION
        )
        with pytest.raises(OutputError, match=r"No space left on device.*Free disk space"):
            write_service_data(str(disk / "out"), sources, SETTINGS)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_read_items_full_tables_at_rows_and_at_bytes_and_keep_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items_module, "EXAMPLES_A_READ", 10)
    rows: list[dict[str, list[Any]]] = [
        {"item_id": [f"i{n}"], "title": ["t" * (n % 7)], "year": [float(n)] * (n % 3)} for n in range(95)
    ]
    files = write_catalogue(tmp_path, rows)
    counts = pa.table({"item_id": [f"i{n}" for n in range(0, 95, 2)], "count": np.arange(48)})

    def read() -> list[Any]:
        return list(read_items(files, {"year": "number"}, Met(counts, None)))

    expected = [(f"i{n}", "t" * (n % 7), n // 2 if n % 2 == 0 else 0, [float(n)] * (n % 3)) for n in range(95)]
    for limit, tables in ((("ITEMS_A_TABLE", 30), 4), (("BYTES_A_TABLE", 1), 11), (("ITEMS_A_TABLE", 1 << 16), 1)):
        monkeypatch.setattr(items_module, *limit)
        found = read()
        assert len(found) == tables
        names = ("item_id", "title", "count", "feature:year")
        assert [tuple(row[name] for name in names) for table in found for row in table.to_pylist()] == expected
        monkeypatch.undo()
        monkeypatch.setattr(items_module, "EXAMPLES_A_READ", 10)


def test_read_items_a_feature_that_an_example_lacks_is_an_empty_list(tmp_path: Path) -> None:
    files = write_catalogue(tmp_path, [{"item_id": ["a"], "title": ["A"]}, {"item_id": ["b"], "title": ["B"]}])
    empty = pa.table({"item_id": pa.array([], pa.string()), "count": pa.array([], pa.int64())})
    [table] = read_items(files, {"genres": "text", "year": "number"}, Met(empty, None))
    assert table["feature:genres"].to_pylist() == table["feature:year"].to_pylist() == [[], []]
    assert table["count"].to_pylist() == [0, 0]


def test_pushed_data_kinds_are_sorted_by_name() -> None:
    features: dict[str, Feature] = {
        "words": TextFeature(column="about"),
        "flags": CategoryFeature(flags={"b": 1}),
        "year": NumberFeature(column="year"),
    }
    settings = PushedData.of(features, is_timed=False, max_history=0)
    assert list(settings.features.items()) == [("flags", "category"), ("words", "text"), ("year", "number")]
    assert settings == PushedData.of(dict(reversed(features.items())), is_timed=False, max_history=0)
