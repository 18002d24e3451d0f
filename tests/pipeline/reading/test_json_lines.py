"""JSON Lines: the fast path and the slow one agree, and every line is a row, a bad row or blank."""

import json
import random
from typing import Any

import pytest

from common.errors import DataError
from configs.file_format import FileFormat
from configs.ids import Ids
from pipeline.reading import columns, json_lines, times
from pipeline.reading.bad_rows import Problems
from pipeline.reading.layout import FileLayout
from pipeline.reading.layout import find_layout as find_table
from pipeline.reading.parsed import Kind, Parsed

FORM = FileFormat(kind="jsonl")
KEYS = {"user": "user.id", "item": "item", "value": "v", "timestamp": "t", "tags": "tags"}
KINDS: dict[str, Kind] = {"user": "id", "item": "id", "value": "number", "timestamp": "integer", "tags": "texts"}

Row = tuple[str, str, float, int, Any]


def parse(block: bytes, form: FileFormat = FORM, **kinds: Kind) -> Parsed:
    return json_lines.parse(block, form, FileLayout(0, {}, 0, 0, keys=KEYS), {**KINDS, **kinds}, "file")


def rows(parsed: Parsed, form: FileFormat = FORM) -> list[Row]:
    """The rows as the ExampleGens read the columns; each is good."""
    table, problems = parsed.table, Problems.none(parsed.table.num_rows)
    found = (
        columns.ids(table.column("user"), "user", Ids(), problems).to_pylist(),
        columns.ids(table.column("item"), "item", Ids(), problems).to_pylist(),
        columns.numbers(table.column("value"), "value", form, problems).tolist(),
        times.read(table.column("timestamp"), "s", "UTC", "timestamp", problems).tolist(),
        table.column("tags").to_pylist(),
    )
    assert problems.counts() == {}
    return list(zip(*found, strict=True))


