"""Reading in ranges."""

from pathlib import Path

import pytest

from configs.file_format import FileFormat
from pipeline.reading import files, settings
from pipeline.reading.files import InputFile
from pipeline.reading.quotes import Quotes
from tests.compressed import compressed


def _input(path: Path) -> InputFile:
    return InputFile(0, str(path), "log", path.stat().st_size)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"a",
        b"a\n",
        b"a\nbb\n\nccc\nd",
        b"long line\n" * 40 + b"x\n",
        b"a\r\nbb\r\n\r\nccc\r\n",
        b"\r\n" * 9,
    ],
)
@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_read_blocks_ranges_give_each_line_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes, step: int
) -> None:
    monkeypatch.setattr(files, "BLOCK_BYTES", 5)
    (tmp_path / "f").write_bytes(text)
    blocks = [
        block
        for start in range(0, len(text), step)
        for block in files.read_blocks(_input(tmp_path / "f"), start, min(start + step, len(text)), at_row=start == 0)
    ]
    assert b"".join(block for _, block in blocks) == text
    for offset, block in blocks:
        assert text[offset : offset + len(block)] == block
        assert offset == 0 or text[offset - 1 : offset] == b"\n"


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_read_blocks_compressed_members_are_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(files, "BLOCK_BYTES", 10)
    file = tmp_path / f"f{ending}"
    file.write_bytes(compressed(b"a\nb\n" * 9, ending) + compressed(b"", ending) + compressed(b"c\nd", ending))
    blocks = [block for _, block in files.read_blocks(_input(file), 2, None, at_row=True)]
    assert len(blocks) > 2
    assert b"".join(blocks) == (b"a\nb\n" * 9 + b"c\nd")[2:]


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_read_blocks_quoted_line_ends_are_kept_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(files, "BLOCK_BYTES", 8)
    text = b'h,i\n1,"a\nb\n\nc"\n2,d\n' * 5
    file = tmp_path / f"f{ending}"
    file.write_bytes(compressed(text, ending))
    quotes = Quotes.of(FileFormat())
    for blocks in (
        list(files.read_blocks(_input(file), 4, None, True, quotes)),
        list(files.read_rows(_input(file), 4, Quotes(FileFormat(quoted_line_ends=True), "utf-8"))),
    ):
        assert b"".join(block for _, block in blocks) == text[4:]
        assert len(blocks) > 2
        assert all(block.count(b'"') % 2 == 0 for _, block in blocks)


def test_read_blocks_zstandard_holds_no_more_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK_BYTES", 1 << 16)
    file = tmp_path / "f.zst"
    file.write_bytes(compressed(b"0123456\n" * (1 << 20), ".zst"))
    assert file.stat().st_size < 1 << 16
    sizes = [len(block) for _, block in files.read_blocks(_input(file), 0, None, at_row=True)]
    assert sum(sizes) == 8 << 20
    assert max(sizes) == 1 << 16


@pytest.mark.parametrize(
    ("paths", "base", "patterns"),
    [
        ({"log": "/a/b/u.data"}, "/a/b", {"log": "u.data"}),
        ({"log": "/a/part-*/x?.csv"}, "/a", {"log": "part-*/x?.csv"}),
        ({"log": "gs://bucket/a/[0-9].csv"}, "gs://bucket/a", {"log": "[0-9].csv"}),
        ({"log": "gs://bucket/*.csv"}, "gs://bucket", {"log": "*.csv"}),
        ({"log": "gs://bucket/a/dt=*/x.csv"}, "gs://bucket/a", {"log": "dt=*/x.csv"}),
        ({"log": "/a/span-{SPAN:2}/v{VERSION}/x.csv"}, "/a", {"log": "span-{SPAN:2}/v{VERSION}/x.csv"}),
        ({"log": "/a/{braces}/x.csv"}, "/a/{braces}", {"log": "x.csv"}),
        ({"train": "/a/t/*.csv", "eval": "/a/e/x.csv"}, "/a", {"train": "t/*.csv", "eval": "e/x.csv"}),
        (
            {"train": "gs://bucket/t/*.csv", "eval": "gs://bucket/e/*.csv"},
            "gs://bucket",
            {"train": "t/*.csv", "eval": "e/*.csv"},
        ),
    ],
)
def test_split_globs_base_and_patterns_make_the_glob(
    paths: dict[str, str], base: str, patterns: dict[str, str]
) -> None:
    assert settings.split_globs(paths) == (base, patterns)
