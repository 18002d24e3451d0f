"""What is no id must not become one: several spellings, headers in the middle, words for nothing."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.errors import DataError
from configs.ids import Ids
from tests.ingest import Ingested, log_config, run_interaction_gen

pytestmark = pytest.mark.e2e

JOINED = Ids(trim=True, integral=True)
HEADER = "user_id,item_id,rating,timestamp"


def run(tmp_path: Path, files: dict[str, str], ids: Ids = JOINED, shards: int = 3, **log: object) -> Ingested:
    (tmp_path / "in").mkdir(exist_ok=True)
    for name, text in files.items():
        (tmp_path / "in" / name).write_text(text, encoding="utf-8")
    settings = log_config(num_shards=shards, cleaning={"max_bad_fraction": 0.6}, **log)
    return run_interaction_gen(settings, str(tmp_path / "in" / "*"), tmp_path / "out", ids=ids)


def rows(users: list[str], items: list[str]) -> str:
    return "".join(f"{user},{item},5,{1000 + n}\n" for n, (user, item) in enumerate(zip(users, items, strict=True)))


USERS = [f"{n % 9}" for n in range(40)]
ITEMS = [f"i{n % 7}" for n in range(40)]


@pytest.mark.parametrize("other", ["4.0", "4 ", " 4", "4.00", "\u00a04"])
def test_user_in_two_spellings_stops_with_both_and_is_joined_on_request(tmp_path: Path, other: str) -> None:
    users = [other if n == 31 else user for n, user in enumerate(USERS)]
    files = {"a.csv": f"{HEADER}\n{rows(users[:30], ITEMS[:30])}", "b.csv": f"{HEADER}\n{rows(users[30:], ITEMS[30:])}"}
    for shards in (1, 5):
        with pytest.raises(DataError, match=r"user_id: 1 id\(s\) are written in several ways") as stopped:
            run(tmp_path, files, Ids(), shards)
        assert f"{other!r} (1 row)" in str(stopped.value)
        assert "'4' (3 rows)" in str(stopped.value)
        assert "ids: {trim: true, integral: true}" in str(stopped.value)
    assert set(run(tmp_path, files).by_user("train")) == set(USERS)


@pytest.mark.parametrize("other", ["3.0", "3 "])
def test_item_in_two_spellings_of_different_users_stops(tmp_path: Path, other: str) -> None:
    items = [f"{n % 7}" for n in range(39)] + [other]
    with pytest.raises(DataError, match=r"item_id: 1 id\(s\) are written in several ways"):
        run(tmp_path, {"a.csv": f"{HEADER}\n{rows(USERS, items)}"}, Ids(), shards=4)
    train = run(tmp_path, {"a.csv": f"{HEADER}\n{rows(USERS, items)}"}).by_user("train")
    assert {item for row in train.values() for item in row["item_id"]} <= {f"{n}" for n in range(7)}


def test_one_consistent_spelling_is_no_fault(tmp_path: Path) -> None:
    users, items = [f"{user}.0" for user in USERS], [f"{item} " for item in ITEMS]
    train = run(tmp_path, {"a.csv": f"{HEADER}\n{rows(users, items)}"}, Ids()).by_user("train")
    assert set(train) == set(users)
    assert {item for row in train.values() for item in row["item_id"]} <= set(items)


def test_parquet_text_and_numbers_are_joined_as_in_text_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    columns = {"item_id": ITEMS, "rating": [5.0] * 40, "timestamp": list(range(1000, 1040))}
    parts = {
        "a": pa.array([f"{user} " for user in USERS]),
        "b": pa.array([float(user) for user in USERS]),
        "c": pa.array([int(user) for user in USERS]),
        "d": pa.array([None if user == "0" else "nan" if user == "1" else f"{user}.0" for user in USERS]),
        "e": pa.array([float("nan") if user == "0" else float(user) for user in USERS]),
    }
    for name, users in parts.items():
        pq.write_table(pa.table({"user_id": users, **columns}), tmp_path / "in" / f"{name}.parquet")
    form = {"kind": "parquet"}
    with pytest.raises(DataError, match="written in several ways"):
        run(tmp_path, {}, Ids(), format=form)
    found = run(tmp_path, {}, format=form)
    assert set(found.by_user("train")) == set(USERS)
    empty = sum(user in ("0", "1") for user in USERS) + sum(user == "0" for user in USERS)
    assert found.report["bad_rows_by_reason"] == {"user_id is empty": empty}


@pytest.mark.parametrize("again", [HEADER, f"\ufeff{HEADER}", f'"{HEADER.replace(",", chr(34) + "," + chr(34))}"'])
def test_header_in_the_middle_is_no_row(tmp_path: Path, again: str) -> None:
    text = f"\ufeff{HEADER}\n{rows(USERS[:20], ITEMS[:20])}{again}\n{rows(USERS[20:], ITEMS[20:])}"
    found = run(tmp_path, {"a.csv": text})
    assert set(found.by_user("train")) == set(USERS)
    assert found.report["bad_rows_by_reason"] == {"the header again": 1}
    assert [row["row"] for row in found.quarantine] == [22]


def test_byte_order_mark_in_the_middle_is_no_part_of_an_id(tmp_path: Path) -> None:
    text = f"{HEADER}\n{rows(USERS[:20], ITEMS[:20])}\ufeff{rows(USERS[20:], ITEMS[20:])}"
    found = run(tmp_path, {"a.csv": text})
    assert set(found.by_user("train")) == set(USERS)
    assert found.report["bad_rows"] == 0


WORDS = ["\\N", "NULL", "null", "nan", "NaN", "None", "NA", "<NA>", ""]


def test_words_for_an_empty_cell_are_no_ids_unless_they_are_in_quotes_or_the_config_has_others(tmp_path: Path) -> None:
    users = [WORDS[n // 4 % 9] if n % 4 == 0 else user for n, user in enumerate(USERS)]
    found = run(tmp_path, {"a.csv": f"{HEADER}\n{rows(users, ITEMS)}"})
    assert set(found.by_user("train")) == set(USERS)
    assert found.report["bad_rows_by_reason"] == {"user_id is empty": 10}

    kept = run(tmp_path, {"a.csv": f"{HEADER}\n{rows(users, ITEMS)}"}, format={"empty": []})
    assert set(kept.by_user("train")) <= {*USERS, *WORDS[:-1]}
    assert kept.report["bad_rows_by_reason"] == {"user_id is empty": users.count("")}

    quoted = [f'"{WORDS[n // 3 % 8]}"' if n % 3 == 0 else item for n, item in enumerate(ITEMS)]
    found = run(
        tmp_path, {"a.csv": f"{HEADER}\n{rows(USERS, quoted)}"}, split={"method": "random", "eval_fraction": 0.1}
    )
    assert found.report["bad_rows"] == 0
    items = {item for row in found.by_user("train").values() for item in row["item_id"]}
    assert len(items & set(WORDS)) >= 6
