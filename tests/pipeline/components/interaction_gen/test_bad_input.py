"""Every way a log can be broken: the row is quarantined with its reason, or the run stops with one clear error."""

import gzip
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from common.errors import DataError, OutputError
from configs.ids import Ids
from configs.log import LogSettings
from pipeline.components.interaction_gen import reading, report
from pipeline.reading import times
from pipeline.reading.files import list_files
from pipeline.reading.report import quarantine_json
from tests.compressed import compressed
from tests.ingest import Ingested, log_config, run_interaction_gen

HEADER = b"user_id,item_id,rating,timestamp\n"
GOOD = b"ann,tea,4,100\nann,jam,5,200\nbob,tea,3,150\nbob,egg,4,250\n"
LENIENT = {"cleaning": {"max_bad_fraction": 0.9}}

Run = Callable[..., Ingested]


@dataclass
class ReadLog:
    """A log that was read, without Beam."""

    rows: list[dict[str, Any]]
    quarantine: list[dict[str, Any]]
    report: dict[str, Any]


Read = Callable[..., ReadLog]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads files given by name as the executor does, and raises the fault that stops it."""

    def _read(config: LogSettings | None = None, **files: bytes) -> ReadLog:
        log = config or log_config(**LENIENT)
        for name, content in files.items():
            (tmp_path / name.replace("_", ".")).write_bytes(content)
        tables, reports = [], []
        for file in list_files(str(tmp_path), {"log": "*"}):
            pieces, planned = reading.plan(file, log)
            reports.append(planned)
            for piece in pieces:
                for block, found in reading.read(piece, log, Ids(), time.time()):
                    reports.append(found)
                    tables += [block.table] if block else []
        per_second = times.per_second(log.timestamp_unit)
        most = log.cleaning.max_quarantine_rows
        merged = report.concluded(report.merge(reports, most, per_second), most)
        fault = report.fault(merged, log, time.time())
        if fault is not None:
            raise DataError(fault)
        rows = [row for table in tables for row in table.to_pylist()]
        return ReadLog(rows, quarantine_json(merged.reading), report.counts(merged, log).model_dump())

    return _read


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Runs on files given by name; whatever happens, no temporary file is left."""

    def _run(log: LogSettings | None = None, **files: bytes) -> Ingested:
        folder = tmp_path / "in"
        folder.mkdir()
        for name, content in files.items():
            (folder / name.replace("_", ".")).write_bytes(content)
        return run_interaction_gen(log or log_config(**LENIENT), str(folder / "*"), tmp_path / "out")

    yield _run
    assert not (tmp_path / "out" / ".work").exists()


def _assert_nothing_left(tmp_path: Path) -> None:
    assert list((tmp_path / "out").rglob("*")) == []