GOOD: dict[bytes, Row] = {
    b'{"user":{"id":"u1"},"item":"i1","v":4,"t":100}': ("u1", "i1", 4.0, 100, None),
    b' {"t" : 101, "v":1.5 ,"item":"\\u00fc","user":{"id":"\xc3\xbc"}, "tags":null} \t': ("ü", "ü", 1.5, 101, None),
    b'{"user":{"x":{"id":1},"id":7},"item":7,"v":-0,"t":102.9}': ("7", "7", 0.0, 102, None),
    b'{"user":{"id":"7"},"item":"7","v":"2.5","t":"103"}': ("7", "7", 2.5, 103, None),
    b'{"user.id":"whole","item":"i","v":true,"t":"1970-01-01T00:02:00Z"}': ("whole", "i", 1.0, 120, None),
    b'{"user.id":"first","user":{"id":"second"},"item":"i","v":1,"t":1}': ("first", "i", 1.0, 1, None),
    b'{"user.id":null,"user":{"id":"second"},"item":"i","v":1,"t":1}': ("second", "i", 1.0, 1, None),
    b'{"user":{"id":9007199254740993},"item":123456789012345678901234567890,"v":1e3,"t":5}': (
        "9007199254740993",
        "123456789012345678901234567890",
        1000.0,
        5,
        None,
    ),
    b'{"user":{"id":7.0},"item":-0,"v":1,"t":6}': ("7.0", "0", 1.0, 6, None),
    b'{"user":{"id":"\\ud83d\\ude00"},"item":"a\\"}\\u007b","v":1,"t":7,"z":"}{"}': ("😀", 'a"}{', 1.0, 7, None),
    b'{"user":{"id":"a"},"item":"b","v":1,"t":8,"z":1,"z":2,"q":[{"a":[1,{}]}]}': ("a", "b", 1.0, 8, None),
    b'{"user":{"id":"a"},"item":"b","v":1,"t":9,"half":"\\ud800"}': ("a", "b", 1.0, 9, None),
}
BAD = {
    b"": None,
    b" \t": None,
    b"\r": None,
    b"one": "is no JSON object",
    b"[1]": "is no JSON object",
    b'"text"': "is no JSON object",
    b"7": "is no JSON object",
    b"null": "is no JSON object",
    b"{'user':'x'}": "is no JSON object",
    b'{"user":{"id":"a"},"item":"b","v":1,"t":1': "is no JSON object",
    b'{"user":{"id":"a"},"item":"b","v":1,"t":1}}': "is no JSON object",
    b'{"user":{"id":"a"},"item":"b","v":1,"t":1}]': "is no JSON object",
    b'{"user":{"id":"a"},"item":"b","v":1,"t":1}{}': "is no JSON object",
    b'{"user":{"id":"a"},"item":"b","v":1,"t":1},': "is no JSON object",
    b'{"user":{"id":"a"},"item":"b","v":01,"t":1}': "is no JSON object",
    b'{"user":{"id":"a\tb"},"item":"b","v":1,"t":1}': "is no JSON object",
    b'{"user":{"id":"a\0"},"item":"b","v":1,"t":1}': "NUL byte",
    b'{"user":{"id":"\xff"},"item":"b","v":1,"t":1}': "not valid in the file's encoding",
    b'{"user":{"id":"a"},"item":"b","v":1,"t":1,"z":"\xff"}': "not valid in the file's encoding",
    b'{"user":{"id":"\\ud800"},"item":"b","v":1,"t":1}': "user.id holds half of a character",
    b'{"user":{"id":true},"item":"b","v":1,"t":1}': "user.id is true or false",
    b'{"user":{"id":"a"},"item":"b","v":1,"t":false}': "t is true or false",
    b'{"user":{"id":["a"]},"item":"b","v":1,"t":1}': "user.id holds a list",
    b'{"user":{"id":{"a":1}},"item":"b","v":1,"t":1}': "user.id holds an object",
    b'{"user":"a","item":"b","v":1,"t":1}': "user holds no object",
    b'{"user":[{"id":"a"}],"item":"b","v":1,"t":1}': "user holds no object",
    b'{"user":{"id":7.5},"item":"b","v":1,"t":1}': "user.id is not a whole number",
    b'{"user":{"id":1e300},"item":"b","v":1,"t":1}': "user.id is not a whole number",
    b'{"user":{"id":"a"},"item":"b","item":"c","v":1,"t":1}': "item occurs twice",
    b'{"user":{"id":"a"},"item":"b","\\u0069tem":"c","v":1,"t":1}': "item occurs twice",
    b'{"user":{"id":"a"},"user":{"id":"b"},"item":"b","v":1,"t":1}': "user occurs twice",
    b'{"user":{"id":"a","id":"b"},"item":"b","v":1,"t":1}': "id occurs twice",
}


@pytest.mark.parametrize("sizes", [(1 << 20, 1 << 17), (400, 100), (1, 1)])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_parse_random_lines_every_line_is_accounted_for(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, int], line_end: bytes
) -> None:
    monkeypatch.setattr(json_lines, "_PIECE_BYTES", sizes)
    rng = random.Random(f"{sizes}{line_end!r}")
    for share_of_bad in (0.0, 0.02, 0.5):
        for _ in range(20):
            pools = [rng.sample(list(pool), 4) for pool in (GOOD, BAD)]
            lines = [rng.choice(pools[rng.random() < share_of_bad]) for _ in range(rng.randrange(1, 60))]
            parsed = parse(line_end.join(lines) + rng.choice([b"", line_end]))
            kept = [i for i, line in enumerate(lines) if line in GOOD]
            assert list(parsed.rows) == kept
            assert rows(parsed) == [GOOD[lines[i]] for i in kept]
            assert [(row, why) for row, why, _ in parsed.bad] == [
                (i, BAD[x]) for i, x in enumerate(lines) if BAD.get(x) is not None
            ]


