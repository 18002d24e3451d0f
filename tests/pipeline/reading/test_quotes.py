"""Quoted texts with line ends: rows are whole however a file is cut, and no line inside such a text becomes a row."""

import csv
import gzip
import random
from pathlib import Path
from typing import Literal

import pytest

from common.errors import DataError
from configs.file_format import FileFormat
from pipeline.reading import bad_rows, delimited, files, pieces, quotes
from pipeline.reading.parsed import Kind

KINDS: dict[str, Kind] = {"user": "id", "item": "id", "review": "text"}
Row = tuple[str | None, str | None, str | None]


def read(path: Path, form: FileFormat) -> tuple[list[Row], list[tuple[int, str]]]:
    """All rows of a file, and the number in the file and the reason of each bad one."""
    (file,) = files.list_files(str(path.parent), {"log": path.name})
    planned, report = pieces.plan(file, form, {"user": "user", "item": "item", "review": "review"})
    assert report.files[0].error is None
    rows: list[Row] = []
    bad: list[tuple[int, str]] = []
    line = report.files[0].first_row
    for piece in planned:
        for _, parsed in pieces.read(piece, form, {}, KINDS):
            found = zip(*(parsed.table.column(name).to_pylist() for name in KINDS), strict=True)
            rows += found
            bad += [(line + number, reason) for number, reason, _ in parsed.bad]
            line += parsed.lines
    return rows, bad


def text(rng: random.Random) -> str:
    return "".join(rng.choice(["a", "b", ",", '"', "\n", "\r\n", " ", "é", "x,y,z"]) for _ in range(rng.randrange(9)))


@pytest.fixture(params=[40, 97, 1 << 20])
def small_blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK_BYTES", request.param)
    monkeypatch.setattr(delimited, "_SLOW_BYTES", request.param)
    monkeypatch.setattr(delimited, "_ARROW_BYTES", max(request.param, 400))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("quoted_line_ends", [False, True])
@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_are_those_of_pythons_reader(tmp_path: Path, name: str, end: str, quoted_line_ends: bool) -> None:
    rng = random.Random(f"{name}{end}")
    for _ in range(4):
        written = [(f"u{n}", f"i{n}", text(rng)) for n in range(rng.randrange(1, 60))]
        opened = gzip.open if name.endswith(".gz") else open
        with opened(tmp_path / name, "wt", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator=end).writerows([KINDS, *written])
        rows, bad = read(tmp_path / name, FileFormat(quoted_line_ends=quoted_line_ends))
        assert bad == []
        assert [(user, item, review or "") for user, item, review in rows] == written


@pytest.mark.usefixtures("small_blocks")
def test_bad_rows_have_the_number_of_their_first_line(tmp_path: Path) -> None:
    lines = ["user,item,review", 'u1,i1,"a', "b", 'c"', "u2,i2", "", 'u3,i3,"x"', 'u4,"i', '4","y', 'z",more', "u5,i5,"]
    (tmp_path / "log.csv").write_text("\n".join(lines))
    rows, bad = read(tmp_path / "log.csv", FileFormat())
    assert rows == [("u1", "i1", "a\nb\nc"), ("u3", "i3", "x"), ("u5", "i5", None)]
    assert bad == [(5, bad_rows.TOO_FEW_COLUMNS), (8, bad_rows.TOO_MANY_COLUMNS)]


@pytest.mark.parametrize("middle", [["Clear, cool, dry"], ["Clear,cool,dry"] * 20, ["a,b,c", "", "d,e,f"]])
@pytest.mark.parametrize("end", ['end"', 'end" ', 'end",one more'])
def test_line_inside_a_quoted_text_never_becomes_a_row(tmp_path: Path, middle: list[str], end: str) -> None:
    (tmp_path / "log.csv").write_text("\n".join(["user,item,review", 'u1,i1,"begin', *middle, end, "u2,i2,fine", ""]))
    rows, _ = read(tmp_path / "log.csv", FileFormat())
    assert {user for user, _, _ in rows} <= {"u1", "u2"}
    assert ("u2", "i2", "fine") in rows


