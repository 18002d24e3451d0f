"""Which files `perennial init` reads, how they are laid out, what it refuses, and what it leaves."""

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from configs.load import load_config
from pipeline.commands import cli
from tests.pipeline.commands.init.making import ROWS, init, lines, made
from tests.real_data import real_data


@pytest.mark.parametrize(
    ("separator", "expected"),
    [
        (",", {}),
        ("\t", {"separator": "\t"}),
        (";", {"separator": ";"}),
        ("|", {"separator": "|"}),
        ("::", {"separator": "::", "quote": ""}),
        (" ", {"separator": " "}),
    ],
)
def test_separator_header_and_columns_by_name(tmp_path: Path, separator: str, expected: dict[str, Any]) -> None:
    header = separator.join(["visitorId", "sku", "stars", "created_at"])
    log = made(tmp_path, lines(separator, "user", "item", "rating", "time", header=header))["log"]
    assert log.get("format", {}) == expected
    assert log["columns"] == {"user_id": "visitorId", "item_id": "sku", "value": "stars", "timestamp": "created_at"}
    assert log["path"] == "log.csv"


def test_latin_1_and_byte_order_marks(tmp_path: Path) -> None:
    items = "id,title\n" + "".join(f"i{n},Café {n}\n" for n in range(30))
    log = lines(",", "user", "item", header="user_id,item_id")
    assert made(tmp_path, log, items, encoding="latin-1")["catalogue"]["format"] == {"encoding": "latin-1"}
    (tmp_path / "made.yaml").unlink()
    found = made(tmp_path, log, items, encoding="utf-8-sig")
    assert found["log"]["columns"]["user_id"] == "user_id"
    assert "format" not in found["catalogue"]


def test_parquet_and_gzip_are_read(tmp_path: Path) -> None:
    users, items, ratings, times = zip(*ROWS, strict=True)
    table = pa.table(
        {
            "uid": users,
            "iid": items,
            "score": ratings,
            "at": pa.array(times, pa.int64()).cast(pa.timestamp("s")),
            "w": [None] * 400,
        }
    )
    pq.write_table(table, tmp_path / "log.parquet")
    log = yaml.safe_load(init(tmp_path, str(tmp_path / "log.parquet")))["log"]
    assert log["format"] == {"kind": "parquet"}
    assert log["columns"] == {"user_id": "uid", "item_id": "iid", "value": "score", "timestamp": "at"}
    (tmp_path / "made.yaml").unlink()
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress(lines(",", "user", "item", header="user_id,item_id").encode()))
    assert yaml.safe_load(init(tmp_path, str(tmp_path / "log.csv.gz")))["log"]["columns"]["item_id"] == "item_id"


def test_json_lines_nested_compressed_and_in_folders_by_date(tmp_path: Path) -> None:
    rows = [
        json.dumps({"user": {"id": user}, "item": item, "stars": rating, "tags": ["a", "b"], "none": None})
        for user, item, rating, _ in ROWS
    ]
    for day in ("2026-01-01", "2026-01-02"):
        (tmp_path / f"dt={day}").mkdir()
        packed = pa.compress(("\n".join(rows) + "\n").encode(), codec="zstd", asbytes=True)
        (tmp_path / f"dt={day}" / "part-0.jsonl.zst").write_bytes(packed)
    log = yaml.safe_load(init(tmp_path, str(tmp_path / "dt=*" / "part-*.jsonl.zst")))["log"]
    assert log["format"] == {"kind": "jsonl"}
    assert log["columns"] == {"user_id": "user.id", "item_id": "item", "value": "stars", "timestamp": "dt"}
    assert log["path"] == "dt=*/part-*.jsonl.zst"


