"""Folders on a local disk: whole or not at all, whatever happens in between."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from common.atomicity import copy_files, copy_folder, new_folder, put_new, remove_folder, sweep

ROOT = Path(__file__).parents[3]


def fill(folder: str | Path, text: str) -> None:
    """Two files, the commit file among them, of one content."""
    Path(folder, "parts").mkdir(parents=True)
    Path(folder, "commit").write_text(text)
    Path(folder, "parts", "part").write_text(text)


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def whole(text: str) -> dict[str, str]:
    return {"commit": text, "parts/part": text}


@pytest.mark.parametrize("end", ["", "/"])
def test_new_folder_appears_when_the_block_has_ended(tmp_path: Path, end: str) -> None:
    with new_folder(f"{tmp_path}/a/b{end}", commit_file="commit") as unfinished:
        fill(unfinished, "new")
        assert not (tmp_path / "a" / "b").exists()
    assert contents(tmp_path / "a" / "b") == whole("new")
    assert os.listdir(tmp_path / "a") == ["b"]


def test_new_folder_replaces_every_file_of_the_old_one(tmp_path: Path) -> None:
    fill(tmp_path / "folder", "old")
    (tmp_path / "folder" / "extra").write_text("old")
    with new_folder(tmp_path / "folder", commit_file="commit") as unfinished:
        fill(unfinished, "new")
        assert contents(tmp_path / "folder") == {**whole("old"), "extra": "old"}
    assert contents(tmp_path / "folder") == whole("new")
    assert os.listdir(tmp_path) == ["folder"]


def test_new_folder_failing_block_leaves_the_old_folder_alone(tmp_path: Path) -> None:
    def fail() -> None:
        with new_folder(tmp_path / "folder", commit_file="commit") as unfinished:
            fill(unfinished, "new")
            raise ZeroDivisionError

    fill(tmp_path / "folder", "old")
    with pytest.raises(ZeroDivisionError):
        fail()
    assert (os.listdir(tmp_path), contents(tmp_path / "folder")) == (["folder"], whole("old"))


def test_new_folder_without_its_commit_file_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError, match=r"the file commit, .* is missing"),
        new_folder(tmp_path / "folder", commit_file="commit") as unfinished,
    ):
        Path(unfinished, "part").write_text("new")
    assert os.listdir(tmp_path) == []


def test_new_folder_file_in_the_way_is_reported_and_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(NotADirectoryError), new_folder(tmp_path / "folder", commit_file=None) as unfinished:
        fill(unfinished, "new")
    assert (os.listdir(tmp_path), (tmp_path / "folder").read_text()) == (["folder"], "a file")


@pytest.mark.fault
def test_new_folder_that_cannot_be_put_in_place_puts_the_old_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "folder", "old")
    rename, moved = os.rename, list[str]()

    def refuse(source: str, goal: str) -> None:
        if source.endswith(".tmp") and moved:
            raise PermissionError("refused")
        rename(source, goal)
        moved.append(goal)

    monkeypatch.setattr(os, "rename", refuse)
    with (
        pytest.raises(PermissionError, match="refused"),
        new_folder(tmp_path / "folder", commit_file="commit") as unfinished,
    ):
        fill(unfinished, "new")
    assert (os.listdir(tmp_path), contents(tmp_path / "folder")) == (["folder"], whole("old"))
    assert moved[-1] == str(tmp_path / "folder")


@pytest.mark.fault
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_new_folder_interrupted_at_a_rename_leaves_the_old_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, moment: str
) -> None:
    fill(tmp_path / "folder", "old")
    rename, calls = os.rename, list[str]()

    def interrupt(source: str, goal: str) -> None:
        calls.append(source)
        is_now = len(calls) == number
        if is_now and moment == "before":
            raise KeyboardInterrupt
        try:
            rename(source, goal)
        finally:
            if is_now:
                raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", interrupt)
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "folder", commit_file="commit") as unfinished:
        fill(unfinished, "new")
    assert os.listdir(tmp_path) == ["folder"]
    assert contents(tmp_path / "folder") == whole("new" if (number, moment) == (3, "after") else "old")


@pytest.mark.fault
def test_new_folder_old_one_that_cannot_be_put_back_stays_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path / "folder", "old")
    rename, moved = os.rename, list[str]()

    def refuse(source: str, goal: str) -> None:
        if moved:
            raise PermissionError("refused")
        rename(source, goal)
        moved.append(goal)

    monkeypatch.setattr(os, "rename", refuse)
    with (
        pytest.raises(PermissionError, match="refused"),
        new_folder(tmp_path / "folder", commit_file="commit") as unfinished,
    ):
        fill(unfinished, "new")
    assert [str(path) for path in tmp_path.iterdir()] == moved
    assert contents(Path(moved[0])) == whole("old")
    assert moved[0] in caplog.text


@pytest.mark.fault
def test_new_folder_old_one_that_cannot_be_deleted_does_not_fail_the_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path / "folder", "old")
    rmtree = shutil.rmtree

    def refuse(path: str, ignore_errors: bool = False) -> None:
        if path.endswith(".old"):
            raise PermissionError("refused")
        rmtree(path, ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with new_folder(tmp_path / "folder", commit_file="commit") as unfinished:
        fill(unfinished, "new")
    assert contents(tmp_path / "folder") == whole("new")
    assert "refused" in caplog.text


@pytest.mark.fault
def test_new_folder_moved_away_by_another_writer_old_one_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, rename = tmp_path / "folder", os.rename
    fill(folder, "old")

    def rename_and_move_away(source: str, goal: str) -> None:
        rename(source, goal)
        if goal == str(folder):
            rename(goal, tmp_path / "moved by the other writer")

    monkeypatch.setattr(os, "rename", rename_and_move_away)
    with new_folder(folder, commit_file="commit") as unfinished:
        fill(unfinished, "new")
    assert os.listdir(tmp_path) == ["moved by the other writer"]
    assert contents(tmp_path / "moved by the other writer") == whole("new")


@pytest.mark.fault
def test_new_folder_two_at_once_readers_see_one_or_the_other(tmp_path: Path) -> None:
    folder, seen, failed = tmp_path / "folder", set[str](), list[str]()
    fill(folder, "a" * 1000)

    def write(text: str) -> None:
        for _ in range(60):
            try:
                with new_folder(folder, commit_file="commit") as unfinished:
                    fill(unfinished, text * 1000)
            except OSError as e:
                failed.append(repr(e))

    writers = [threading.Thread(target=write, args=(text,)) for text in "ab"]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        try:
            handle = os.open(folder, os.O_RDONLY)  # a reader that holds on to the folder that it has found
        except FileNotFoundError:  # between two renames
            continue
        try:
            texts = {Path(f"/proc/self/fd/{handle}", name).read_text() for name in ("commit", "parts/part")}
        except FileNotFoundError:  # deleted since, after it was replaced
            continue
        finally:
            os.close(handle)
        assert len(texts) == 1
        seen |= texts
    assert failed == []
    assert seen <= {"a" * 1000, "b" * 1000}
    assert os.listdir(tmp_path) == ["folder"]
    assert len(set(contents(folder).values())) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from common.atomicity import folders, new_folder

moment, goal = sys.argv[1:]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

rename, renames = os.rename, []

def counted(source, goal):
    rename(source, goal)
    renames.append(goal)
    if moment == "between the renames":
        die()

os.rename = counted
if moment == "before the old one is deleted":
    folders.shutil.rmtree = die
with new_folder(goal, commit_file="commit") as unfinished:
    Path(unfinished, "commit").write_text("new")
    if moment == "in the block":
        die()
"""


