"""Columns that folders name."""

import pytest

from common.errors import DataError
from configs.file_format import Column
from pipeline.reading.partitions import columns_of, in_file


@pytest.mark.parametrize(
    ("path", "columns"),
    [
        ("/logs/dt=2026-11-29/part-0.csv", {"dt": "2026-11-29"}),
        ("gs://bucket/logs/year=2026/event=view/x.parquet", {"year": "2026", "event": "view"}),
        ("dt=2026-11-29/x.csv", {"dt": "2026-11-29"}),
        ("/dt=2026-11-29 10%3A30%3A00/x.csv", {"dt": "2026-11-29 10:30:00"}),
        ("/shop%3Did=caf%C3%A9%2F1+1/x.csv", {"shop=id": "café/1+1"}),
        ("/café=ü/x.csv", {"café": "ü"}),
        ("/a=b=c/x.csv", {"a": "b=c"}),
        ("/a=1/a=2/x.csv", {"a": "2"}),
        ("/a=__HIVE_DEFAULT_PARTITION__/b=/x.csv", {"a": None, "b": None}),
        ("/a=100%/b=%zz/c=%ff/x.csv", {"a": "100%", "b": "%zz", "c": "%ff"}),
        ("/logs/=x/plain/a=1.csv", {}),
    ],
)
def test_columns_of_a_path(path: str, columns: dict[str, str | None]) -> None:
    assert columns_of(path) == columns


def test_in_file_own_column_comes_first_and_one_must_be_there() -> None:
    wanted: dict[str, Column] = {"user": "user", "time": "dt", "place": 3}
    assert in_file(wanted, ["user"], ["dt"], "f") == {"user": "user", "place": 3}
    assert in_file(wanted, ["user", "dt"], ["dt"], "f") == wanted
    assert in_file(wanted, [], [], "f") == wanted
    with pytest.raises(DataError, match="f: folders of the path name all columns of the config, 'a', 'b'"):
        in_file({"user": "a", "item": "b"}, ["c"], ["a", "b"], "f")
