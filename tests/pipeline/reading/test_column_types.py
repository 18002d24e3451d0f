"""Parquet columns of every type: each is read as what it means, or the error says what it is and what to do."""

import contextlib
import datetime
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.errors import DataError
from configs.file_format import FileFormat
from configs.ids import Ids
from pipeline.reading import columns, files, pieces, times
from pipeline.reading.bad_rows import Problems
from pipeline.reading.parsed import Kind

FORM = FileFormat(kind="parquet")
UUIDS = [uuid.UUID(int=7), uuid.UUID(int=2**127 + 1)]
DAY = datetime.date(2026, 11, 29)
MOMENT = datetime.datetime(2026, 11, 29, 10, 30, tzinfo=datetime.timezone.utc)
SECONDS = 1_795_948_200


def write(file: Path, column: Any) -> None:
    pq.write_table(pa.table({"c": column, "other": pa.nulls(len(column))}), file)


def read(file: Path, kind: Kind, column: str | int = "c") -> tuple[list[Any], dict[int, str]]:
    """Returns the values as the ExampleGens read them, None where there is none, and the reasons of bad rows."""
    (found,) = files.list_files(str(file.parent), {"log": file.name})
    planned, report = pieces.plan(found, FORM, {"f": column})
    if report.files[0].error is not None:
        raise DataError(report.files[0].error)
    values: list[Any] = []
    reasons: dict[int, str] = {}
    for piece in planned:
        for _, parsed in pieces.read(piece, FORM, {"f": column}, {"f": kind}):
            cells, problems = parsed.table.column("f"), Problems.none(parsed.table.num_rows)
            reasons |= {len(values) + row: reason for row, reason in problems.bad()}
            values += _READ[kind](cells, problems)
            reasons |= dict(problems.bad())
    return [None if row in reasons else value for row, value in enumerate(values)], reasons


_READ: dict[Kind, Callable[[Any, Problems], list[Any]]] = {
    "id": lambda cells, problems: columns.ids(cells, "f", Ids(), problems).to_pylist(),
    "text": lambda cells, problems: columns.texts(cells, "f", problems).to_pylist(),
    "texts": lambda cells, problems: (
        cells.to_pylist() if pa.types.is_nested(cells.type) else columns.texts(cells, "f", problems).to_pylist()
    ),
    "number": lambda cells, problems: columns.numbers(cells, "f", FORM, problems).tolist(),
    "integer": lambda cells, problems: times.read(cells, "s", "UTC", "f", problems).tolist(),
}

NO = object()
"""The field cannot be read from such a column."""

