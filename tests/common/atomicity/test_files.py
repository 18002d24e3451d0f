"""Files on a local disk: whole or not at all, whatever happens in between."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.atomicity import move_file, new_file, write_bytes, write_json, write_text

ROOT = Path(__file__).parents[3]


def test_write_makes_the_folder_and_leaves_the_file_alone(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a" / "b" / "file", b"content")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"content"
    assert os.listdir(tmp_path / "a" / "b") == ["file"]


def test_new_file_that_replaces_nothing_leaves_the_old_one_and_no_trace(tmp_path: Path) -> None:
    with new_file(tmp_path / "file", replace=False) as unfinished:
        Path(unfinished).write_text("first")
    with pytest.raises(FileExistsError), new_file(tmp_path / "file", replace=False) as unfinished:
        Path(unfinished).write_text("second")
    assert (tmp_path / "file").read_text() == "first"
    assert os.listdir(tmp_path) == ["file"]


def test_write_relative_path_goes_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_bytes("file", b"content", durable=True)
    assert (tmp_path / "file").read_bytes() == b"content"


def test_write_text_is_utf_8_whatever_the_locale_with_line_ends_as_they_are(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "Ærø ×\r\n½\n")
    assert (tmp_path / "file").read_bytes() == b"\xc3\x86r\xc3\xb8 \xc3\x97\r\n\xc2\xbd\n"


def test_write_json_is_indented_and_keeps_the_order_of_keys(tmp_path: Path) -> None:
    write_json(tmp_path / "file", {"b": [1], "a": None})
    assert (tmp_path / "file").read_text() == '{\n  "b": [\n    1\n  ],\n  "a": null\n}\n'


def test_write_json_of_what_json_does_not_have_keeps_the_old_file(tmp_path: Path) -> None:
    write_json(tmp_path / "file", 1)
    with pytest.raises(TypeError):
        write_json(tmp_path / "file", {"a": object()})
    assert (os.listdir(tmp_path), (tmp_path / "file").read_text()) == (["file"], "1\n")


def test_write_takes_the_permissions_that_the_user_gives_to_files(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("durable", [False, True])
def test_new_file_failing_block_leaves_the_old_file_alone(tmp_path: Path, durable: bool) -> None:
    def fail() -> None:
        with new_file(tmp_path / "file", durable=durable) as unfinished:
            Path(unfinished).write_text("half")
            assert (tmp_path / "file").read_text() == "old"
            raise ZeroDivisionError

    write_text(tmp_path / "file", "old")
    with pytest.raises(ZeroDivisionError):
        fail()
    assert (os.listdir(tmp_path), (tmp_path / "file").read_text()) == (["file"], "old")


def test_new_file_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), new_file(tmp_path / "file"):
        pass
    assert os.listdir(tmp_path) == []


def test_new_file_that_cannot_be_put_in_place_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_bytes(tmp_path / "folder", b"")
    assert os.listdir(tmp_path) == ["folder"]


def test_new_file_in_a_work_dir_is_nowhere_else_until_it_is_whole(tmp_path: Path) -> None:
    with new_file(tmp_path / "split" / "file", work_dir=tmp_path / "work") as unfinished:
        Path(unfinished).write_text("whole")
        assert Path(unfinished).parent == tmp_path / "work"
        assert not (tmp_path / "split").exists()
    assert (tmp_path / "split" / "file").read_text() == "whole"
    assert os.listdir(tmp_path / "work") == []


def test_write_durable_syncs_the_bytes_before_the_rename_and_the_folder_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(handle: int) -> None:
        fsync(handle)
        done.append(f"sync {os.path.basename(os.readlink(f'/proc/self/fd/{handle}'))}")

    def replaced(source: str, goal: str) -> None:
        replace(source, goal)
        done.append(f"{os.path.basename(source)} is {os.path.basename(goal)}")

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    write_bytes(tmp_path / "file", b"content")
    assert [what for what in done if what.startswith("sync")] == []
    done.clear()
    write_bytes(tmp_path / "file", b"content", durable=True)
    unfinished = done[0].removeprefix("sync ")
    assert done == [f"sync {unfinished}", f"{unfinished} is file", f"sync {tmp_path.name}"]


def test_move_file_replaces(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "a")
    write_text(tmp_path / "b", "b")
    move_file(tmp_path / "a", tmp_path / "b")
    assert (os.listdir(tmp_path), (tmp_path / "b").read_text()) == (["b"], "a")


def test_write_two_at_once_readers_see_one_or_the_other(tmp_path: Path) -> None:
    contents = {b"a" * 200_000, b"b" * 200_000}
    file, seen = tmp_path / "file", set()
    write_bytes(file, min(contents))

    def write(content: bytes) -> None:
        for _ in range(100):
            write_bytes(file, content)

    writers = [threading.Thread(target=write, args=(content,)) for content in contents]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        seen.add(file.read_bytes())
    assert seen <= contents
    assert os.listdir(tmp_path) == ["file"]


KILLED = """
import os, signal, sys
from common.atomicity import new_file

with new_file(sys.argv[1], durable=True) as unfinished:
    with open(unfinished, "w") as file:
        file.write("half")
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.fault
def test_new_file_killed_while_it_writes_the_old_file_stays(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "file")], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert (tmp_path / "file").read_text() == "old"
    (left,) = (path for path in tmp_path.iterdir() if path.name != "file")
    assert left.name.startswith(".file.")
    assert left.name.endswith(".tmp")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"mounting is not permitted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.fault
def test_write_disk_full_says_so_and_keeps_the_old_file(small_disk: Path) -> None:
    write_text(small_disk / "file", "old")
    with pytest.raises(OSError, match="No space left on device"):
        write_bytes(small_disk / "file", bytes(2 << 20))
    assert (os.listdir(small_disk), (small_disk / "file").read_text()) == (["file"], "old")


IMPORTING = """
import sys
import common.atomicity
from common.atomicity import *

path = sys.argv[1]
write_json(f"{path}/file", 1)
with new_folder(f"{path}/folder", commit_file="file") as folder:
    copy_files(path, ["file"], folder, durable=True)
copy_folder(f"{path}/folder", f"{path}/copy", commit_file="file")
remove_folder(f"{path}/copy", "file")
sweep(f"{path}/folder")
print(sorted({name.partition(".")[0] for name in sys.modules} & {"tensorflow", "tfx", "apache_beam", "numpy"}))
"""


def test_local_paths_need_no_library(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING, str(tmp_path)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