@pytest.mark.parametrize("line", [*GOOD, *BAD])
def test_parse_line_is_read_alike_alone_and_after_others(line: bytes) -> None:
    usual = b'{"user":{"id":"u1"},"item":"i1","v":4,"t":100}\n'
    for before in (0, 1, 100):
        parsed = parse(usual * before + line)
        assert rows(parsed)[before:] == ([GOOD[line]] if line in GOOD else [])
        reasons = [(row, why) for row, why, _ in parsed.bad]
        assert reasons == ([(before, BAD[line])] if BAD.get(line) is not None else [])


def test_parse_nesting_deeper_than_python_reads_is_a_bad_row_at_worst() -> None:
    deep = b'{"user":{"id":"a"},"item":"b","v":1,"t":1,"z":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    for others in (b"\n", b"\nno JSON\n"):
        parsed = parse(deep + others)
        assert list(parsed.rows) == [0] or parsed.bad[0][:2] == (0, "is no JSON object")


def test_parse_object_over_two_lines_beside_two_on_one_line_are_bad_rows() -> None:
    usual = b'{"user":{"id":"u1"},"item":"i1","v":4,"t":100}'
    parsed = parse(usual + b" " + usual + b'\n{"user":{"id":"u1"},\n"item":"i1","v":4,"t":100}\n' + usual + b"\n")
    assert list(parsed.rows) == [3]
    assert [row for row, _, _ in parsed.bad] == [0, 1, 2]


def test_parse_usual_lines_take_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: Any) -> None:
        raise AssertionError("read line by line")

    monkeypatch.setattr(json_lines, "_slow", slow)
    for user in ('{"id":"u%d"}', '{"id":%d}', '{"id":9%d,"name":"ü"}', '{"id":null}'):
        text = "".join(
            json.dumps({"item": f"i{n}", "v": n / 2, "t": n, "tags": ["a", "b"], "more": {"a": [n]}})[:-1]
            + f', "user": {user % n if "%d" in user else user}}}\n'
            for n in range(3000)
        )
        for block in (text.encode(), text.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + text.encode()):
            assert parse(block).lines == 3000


def test_parse_empty_cells_are_null_missing_or_the_words_and_texts_are_not_cut() -> None:
    cells = ['"item":null', '"other":1', '"item":"NULL"', '"item":"nan"', '"item":""', '"item":" 7 "', '"item":NaN']
    block = "".join(f'{{"user":{{"id":"u"}},"v":1,"t":1,{cell}}}\n' for cell in cells).encode()
    parsed = parse(block)
    assert parsed.table.column("item").to_pylist() == [None, None, None, None, "", " 7 ", None]
    words = parse(block, FileFormat(kind="jsonl", empty=())).table.column("item").to_pylist()
    assert words == [None, None, "NULL", "nan", "", " 7 "]


def test_parse_numbers_are_those_of_json_however_texts_write_them() -> None:
    form = FileFormat(kind="jsonl", decimal=",", thousands=".")
    for values in ([1.5, 2, 1234.5], ["1,5", 2, "1.234,5"], ["1,5", "2", 1234.5], [1.5, True, "1.234,5"]):
        lines = [json.dumps({"user": {"id": "u"}, "item": "i", "v": v, "t": 1}) for v in values]
        found = rows(parse("\n".join(lines).encode(), form), form)
        assert [row[2] for row in found] == [1.5, 1.0 if True in values else 2.0, 1234.5]


def test_parse_lists_of_texts_beside_single_texts_become_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "_PIECE_BYTES", (60, 60))
    tags = [["a", "b"], "c", None, [], [1, None, True], 7]
    lines = [json.dumps({"user": {"id": "u"}, "item": "i", "v": 1, "t": 1, "tags": each}) for each in tags]
    found = [row[4] for row in rows(parse("\n".join(lines).encode()))]
    assert found == [["a", "b"], ["c"], None, [], ["1", "true"], ["7"]]
    nested = parse(json.dumps({"tags": [["a"]]}).encode())
    assert [why for _, why, _ in nested.bad] == ["tags holds a list"]
    scalar = parse("\n".join(lines).encode(), tags="text")
    assert [(row, why) for row, why, _ in scalar.bad] == [(n, "tags holds a list") for n in (0, 3, 4)]


