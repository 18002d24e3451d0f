"""`perennial init` on logs and catalogues as people have them: what it finds, what it asks, what it refuses."""

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
from tests.real_data import real_data

ROWS = [(f"u{n % 37}", f"i{n % 23}", n % 5 + 1, 1_700_000_000 + 3600 * n) for n in range(400)]
FIRST, LAST = "2023-11-14", "2023-12-01"


def init(folder: Path, *arguments: str) -> str:
    """Runs the command; the text of the YAML, which is a valid config."""
    output = folder / "made.yaml"
    assert cli.main(["init", *arguments, "--output", str(output)]) == 0
    load_config(output)
    return output.read_text()


def made(folder: Path, log: str, catalogue: str | None = None, **encoding: str) -> dict[str, Any]:
    """The YAML for files with these contents."""
    (folder / "log.csv").write_text(log, **encoding)
    arguments = [str(folder / "log.csv")]
    if catalogue is not None:
        (folder / "items.csv").write_text(catalogue, **encoding)
        arguments += ["--catalogue", str(folder / "items.csv")]
    values: dict[str, Any] = yaml.safe_load(init(folder, *arguments))
    return values


def lines(separator: str, *columns: str, header: str | None = None, times: Any = str) -> str:
    cells = {"user": 0, "item": 1, "rating": 2}
    rows = [
        separator.join(times(row[3]) if column == "time" else str(row[cells[column]]) for column in columns)
        for row in ROWS
    ]
    return "".join(f"{row}\n" for row in ([header] if header else []) + rows)


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


@pytest.mark.parametrize("separator", [",", "\t", "::", " "])
def test_without_header_columns_are_positions_and_not_sure(tmp_path: Path, separator: str) -> None:
    (tmp_path / "log.csv").write_text(lines(separator, "user", "item", "rating", "time"))
    text = init(tmp_path, str(tmp_path / "log.csv"))
    log = yaml.safe_load(text)["log"]
    assert log["columns"] == {"user_id": 0, "item_id": 1, "value": 2, "timestamp": 3}
    assert log["format"]["header"] is False
    assert text.count("NOT SURE: ") == 2, "user and item may be the other way round"
    assert f"seconds: {FIRST} to {LAST}" in text


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("item_id,user_id,rating,timestamp", {"user_id": "user_id", "item_id": "item_id"}),
        ("user_id:token,item_id:token,rating:float,timestamp:float", {"user_id": "user_id:token"}),
        ("CustomerID,StockItem,Quantity,InvoiceDate", {"user_id": "CustomerID", "item_id": "StockItem"}),
        ("reviewerID,asin,overall,unixReviewTime", {"user_id": "reviewerID", "item_id": "asin", "value": "overall"}),
        ("userId,movieId,rating,timestamp", {"user_id": "userId", "item_id": "movieId"}),
        ("no,on,yes,date", {"user_id": "no", "item_id": "on", "timestamp": "date"}),
        ("user,1.0,12:30,time", {"user_id": "user", "item_id": "1.0", "timestamp": "time"}),
    ],
)
def test_names_of_columns_are_told_apart_and_quoted(tmp_path: Path, header: str, columns: dict[str, str]) -> None:
    log = made(tmp_path, lines(",", "user", "item", "rating", "time", header=header))["log"]
    assert columns.items() <= log["columns"].items()


def _iso(seconds: int) -> str:
    import datetime

    return datetime.datetime.fromtimestamp(seconds, tz=datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("times", "unit"),
    [
        (str, None),
        (lambda seconds: f"{seconds}000", "ms"),
        (lambda seconds: f"{seconds}000000", "us"),
        (lambda seconds: f"{seconds}000000000", "ns"),
        (_iso, None),
        (lambda seconds: _iso(seconds)[:10], None),
        (lambda seconds: "".join(filter(str.isdigit, _iso(seconds))), "compact"),
        (lambda seconds: _iso(seconds)[:10].replace("-", ""), "compact"),
    ],
)
def test_unit_of_times(tmp_path: Path, times: Any, unit: str | None) -> None:
    header = "user_id,item_id,timestamp"
    log = made(tmp_path, lines(",", "user", "item", "time", header=header, times=times))["log"]
    assert log.get("timestamp_unit") == unit
    assert log["columns"]["timestamp"] == "timestamp"
    assert "split" not in log


def test_times_in_two_units_are_said(tmp_path: Path) -> None:
    for n, scale in ((1, 1), (2, 1000)):
        rows = lines(
            ",", "user", "item", "time", header="user_id,item_id,timestamp", times=lambda s, k=scale: str(s * k)
        )
        (tmp_path / f"log-{n}.csv").write_text(rows)
    text = init(tmp_path, str(tmp_path / "log-*.csv"))
    assert "NOT SURE: 400 of 800 times are plausible as seconds, 400 as milliseconds" in " ".join(text.split()).replace(
        "# ", ""
    )
    assert yaml.safe_load(text)["log"]["path"] == "log-*.csv"


