"""A push, looked at from outside: what stands under which number, and what else lies in the folder."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import configs  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import pytest
import tensorflow as tf

from configs.errors import ModelError, OutputError
from pipeline.models import newest_version
from pipeline.versions import publish as publish_module
from pipeline.versions.folder import versions
from pipeline.versions.push import push
from serving_signatures.provenance import model_digest
from tests.pipeline.versions.conftest import Clock
from tests.pipeline.versions.folders import hidden, make_model, served


def test_push_first_model_is_live_and_whole(tmp_path: Path, clock: Clock) -> None:
    source, serving = make_model(tmp_path / "model", "a"), tmp_path / "runs" / "serving"
    came = push(source, str(serving), keep_versions=5)
    assert (came.version, came.path, came.is_new) == (1000, str(serving / "1000"), True)
    copied = {
        path.relative_to(serving / "1000"): path.read_bytes()
        for path in (serving / "1000").rglob("*.*")
        if path.is_file()
    }
    record = json.loads(copied.pop(Path("assets.extra/push.json")))
    assert copied == {
        path.relative_to(source): path.read_bytes() for path in Path(source).rglob("*.*") if path.is_file()
    }
    assert record["model_digest"] == came.digest == model_digest(source) == model_digest(came.path or "")
    assert hidden(serving) == []
    assert newest_version(str(serving)) == came.path


def test_push_same_model_again_copies_nothing(tmp_path: Path, clock: Clock) -> None:
    serving = tmp_path / "serving"
    first = push(make_model(tmp_path / "a", "a"), str(serving), 5)
    clock.now = 2000
    again = push(make_model(tmp_path / "same bytes elsewhere", "a"), str(serving), 5)
    assert (again.version, again.path, again.is_new) == (first.version, first.path, False)
    assert served(serving) == {1000: "a"}


def test_push_two_within_a_second_and_one_with_the_clock_set_back_grow(tmp_path: Path, clock: Clock) -> None:
    serving = tmp_path / "serving"
    for now, name in ((1000, "a"), (1000.9, "b"), (3, "c"), (5000, "d")):
        clock.now = now
        push(make_model(tmp_path / name, name), str(serving), 9)
    assert served(serving) == {1000: "a", 1001: "b", 1002: "c", 5000: "d"}


def test_push_number_of_an_unfinished_version_is_not_taken(tmp_path: Path, clock: Clock) -> None:
    serving = tmp_path / "serving"
    (serving / "7000" / "variables").mkdir(parents=True)
    assert push(make_model(tmp_path / "a", "a"), str(serving), 5).version == 7001


def test_push_older_kept_model_gets_a_new_number_and_loses_the_old_one(tmp_path: Path, clock: Clock) -> None:
    serving = tmp_path / "serving"
    a, b = make_model(tmp_path / "a", "a"), make_model(tmp_path / "b", "b")
    for source in (a, b, a):
        came = push(source, str(serving), 2)
    assert served(serving) == {1001: "b", 1002: "a"}
    assert came.deleted == (1000,)


def test_push_damaged_live_version_is_not_taken_for_the_model(tmp_path: Path, clock: Clock) -> None:
    serving = tmp_path / "serving"
    source = make_model(tmp_path / "a", "a")
    push(source, str(serving), 5)
    (serving / "1000" / "variables" / "variables.index").write_text("cut")
    assert push(source, str(serving), 5).version == 1001


@pytest.mark.parametrize(("keep", "left"), [(1, [1004]), (2, [1003, 1004]), (9, [1000, 1001, 1002, 1003, 1004])])
def test_push_keeps_the_newest(tmp_path: Path, clock: Clock, keep: int, left: list[int]) -> None:
    serving = tmp_path / "serving"
    for name in "abcde":
        came = push(make_model(tmp_path / name, name), str(serving), keep)
        assert max(served(serving)) == came.version
    assert sorted(served(serving)) == left
    assert hidden(serving) == []


def test_push_names_that_are_no_numbers_are_left_alone(tmp_path: Path, clock: Clock) -> None:
    serving = tmp_path / "serving"
    for name in ("notes", "007", "-5", "1e9", "٣", ".hidden.tmp"):
        (serving / name).mkdir(parents=True)
    assert push(make_model(tmp_path / "a", "a"), str(serving), 1).version == 1000
    assert len(list(serving.iterdir())) == 7


@pytest.mark.parametrize("what", ["unfinished", "deleted"])
def test_push_leftovers_of_dead_pushes_are_removed_and_of_living_ones_not(
    tmp_path: Path, clock: Clock, what: str
) -> None:
    serving = tmp_path / "serving"
    clock.now = 10 * 24 * 3600
    left = {
        "killed here": (socket.gethostname(), clock.now),
        "at work elsewhere": ("other.example", clock.now - 3600),
        "long dead elsewhere": ("other.example", clock.now - 2 * 24 * 3600),
    }
    folders = {}
    for n, (who, (host, when)) in enumerate(left.items()):
        folders[who] = serving / f".{host}.{n:032x}.{what}"
        (folders[who] / "variables").mkdir(parents=True)
        os.utime(folders[who], (when, when))
    push(make_model(tmp_path / "a", "a"), str(serving), 5)
    assert {who for who, folder in folders.items() if folder.exists()} == {"at work elsewhere"}


def test_push_another_machine_took_the_number_takes_the_next(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = tmp_path / "serving"
    push(make_model(tmp_path / "a", "a"), str(serving), 5)
    following = publish_module._next_number
    answers = iter([1000])  # as seen before the other machine's rename
    monkeypatch.setattr(publish_module, "_next_number", lambda folder: next(answers, None) or following(folder))
    assert push(make_model(tmp_path / "b", "b"), str(serving), 5).version == 1001
    assert served(serving) == {1000: "a", 1001: "b"}


def test_push_no_model_is_a_named_error(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ModelError, match=r"saved_model\.pb is missing"):
        push(str(tmp_path / "nothing"), str(tmp_path / "serving"), 5)


def test_push_to_object_store_is_whole_and_done_once(tmp_path: Path, clock: Clock, object_store: Path) -> None:
    a = make_model(tmp_path / "a", "a")
    assert push(a, str(object_store), 2).version == 1000
    assert push(a, str(object_store), 2).is_new is False
    for name in "bc":
        push(make_model(tmp_path / name, name), str(object_store), 2)
    assert served(object_store) == {1001: "b", 1002: "c"}
    assert model_digest(str(object_store / "1002")) == model_digest(str(tmp_path / "c"))
    assert versions(str(object_store))[-1].record["model_digest"] == model_digest(str(tmp_path / "c"))


def test_push_to_object_store_copies_saved_model_last(
    tmp_path: Path, clock: Clock, object_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    copy = tf.io.gfile.copy

    def recorded(source: str, goal: str) -> None:
        copy(source, goal)
        copied.append(goal.removeprefix(f"{object_store}/1000/"))
        assert ("saved_model.pb" in copied) == bool(versions(str(object_store)))

    monkeypatch.setattr(tf.io.gfile, "copy", recorded)
    push(make_model(tmp_path / "a", "a"), str(object_store), 2)
    assert len(copied) == 6
    assert copied[-1] == "saved_model.pb"


def test_push_to_object_store_unfinished_is_no_version_and_goes_when_old(
    tmp_path: Path, clock: Clock, object_store: Path
) -> None:
    clock.now = 10 * 24 * 3600
    young = int(clock.now) - 3600
    for number in (5, young):
        (object_store / str(number) / "variables").mkdir(parents=True)
    assert versions(str(object_store)) == []
    push(make_model(tmp_path / "a", "a"), str(object_store), 5)
    assert {path.name for path in object_store.iterdir()} == {str(young), str(int(clock.now))}


@pytest.fixture(params=["here", "object store"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A serving folder on this machine, and one on an object store."""
    if request.param == "here":
        return tmp_path / "serving"
    folder: Path = request.getfixturevalue("object_store")
    return folder