def _assert_only_bad(result: ReadLog, rows: dict[int, str]) -> None:
    """Row numbers and reasons are these, and the four good interactions are all there."""
    assert {q["row"]: q["reason"] for q in result.quarantine} == rows
    assert result.report["bad_rows"] == len(rows)
    assert result.report["rows"] == 4 + len(rows)
    assert [(r["user"], r["item"], r["value"], r["timestamp"]) for r in result.rows] == [
        ("ann", "tea", 4.0, 100),
        ("ann", "jam", 5.0, 200),
        ("bob", "tea", 3.0, 150),
        ("bob", "egg", 4.0, 250),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"cy,tea,4,100,extra", "too many columns"),
        (b"cy,tea,4", "too few columns"),
        (b'"cy,tea,4,100', "unbalanced quote"),
        (b"c\0y,tea,4,100", "NUL byte"),
        (b"c\xe9line,tea,4,100", "not valid in the file's encoding"),
        (b"cy\r,tea,4,100", "carriage return inside the row"),
        (b"cy,tea,four,100", "value is not a number"),
        (b"cy,tea,,100", "value is empty"),
        (b"cy,tea,nan,100", "value is empty"),
        (b'cy,tea,"nan",100', "value is not finite"),
        (b"cy,tea,-inf,100", "value is not finite"),
        (b"cy,tea,1e300,100", "value is beyond a 32-bit number"),
        (b"cy,tea,-3.5e38,100", "value is beyond a 32-bit number"),
        (b"cy,tea,1e400,100", "value is not finite"),
        (b"cy,tea,4,soon", "timestamp is not a time"),
        (b"cy,tea,4,NaN", "timestamp is empty"),
        (b"cy,tea,4,-5", "negative timestamp"),
        (b"cy,tea,4,99999999999999", "future timestamp"),
        (b"cy,tea,4,1e300", "future timestamp"),
        (b",tea,4,100", "user_id is empty"),
        (b'cy,"",4,100', "item_id is empty"),
        (b"c" * 4097 + b",tea,4,100", "user_id is longer than 4096 bytes"),
        (b"cy," + b"x" * (5 << 20) + b",4,100", "item_id is longer than 4096 bytes"),
    ],
)
def test_read_bad_row_quarantined(read: Read, row: bytes, reason: str) -> None:
    first, rest = GOOD[:14], GOOD[14:]
    result = read(log_csv=HEADER + first + row + b"\n" + rest)
    _assert_only_bad(result, {3: reason})
    assert len(result.quarantine[0]["excerpt"]) <= 200
    assert result.quarantine[0]["file"].endswith("log.csv")


def test_read_half_written_last_line_quarantined(read: Read) -> None:
    _assert_only_bad(read(log_csv=HEADER + GOOD + b"cy,te"), {6: "too few columns"})


def test_read_last_line_without_end_kept(read: Read) -> None:
    _assert_only_bad(read(log_csv=HEADER + GOOD.rstrip(b"\n")), {})


def test_read_byte_order_mark_skipped(read: Read) -> None:
    _assert_only_bad(read(log_csv=b"\xef\xbb\xbf" + HEADER + GOOD), {})


def test_read_byte_order_mark_without_header_skipped(read: Read) -> None:
    columns = {"user_id": 0, "item_id": 1, "value": 2, "timestamp": 3}
    log = log_config(columns=columns, format={"header": False})
    _assert_only_bad(read(log, log_csv=b"\xef\xbb\xbf" + GOOD), {})


def test_read_crlf_read_as_line_ends(read: Read) -> None:
    _assert_only_bad(read(log_csv=(HEADER + GOOD + b"cy,tea\n").replace(b"\n", b"\r\n")), {6: "too few columns"})


def test_read_blank_lines_are_no_rows(read: Read) -> None:
    _assert_only_bad(read(log_csv=HEADER + b"\n\r\n" + GOOD + b"cy,tea\n\n"), {8: "too few columns"})


def test_read_latin_1_configured_read(read: Read) -> None:
    log = log_config(format={"encoding": "latin-1"})
    rows = "Céline,thé,4,1\nCéline,eau,4,2\n".encode("latin-1")
    assert [(r["user"], r["item"]) for r in read(log, log_csv=HEADER + rows).rows] == [
        ("Céline", "thé"),
        ("Céline", "eau"),
    ]


def test_read_utf_16_refused(read: Read) -> None:
    with pytest.raises(DataError, match="UTF-16 byte-order mark; convert"):
        read(log_csv=(HEADER + GOOD).decode().encode("utf-16"))


def test_read_empty_and_header_only_files_counted(read: Read) -> None:
    result = read(a_csv=b"", b_csv=HEADER, c_csv=HEADER + GOOD)
    _assert_only_bad(result, {})
    assert [Path(f).name for f in result.report["files_without_rows"]] == ["a.csv", "b.csv"]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", HEADER, HEADER.rstrip(b"\n")])
def test_read_no_rows_at_all_refused(read: Read, content: bytes) -> None:
    with pytest.raises(DataError, match=r"no rows: 1 file\(s\) are empty or hold a header only.*log\.csv"):
        read(log_csv=content)


