"""The same interactions in every format give the same Examples."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.errors import DataError
from configs.ids import Ids
from pipeline.reading import files
from tests.compressed import compressed
from tests.ingest import log_config, run_interaction_gen
from tests.real_data import real_data

pytestmark = pytest.mark.e2e

EVENTS = [("7", "0114709", 4.0, 100), ("7", "x y", 5.0, 200), ("ü", "x y", 3.5, 150), ("ü", "0114709", 1.0, 160)]
POSITIONS = {"user_id": 0, "item_id": 1, "value": 2, "timestamp": 3}


def _text(separator: str, header: bool, extra: bool = False) -> bytes:
    rows = [("user_id", "item_id", "rating", "timestamp")] if header else []
    rows += [(u, i, str(v), str(t)) for u, i, v, t in EVENTS]
    return "".join(separator.join(("-", *row) if extra else row) + "\n" for row in rows).encode()


def _assert_same(result: Any) -> None:
    assert result.rows("eval") == [
        {
            "user_id": ["7"],
            "item_id": ["0114709"],
            "value": [4.0],
            "timestamp": [100],
            "target_item_id": ["x y"],
            "target_value": [5.0],
            "target_timestamp": [200],
        },
        {
            "user_id": ["ü"],
            "item_id": ["x y"],
            "value": [3.5],
            "timestamp": [150],
            "target_item_id": ["0114709"],
            "target_value": [1.0],
            "target_timestamp": [160],
        },
    ]


@pytest.mark.parametrize(
    ("name", "content", "config"),
    [
        ("log.tsv", _text("\t", header=True), {"format": {"separator": "\t"}}),
        (
            "log.dat",
            _text("::", header=False),
            {"format": {"separator": "::", "quote": "", "header": False}, "columns": POSITIONS},
        ),
        ("log.csv.gz", compressed(_text(",", header=True), ".gz"), {}),
        ("log.csv.zst", compressed(_text(",", header=True), ".zst"), {}),
        (
            "log.csv",
            _text(",", header=True, extra=True),
            {"columns": {"user_id": 1, "item_id": 2, "value": 3, "timestamp": 4}},
        ),
        ("log.psv", _text("¦", header=False), {"format": {"separator": "¦", "header": False}, "columns": POSITIONS}),
    ],
)
def test_do_text_format_same_examples(tmp_path: Path, name: str, content: bytes, config: dict[str, Any]) -> None:
    (tmp_path / name).write_bytes(content)
    _assert_same(run_interaction_gen(log_config(**config), str(tmp_path / name), tmp_path / "out"))


def _json_lines(nested: bool) -> bytes:
    rows = (
        {"user": {"id": u}, "ids": {"item": i}, "rating": v, "timestamp": t}
        if nested
        else {"user_id": u, "item_id": i, "rating": v, "timestamp": t}
        for u, i, v, t in EVENTS
    )
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
@pytest.mark.parametrize("nested", [False, True])
def test_do_json_lines_same_examples(tmp_path: Path, nested: bool, ending: str) -> None:
    (tmp_path / f"log.ndjson{ending}").write_bytes(compressed(_json_lines(nested), ending))
    columns = {"user_id": "user.id", "item_id": "ids.item", "value": "rating", "timestamp": "timestamp"}
    log = log_config(format={"kind": "jsonl"}, **({"columns": columns} if nested else {}))
    _assert_same(run_interaction_gen(log, str(tmp_path / "log.*"), tmp_path / "out"))


def test_do_json_lines_in_pieces_same_examples_and_bad_lines_quarantined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BLOCK_BYTES", 100)
    lines = _json_lines(nested=False).splitlines(keepends=True)
    bad = [b'{"user_id": [1]}\n', b"\n", b"half a li"]
    (tmp_path / "log.jsonl").write_bytes(b"".join([*lines[:2], *bad[:2], *lines[2:], bad[2]]))
    log = log_config(format={"kind": "jsonl"}, cleaning={"max_bad_fraction": 0.5})
    result = run_interaction_gen(log, str(tmp_path / "log.jsonl"), tmp_path / "out")
    _assert_same(result)
    assert [(q["row"], q["reason"], q["excerpt"]) for q in result.quarantine] == [
        (3, "user_id holds a list", '{"user_id": [1]}'),
        (7, "is no JSON object", "half a li"),
    ]


@pytest.mark.parametrize("other", ["7.0", '"7.0"', '"7 "', '" 7"'])
def test_do_json_lines_id_in_two_spellings_refused_and_joined_on_request(tmp_path: Path, other: str) -> None:
    users = ["7", '"7"', other]
    lines = (f'{{"user_id": {u}, "item_id": "i{n}", "rating": 1, "timestamp": {n}}}\n' for n, u in enumerate(users))
    (tmp_path / "log.jsonl").write_text("".join(lines))
    log = log_config(format={"kind": "jsonl"})
    with pytest.raises(DataError, match=r"user_id: 1 id\(s\) are written in several ways, such as .*'7' \(2 rows\)"):
        run_interaction_gen(log, str(tmp_path / "log.jsonl"), tmp_path / "out")
    ids = Ids(trim=True, integral=True)
    result = run_interaction_gen(log, str(tmp_path / "log.jsonl"), tmp_path / "joined", ids=ids)
    assert result.rows("eval")[0]["user_id"] == ["7"]
    assert result.report["splits"]["train"]["interactions"] == 2


def _in_folder(kind: str, users: Sequence[Any], items: Sequence[Any]) -> bytes:
    if kind == "parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"user_id": users, "item_id": items}), sink)
        content: bytes = sink.getvalue().to_pybytes()
        return content
    rows = list(zip(users, items, strict=True))
    if kind == "jsonl":
        return "".join(json.dumps({"user_id": u, "item_id": i}) + "\n" for u, i in rows).encode()
    header = "" if kind == "bare" else "user_id,item_id\n"
    return (header + "".join(f"{u},{i}\n" for u, i in rows)).encode()


@pytest.mark.parametrize("kind", ["delimited", "bare", "jsonl", "parquet"])
def test_do_folders_name_the_time_and_the_event(tmp_path: Path, kind: str) -> None:
    for day, event in (("2026-11-02", "buy%2Fnow"), ("2026-11-01", "view"), ("2026-11-03 10%3A30%3A00", "NULL")):
        folder = tmp_path / "in" / f"dt={day}" / f"event={event}"
        folder.mkdir(parents=True)
        (folder / "part-0").write_bytes(_in_folder(kind, ["ann", "bob"], [f"i{day[9]}", f"j{day[9]}"]))
        (folder / "_SUCCESS").touch()
    places = {"user_id": 0, "item_id": 1} if kind == "bare" else {}
    form = {"header": False} if kind == "bare" else {"kind": kind}
    log = log_config(
        format=form,
        columns={**places, "value": "event", "timestamp": "dt"},
        event_weights={"view": 0.5, "buy/now": 6},
        cleaning={"max_bad_fraction": 0.5},
    )
    result = run_interaction_gen(log, str(tmp_path / "in" / "dt=*" / "event=*" / "*"), tmp_path / "out")
    ann = result.by_user("eval")["ann"]
    assert (ann["item_id"], ann["value"], ann["timestamp"]) == (["i1"], [0.5], [1_793_491_200])
    assert (ann["target_item_id"], ann["target_value"]) == (["i2"], [6.0])
    assert [(q["reason"], q["excerpt"]) for q in result.quarantine] == [
        ("unknown event type", "ann, i3, , 2026-11-03 10:30:00"),
        ("unknown event type", "bob, j3, , 2026-11-03 10:30:00"),
    ]


@pytest.mark.parametrize("kind", ["delimited", "jsonl", "parquet"])
def test_do_column_of_the_file_comes_before_a_folder_of_its_name(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "item_id=wrong"
    folder.mkdir()
    (folder / "log").write_bytes(_in_folder(kind, ["ann", "ann"], ["a", "b"]))
    result = run_interaction_gen(
        log_config(format={"kind": kind}, columns={"user_id": "user_id", "item_id": "item_id"}),
        str(folder / "log"),
        tmp_path / "out",
    )
    assert result.rows("eval")[0]["item_id"] == ["a"]


@pytest.mark.parametrize("kind", ["delimited", "jsonl", "parquet"])
def test_do_column_that_is_neither_in_the_file_nor_a_folder_refused(tmp_path: Path, kind: str) -> None:
    for day in ("dt=1", "day=2"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "log").write_bytes(_in_folder(kind, ["ann"], ["a"]))
    log = log_config(format={"kind": kind}, columns={"timestamp": "dt"})
    with pytest.raises(DataError, match=r"^[^\n]*day=2/log: no (column 'dt'|row of .* has 'dt')[^\n]*$"):
        run_interaction_gen(log, str(tmp_path / "d*" / "log"), tmp_path / "out")


def test_do_glob_of_files_same_examples(tmp_path: Path) -> None:
    header, *rows = _text(",", header=True).splitlines(keepends=True)
    for i, row in enumerate(rows):
        (tmp_path / f"part-{i}.csv").write_bytes(header + row)
    (tmp_path / "part-9.csv").mkdir()
    _assert_same(run_interaction_gen(log_config(), str(tmp_path / "part-?.csv"), tmp_path / "out"))


def _parquet(path: Path, **columns: Any) -> None:
    pq.write_table(pa.table(columns), path, row_group_size=3)


def test_do_parquet_same_examples(tmp_path: Path) -> None:
    users, items, values, times = zip(*EVENTS, strict=True)
    _parquet(
        tmp_path / "log.parquet",
        timestamp=pa.array(np.array(times) * 1000, pa.timestamp("ms")),
        user_id=pa.array(users).dictionary_encode(),
        rating=pa.array(values, pa.float32()),
        item_id=items,
    )
    log = log_config(format={"kind": "parquet"})
    _assert_same(run_interaction_gen(log, str(tmp_path / "*.parquet"), tmp_path / "out"))


def test_do_parquet_numbers_become_ids_without_fraction_and_bad_cells_are_quarantined(tmp_path: Path) -> None:
    _parquet(
        tmp_path / "log.parquet",
        user_id=pa.array([1.0, 1.0, float("nan"), 1.5, None]),
        item_id=pa.array([10, 20, 30, None, 50]),
        rating=pa.array([1, None, 3, 4, 5]),
        timestamp=pa.array([1.9, 2.0, 3.0, 4.0, 5.0]),
    )
    log = log_config(
        format={"kind": "parquet"}, cleaning={"max_bad_fraction": 0.9}, columns=POSITIONS, split={"holdout": 1}
    )
    _parquet(tmp_path / "more.parquet", user_id=[1], item_id=[40], rating=[2], timestamp=[9])
    result = run_interaction_gen(log, str(tmp_path / "*.parquet"), tmp_path / "out")
    assert [(q["row"], q["reason"]) for q in result.quarantine] == [
        (2, "value is empty"),
        (3, "user_id is empty"),
        (4, "user_id is not a whole number"),
        (5, "user_id is empty"),
    ]
    row = result.rows("eval")[0]
    assert (row["user_id"], row["item_id"], row["timestamp"]) == (["1"], ["10"], [1])
    assert row["target_item_id"] == ["40"]


@pytest.mark.parametrize(
    ("data", "file", "config", "steps", "train", "eval_users"),
    [
        (
            "movielens-100k",
            "u.data",
            {
                "format": {"separator": "\t", "quote": "", "header": False},
                "columns": POSITIONS,
                "cleaning": {"positive_min": 4},
            },
            {"deduplicate": (100_000, 100_000), "positives": (100_000, 55_375)},
            {"users": 942, "interactions": 54_433, "items": 1_432},
            942,
        ),
        (
            "goodbooks-10k",
            "ratings.csv",
            {"columns": {"user_id": "user_id", "item_id": "book_id", "value": "rating"}},
            {"deduplicate": (981_756, 979_478)},
            None,
            None,
        ),
        (
            "movietweetings",
            "ratings.dat",
            {"format": {"separator": "::", "quote": "", "header": False}, "columns": POSITIONS},
            {"deduplicate": (100_000, 100_000)},
            None,
            None,
        ),
        (
            "retailrocket",
            "events.tsv",
            {
                "format": {"separator": "\t"},
                "columns": {"user_id": "visitorid", "item_id": "itemid", "value": "event"},
                "event_weights": {"view": 0.5, "addtocart": 2, "transaction": 6},
                "cleaning": {"deduplicate": "none"},
            },
            {"window": (92_487, 92_487)},
            None,
            None,
        ),
    ],
)
def test_do_real_log_counts(
    tmp_path: Path,
    data: str,
    file: str,
    config: dict[str, Any],
    steps: dict[str, tuple[int, int]],
    train: dict[str, int] | None,
    eval_users: int | None,
) -> None:
    result = run_interaction_gen(log_config(**config), str(real_data(data) / file), tmp_path / "out")
    found = {s["step"]: (s["in"], s["out"]) for s in result.report["steps"]}
    assert {name: found[name] for name in steps} == steps
    assert result.report["bad_rows"] == 0
    if train is not None:
        assert result.report["splits"]["train"] == train
        assert result.report["splits"]["eval"]["users"] == eval_users
    if data == "retailrocket":
        values = [v for row in result.rows("train") for v in row["value"]]
        held_out = [v for row in result.rows("eval") for v in row["target_value"]]
        counts = {weight: (values + held_out).count(weight) for weight in (0.5, 2.0, 6.0)}
        assert counts == {0.5: 78_371, 2.0: 9_028, 6.0: 5_088}