@pytest.mark.fault
def test_push_copy_that_differs_is_refused_and_nothing_left(
    tmp_path: Path, clock: Clock, either: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(make_model(tmp_path / "a", "a"), str(either), 5)

    def damaging(copy: Callable[..., None]) -> Callable[..., None]:
        def damaged(source: str, files: list[str], goal: object) -> None:
            copy(source, files, goal)
            Path(str(goal), "variables", "variables.index").write_text("indeX")

        return damaged

    for name in ("copy_here", "copy_there"):
        monkeypatch.setattr(publish_module, name, damaging(getattr(publish_module, name)))
    with pytest.raises(OutputError, match=r"1 file\(s\) .* variables/variables.index"):
        push(make_model(tmp_path / "b", "b"), str(either), 5)
    assert [path.name for path in either.iterdir()] == ["1000"]


@pytest.mark.fault
def test_push_watched_all_the_time_shows_no_half_version(tmp_path: Path) -> None:
    serving = tmp_path / "serving"
    serving.mkdir()
    wanted = (
        "saved_model.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
        "assets/user_id",
    )
    halves: list[str] = []
    looks = [0]
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for name in os.listdir(serving):
                if name.isdigit():
                    missing = [file for file in wanted if not (serving / name / file).exists()]
                    # A version that went meanwhile was renamed away at once; one still there must be whole.
                    if missing and (serving / name).exists():
                        halves.append(f"{name}: {missing}")
            looks[0] += 1

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for n in range(40):
            push(make_model(tmp_path / f"m{n}", f"m{n}", size=20_000), str(serving), 2)
    finally:
        done.set()
        watcher.join()
    assert halves == []
    assert looks[0] > 40
    assert list(served(serving).values()) == ["m38", "m39"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.fault
def test_push_disk_full_says_so_leaves_nothing_and_the_old_version(tmp_path: Path, small_disk: Path) -> None:
    serving = small_disk / "serving"
    first = push(make_model(tmp_path / "a", "a"), str(serving), 5)
    with pytest.raises(OutputError, match=rf"{serving}: no version could be written there \(No space left on device\)"):
        push(make_model(tmp_path / "b", "b", size=2 << 20), str(serving), 5)
    assert [path.name for path in serving.iterdir()] == [str(first.version)]
    assert list(served(serving).values()) == ["a"]
    again = push(make_model(tmp_path / "c", "c"), str(serving), 5)
    assert served(serving)[again.version or 0] == "c"


@pytest.mark.fault
def test_push_read_only_folder_says_so_and_changes_nothing(tmp_path: Path, small_disk: Path) -> None:
    serving = small_disk / "serving"
    push(make_model(tmp_path / "a", "a"), str(serving), 5)
    before = sorted(serving.rglob("*"))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OutputError, match=r"\(Read-only file system\)\. What was live still is"):
        push(make_model(tmp_path / "b", "b"), str(serving), 5)
    assert sorted(serving.rglob("*")) == before
    assert newest_version(str(serving)).startswith(str(serving))


PUSHING = """
import os, sys
import configs
from pipeline.versions import publish
from pipeline.versions.push import push

moment, source, serving = sys.argv[1:]

def dying(function):
    def called(*args, **kwargs):
        came = function(*args, **kwargs)
        os.kill(os.getpid(), 9)
    return called

setattr(publish, moment, dying(getattr(publish, moment)))
push(source, serving, 2)
"""


@pytest.mark.fault
@pytest.mark.parametrize(
    ("moment", "numbers"),
    [
        ("copy_here", [1, 2]),  # all written, nothing verified
        ("_next_number", [1, 2]),  # about to be renamed
        ("_publish_here", [1, 2, 3]),  # renamed, nothing told, nothing retired
        ("_remove", [2, 3]),  # retired
    ],
)
def test_push_killed_and_run_again_ends_as_if_undisturbed(tmp_path: Path, moment: str, numbers: list[int]) -> None:
    serving = tmp_path / "serving"
    for number, name in enumerate("ab", 1):
        make_model(serving / str(number), name)
    source = make_model(tmp_path / "c", "c")
    done = subprocess.run(
        [sys.executable, "-c", PUSHING, moment, source, str(serving)], cwd=Path(__file__).parents[3], check=False
    )
    assert done.returncode == -9
    order = sorted(served(serving))
    assert len(order) == len(numbers)
    live = push(source, str(serving), 2)
    assert list(served(serving).values()) == ["b", "c"]
    assert hidden(serving) == []
    assert live.is_new is (len(numbers) == 2 and order[-1] == 2)