TYPES: dict[str, tuple[Any, dict[Kind, Any]]] = {
    "text": (pa.array(["7", None, "x"]), {"id": ["7", None, "x"], "text": ["7", "", "x"], "number": [7.0, None, None]}),
    "large text": (pa.array(["7", None], pa.large_string()), {"id": ["7", None], "integer": [7, None]}),
    "dictionary of text": (
        pa.array(["7", None, "7"]).dictionary_encode(),
        {"id": ["7", None, "7"], "text": ["7", "", "7"], "texts": ["7", "", "7"], "number": [7.0, None, 7.0]},
    ),
    "dictionary of numbers": (
        pa.array([7, None, 8]).dictionary_encode(),
        {"id": ["7", None, "8"], "number": [7.0, None, 8.0], "integer": [7, None, 8]},
    ),
    "whole numbers": (pa.array([7, None], pa.int16()), {"id": ["7", None], "text": ["7", ""], "integer": [7, None]}),
    "large whole numbers": (
        pa.array([2**64 - 1, 9_007_199_254_740_993], pa.uint64()),
        {"id": ["18446744073709551615", "9007199254740993"], "text": ["18446744073709551615", "9007199254740993"]},
    ),
    "unsigned times": (pa.array([2**53 + 1, None], pa.uint64()), {"integer": [2**53 + 1, None]}),
    "fractions": (pa.array([7.0, 7.5, None]), {"id": ["7", None, None], "number": [7.0, 7.5, None]}),
    "whole decimals": (
        pa.array([Decimal(7), Decimal("12345678901234567890123456789012345678"), None], pa.decimal128(38, 0)),
        {
            "id": ["7", "12345678901234567890123456789012345678", None],
            "text": ["7", "12345678901234567890123456789012345678", ""],
            "number": [7.0, 1.2345678901234568e37, None],
        },
    ),
    "decimals": (
        pa.array([Decimal("7.00"), Decimal("-8.50"), None], pa.decimal128(20, 2)),
        {"id": ["7", None, None], "text": ["7.00", "-8.50", ""], "number": [7.0, -8.5, None], "integer": [7, -9, None]},
    ),
    "long decimals": (pa.array([Decimal(700)], pa.decimal256(50, 0)), {"id": ["700"], "number": [700.0]}),
    "exact decimals": (pa.array([Decimal(2**53 + 1)], pa.decimal128(20, 0)), {"integer": [2**53 + 1]}),
    "bytes of text": (
        pa.array(["ü".encode(), None], pa.binary()),
        {"id": ["ü", None], "text": ["ü", ""], "texts": ["ü", ""]},
    ),
    "bytes of numbers": (pa.array([b"7", b"7.5"], pa.large_binary()), {"number": [7.0, 7.5], "id": ["7", "7.5"]}),
    "bytes of no text": (
        pa.array([b"\xff\x00", b"7"], pa.binary()),
        {"id": [None, "7"], "text": [None, "7"], "number": [None, 7.0], "integer": [None, 7]},
    ),
    "bytes of fixed size": (pa.array([b"1234567890123456"], pa.binary(16)), dict.fromkeys(_READ, NO)),
    "true and false": (
        pa.array([True, False, None]),
        {"id": NO, "integer": NO, "number": [1.0, 0.0, None], "text": ["true", "false", ""]},
    ),
    "dates": (pa.array([DAY, None]), {"id": NO, "number": NO, "integer": [1_795_910_400, None]}),
    "dates for texts": (pa.array([DAY, None]), {"text": ["2026-11-29", ""], "texts": ["2026-11-29", ""]}),
    "times": (pa.array([MOMENT], pa.timestamp("us", "UTC")), {"id": NO, "number": NO, "integer": [SECONDS]}),
    "times of a day": (pa.array([datetime.time(1)]), dict.fromkeys(_READ, NO)),
    "durations": (pa.array([datetime.timedelta(1)]), dict.fromkeys(_READ, NO)),
    "lists of text": (
        pa.array([["a", None], [], None]),
        {**dict.fromkeys(_READ, NO), "texts": [["a", None], [], None]},
    ),
    "lists of bytes": (pa.array([[b"a"]]), dict.fromkeys(_READ, NO)),
    "lists of lists": (pa.array([[["a"]]]), dict.fromkeys(_READ, NO)),
    "objects": (pa.array([{"id": 7}, None]), dict.fromkeys(_READ, NO)),
    "maps": (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), dict.fromkeys(_READ, NO)),
    "nothing": (
        pa.nulls(2),
        {"id": [None, None], "number": [None, None], "integer": [None, None], "text": ["", ""], "texts": ["", ""]},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in TYPES for kind in TYPES[name][1]])
def test_read_column_is_what_it_means_or_an_error(tmp_path: Path, name: str, kind: Kind) -> None:
    column, expected = TYPES[name]
    write(tmp_path / "f.parquet", column)
    if expected[kind] is NO:
        with pytest.raises(DataError, match=r"f\.parquet: column 'c' holds .* is wanted\. [A-Z].*\."):
            read(tmp_path / "f.parquet", kind)
    else:
        assert read(tmp_path / "f.parquet", kind)[0] == expected[kind]


@pytest.mark.parametrize("kind", list(_READ))
@pytest.mark.parametrize("name", list(TYPES))
def test_read_any_column_as_any_kind_never_fails_otherwise(tmp_path: Path, name: str, kind: Kind) -> None:
    write(tmp_path / "f.parquet", TYPES[name][0])
    with contextlib.suppress(DataError):
        values, _ = read(tmp_path / "f.parquet", kind)
        assert not any("b'" in str(value) for value in values)