def test_parse_latin_1_is_read_as_such() -> None:
    block = '{"user":{"id":"é"},"item":"i","v":1,"t":1}\n'.encode("latin-1")
    form = FileFormat(kind="jsonl", encoding="latin-1")
    assert rows(parse(block, form))[0][0] == "é"


def test_parse_column_and_a_way_through_it_are_both_read() -> None:
    layout = FileLayout(0, {}, 0, 0, keys={"a": "user", "b": "user.id", "c": "x.y.z"})
    kinds: dict[str, Kind] = dict.fromkeys("abc", "text")
    lines = b'{"user":"x","user.id":"y","x":{"y":{"z":"deep"}}}\n{"user":null,"user.id":"y","x":{"y":null}}\n'
    parsed = json_lines.parse(lines, FORM, layout, kinds, "file")
    assert parsed.table.to_pylist() == [{"a": "x", "b": "y", "c": "deep"}, {"a": None, "b": "y", "c": None}]


def test_parse_two_fields_of_one_column_read_it_as_text() -> None:
    layout = FileLayout(0, {}, 0, 0, keys={"title": "name", "year": "name"})
    parsed = json_lines.parse(b'{"name":1984}\n', FORM, layout, {"title": "text", "year": "number"}, "file")
    assert [str(v) for v in parsed.table.to_pylist()[0].values()] == ["1984", "1984"]


WANTED = {"user": "user.id", "item": "item"}


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b'[{"user":{"id":1},"item":2}]', r"begins with '\[': it holds a JSON array, but .* jq -c '\.\[\]'"),
        (b'\xef\xbb\xbf\n [\n {"item":2}]', r"begins with '\['"),
        (b'{\n  "user": {"id": 1},\n  "item": 2\n}\n', r"its first object has several lines, .* jq -c \."),
        (b"user_id,item_id\n1,2\n", r"line 1 is 'user_id,item_id', which is no JSON object\. Set format\.kind"),
        (b"x" * 300 + b"\n", rf"line 1 is '{'x' * 79}…', which is no JSON object"),
        (b'{"user":{"uid":1},"item":2,"a":{"b":3}}\n', r"no row of .* 1 has 'user\.id'.*'user\.uid', 'item', 'a\.b'"),
        (b'{"user":1,"item":null}\n{"item":null}\n', r"no row of the first 2 has 'item'"),
        (b"{" + b"x" * (1 << 20), "has no line end in its first 1048576 bytes"),
    ],
)  # fmt: skip
def test_find_layout_what_is_no_json_lines_is_named(head: bytes, what: str) -> None:
    with pytest.raises(DataError, match=rf"^f\.jsonl: {what}"):
        json_lines.find_layout(head[: 1 << 20], FORM, WANTED, "f.jsonl")


def test_find_layout_of_lines_whose_first_ones_are_bad_or_lack_what_is_optional() -> None:
    head = b'\xef\xbb\xbf\n{"item":\n\n{"item":1}\n{"user.id":2}\n'
    layout = json_lines.find_layout(head, FORM, {**WANTED, "price": "price"}, "f", optional={"price"})
    assert layout is not None
    assert layout.skip_bytes == 3
    assert json_lines.find_layout(b"\n \n", FORM, WANTED, "f") is None


@pytest.mark.parametrize(
    ("line", "is_json"),
    [(b'{"user": 1}', True), (b'{"a":1},x', False), (b"{x,y", False), (b"[1]", False), (b'"{}"', False)],
)
def test_find_layout_of_a_table_names_json_lines(line: bytes, is_json: bool) -> None:
    if is_json:
        with pytest.raises(DataError, match=r"f: is in JSON Lines; set format\.kind: jsonl"):
            find_table(line + b"\n", FileFormat(), {"user": 0}, "f")
    else:
        assert find_table(line + b"\n", FileFormat(), {"user": 0}, "f") is not None
