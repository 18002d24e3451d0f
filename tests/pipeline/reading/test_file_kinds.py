"""Files that are no text table: the error says what they are. Tables that begin strangely are tables."""

import bz2
import gzip
import io
import lzma
import pickle
import sqlite3
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from tfx.dsl.io import fileio

from common.errors import DataError
from configs.file_format import FileFormat
from pipeline.reading import files, pieces
from pipeline.reading.files import require_match
from tests.compressed import compressed

TEXT = "user,item\n" + "".join(f"u{n},i{n % 7}\n" for n in range(200))
TABLE = pa.table({"user": ["u1"], "item": ["i1"]})


def zipped() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("events.csv", TEXT)
    return written.getvalue()


def in_parquet() -> bytes:
    written = io.BytesIO()
    pq.write_table(TABLE, written)
    return written.getvalue()


def in_arrow() -> bytes:
    written = io.BytesIO()
    pyarrow.feather.write_feather(TABLE, written)
    return written.getvalue()


def in_sqlite(tmp_path: Path) -> bytes:
    connection = sqlite3.connect(tmp_path / "events.db")
    connection.execute("create table events (user, item)")
    connection.commit()
    connection.close()
    return (tmp_path / "events.db").read_bytes()


def planned(tmp_path: Path, content: bytes, name: str = "events.csv") -> str | None:
    folder = tmp_path / "in"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    (file,) = files.list_files(str(folder), {"log": name})
    _, report = pieces.plan(file, FileFormat(), {"user": "user", "item": "item"})
    return report.files[0].error


def test_plan_says_what_a_file_is_and_what_to_do(tmp_path: Path) -> None:
    for content, what in {
        zipped(): "is a ZIP archive (or a workbook of Excel, which is one); unpack it.",
        bz2.compress(TEXT.encode()): "is compressed with bzip2; decompress it, or compress it with gzip.",
        lzma.compress(TEXT.encode()): "is compressed with xz; ",
        compressed(
            TEXT.encode(), ".zst"
        ): "is compressed with Zstandard, but its name does not end in .zst; rename it.",
        gzip.compress(TEXT.encode()): "is compressed with gzip, but its name does not end in .gz; rename it.",
        in_parquet(): "is a Parquet file; set format.kind: parquet.",
        in_arrow(): "is an Arrow file; write it as Parquet.",
        in_sqlite(tmp_path): "is an SQLite database; export the table as CSV.",
        pickle.dumps([TEXT], protocol=4): "is a Python pickle; write it as Parquet.",
        b"\n<!DOCTYPE html><title>Sign in</title>": "is a web page, perhaps of a login or of an error; ",
        b"<html><body>502</body></html>": "is a web page, ",
        TEXT.encode("utf-16"): "starts with a UTF-16 byte-order mark; convert the file to UTF-8.",
        TEXT.encode("utf-16-le"): "is in UTF-16 without a byte-order mark: every second byte is 0; ",
        TEXT.encode("utf-16-be"): "is in UTF-16 without a byte-order mark: every second byte is 0; ",
        TEXT.replace("\n", "\r").encode(): "has the line ends of old Macs, a carriage return alone; ",
    }.items():
        error = planned(tmp_path, content)
        assert error is not None
        assert error.startswith(f"{tmp_path / 'in' / 'events.csv'}: {what}"), error


@pytest.mark.parametrize("first", ["ORC", "PAR1", "BZh", "Rar!", "PK", "Obj", "%PDF-1.4", "ARROW1", "<htmlish"])
def test_plan_table_whose_first_column_has_such_a_name_is_one(tmp_path: Path, first: str) -> None:
    assert planned(tmp_path, f"{first},user,item\n1,u1,i1\n".encode()) is None


def test_plan_gzip_with_its_ending_is_read_and_without_gzip_is_an_error(tmp_path: Path) -> None:
    assert planned(tmp_path, gzip.compress(TEXT.encode()), "events.csv.gz") is None
    error = planned(tmp_path, TEXT.encode(), "events.csv.gz")
    assert error is not None and "cannot be read (BadGzipFile" in error
    assert "is a ZIP archive" in (planned(tmp_path, gzip.compress(zipped()), "events.csv.gz") or "")


def test_plan_zstandard_with_its_ending_is_read_and_without_zstandard_is_an_error(tmp_path: Path) -> None:
    packed = compressed(TEXT.encode(), ".zst")
    assert planned(tmp_path, packed, "events.csv.zst") is None
    assert planned(tmp_path, b"", "events.csv.zst") is None
    for broken in (TEXT.encode(), packed[:-3], packed + b"and more", gzip.compress(TEXT.encode())):
        error = planned(tmp_path, broken, "events.csv.zst")
        assert error is not None and "events.csv.zst: cannot be read (OSError" in error
    assert "is a ZIP archive" in (planned(tmp_path, compressed(zipped(), ".zst"), "events.csv.zst") or "")


def test_list_files_passes_over_what_spark_and_hadoop_leave_beside_the_parts(tmp_path: Path) -> None:
    for name in ("part-0.csv", "part-1.csv", "_SUCCESS", ".part-0.csv.crc", "._part-0.csv", "_metadata"):
        (tmp_path / name).write_text(TEXT)
    (tmp_path / "_temporary").mkdir()
    assert [Path(file.path).name for file in files.list_files(str(tmp_path), {"log": "*"})] == [
        "part-0.csv",
        "part-1.csv",
    ]
    assert [Path(file.path).name for file in files.list_files(str(tmp_path), {"log": "_SUC*"})] == ["_SUCCESS"]


def test_list_files_passes_over_folders_of_unfinished_writes(tmp_path: Path) -> None:
    for folder in ("dt=1", "_temporary", ".spark-staging", "_own"):
        (tmp_path / "_day" / folder).mkdir(parents=True)
        (tmp_path / "_day" / folder / "part-0.csv").write_text(TEXT)

    def found(pattern: str) -> list[str]:
        return [Path(file.path).parent.name for file in files.list_files(str(tmp_path), {"log": pattern})]

    assert found("_day/*/part-*") == ["dt=1"]
    assert found("_day/_own/*") == ["_own"]
    assert found("*/dt=1/*") == []


def test_require_match_folder_is_named_with_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    with pytest.raises(
        DataError, match=r"events: is a folder, not a file\. Name the files in it, such as .*/events/\*"
    ):
        require_match(str(tmp_path / "events"))
    assert fileio.glob(str(tmp_path / "events"))