@pytest.mark.fault
@pytest.mark.parametrize(
    ("moment", "found", "beside", "swept"),
    [
        ("in the block", "old", {".tmp"}, "old"),
        ("between the renames", None, {".tmp", ".old"}, "old"),
        ("before the old one is deleted", "new", {".old"}, "new"),
    ],
)
def test_new_folder_killed_is_whole_or_not_there_and_sweep_tidies_up(
    tmp_path: Path, moment: str, found: str | None, beside: set[str], swept: str
) -> None:
    folder, other = tmp_path / "folder", tmp_path / f".folder.eu.{0:032x}.tmp"
    fill(folder, "old")
    other.mkdir()  # of another writer's `folder.eu`
    done = subprocess.run([sys.executable, "-c", KILLED, moment, str(folder)], cwd=ROOT, check=False)
    assert done.returncode == -9
    left = [path for path in tmp_path.iterdir() if path not in (folder, other)]
    assert {path.suffix for path in left} == beside
    by_name = {None: {}, "old": whole("old"), "new": {"commit": "new"}}
    assert contents(folder) == by_name[found]
    assert [contents(path) for path in left if path.suffix == ".old"] == [whole("old")] * (".old" in beside)
    sweep(folder)
    assert {*tmp_path.iterdir()} == {other, folder}
    assert contents(folder) == by_name[swept]


