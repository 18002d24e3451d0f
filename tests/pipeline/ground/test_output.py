"""The folder of an artifact: everything or nothing, and no temporary names beside the files of a split."""

from pathlib import Path

import pytest

from common.errors import OutputError
from pipeline.ground.output import all_or_nothing, new_file, write_bytes


def test_new_file_failing_block_raises_and_leaves_no_file(tmp_path: Path) -> None:
    split = tmp_path / "Split-train"

    def fail() -> None:
        with new_file(str(split / "f"), str(tmp_path)) as unfinished:
            Path(unfinished).write_bytes(b"half")
            raise OSError("disk full")

    with pytest.raises(OutputError, match=rf"^{split}/f: cannot be written \(disk full\)\. Free disk space, make"):
        fail()
    assert not split.exists()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_new_file_unfinished_lies_outside_the_split(tmp_path: Path) -> None:
    write_bytes(str(tmp_path / "Split-train" / "a"), b"x", str(tmp_path))
    with new_file(str(tmp_path / "Split-train" / "b"), str(tmp_path)) as unfinished:
        Path(unfinished).write_bytes(b"y")
        assert [path.name for path in (tmp_path / "Split-train").iterdir()] == ["a"]
    assert sorted(path.name for path in (tmp_path / "Split-train").iterdir()) == ["a", "b"]


def test_all_or_nothing_keeps_finished_files_alone(tmp_path: Path) -> None:
    with all_or_nothing(str(tmp_path)):
        write_bytes(str(tmp_path / "Split-train" / "f"), b"x", str(tmp_path))
        write_bytes(str(tmp_path / "report.json"), b"x", str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Split-train", "report.json"]


def test_all_or_nothing_failing_block_empties_the_folder(tmp_path: Path) -> None:
    def fail() -> None:
        with all_or_nothing(str(tmp_path)):
            write_bytes(str(tmp_path / "Split-train" / "f"), b"x", str(tmp_path))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_all_or_nothing_folder_that_cannot_be_written_is_reported_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    worked = []
    with pytest.raises(OutputError, match=r"file/out/probe: cannot be written"), all_or_nothing(f"{tmp_path}/file/out"):
        worked.append(True)
    assert worked == []