def test_parquet_with_objects_and_csv_in_folders(tmp_path: Path) -> None:
    users, items, _, _ = zip(*ROWS, strict=True)
    (tmp_path / "event=view").mkdir()
    table = pa.table({"visitor": [{"id": user} for user in users], "product": items})
    pq.write_table(table, tmp_path / "event=view" / "a.parquet")
    log = yaml.safe_load(init(tmp_path, str(tmp_path / "event=*" / "*.parquet")))["log"]
    assert log["columns"] == {"user_id": "visitor.id", "item_id": "product", "value": "event"}
    assert log["event_weights"] == {"view": 0.5}
    (tmp_path / "made.yaml").unlink()
    (tmp_path / "event=view" / "a.csv").write_text(lines(",", "user", "item"))
    log = yaml.safe_load(init(tmp_path, str(tmp_path / "event=*" / "*.csv")))["log"]
    assert log["columns"] == {"user_id": 0, "item_id": 1, "value": "event"}


def test_reviews_of_a_thousand_lines_need_a_setting(tmp_path: Path) -> None:
    rows = [f'{user},{item},"fine"' for user, item, *_ in ROWS]
    rows[7] = 'u1,i1,"' + "line, of text\n" * 1500 + '"'
    log = made(tmp_path, "\n".join(["user_id,item_id,review", *rows]) + "\n")["log"]
    assert log["format"] == {"quoted_line_ends": True}
    assert set(log["columns"]) == {"user_id", "item_id"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04" + bytes(100), "is a ZIP archive"),
        (gzip.compress(b"user_id,item_id\n1,2\n", mtime=0), "compressed with gzip, but its name does not end in .gz"),
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"user_id,item_id\n", "has a header and no row"),
        (b"just some words\nin a text of several\nlines that is no table\n", "no separator gives all rows"),
        ("user_id,item_id\n1,2\n".encode("utf-16"), "UTF-16"),
        (b'[{"user": "a", "item": "b"},\n {"user": "c", "item": "d"}]\n', "begins with '[': it holds a JSON array"),
        (b'{\n  "user": "a"\n}\n', "its first object has several lines"),
        (b"rating,time\n5,1700000000\n4,1700000001\n", "a log needs one for users and one for items"),
    ],
)
def test_what_is_no_log_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    (tmp_path / "log.csv").write_bytes(content)
    assert cli.main(["init", str(tmp_path / "log.csv"), "--output", str(tmp_path / "made.yaml")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "made.yaml").exists()


@pytest.mark.parametrize(("given", "message"), [("none.csv", "no such file"), (".", "is a folder; name its files")])
def test_no_file_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str], given: str, message: str) -> None:
    assert cli.main(["init", str(tmp_path / given), "--output", str(tmp_path / "made.yaml")]) == 1
    assert message in capsys.readouterr().err


def test_sample_data_set_is_read_and_a_bucket_is_not_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["init", "gs://bucket/log.csv", "--output", str(tmp_path / "made.yaml")]) == 1
    assert "gs://bucket/log.csv: is not on this machine" in capsys.readouterr().err
    monkeypatch.setenv("PERENNIAL_DATA", str(tmp_path))
    (tmp_path / "movielens-100k").mkdir()
    (tmp_path / "movielens-100k" / "u.data").write_text(lines("\t", "user", "item", "rating", "time"))
    values = yaml.safe_load(init(tmp_path, "dataset://movielens-100k/u.data"))
    assert values["log"]["path"] == "dataset://movielens-100k/u.data"


def test_existing_config_is_never_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log.csv").write_text(lines(",", "user", "item", header="user_id,item_id"))
    (tmp_path / "made.yaml").write_text("mine")
    assert cli.main(["init", str(tmp_path / "log.csv"), "--output", str(tmp_path / "made.yaml")]) == 1
    assert "exists already; nothing was written" in capsys.readouterr().err
    assert (tmp_path / "made.yaml").read_text() == "mine"