def test_do_renamed_column_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        run(a_csv=HEADER + GOOD, b_csv=HEADER.replace(b"rating", b"stars") + GOOD)
    message = str(caught.value)
    assert "b.csv: no column 'rating'" in message
    assert "found 4: 'user_id', 'item_id', 'stars', 'timestamp'" in message
    assert "a.csv" not in message
    _assert_nothing_left(tmp_path)


def test_read_header_with_blanks_around_a_name_hints_at_them(read: Read) -> None:
    with pytest.raises(
        DataError, match=r"no column 'item_id'.* Blanks are part of a name: .*; the header has ' item_id'"
    ):
        read(log_csv=HEADER.replace(b"item_id", b" item_id") + GOOD)


def test_read_header_without_the_column_hints_at_no_blanks(read: Read) -> None:
    with pytest.raises(DataError, match="no column 'item_id'") as caught:
        read(log_csv=HEADER.replace(b"item_id", b"item") + GOOD)
    assert "Blanks" not in str(caught.value)


def test_read_position_beyond_columns_refused(read: Read) -> None:
    log = log_config(columns={"user_id": 0, "item_id": 7}, format={"header": False})
    with pytest.raises(DataError, match=r"most rows have 4 column\(s\), so there is no column 7 \(for item\)"):
        read(log, log_csv=GOOD)


def test_read_unknown_event_type_quarantined(read: Read) -> None:
    columns = {"user_id": "user_id", "item_id": "item_id", "value": "rating"}
    log = log_config(columns=columns, event_weights={"view": 0.5, "buy": 6}, cleaning={"max_bad_fraction": 0.5})
    rows = b"ann,tea,view,1\nann,jam,buy,1\nann,egg,stare,1\nann,egg,,1\n"
    result = read(log, log_csv=HEADER + rows)
    assert {q["row"]: q["reason"] for q in result.quarantine} == {4: "unknown event type", 5: "unknown event type"}
    assert [row["value"] for row in result.rows] == [0.5, 6.0]


def test_do_timestamps_in_milliseconds_refused_with_the_setting(run: Run, tmp_path: Path) -> None:
    rows = b"".join(b"u%d,i%d,4,16000000000%02d\n" % (i % 3, i, i) for i in range(30))
    with pytest.raises(DataError, match="The timestamps look like milliseconds: set timestamp_unit: ms"):
        run(log_config(), log_csv=HEADER + rows)
    _assert_nothing_left(tmp_path)


def test_do_bad_rows_among_good_ones_written_beside_the_examples(run: Run) -> None:
    result = run(log_csv=HEADER + GOOD + b"cy,te")
    assert result.by_user("eval")["ann"]["item_id"] + result.by_user("eval")["ann"]["target_item_id"] == ["tea", "jam"]
    assert [(Path(q["file"]).name, q["row"], q["reason"], q["excerpt"]) for q in result.quarantine] == [
        ("log.csv", 6, "too few columns", "cy,te")
    ]
    assert result.report["bad_rows_by_file"][result.quarantine[0]["file"]] == {"too few columns": 1}


def test_do_timestamps_in_configured_milliseconds_become_seconds_in_their_order(run: Run) -> None:
    rows = b"ann,b,4,1600000000900\nann,a,4,1600000000100\nann,c,4,1600000002000\n"
    row = run(log_config(timestamp_unit="ms"), log_csv=HEADER + rows).by_user("eval")["ann"]
    assert (row["item_id"], row["timestamp"]) == (["a", "b"], [1600000000, 1600000000])


def test_read_timestamp_of_tomorrow_kept_of_next_week_quarantined(read: Read) -> None:
    now = int(time.time())
    rows = b"ann,tea,4,%d\nbob,jam,4,%d\nbob,egg,4,%d\n" % (now, now + 3600, now + 7 * 86400)
    result = read(log_csv=HEADER + b"\n" + rows)
    assert [q["row"] for q in result.quarantine] == [5]
    assert result.report["newest_timestamp"] == now + 3600