@pytest.mark.parametrize(
    ("column", "kind", "message"),
    [
        (
            pa.array([None, ["x" * 500]]),
            "id",
            f"column 'c' holds lists ({{type}}), such as {str(['x' * 500])[:79] + '…'!r}; a text or a whole "
            "number is wanted. Name a column with one value in a row. Lists of texts can be a feature of the "
            "catalogue, of kind category.",
        ),
        (
            pa.array([{"id": 7}]),
            "text",
            "column 'c' holds objects ({type}), such as \"{{'id': 7}}\"; a text is wanted. Name one of its "
            "fields, as user.id names the field id of the objects user.",
        ),
        (
            pa.array([b"\x00\xff23456789012345"], pa.binary(16)),
            "id",
            r"column 'c' holds bytes ({type}), such as '\x00\xff23456789012345'; a text or a whole "
            "number is wanted. Write the values as text. Sixteen bytes are a UUID if the column's logical type says "
            "so.",
        ),
        (
            pa.array([None], pa.bool_()),
            "integer",
            "column 'c' holds true and false ({type}), all of them empty; a time is wanted. Name another column, or "
            "write the values as text or as a number.",
        ),
    ],
)  # fmt: skip
def test_read_error_names_file_column_type_and_one_cell(tmp_path: Path, column: Any, kind: Kind, message: str) -> None:
    write(tmp_path / "f.parquet", column)
    with pytest.raises(DataError) as refused:
        read(tmp_path / "f.parquet", kind)
    kind_read = pq.read_schema(tmp_path / "f.parquet").field("c").type  # versions of Arrow name items differently
    assert str(refused.value) == f"{tmp_path / 'f.parquet'}: {message.format(type=kind_read)}"


def as_parquet_uuid(file: Path) -> None:
    """Writes the logical type UUID into the footer, for our versions of Arrow do not write it."""
    content = file.read_bytes()
    size = int.from_bytes(content[-8:-4], "little")
    body, footer = content[: -8 - size], content[-8 - size : -8]
    # The schema's element, in Thrift's compact protocol: its name is its fourth field, and 0 ends it. The logical type
    # is the tenth field, a union whose fourteenth is UUID.
    name = footer.index(b"\x18\x01c\x00") + 3
    footer = footer[:name] + b"\x6c\xec\x00\x00" + footer[name:]
    file.write_bytes(body + footer + len(footer).to_bytes(4, "little") + b"PAR1")


def test_read_uuid_of_parquet_is_its_text(tmp_path: Path) -> None:
    write(tmp_path / "f.parquet", pa.array([UUIDS[0].bytes, None, UUIDS[1].bytes, UUIDS[0].bytes], pa.binary(16)))
    as_parquet_uuid(tmp_path / "f.parquet")
    schema = pq.ParquetFile(tmp_path / "f.parquet").schema
    assert str(schema.column(0).logical_type) == "UUID"
    texts = [str(UUIDS[0]), None, str(UUIDS[1]), str(UUIDS[0])]
    assert read(tmp_path / "f.parquet", "id")[0] == texts
    assert read(tmp_path / "f.parquet", "number")[0] == [None] * 4


def test_read_uuid_of_arrow_is_its_text(tmp_path: Path) -> None:
    metadata = {"ARROW:extension:name": "arrow.uuid", "ARROW:extension:metadata": ""}
    schema = pa.schema([pa.field("c", pa.binary(16), metadata=metadata)])
    table = pa.Table.from_arrays([pa.array([each.bytes for each in UUIDS], pa.binary(16))], schema=schema)
    pq.write_table(table, tmp_path / "f.parquet")
    assert read(tmp_path / "f.parquet", "id")[0] == [str(each) for each in UUIDS]


def test_read_two_columns_of_one_name(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"]), pa.array(["c"])], names=["x", "c", "c"])
    pq.write_table(table, tmp_path / "f.parquet")
    with pytest.raises(DataError, match=r"f\.parquet: column 'c' occurs twice; name it by position, from 0"):
        read(tmp_path / "f.parquet", "id")
    assert [read(tmp_path / "f.parquet", "id", position)[0] for position in (0, 1, 2)] == [["a"], ["b"], ["c"]]


def test_read_field_of_objects(tmp_path: Path) -> None:
    rows = [{"id": 7, "name": {"first": "ann"}}, None, {"id": None, "name": None}]
    pq.write_table(pa.table({"c": rows, "c.x": ["own", "own", "own"]}), tmp_path / "f.parquet")
    assert read(tmp_path / "f.parquet", "id", "c.id")[0] == ["7", None, None]
    assert read(tmp_path / "f.parquet", "text", "c.name.first")[0] == ["ann", "", ""]
    assert read(tmp_path / "f.parquet", "id", "c.x")[0] == ["own"] * 3
    for missing in ("c.none", "c.id.x", "d.id"):
        with pytest.raises(DataError, match=f"no column '{missing}'"):
            read(tmp_path / "f.parquet", "id", missing)
    with pytest.raises(DataError, match=r"column 'c\.name' holds objects"):
        read(tmp_path / "f.parquet", "id", "c.name")