def test_sweep_puts_back_the_newest_of_several_old_folders(tmp_path: Path) -> None:
    for number, text in enumerate(("oldest", "newest")):
        fill(tmp_path / text, text)
        (tmp_path / text).rename(tmp_path / f".folder.{number:032x}.old")
    sweep(tmp_path / "folder")
    assert os.listdir(tmp_path) == ["folder"]
    assert contents(tmp_path / "folder") == whole("newest")


def test_sweep_removes_a_folder_whose_removal_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "folder", "old")

    def interrupt(path: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", interrupt)
    with pytest.raises(KeyboardInterrupt):
        remove_folder(tmp_path / "folder", "commit")
    monkeypatch.undo()
    sweep(tmp_path / "folder")
    assert os.listdir(tmp_path) == []


def test_sweep_of_nothing_does_nothing(tmp_path: Path) -> None:
    sweep(tmp_path / "missing" / "folder")
    sweep(tmp_path / "folder")
    assert os.listdir(tmp_path) == []


def test_copy_folder_replaces_and_takes_every_file(tmp_path: Path) -> None:
    fill(tmp_path / "source", "new")
    fill(tmp_path / "goal", "old")
    copy_folder(str(tmp_path / "source"), str(tmp_path / "goal"), commit_file="commit")
    assert contents(tmp_path / "goal") == contents(tmp_path / "source") == whole("new")
    assert sorted(os.listdir(tmp_path)) == ["goal", "source"]


@pytest.mark.parametrize("is_there", [True, False])
def test_copy_folder_of_what_is_not_whole_is_refused(tmp_path: Path, is_there: bool) -> None:
    if is_there:
        (tmp_path / "source").mkdir()
    with pytest.raises(FileNotFoundError):
        copy_folder(str(tmp_path / "source"), str(tmp_path / "goal"), commit_file="commit")
    assert not (tmp_path / "goal").exists()


def test_copy_files_durable_syncs_each_file_and_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "source", "new")
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.readlink(f"/proc/self/fd/{handle}")))
    goal = tmp_path / "goal"
    copy_files(str(tmp_path / "source"), ["commit"], str(tmp_path / "quick"))
    assert synced == []
    copy_files(str(tmp_path / "source"), ["commit", "parts/part"], str(goal), durable=True)
    assert set(synced) == {str(goal), str(goal / "commit"), str(goal / "parts"), str(goal / "parts" / "part")}
    assert synced.index(str(goal / "commit")) < synced.index(str(goal))


def test_put_new_takes_a_free_name_and_no_other(tmp_path: Path) -> None:
    fill(tmp_path / "a", "a")
    fill(tmp_path / "b", "b")
    assert put_new(tmp_path / "a", tmp_path / "1")
    assert not put_new(tmp_path / "b", tmp_path / "1")
    assert (contents(tmp_path / "1"), contents(tmp_path / "b")) == (whole("a"), whole("b"))
    with pytest.raises(FileNotFoundError):
        put_new(tmp_path / "missing", tmp_path / "2")


@pytest.mark.parametrize("leaving", [None, "leaving"])
def test_remove_folder_is_gone_before_its_files_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaving: str | None
) -> None:
    fill(tmp_path / "folder", "old")
    unlink, seen = os.unlink, []

    def watched(*args: object, **kwargs: object) -> None:
        seen.append((tmp_path / "folder").exists())
        unlink(*args, **kwargs)  # type: ignore[arg-type]  # it passes on what it was given

    monkeypatch.setattr(os, "unlink", watched)
    remove_folder(tmp_path / "folder", "commit", leaving=None if leaving is None else tmp_path / leaving)
    assert seen == [False, False]
    assert os.listdir(tmp_path) == []