def test_do_duplicate_events_latest_stays_on_the_side_of_the_first(run: Run) -> None:
    result = run(log_csv=HEADER + GOOD + b"ann,tea,1,400\nann,tea,2,300\n")
    ann = result.by_user("eval")["ann"]
    assert (ann["item_id"], ann["value"], ann["timestamp"]) == (["tea"], [1.0], [400])
    assert (ann["target_item_id"], ann["target_value"]) == (["jam"], [5.0])
    assert {"step": "deduplicate", "in": 6, "out": 4} in result.report["steps"]


@pytest.mark.parametrize(
    "user", ["two words", " padded ", "tab\tinside", "Łukasz", "🙂🇯🇵", "x" * 4096, "a,b", 'say "hi"']
)
def test_read_strange_id_kept_as_it_is(read: Read, user: str) -> None:
    quoted = '"' + user.replace('"', '""') + '"'
    row = read(log_config(), log_csv=HEADER + f"{quoted},{quoted},4,1\n".encode()).rows[0]
    assert (row["user"], row["item"]) == (user, user)


def test_read_numbers_keep_leading_zeros(read: Read) -> None:
    row = read(log_config(), log_csv=HEADER + b"007,0001,4,1\n").rows[0]
    assert (row["user"], row["item"]) == ("007", "0001")


@pytest.mark.parametrize(
    ("cleaning", "step"),
    [({"positive_min": 6}, "positives"), ({"min_user_events": 3}, "active_users")],
)
def test_do_nothing_left_after_a_step_refused(run: Run, tmp_path: Path, cleaning: dict[str, Any], step: str) -> None:
    with pytest.raises(DataError, match=f"no interactions are left after the cleaning step '{step}', which received 4"):
        run(log_config(cleaning=cleaning), log_csv=HEADER + GOOD)
    _assert_nothing_left(tmp_path)


def test_do_one_user_split(run: Run) -> None:
    result = run(log_csv=HEADER + GOOD[:28])
    assert [row["user_id"] for row in result.rows("train")] == [["ann"]]
    assert result.report["splits"]["eval"] == {"users": 1, "interactions": 1, "items": 1}


def test_do_one_item_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="split 'leave_last' leaves no interactions for eval; cleaning kept 2"):
        run(log_csv=HEADER + b"ann,tea,4,1\nbob,tea,4,2\n")
    _assert_nothing_left(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("cut_csv.gz", gzip.compress(HEADER + GOOD * 50, mtime=0)[:-20], {}),
        ("no_csv.gz", HEADER + GOOD, {}),
        ("cut_csv.zst", compressed(HEADER + GOOD * 50_000, ".zst")[:-20], {}),
        ("no_csv.zst", HEADER + GOOD, {}),
        ("no_parquet", b"PAR1 but not really", {"kind": "parquet"}),
    ],
)
def test_do_unreadable_file_among_good_ones_refused(
    run: Run, tmp_path: Path, name: str, content: bytes, form: dict[str, Any]
) -> None:
    good = HEADER + GOOD
    if form:
        sink = pa.BufferOutputStream()
        columns = {"user_id": ["a"], "item_id": ["b"], "rating": [1.0], "timestamp": [1]}
        pq.write_table(pa.table(columns), sink)
        good = sink.getvalue().to_pybytes()
    with pytest.raises(DataError) as caught:
        run(log_config(format=form), a_good=good, **{name: content})
    assert name.replace("_", ".") in str(caught.value)
    assert "cannot be read" in str(caught.value)
    assert "a.good" not in str(caught.value)
    _assert_nothing_left(tmp_path)


def test_do_file_gone_between_driver_and_executor_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\*\.csv: no file matches\. Check the config's path"):
        run_interaction_gen(log_config(), str(tmp_path / "none*.csv"), tmp_path / "out")


def test_read_largest_32_bit_value_kept(read: Read) -> None:
    assert [row["value"] for row in read(log_csv=HEADER + b"ann,tea,3.4028234e38,1\n").rows] == [3.4028234e38]


