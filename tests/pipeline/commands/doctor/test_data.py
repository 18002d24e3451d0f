"""The configured data: here, missing, damaged or elsewhere, and how much it is."""

import gzip
import random
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from configs.load import DEFAULT_CONFIG, load_config
from configs.log import Log
from pipeline.commands.doctor import data as data_module
from pipeline.commands.doctor.data import data, log_rows, paths_of
from tests.compressed import compressed


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PERENNIAL_DATA", str(tmp_path))
    return tmp_path


def _lines(count: int) -> str:
    chance = random.Random(7)
    return "".join(f"u{chance.randrange(10**6)},i{chance.randrange(10**5)},{row}\n" for row in range(count))


def test_paths_of_are_those_of_log_and_catalogue() -> None:
    assert paths_of(load_config(DEFAULT_CONFIG)) == [
        "dataset://movielens-100k/ratings.tsv",
        "dataset://movielens-100k/items.tsv",
    ]


def test_data_set_not_fetched_is_an_error_with_the_command(cache: Path) -> None:
    check = data(["dataset://movielens-100k/ratings.tsv"])
    assert check.status == "error"
    assert "perennial datasets fetch movielens-100k" in check.advice


def test_data_set_with_other_content_is_an_error_with_the_command(cache: Path) -> None:
    (cache / "movielens-100k").mkdir()
    (cache / "movielens-100k" / "ratings.tsv").write_text("1\t1\t5\t0\n")
    check = data(["dataset://movielens-100k/ratings.tsv"])
    assert (check.status, check.found) == ("error", "movielens-100k is not the published edition")


def test_data_set_of_ones_own_is_there_as_soon_as_its_files_are(cache: Path) -> None:
    (cache / "books-40m" / "interactions").mkdir(parents=True)
    glob = "dataset://books-40m/interactions/part-*.csv"
    assert data([glob]).status == "error"
    (cache / "books-40m" / "interactions" / "part-1.csv").touch()
    assert (data([glob]).status, data([glob]).found) == ("ok", "1 file(s)")


def test_data_of_this_machine_missing_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "log.csv").touch()
    assert data([str(tmp_path / "*.csv")]).status == "ok"
    check = data([str(tmp_path / "*.csv"), str(tmp_path / "items.csv")])
    assert (check.status, check.found) == ("error", f"no file at {tmp_path / 'items.csv'}")


def test_data_in_a_bucket_is_not_looked_at_and_says_so() -> None:
    check = data(["gs://bucket/log/*.csv"])
    assert (check.status, check.found) == ("ok", "gs://bucket/log/*.csv is in a bucket and was not checked")
    assert log_rows(Log(path="gs://bucket/log/*.csv")) is None


def test_log_rows_small_text_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3,4\n")
    (tmp_path / "b.csv").write_text("1,2\n")
    (tmp_path / "empty.csv").touch()
    assert log_rows(Log(path=str(tmp_path / "*.csv"))) == 4


@pytest.mark.parametrize(("ending", "parts"), [("", 1), (".gz", 1), (".gz", 3), (".zst", 1), (".zst", 3)])
def test_log_rows_large_text_is_estimated_within_a_tenth(ending: str, parts: int, tmp_path: Path) -> None:
    text = _lines(200_000 // parts).encode()
    file = tmp_path / f"log.csv{ending}"
    file.write_bytes(compressed(text, ending) * parts)
    assert log_rows(Log(path=str(file))) == pytest.approx(200_000, rel=0.1)


def test_log_rows_of_what_unpacks_to_very_much_are_estimated_from_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_module, "_UNPACKED_BYTES", 1 << 25)
    file = tmp_path / "log.csv.gz"
    file.write_bytes(gzip.compress(b"0123456\n" * 10_000_000))
    assert log_rows(Log(path=str(file))) == pytest.approx(10_000_000, rel=0.5)


def test_log_rows_parquet_says_its_rows(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"user_id": ["a", "b", "c"]}), tmp_path / "log.parquet")
    log = Log.model_validate({"path": str(tmp_path / "log.parquet"), "format": {"kind": "parquet"}})
    assert log_rows(log) == 3


def test_log_rows_of_what_is_not_here_is_unknown(cache: Path) -> None:
    assert log_rows(Log(path="dataset://movielens-100k/ratings.tsv")) is None
    assert log_rows(Log(path=str(cache / "none.csv"))) is None
    (cache / "log.csv.gz").write_bytes(b"not packed")
    assert log_rows(Log(path=str(cache / "log.csv.gz"))) is None
