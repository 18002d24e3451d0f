"""Which columns of a log are users, items, times and values: names, contents, and what is not sure."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from configs.load import load_config
from tests.pipeline.commands.init.making import CATALOGUE, FIRST, LAST, ROWS, init, iso, lines, made


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


@pytest.mark.parametrize(
    ("times", "unit"),
    [
        (str, None),
        (lambda seconds: f"{seconds}000", "ms"),
        (lambda seconds: f"{seconds}000000", "us"),
        (lambda seconds: f"{seconds}000000000", "ns"),
        (iso, None),
        (lambda seconds: iso(seconds)[:10], None),
        (lambda seconds: "".join(filter(str.isdigit, iso(seconds))), "compact"),
        (lambda seconds: iso(seconds)[:10].replace("-", ""), "compact"),
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


@pytest.mark.parametrize(("written", "ids"), [("{} ", {"trim": True}), ("{}.0", {"integral": True})])
def test_ids_in_two_spellings_are_joined(tmp_path: Path, written: str, ids: dict[str, bool]) -> None:
    rows = [(str(n % 37), written.format(n % 23) if n % 2 else str(n % 23)) for n in range(400)]
    text = "user_id,item_id\n" + "".join(f"{user},{item}\n" for user, item in rows)
    assert made(tmp_path, text)["ids"] == ids


def test_item_of_a_log_without_header_is_told_by_the_catalogue(tmp_path: Path) -> None:
    log = made(tmp_path, lines(",", "item", "user", "time"), CATALOGUE)["log"]
    assert (log["columns"]["user_id"], log["columns"]["item_id"]) == (1, 0)


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
        row.format(n=n, u=n % 37, i=n % 23, r=rating, t=time, iso=iso(time))
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