def test_do_sum_beyond_a_32_bit_number_refused(run: Run, tmp_path: Path) -> None:
    log = log_config(cleaning={"deduplicate": "sum"})
    with pytest.raises(DataError, match=r"the values of 1 pair\(s\) of user and item add up to more than .* 32-bit"):
        run(log, log_csv=HEADER + GOOD + b"cy,tea,3e38,1\ncy,tea,3e38,2\ncy,jam,3e38,3\n")
    _assert_nothing_left(tmp_path)


def test_do_too_many_bad_rows_names_the_worst_files(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        run(log_config(), a_csv=HEADER + GOOD + b"x\n", b_csv=HEADER + GOOD + b"x\ny,z\np,q,r,1\n", c_csv=HEADER + GOOD)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("4 of 16 rows are bad (25.00%); cleaning.max_bad_fraction allows 1.00%")
    assert lines[1].endswith("b.csv: 3 of 7 (too few columns: 2, value is not a number: 1); first at row 6: 'x'")
    assert lines[2].endswith("a.csv: 1 of 5 (too few columns: 1); first at row 6: 'x'")
    assert not any("c.csv" in line for line in lines)
    _assert_nothing_left(tmp_path)


def test_read_quarantine_is_bounded_the_count_is_not(read: Read) -> None:
    log = log_config(cleaning={"max_bad_fraction": 0.9, "max_quarantine_rows": 2})
    result = read(log, log_csv=HEADER + GOOD + b"x\n" * 5)
    assert [q["row"] for q in result.quarantine] == [6, 7]
    assert result.report["bad_rows_by_reason"] == {"too few columns": 5}


def test_do_output_folder_cannot_be_made_refused(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(HEADER + GOOD)
    (tmp_path / "file").write_text("where the folder should be")
    with pytest.raises(OutputError, match=r"file/out/probe: cannot be written"):
        run_interaction_gen(log_config(), str(tmp_path / "log.csv"), tmp_path / "file" / "out")


@pytest.mark.fault
def test_do_read_only_output_folder_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o500)
    if _can_write(out):
        # The superuser writes where no one may; the system's answer to others is put in its place.
        def refuse(folder: str, exist_ok: bool = False) -> None:
            raise PermissionError(13, "Permission denied", folder)

        monkeypatch.setattr("os.makedirs", refuse)
    (tmp_path / "log.csv").write_bytes(HEADER + GOOD)
    with pytest.raises(OutputError, match=r"out/probe: cannot be written .*Permission denied.*Free disk space, make"):
        run_interaction_gen(log_config(), str(tmp_path / "log.csv"), out)


@pytest.mark.fault
def test_do_disk_full_while_examples_are_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk(tf.io.TFRecordWriter):
        def write(self, record: bytes) -> None:
            raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.io, "TFRecordWriter", FullDisk)
    (tmp_path / "log.csv").write_bytes(HEADER + GOOD)
    with pytest.raises(OutputError, match=r"data_tfrecord-00000-of-00001\.gz: cannot be written .*No space left"):
        run_interaction_gen(log_config(), str(tmp_path / "log.csv"), tmp_path / "out")
    _assert_nothing_left(tmp_path)


@pytest.mark.parametrize("most", [0, 1, 1000])
def test_read_first_bad_row_is_named_with_its_beginning_however_many_are_quarantined(read: Read, most: int) -> None:
    log = log_config(cleaning={"max_quarantine_rows": most})
    bad = b"cy," + b"t" * 100 + b",four,100\n"
    with pytest.raises(DataError) as refused:
        read(log, a_csv=HEADER + GOOD + b"x\n" * 3, b_csv=HEADER + GOOD + b"\n" + bad + b"x\n")
    lines = str(refused.value).splitlines()
    assert lines[1].endswith("a.csv: 3 of 7 (too few columns: 3); first at row 6: 'x'")
    assert lines[2].endswith(f"; first at row 7: 'cy, {'t' * 75}…'")