def test_log_without_times_is_split_at_random_and_asks(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(lines(",", "user", "item", header="user_id,item_id"))
    text = init(tmp_path, str(tmp_path / "log.csv"))
    assert yaml.safe_load(text)["log"]["split"] == {"method": "random"}
    assert "NOT SURE: the log has no column of times" in text
    assert load_config(tmp_path / "made.yaml").trainer.ordered_history is False


@pytest.mark.parametrize(
    ("types", "weights", "is_sure"),
    [
        (("view", "addtocart", "transaction"), {"view": 0.5, "addtocart": 2, "transaction": 6}, True),
        (("pv", "fav", "cart", "buy"), {"pv": 0.5, "fav": 2, "cart": 2, "buy": 6}, True),
        (("Add to Cart", "View"), {"Add to Cart": 2, "View": 0.5}, True),
        (("view", "ponder"), {"view": 0.5, "ponder": 1}, False),
        (("1", "2", "3"), {"1": 1, "2": 1, "3": 1}, False),
        (("no", "yes"), {"no": 1, "yes": 1}, False),
    ],
)
def test_event_types_get_the_usual_weights(
    tmp_path: Path, types: tuple[str, ...], weights: dict[str, float], is_sure: bool
) -> None:
    rows = [f"{user},{item},{types[n % len(types)]},{time}" for n, (user, item, _, time) in enumerate(ROWS)]
    (tmp_path / "log.csv").write_text("\n".join(["user_id,item_id,event,timestamp", *rows]) + "\n")
    text = init(tmp_path, str(tmp_path / "log.csv"))
    log = yaml.safe_load(text)["log"]
    assert log["event_weights"] == weights
    assert log["cleaning"] == {"deduplicate": "sum"}
    assert ("NOT SURE" in text.replace("marked NOT SURE", "")) != is_sure


@pytest.mark.e2e
def test_rare_event_types_at_the_end_of_a_large_file_are_seen(tmp_path: Path) -> None:
    rows = [f"u{n % 5000},i{n % 900},view,{'x' * 60}" for n in range(300_000)]
    rows += [f"u{n % 5000},i{n % 900},purchase,{'x' * 60}" for n in range(20_000)]
    log = made(tmp_path, "\n".join(["user_id,item_id,event,note", *rows]) + "\n")["log"]
    assert log["event_weights"] == {"view": 0.5, "purchase": 6}


CATALOGUE = "".join(
    f"{n},i{n},Film {n} ({1980 + n % 30}),{['Drama', 'War|Drama', 'Comedy'][n % 3]},{n % 7 + 3}.50,"
    f"https://example.com/{n}.jpg,{'blue' if n % 2 else 'red'},2020-01-{n % 28 + 1:02d},,\n"
    for n in range(60)
)
CATALOGUE_HEADER = "row,film,name,genres,price,poster,colour,added,empty,also_empty\n"


def test_catalogue_id_by_the_logs_ids_title_and_features_of_each_kind(tmp_path: Path) -> None:
    log = lines(",", "user", "item", "time", header="user_id,film,time")
    (tmp_path / "log.csv").write_text(log)
    (tmp_path / "items.csv").write_text(CATALOGUE_HEADER + CATALOGUE)
    text = init(tmp_path, str(tmp_path / "log.csv"), "--catalogue", str(tmp_path / "items.csv"))
    catalogue = yaml.safe_load(text)["catalogue"]
    assert (catalogue["item_id"], catalogue["title"], catalogue["path"]) == ("film", "name", "items.csv")
    assert catalogue["features"] == {
        "title_words": {"kind": "text", "column": "name"},
        "title_year": {"kind": "number", "column": "name", "pattern": r"\((\d{4})\)"},
        "genres": {"kind": "category", "column": "genres", "separator": "|"},
        "price": {"kind": "number", "column": "price"},
        "colour": {"kind": "category", "column": "colour"},
        "row": {"kind": "number", "column": "row"},
    }
    for column, reason in {"poster": "holds links", "added": "holds dates", "empty": "is empty"}.items():
        assert f"# '{column}': {reason}" in text


def test_item_of_a_log_without_header_is_told_by_the_catalogue(tmp_path: Path) -> None:
    log = made(tmp_path, lines(",", "item", "user", "time"), CATALOGUE)["log"]
    assert (log["columns"]["user_id"], log["columns"]["item_id"]) == (1, 0)


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("${}.50", {"number_signs": ["$"]}),
        ("{}.50 EUR", {"number_signs": ["EUR"]}),
        ("{},50", {"decimal": ","}),
        ("1.{}00,50", {"decimal": ",", "thousands": "."}),
        ("1,{}00.50", {"thousands": ","}),
        ("{}.50", {}),
    ],
)
def test_numbers_as_people_write_them(tmp_path: Path, price: str, expected: dict[str, Any]) -> None:
    items = "".join(f"i{n};Thing {n};{price.format(n % 9 + 1)}\n" for n in range(40))
    catalogue = made(tmp_path, lines(",", "user", "item", header="user_id,item_id"), f"id;title;price\n{items}")[
        "catalogue"
    ]
    assert catalogue["format"] == {"separator": ";", **expected}
    assert catalogue["features"]["price"] == {"kind": "number", "column": "price"}


