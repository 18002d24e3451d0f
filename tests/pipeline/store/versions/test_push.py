"""A push, looked at from outside: what stands under which number, and what else lies in the folder."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import pytest
import tensorflow as tf

from common.atomicity import copy_files
from common.errors import ModelError, OutputError
from pipeline.store.models import newest_version
from pipeline.store.versions import publish as publish_module
from pipeline.store.versions.folder import names, versions
from pipeline.store.versions.push import push
from serving_signatures.provenance import model_digest
from tests import forked
from tests.pipeline.store.versions.conftest import Clock
from tests.pipeline.store.versions.folders import hidden, make_model, served


def test_push_first_model_is_live_and_whole(tmp_path: Path, clock: Clock) -> None:
    source, serving = make_model(tmp_path / "model", "a"), tmp_path / "runs" / "serving"
    result = push(source, str(serving), keep_versions=5)
    assert (result.version, result.path, result.is_new) == (1000, str(serving / "1000"), True)
    copied = {
        path.relative_to(serving / "1000"): path.read_bytes()
        for path in (serving / "1000").rglob("*.*")
        if path.is_file()
    }
    record = json.loads(copied.pop(Path("assets.extra/push.json")))
    assert copied == {
        path.relative_to(source): path.read_bytes() for path in Path(source).rglob("*.*") if path.is_file()
    }
    assert record["model_digest"] == result.digest == model_digest(source) == model_digest(result.path or "")
    assert hidden(serving) == []
    assert newest_version(str(serving)) == result.path


def test_push_same_model_again_copies_nothing(tmp_path: Path, clock: Clock) -> None:
    serving = tmp_path / "serving"
    first = push(make_model(tmp_path / "a", "a"), str(serving), 5)
    clock.now = 2000
    again = push(make_model(tmp_path / "same bytes elsewhere", "a"), str(serving), 5)
    assert (again.version, again.path, again.is_new) == (first.version, first.path, False)
    assert served(serving) == {1000: "a"}


def test_push_same_model_from_elsewhere_writes_down_where_it_lies_now(tmp_path: Path, clock: Clock) -> None:
    serving = tmp_path / "serving"
    push(make_model(tmp_path / "a", "a"), str(serving), 5)
    (before,) = versions(str(serving))
    elsewhere = make_model(tmp_path / "same bytes elsewhere", "a")
    clock.now = 2000
    push(elsewhere, str(serving), 5)
    (after,) = versions(str(serving))
    assert after.record == before.record.model_copy(update={"source": elsewhere})
    assert (hidden(serving), model_digest(after.path)) == ([], before.digest)


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
        result = push(source, str(serving), 2)
    assert served(serving) == {1001: "b", 1002: "a"}
    assert result.deleted == (1000,)


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
        result = push(make_model(tmp_path / name, name), str(serving), keep)
        assert max(served(serving)) == result.version
    assert sorted(served(serving)) == left
    assert hidden(serving) == []


def test_push_names_that_are_no_numbers_are_left_alone(tmp_path: Path, clock: Clock) -> None:
    serving = tmp_path / "serving"
    for name in ("notes", "007", "-5", "1e9", "٣", ".hidden.tmp"):
        (serving / name).mkdir(parents=True)
    assert push(make_model(tmp_path / "a", "a"), str(serving), 1).version == 1000
    assert len(list(serving.iterdir())) == 7


@pytest.mark.parametrize("what", ["tmp", "old"])
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


@pytest.mark.fault
def test_push_leftover_that_is_renamed_meanwhile_is_passed_over(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = f".other.example.{0:032x}.tmp"
    monkeypatch.setattr(publish_module, "names", lambda folder: [*names(folder), finished])
    assert push(make_model(tmp_path / "a", "a"), str(tmp_path / "serving"), 5).version == 1000


def test_push_another_machine_took_the_number_takes_the_next(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = tmp_path / "serving"
    push(make_model(tmp_path / "a", "a"), str(serving), 5)
    _stale_next_number(1000, monkeypatch)
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
    assert versions(str(object_store))[-1].record.model_digest == model_digest(str(tmp_path / "c"))


def test_push_to_object_store_copies_saved_model_last(
    tmp_path: Path, clock: Clock, object_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    copy = tf.io.gfile.copy

    def recorded(source: str, goal: str, overwrite: bool) -> None:
        copy(source, goal, overwrite)
        if not goal.startswith(f"{object_store}/.claims/"):
            copied.append(goal.removeprefix(f"{object_store}/1000/"))
        assert ("saved_model.pb" in copied) == bool(versions(str(object_store)))

    monkeypatch.setattr(tf.io.gfile, "copy", recorded)
    push(make_model(tmp_path / "a", "a"), str(object_store), 2)
    assert len(copied) == 7
    assert copied[-2:] == ["assets.extra/push.json", "saved_model.pb"]


def test_push_to_object_store_unfinished_is_no_version_and_goes_when_old(
    tmp_path: Path, clock: Clock, object_store: Path
) -> None:
    clock.now = 10 * 24 * 3600
    young = int(clock.now) - 3600
    for number in (5, young):
        (object_store / str(number) / "variables").mkdir(parents=True)
    assert versions(str(object_store)) == []
    (object_store / ".claims" / "5").mkdir(parents=True)
    push(make_model(tmp_path / "a", "a"), str(object_store), 5)
    assert {path.name for path in object_store.glob("[0-9]*")} == {str(young), str(int(clock.now))}
    assert [path.name for path in (object_store / ".claims").iterdir()] == [str(int(clock.now))]


def _stale_next_number(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is read before another push's number is seen in it."""
    following = publish_module._next_number
    answers = iter([number])
    monkeypatch.setattr(publish_module, "_next_number", lambda folder: next(answers, None) or following(folder))


