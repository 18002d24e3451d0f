"""Delimited text: the fast path and the slow one agree, and every line is a row, a bad row or blank."""

import random

import pytest

from configs.file_format import FileFormat
from pipeline.reading import delimited
from pipeline.reading.layout import FileLayout, count_fields
from pipeline.reading.parsed import Kind, Parsed

LAYOUT = FileLayout(3, {"a": 0, "b": 1, "n": 2}, 0, 0)
KINDS: dict[str, Kind] = {"a": "id", "b": "text", "n": "number"}


COMMAS = FileFormat()


def _parse(block: bytes, form: FileFormat = COMMAS) -> Parsed:
    return delimited.parse(block, form, LAYOUT, KINDS, "file")


def _table(parsed: Parsed) -> list[tuple[str, str, str]]:
    return [(r["a"], r["b"], str(float(r["n"]))) for r in parsed.table.to_pylist()]


@pytest.mark.parametrize("slow_bytes", [64, 1 << 20])
def test_parse_random_lines_every_line_is_accounted_for(monkeypatch: pytest.MonkeyPatch, slow_bytes: int) -> None:
    monkeypatch.setattr(delimited, "_SLOW_BYTES", slow_bytes)
    rng = random.Random(slow_bytes)
    good = {b'x%d,"q,""%d",%d' % (i, i, i): (f"x{i}", f'q,"{i}', f"{i}.0") for i in range(50)}
    bad = {
        b"one": "too few columns",
        b"1,2,3,4": "too many columns",
        b'"open,2,3': "unbalanced quote",
        b"n\0l,2,3": "NUL byte",
        b"\xff,2,3": "not valid in the file's encoding",
        b"c\rr,2,3": "carriage return inside the row",
    }
    for _ in range(20):
        lines = [rng.choice([*good, *bad, b"", b"\r"]) for _ in range(rng.randrange(1, 60))]
        parsed = _parse(b"\n".join(lines) + rng.choice([b"", b"\n"]))
        kept = [i for i, line in enumerate(lines) if line in good]
        assert list(parsed.rows) == kept
        assert _table(parsed) == [good[lines[i]] for i in kept]
        assert [(row, why) for row, why, _ in parsed.bad] == [(i, bad[x]) for i, x in enumerate(lines) if x in bad]


def test_parse_word_among_numbers_keeps_the_column_as_text() -> None:
    parsed = _parse(b"a,b,1\nc,d,two\n")
    assert parsed.table.column("n").to_pylist() == ["1", "two"]


def test_parse_pieces_with_words_and_without_become_one_text_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_SLOW_BYTES", 8)
    parsed = _parse(b"a,b,1\nbad\nc,d,two\n")
    assert [float(n) if n != "two" else n for n in parsed.table.column("n").to_pylist()] == [1.0, "two"]
    assert list(parsed.rows) == [0, 2]


def test_parse_separator_of_several_bytes_beside_control_characters() -> None:
    form = FileFormat(separator="::", quote="", header=False)
    parsed = _parse(b"a\x1f::b\x1e::1\nc::d,e::2\n", form)
    assert _table(parsed) == [("a\x1f", "b\x1e", "1.0"), ("c", "d,e", "2.0")]


def test_parse_quote_switched_off_is_a_plain_character() -> None:
    parsed = _parse(b'5" nail,"b,1\n', FileFormat(quote=""))
    assert _table(parsed) == [('5" nail', '"b', "1.0")]


def test_parse_unbalanced_quote_costs_its_own_line_only() -> None:
    parsed = _parse(b'a,b,1\n"c,d,2\n' + b'e,"f",3\n' * 3)
    assert len(parsed.table) == 4
    assert parsed.bad == [(1, "unbalanced quote", '"c,d,2')]


def test_parse_very_long_row_is_read_with_and_without_a_bad_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_ARROW_BYTES", 150)
    text = b"a,b,1\n" + b"x" * 400 + b',"' + b"y" * 200_000 + b'",2\nc,d,3\n'
    expected = [("a", "b", "1.0"), ("x" * 400, "y" * 200_000, "2.0"), ("c", "d", "3.0")]
    assert _table(_parse(text)) == expected
    assert _table(_parse(text + b"bad\n")) == expected


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        ("", 1),
        ("a,b", 2),
        (',"",', 3),
        ('"a,b",c', 2),
        ('"a""",b', 2),
        ('"a""', None),
        ('a"b,c', 2),
        ('"a"b"c,d', 2),
        ('x,"a', None),
        ('"', None),
        ('""', 1),
        ('""""', 1),
        ('"""', None),
    ],
)
def test_count_fields_quotes_as_arrow_reads_them(row: str, fields: int | None) -> None:
    assert count_fields(row, FileFormat()) == fields


def test_parse_multiline_first_line_counts_as_the_row() -> None:
    parsed = _parse(b'a,"b\nb",1\n"never,closed,2\nc,d,3\n')
    assert _table(parsed) == [("a", "b\nb", "1.0"), ("c", "d", "3.0")]
    assert list(parsed.rows) == [0, 3]
    assert [(row, why) for row, why, _ in parsed.bad] == [(2, "unbalanced quote")]