@pytest.mark.parametrize(("written", "ids"), [("{} ", {"trim": True}), ("{}.0", {"integral": True})])
def test_ids_in_two_spellings_are_joined(tmp_path: Path, written: str, ids: dict[str, bool]) -> None:
    rows = [(str(n % 37), written.format(n % 23) if n % 2 else str(n % 23)) for n in range(400)]
    text = "user_id,item_id\n" + "".join(f"{user},{item}\n" for user, item in rows)
    assert made(tmp_path, text)["ids"] == ids


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
        (gzip.compress(b"user_id,item_id\n1,2\n"), "compressed with gzip, but its name does not end in .gz"),
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"user_id,item_id\n", "has a header and no row"),
        (b"just some words\nin a text of several\nlines that is no table\n", "no separator gives all rows"),
        ("user_id,item_id\n1,2\n".encode("utf-16"), "UTF-16"),
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


@pytest.mark.parametrize(
    ("header", "row", "columns"),
    [
        ("id,user_id,post_id,created_at", "{n},u{u},p{i},{t}", {"item_id": "post_id", "timestamp": "created_at"}),
        (",user_id,post,rating", "{n},u{u},p{i},{r}", {"item_id": "post", "value": "rating"}),
        ("customer_id,product_id,placed_at,product_rating", "u{u},p{i},{iso},{r}",
         {"value": "product_rating", "timestamp": "placed_at"}),
        ("user_id,item_id,rating,device_type,time", "u{u},i{i},{r},mobile,{t}", {"value": "rating"}),
        ("payment_status,user_id,item_id,event,time", "paid,u{u},i{i},view,{t}", {"value": "event"}),
        ("user_id,item_id,timestamp", "u{u},i{i},{t}.0", {"timestamp": "timestamp"}),
        ("user_id:token,item_id:token,timestamp:float", "u{u},i{i},{t}.277", {"timestamp": "timestamp:float"}),
        ("InvoiceNo,StockCode,CustomerID", "{n},s{i},u{u}", {"user_id": "CustomerID", "item_id": "StockCode"}),
    ],
)  # fmt: skip
def test_columns_of_logs_that_others_publish(tmp_path: Path, header: str, row: str, columns: dict[str, str]) -> None:
    rows = [
        row.format(n=n, u=n % 37, i=n % 23, r=rating, t=time, iso=_iso(time))
        for n, (_, _, rating, time) in enumerate(ROWS)
    ]
    assert columns.items() <= made(tmp_path, "\n".join([header, *rows]) + "\n")["log"]["columns"].items()


def test_ratings_with_a_decimal_comma_and_ids_that_are_missing(tmp_path: Path) -> None:
    rows = [f"{user if n % 5 else ''};{item};{rating},5" for n, (user, item, rating, _) in enumerate(ROWS)]
    (tmp_path / "log.csv").write_text("\n".join(["user_id;item_id;rating", *rows]) + "\n")
    text = init(tmp_path, str(tmp_path / "log.csv"))
    assert yaml.safe_load(text)["log"]["format"] == {"separator": ";", "decimal": ","}
    said = " ".join(text.split()).replace("# ", "")
    assert "NOT SURE: 37 different ids, such as 'u1', 'u2', …. 20% of the cells are empty" in said


def test_counts_of_plays_are_no_ratings(tmp_path: Path) -> None:
    rows = [f"u{n % 37},a{n % 23},{n * n}" for n in range(400)]
    (tmp_path / "log.csv").write_text("\n".join(["userID,artistID,weight", *rows]) + "\n")
    text = init(tmp_path, str(tmp_path / "log.csv"))
    assert yaml.safe_load(text)["log"]["columns"]["value"] == "weight"
    assert "positive_min" not in text


@pytest.mark.parametrize("moment", ["12/1/2010 8:26", "28.03.2021", "Wed Jan 01 14:10:04 +0000 2014"])
def test_times_in_another_form_are_named(tmp_path: Path, moment: str) -> None:
    rows = [f"{user},{item},{moment}" for user, item, *_ in ROWS]
    (tmp_path / "log.csv").write_text("\n".join(["user_id,item_id,created_at", *rows]) + "\n")
    said = " ".join(init(tmp_path, str(tmp_path / "log.csv")).split()).replace("# ", "")
    assert f"'created_at' may be times, such as '{moment}'; they are read in ISO 8601 alone" in said


def test_codes_are_categories_and_no_prices(tmp_path: Path) -> None:
    items = "id,title,store,size\n" + "".join(f"i{n},Thing {n},S{n % 4},XL{n % 3}\n" for n in range(40))
    features = made(tmp_path, lines(",", "user", "item", header="user_id,item_id"), items)["catalogue"]["features"]
    assert {name: feature["kind"] for name, feature in features.items()} == {
        "title_words": "text", "store": "category", "size": "category",
    }  # fmt: skip


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