@pytest.mark.fault
@pytest.mark.parametrize("is_whole", [True, False])
def test_push_to_object_store_another_machine_took_the_number_takes_the_next_and_leaves_the_others(
    tmp_path: Path, clock: Clock, object_store: Path, monkeypatch: pytest.MonkeyPatch, is_whole: bool
) -> None:
    push(make_model(tmp_path / "a", "a"), str(object_store), 5)
    theirs = object_store / "1000"
    if not is_whole:
        (theirs / "saved_model.pb").unlink()
    before = {path: path.read_bytes() for path in theirs.rglob("*") if path.is_file()}
    _stale_next_number(1000, monkeypatch)
    assert push(make_model(tmp_path / "b", "b"), str(object_store), 5).version == 1001
    assert {path: path.read_bytes() for path in theirs.rglob("*") if path.is_file()} == before
    _stale_next_number(1001, monkeypatch)
    monkeypatch.setattr(publish_module, "copy_files", _damaging(copy_files))
    with pytest.raises(OutputError, match="differ from the source"):
        push(make_model(tmp_path / "c", "c"), str(object_store), 5)
    assert {path: path.read_bytes() for path in theirs.rglob("*") if path.is_file()} == before
    assert versions(str(object_store))[-1].digest == model_digest(str(tmp_path / "b"))
    assert not (object_store / "1002").exists()