def test_quote_that_nothing_closes_makes_its_own_line_bad(tmp_path: Path) -> None:
    lines = ["user,item,review", 'u1,i1,"5 inch', "u2,i2,fine", 'u3,"i3",7 wide', 'u4,i4,"9 inch', "u5,i5,fine"]
    (tmp_path / "log.csv").write_text("\n".join(lines))
    rows, bad = read(tmp_path / "log.csv", FileFormat())
    assert [user for user, _, _ in rows] == ["u2", "u3", "u5"]
    assert bad == [(2, bad_rows.UNBALANCED_QUOTE), (5, bad_rows.UNBALANCED_QUOTE)]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_quotes_that_nothing_closes_lose_no_row_and_hide_no_text(tmp_path: Path, name: str) -> None:
    rng = random.Random(name)
    for _ in range(6):
        lines, good = ["user,item,review"], []
        for n in range(rng.randrange(1, 80)):
            kind = rng.choice(["stray", "plain", "quoted", "lines"])
            if kind == "stray":
                lines.append(f'u{n},i{n},"{n} inch')
                lines.append(f'v{n},"i{n}",after')  # its first quote opens, so the one before is a quote too many
                good.append((f"v{n}", f"i{n}", "after"))
            else:
                review = {"plain": "fine", "quoted": "very, fine", "lines": f"begin\nx{n},y{n},z\nend"}[kind]
                lines.append(f'u{n},i{n},"{review}"' if kind != "plain" else f"u{n},i{n},fine")
                good.append((f"u{n}", f"i{n}", review))
        opened = gzip.open if name.endswith(".gz") else open
        with opened(tmp_path / name, "wt", encoding="utf-8", newline="") as file:
            file.write("\n".join(lines))
        rows, bad = read(tmp_path / name, FileFormat())
        assert rows == good
        assert {reason for _, reason in bad} <= {bad_rows.UNBALANCED_QUOTE}
        assert len(bad) == sum(" inch" in line for line in lines)


def test_quoted_text_of_many_lines_needs_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotes, "MAX_JOINED_LINES", 5)
    review = "\n".join(f"line {n}" for n in range(9))
    (tmp_path / "log.csv").write_text(f'user,item,review\nu1,i1,"{review}"\nu2,i2,fine\n')
    rows, bad = read(tmp_path / "log.csv", FileFormat())
    assert (rows, bad[0]) == ([("u2", "i2", "fine")], (2, bad_rows.UNBALANCED_QUOTE))
    assert read(tmp_path / "log.csv", FileFormat(quoted_line_ends=True)) == (
        [("u1", "i1", review), ("u2", "i2", "fine")],
        [],
    )


def test_quote_that_is_not_closed_is_an_error_where_texts_may_be_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_ROW_BYTES", 1000)
    monkeypatch.setattr(files, "BLOCK_BYTES", 100)
    (tmp_path / "log.csv").write_text('user,item,review\nu1,i1,fine\nu2,i2,"open\n' + "u3,i3,fine\n" * 200)
    with pytest.raises(
        DataError, match=r"the row at byte 28, 'u2,i2,.*…', has more than 0 MiB: a quote \" is not closed"
    ):
        read(tmp_path / "log.csv", FileFormat(quoted_line_ends=True))


@pytest.mark.usefixtures("small_blocks")
def test_escaped_characters_belong_to_the_text(tmp_path: Path) -> None:
    lines = ["user,item,review", r'u1,i1,"say \"yes\", or ""no"""', r"u2,i\,2,a\\", r'u3,i3,"a', r'\", b"', "u4,i4", ""]
    (tmp_path / "log.csv").write_text("\n".join(lines))
    for whole in (False, True):
        rows, bad = read(tmp_path / "log.csv", FileFormat(escape="\\", quoted_line_ends=whole))
        assert rows == [("u1", "i1", 'say "yes", or "no"'), ("u2", "i,2", "a\\"), ("u3", "i3", 'a\n", b')]
        assert bad == [(6, bad_rows.TOO_FEW_COLUMNS)]


def test_word_for_an_empty_cell_is_none_in_quotes(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text('user,item,review\n\\N,nan,NULL\n"\\N","nan","NULL"\nnone,nil,null \n')
    rows, _ = read(tmp_path / "log.csv", FileFormat())
    assert rows == [(None, None, None), ("\\N", "nan", "NULL"), ("none", "nil", "null ")]
    rows, _ = read(tmp_path / "log.csv", FileFormat(empty=("nil",)))
    assert rows == [("\\N", "nan", "NULL"), ("\\N", "nan", "NULL"), ("none", None, "null ")]


@pytest.mark.usefixtures("small_blocks")
def test_byte_order_marks_of_files_that_were_put_together_are_no_text(tmp_path: Path) -> None:
    part = "\ufeffuser,item,review\nu1,i1,fine\n"
    (tmp_path / "log.csv").write_text(part + "\ufeffu2,i2,\ufefffine\n" + '\ufeff"u3",i3,fine\n', encoding="utf-8")
    rows, bad = read(tmp_path / "log.csv", FileFormat())
    assert rows == [("u1", "i1", "fine"), ("u2", "i2", "\ufefffine"), ("u3", "i3", "fine")]
    assert bad == []


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_separator_beyond_ascii_is_found_in_the_encoding_of_the_file(
    tmp_path: Path, encoding: Literal["utf-8", "latin-1"]
) -> None:
    written = [(f"u{n}", f"i{n}", "é\nx¦y¦z\n" * (n % 4)) for n in range(40)]
    rows = "".join(f'{user}¦{item}¦"{review}"\n' for user, item, review in written)
    (tmp_path / "log.csv").write_bytes(f"user¦item¦review\n{rows}".encode(encoding))
    for whole in (False, True):
        form = FileFormat(separator="¦", encoding=encoding, quoted_line_ends=whole)
        assert read(tmp_path / "log.csv", form) == (written, [])
