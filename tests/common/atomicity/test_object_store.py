"""Files and folders on an object store, through TensorFlow's own client: what a reader could see at every moment."""

import os
from pathlib import Path

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import pytest
import tensorflow as tf

from common.atomicity import copy_folder, new_file, new_folder, remove_folder, write_bytes, write_json
from tests.vertex_api.object_store import ObjectStore

FOLDER = "gs://bucket/a/folder"
PARTS = ("a", "parts/one", "parts/two", "z")
"""Names before and after that of the commit file: the order of names must not pass for the order of the protocol."""


def fill(folder: str | Path, text: str, parts: tuple[str, ...] = PARTS) -> None:
    for name in ("commit", *parts):
        file = Path(folder, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def write(text: str, parts: tuple[str, ...] = PARTS) -> None:
    with new_folder(FOLDER, commit_file="commit") as unfinished:
        fill(unfinished, text, parts)


def contents(gs: ObjectStore, below: str = "a/folder") -> dict[str, str]:
    """Objects below a folder, without those that TensorFlow makes for folders."""
    return {
        name.removeprefix(f"{below}/"): content.decode()
        for (_, name), content in sorted(gs.objects.items())
        if name.startswith(f"{below}/") and not name.endswith("/")
    }


def whole(text: str, parts: tuple[str, ...] = PARTS) -> dict[str, str]:
    return dict.fromkeys(("commit", *parts), text)


def watched(gs: ObjectStore) -> list[dict[str, str]]:
    """Everything that the folder ever holds, from now on."""
    states = [contents(gs)]
    gs.watch = lambda: states.append(contents(gs))
    return states


def failing(write_or_delete: str, name: str) -> object:
    return lambda verb, asked: (verb, asked) == (write_or_delete, f"a/folder/{name}")


@pytest.mark.parametrize("path", ["gs://bucket/file", "gs://bucket/a/b/file"])
def test_write_file_is_one_object_under_its_name(gs: ObjectStore, path: str) -> None:
    write_bytes(path, b"content", durable=True, work_dir="not needed")
    assert contents(gs, "a/b") | contents(gs, "file") == ({"file": "content"} if "/b/" in path else {})
    assert [line for line in gs.log if not line.endswith("/")] == [f"write {path.removeprefix('gs://bucket/')}"]
    write_json(path, 2)
    with tf.io.gfile.GFile(path, "r") as file:
        assert file.read() == "2\n"
    assert not Path("not needed").exists()


def test_new_file_failing_block_uploads_nothing(gs: ObjectStore) -> None:
    def fail() -> None:
        with new_file("gs://bucket/a/file") as unfinished:
            Path(unfinished).write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (gs.log, gs.objects) == ([], {})


@pytest.mark.fault
def test_write_file_that_is_forbidden_keeps_the_old_one(gs: ObjectStore) -> None:
    write_bytes("gs://bucket/a/file", b"old")
    gs.refuse = lambda verb, name: name == "a/file"
    with pytest.raises(tf.errors.PermissionDeniedError):
        write_bytes("gs://bucket/a/file", b"new")
    assert contents(gs, "a") == {"file": "old"}


def test_new_folder_commit_file_comes_when_all_else_is_there(gs: ObjectStore) -> None:
    states = watched(gs)
    write("new")
    assert contents(gs) == whole("new")
    assert [state for state in states if "commit" in state] == [whole("new")]
    assert {"a": "new"} in states, "the folder is not written object after object, so this test shows nothing"


def test_new_folder_replaced_is_never_half_of_each(gs: ObjectStore) -> None:
    parts = ("parts/one", "parts/gone", "z")
    write("old", parts)
    states = watched(gs)
    write("new")
    assert [state for state in states if "commit" in state] == [whole("old", parts), whole("new")]
    assert all(len(set(state.values())) <= 1 for state in states)
    assert {} in states


def test_new_folder_failing_block_leaves_the_old_folder_alone(gs: ObjectStore) -> None:
    def fail() -> None:
        with new_folder(FOLDER, commit_file="commit") as unfinished:
            fill(unfinished, "new")
            raise ZeroDivisionError

    write("old")
    states = watched(gs)
    with pytest.raises(ZeroDivisionError):
        fail()
    assert states == [whole("old")]


@pytest.mark.fault
@pytest.mark.parametrize("before", ["nothing", "old"])
@pytest.mark.parametrize("forbidden", ["parts/two", "z", "commit"])
def test_new_folder_upload_that_fails_half_way_leaves_nothing(
    gs: ObjectStore, monkeypatch: pytest.MonkeyPatch, before: str, forbidden: str
) -> None:
    if before == "old":
        write("old")
    states = watched(gs)
    monkeypatch.setattr(gs, "refuse", failing("write", forbidden))
    with pytest.raises(tf.errors.PermissionDeniedError):
        write("new")
    assert [state for state in states if "commit" in state] == [whole("old")] * (before == "old")
    assert [name for _, name in gs.objects if name.startswith("a/folder")] == []
    assert any("new" in state.values() for state in states)


@pytest.mark.fault
def test_new_folder_upload_that_cannot_be_cleaned_up_tells_why_it_failed_and_is_not_whole(gs: ObjectStore) -> None:
    gs.refuse = lambda verb, name: (verb, name) in (("write", "a/folder/z"), ("delete", "a/folder/parts/one"))
    with pytest.raises(tf.errors.PermissionDeniedError, match="a/folder/z"):
        write("new")
    assert "parts/one" in contents(gs)
    assert "commit" not in contents(gs)


@pytest.mark.fault
@pytest.mark.parametrize(("forbidden", "left"), [("commit", whole("old")), ("z", {"z": "old"})])
def test_new_folder_old_one_that_must_stay_is_not_mixed_with_the_new_one(
    gs: ObjectStore, monkeypatch: pytest.MonkeyPatch, forbidden: str, left: dict[str, str]
) -> None:
    write("old")
    states = watched(gs)
    monkeypatch.setattr(gs, "refuse", failing("delete", forbidden))
    with pytest.raises(tf.errors.OpError):
        write("new")
    assert contents(gs) == left
    assert all("new" not in state.values() for state in states)


def test_new_folder_leftovers_of_a_dead_writer_do_not_get_into_the_new_one(gs: ObjectStore) -> None:
    gs.put("bucket", "a/folder/parts/of a dead one", b"half")
    write("new")
    assert contents(gs) == whole("new")


def test_new_folder_without_commit_file_is_refused(gs: ObjectStore) -> None:
    def fill_without(commit_file: str | None) -> None:
        with new_folder(FOLDER, commit_file=commit_file) as unfinished:
            Path(unfinished, "part").write_text("new")

    write("old")
    with pytest.raises(FileNotFoundError, match=r"the file commit, .* is missing"):
        fill_without("commit")
    with pytest.raises(ValueError, match="needs a commit file"):
        fill_without(None)
    assert contents(gs) == whole("old")


def test_copy_folder_from_bucket_to_bucket_commit_file_comes_last(gs: ObjectStore) -> None:
    for name, content in whole("new").items():
        gs.put("other", f"source/{name}", content.encode())
    write("old")
    states = watched(gs)
    copy_folder("gs://other/source", FOLDER, commit_file="commit")
    assert contents(gs) == whole("new")
    assert [state for state in states if "commit" in state] == [whole("old"), whole("new")]


def test_copy_folder_there_and_back_is_the_same(gs: ObjectStore, tmp_path: Path) -> None:
    fill(tmp_path / "source", "new")
    copy_folder(str(tmp_path / "source"), f"{FOLDER}/", commit_file="commit")
    copy_folder(f"{FOLDER}/", str(tmp_path / "back"), commit_file="commit")
    back = {
        os.path.relpath(path, tmp_path / "back"): path.read_text()
        for path in (tmp_path / "back").rglob("*")
        if path.is_file()
    }
    assert back == contents(gs) == whole("new")


def test_copy_folder_that_is_not_whole_is_refused_and_the_old_one_stays(gs: ObjectStore) -> None:
    write("old")
    gs.put("other", "source/parts/one", b"half")
    with pytest.raises(FileNotFoundError, match=r"^gs://other/source: the file commit, "):
        copy_folder("gs://other/source", FOLDER, commit_file="commit")
    with pytest.raises(tf.errors.NotFoundError):
        copy_folder("gs://other/missing", FOLDER, commit_file="commit")
    assert contents(gs) == whole("old")


def test_remove_folder_commit_file_goes_first(gs: ObjectStore) -> None:
    write("old")
    states = watched(gs)
    remove_folder(FOLDER, "commit")
    assert (states[1], states[-1]) == (dict.fromkeys(PARTS, "old"), {})
    remove_folder(FOLDER, "commit")  # it may be missing