@pytest.mark.fault
def test_push_to_object_store_two_claims_at_once_neither_is_taken_for_the_only_one(
    tmp_path: Path, clock: Clock, object_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between this push's look at the numbers and its claim, another one claims, and it is not seen to copy."""
    _stale_next_number(1000, monkeypatch)
    claim = object_store / ".claims" / "1000" / "theirs"
    claim.parent.mkdir(parents=True)
    claim.touch()
    assert push(make_model(tmp_path / "a", "a"), str(object_store), 5).version == 1001
    assert served(object_store) == {1001: "a"}
    assert claim.exists()


def test_push_to_object_store_many_at_once_within_a_second_all_are_whole(
    tmp_path: Path, clock: Clock, object_store: Path
) -> None:
    models = {name: make_model(tmp_path / name, name, size=5000) for name in "abcdef"}
    with ThreadPoolExecutor(len(models)) as pool:
        result = list(pool.map(lambda source: push(source, str(object_store), 9), models.values()))
    assert served(object_store) == {push.version: name for push, name in zip(result, models, strict=True)}
    assert [model_digest(push.path or "") for push in result] == [model_digest(source) for source in models.values()]


def test_removal_on_object_store_saved_model_goes_first(
    tmp_path: Path, clock: Clock, object_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(make_model(tmp_path / "a", "a"), str(object_store), 1)
    rmtree = tf.io.gfile.rmtree

    def watched(folder: str) -> None:
        assert not Path(folder, "saved_model.pb").exists()
        assert Path(folder, "variables", "variables.index").exists()
        assert [version.number for version in versions(str(object_store))] == [1001]
        rmtree(folder)

    monkeypatch.setattr(tf.io.gfile, "rmtree", watched)
    assert push(make_model(tmp_path / "b", "b"), str(object_store), 1).deleted == (1000,)
    assert not (object_store / "1000").exists()


def _damaging(copy: Callable[..., None]) -> Callable[..., None]:
    def damaged(source: str, files: list[str], goal: str, **options: bool) -> None:
        copy(source, files, goal, **options)
        Path(goal, "variables", "variables.index").write_text("indeX")

    return damaged


@pytest.mark.fault
def test_push_copy_that_differs_is_refused_and_nothing_left(
    tmp_path: Path, clock: Clock, either: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(make_model(tmp_path / "a", "a"), str(either), 5)
    monkeypatch.setattr(publish_module, "copy_files", _damaging(copy_files))
    with pytest.raises(OutputError, match=r"1 file\(s\) .* variables/variables.index"):
        push(make_model(tmp_path / "b", "b"), str(either), 5)
    assert sorted(path.name for path in either.iterdir() if path.name != ".claims") == ["1000"]


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
def test_push_read_only_folder_says_so_and_changes_nothing(
    tmp_path: Path, small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    serving = small_disk / "serving"
    push(make_model(tmp_path / "a", "a"), str(serving), 5)
    before = sorted(serving.rglob("*"))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OutputError, match=r"\(Read-only file system\)\. The live version stays live"):
        push(make_model(tmp_path / "b", "b"), str(serving), 5)
    # The same model is live already: that its new place cannot be written down is no reason to fail.
    assert not push(make_model(tmp_path / "same bytes elsewhere", "a"), str(serving), 5).is_new
    assert "its new path" in caplog.text
    assert sorted(serving.rglob("*")) == before
    assert newest_version(str(serving)).startswith(str(serving))


HOLDING = """
import sys
import common
from pipeline.store.versions import publish
from pipeline.store.versions.push import push

copy = publish.copy_files

def held(*args, **options):
    copy(*args, **options)
    print("copied", flush=True)
    sys.stdin.read()

publish.copy_files = held
push(*sys.argv[1:], 5)
"""


@pytest.mark.fault
def test_push_two_processes_at_once_the_second_waits_and_both_are_whole(tmp_path: Path) -> None:
    serving = tmp_path / "serving"
    first, second = (make_model(tmp_path / name, name) for name in "ab")
    holder = subprocess.Popen(
        [forked.python(), "-c", HOLDING, first, str(serving)],
        cwd=Path(__file__).parents[4],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "copied\n"
    waiting = threading.Thread(target=push, args=(second, str(serving), 5))
    waiting.start()
    waiting.join(timeout=0.5)
    assert waiting.is_alive()
    assert served(serving) == {}
    holder.communicate()
    waiting.join(timeout=30)
    assert holder.returncode == 0
    assert list(served(serving).values()) == ["a", "b"]
    assert hidden(serving) == []


PUSHING = """
import os, sys
import common
from pipeline.store.versions import publish
from pipeline.store.versions.push import push

moment, source, serving = sys.argv[1:]

def dying(function):
    def called(*args, **kwargs):
        result = function(*args, **kwargs)
        os.kill(os.getpid(), 9)
    return called

setattr(publish, moment, dying(getattr(publish, moment)))
push(source, serving, 2)
"""


@pytest.mark.fault
@pytest.mark.parametrize(
    ("moment", "numbers"),
    [
        ("copy_files", [1, 2]),  # all written, nothing verified
        ("_next_number", [1, 2]),  # about to be renamed
        ("_publish_here", [1, 2, 3]),  # renamed, nothing told, nothing retired
        ("remove_folder", [2, 3]),  # retired
    ],
)
def test_push_killed_and_run_again_ends_as_if_undisturbed(tmp_path: Path, moment: str, numbers: list[int]) -> None:
    serving = tmp_path / "serving"
    for number, name in enumerate("ab", 1):
        make_model(serving / str(number), name)
    source = make_model(tmp_path / "c", "c")
    done = subprocess.run(
        [sys.executable, "-c", PUSHING, moment, source, str(serving)], cwd=Path(__file__).parents[4], check=False
    )
    assert done.returncode == -9
    order = sorted(served(serving))
    assert len(order) == len(numbers)
    live = push(source, str(serving), 2)
    assert list(served(serving).values()) == ["b", "c"]
    assert hidden(serving) == []
    assert live.is_new is (len(numbers) == 2 and order[-1] == 2)