@pytest.mark.parametrize("most", [0, 1000])
def test_read_first_time_apart_is_named_with_file_and_row(read: Read, tmp_path: Path, most: int) -> None:
    log = log_config(cleaning={"max_quarantine_rows": most})
    recent = b"".join(b"ann,i%d,4,%d\n" % (n, 1_600_000_000 + n) for n in range(20))
    with pytest.raises(DataError) as refused:
        read(
            log,
            a_csv=HEADER + recent,
            b_csv=HEADER + b"cy,egg,4,1600000000\n" * 3 + b"bob,tea,3,0\nbob,jam,3,0\n" + recent,
        )
    lines = str(refused.value).splitlines()
    where = f"  {tmp_path / 'b.csv'}: 2 of 25 (timestamp decades apart from most others: 2)"
    assert lines[1] == f"{where}; first at row 5: 'bob, tea, 3.0, 0'"
    assert "The timestamps have decades between them (1970-01-01 to 1970-01-01, 2020-09-13 to 2020-09-13)" in lines[2]


def test_read_first_time_apart_of_each_file_is_quarantined(read: Read) -> None:
    recent = b"".join(b"ann,i%d,4,%d\n" % (n, 1_600_000_000 + n) for n in range(20))
    old = b"bob,tea,3,1\nbob,jam,3,2\n"
    result = read(a_csv=HEADER + old, b_csv=HEADER + recent + b"x\n" + old + b"cy,egg,1,999999999\n")
    assert [(Path(q["file"]).name, q["row"], q["reason"]) for q in result.quarantine] == [
        ("a.csv", 2, "timestamp decades apart from most others"),
        ("b.csv", 22, "too few columns"),
        ("b.csv", 23, "timestamp decades apart from most others"),
    ]
    assert result.report["bad_rows_by_reason"] == {"too few columns": 1, "timestamp decades apart from most others": 4}


def test_read_times_before_1990_are_named_with_file_row_and_cell(read: Read) -> None:
    rows = b"".join(b"ann,i%d,4,%d\n" % (n, 1_600_000_000 + n) for n in range(3))
    with pytest.raises(
        DataError, match=r"before 1990, as in .*log\.csv, row 3: 'ann, i0, 4\.0, 1600000000'\. .*_unit: s"
    ):
        read(log_config(timestamp_unit="ms"), log_csv=HEADER + b"\n" + rows)


def test_read_names_of_columns_are_cut(read: Read) -> None:
    with pytest.raises(DataError) as refused:
        read(log_csv=b"user;item;" + b"x" * 5000 + b"\n1;2;3\n")
    assert f"found 1: 'user;item;{'x' * 69}…'. Correct" in str(refused.value)
    with pytest.raises(DataError, match=r"the header 'us.xe9r_id,item_id,rating,timestamp' is not utf-8"):
        read(log_csv=HEADER.replace(b"us", b"us\xe9", 1).replace(b"\xe9e", b"\xe9") + GOOD)


def test_read_file_of_bad_rows_alone_among_good_ones_quarantined(read: Read) -> None:
    result = read(a_csv=HEADER + b"x\ny\n", b_csv=HEADER + GOOD)
    assert {(Path(q["file"]).name, q["row"]) for q in result.quarantine} == {("a.csv", 2), ("a.csv", 3)}
    assert len(result.rows) == 4


def test_read_column_of_a_type_without_ids_refused(read: Read) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"user_id": [{"a": 1}], "item_id": ["b"], "rating": [1.0], "timestamp": [1]}), sink)
    with pytest.raises(DataError, match=r"log\.parquet: column 'user_id' holds objects \(struct<a: int64>\), such as"):
        read(log_config(format={"kind": "parquet"}), log_parquet=sink.getvalue().to_pybytes())


def _can_write(folder: Path) -> bool:
    try:
        (folder / "probe").touch()
    except OSError:
        return False
    (folder / "probe").unlink()
    return True
