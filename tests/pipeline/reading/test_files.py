"""Reading in ranges."""

import gzip
from pathlib import Path

import pytest

from pipeline.reading import files, settings
from pipeline.reading.files import InputFile


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


def test_read_blocks_compressed_members_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK_BYTES", 10)
    (tmp_path / "f.gz").write_bytes(gzip.compress(b"a\nb\n" * 9) + gzip.compress(b"c\n"))
    blocks = [block for _, block in files.read_blocks(_input(tmp_path / "f.gz"), 2, None, at_row=True)]
    assert len(blocks) > 2
    assert b"".join(blocks) == (b"a\nb\n" * 9 + b"c\n")[2:]


@pytest.mark.parametrize(
    ("paths", "base", "patterns"),
    [
        ({"log": "/a/b/u.data"}, "/a/b", {"log": "u.data"}),
        ({"log": "/a/part-*/x?.csv"}, "/a", {"log": "part-*/x?.csv"}),
        ({"log": "gs://bucket/a/[0-9].csv"}, "gs://bucket/a", {"log": "[0-9].csv"}),
        ({"log": "gs://bucket/*.csv"}, "gs://bucket", {"log": "*.csv"}),
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