def test_output_is_named_after_the_log_and_folders_may_look_like_patterns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shop [2026] $1"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("My Events 1.csv").write_text(lines(",", "user", "item", header="user_id,item_id"))
    assert cli.main(["init", "My Events 1.csv"]) == 0
    config = load_config("my-events-1.yaml")
    assert config.name == "my-events-1"
    assert isinstance(config.log.path, str)
    assert yaml.safe_load(Path("my-events-1.yaml").read_text())["log"]["path"] == "My Events 1.csv"


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("name", "log", "catalogue", "expected"),
    [
        (
            "movielens-100k", "u.data", "u.item",
            {"columns": {"user_id": 0, "item_id": 1, "value": 2, "timestamp": 3}, "item_id": 0, "title": 1},
        ),
        (
            "goodbooks-10k", "ratings.csv", "books.csv",
            {
                "columns": {"user_id": "user_id", "item_id": "book_id", "value": "rating"},
                "item_id": "id",
                "title": "title",
            },
        ),
        (
            "movietweetings", "ratings.dat", "movies.dat",
            {"columns": {"user_id": 0, "item_id": 1, "value": 2, "timestamp": 3}, "item_id": 0, "title": 1},
        ),
        (
            "retailrocket", "events.tsv", None,
            {"columns": {"user_id": "visitorid", "item_id": "itemid", "value": "event"}},
        ),
    ],
)  # fmt: skip
def test_real_logs(tmp_path: Path, name: str, log: str, catalogue: str | None, expected: dict[str, Any]) -> None:
    folder = real_data(name)
    arguments = [str(folder / log)] + (["--catalogue", str(folder / catalogue)] if catalogue else [])
    values = yaml.safe_load(init(tmp_path, *arguments))
    assert values["log"]["columns"] == expected["columns"]
    if catalogue:
        assert (values["catalogue"]["item_id"], values["catalogue"]["title"]) == (
            expected["item_id"],
            expected["title"],
        )
        assert "title_words" in values["catalogue"]["features"]
    if name == "retailrocket":
        assert values["log"]["event_weights"] == {"view": 0.5, "addtocart": 2, "transaction": 6}
    if name == "movielens-100k":
        assert values["catalogue"]["features"]["flags"]["flags"] == {f"column_{n}": n for n in range(5, 24)}
        assert values["catalogue"]["format"] == {"separator": "|", "header": False, "encoding": "latin-1"}


@pytest.mark.e2e
def test_needs_neither_tfx_nor_tensorflow(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(lines(",", "user", "item", header="user_id,item_id"))
    code = (
        "import sys; from pipeline.commands import cli; "
        f"assert cli.main(['init', {str(tmp_path / 'log.csv')!r}, '--output', {str(tmp_path / 'made.yaml')!r}]) == 0; "
        "loaded = {'tfx', 'tensorflow', 'apache_beam'} & set(sys.modules); assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.e2e
def test_random_bytes_are_an_error_and_no_traceback(tmp_path: Path) -> None:
    rng = random.Random(0)
    for n in range(40):
        content = bytes(rng.choices(range(256), k=rng.randrange(400)))
        if n % 2:
            content = bytes(rng.choices(b'ab1,;|\t"\n ', k=400))
        (tmp_path / "log.csv").write_bytes(content)
        output = tmp_path / f"{n}.yaml"
        if cli.main(["init", str(tmp_path / "log.csv"), "--output", str(output)]) == 0:
            load_config(output)


def test_a_config_that_appears_meanwhile_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log.csv").write_text(lines(",", "user", "item", header="user_id,item_id"))
    output = tmp_path / "made.yaml"
    write = Path.write_text

    def somebody_else_first(path: Path, text: str, **encoding: str) -> int:
        write(output, "mine")
        return write(path, text, **encoding)

    monkeypatch.setattr(Path, "write_text", somebody_else_first)
    assert cli.main(["init", str(tmp_path / "log.csv"), "--output", str(output)]) == 1
    assert "exists already; nothing was written" in capsys.readouterr().err
    assert output.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "made.yaml"]


def test_hidden_files_and_sparks_marks_are_no_data(tmp_path: Path) -> None:
    for name in ("part-0.csv", "_SUCCESS", ".part-0.csv.crc"):
        (tmp_path / name).write_text(lines(",", "user", "item", header="user_id,item_id") if "0.csv" in name else "")
    assert "all 400 rows of part-0.csv" in init(tmp_path, str(tmp_path / "*"))
