"""A push with data for the service: whole with the model, no part of the model, renewed as a whole, rolled back."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import pytest
import tensorflow as tf

from common.atomicity import copy_files
from common.errors import OutputError
from pipeline.store.versions import in_place
from pipeline.store.versions import publish as publish_module
from pipeline.store.versions.folder import versions
from pipeline.store.versions.listing import listing
from pipeline.store.versions.push import PushResult, push
from pipeline.store.versions.rollback import roll_back
from serving_signatures.provenance import model_digest
from tests.pipeline.store.versions.conftest import Clock
from tests.pipeline.store.versions.folders import (
    SERVICE,
    hidden,
    make_model,
    make_service_data,
    served,
    service_data,
)


def _push(folder: Path, serving: Path, name: str = "a", titles: str = "A", blessed: bool = True) -> PushResult:
    """Pushes a model with data for the service; each call makes both anew."""
    place = folder / f"{len(list(folder.iterdir()))}"
    beside = make_service_data(place / "data", titles, blessed=blessed)
    return push(make_model(place / "model", name), str(serving), 9, beside)


def test_push_service_data_is_in_the_version_and_not_in_the_digest(tmp_path: Path, clock: Clock, either: Path) -> None:
    result = _push(tmp_path, either)
    assert service_data(either / "1000") == ("A", ["ann", "bob"], True)
    alone = model_digest(make_model(tmp_path / "alone", "a"))
    assert result.digest == alone == model_digest(result.path or "") == versions(str(either))[0].record.model_digest


def test_push_same_data_again_changes_nothing(tmp_path: Path, clock: Clock, either: Path) -> None:
    _push(tmp_path, either)
    before = {path: path.read_bytes() for path in (either / "1000" / SERVICE).iterdir()}
    clock.now = 2000
    again = _push(tmp_path, either)
    assert (again.version, again.is_new, again.reason) == (1000, False, "already live")
    assert {path: path.read_bytes() for path in (either / "1000" / SERVICE).iterdir()} == before


def test_push_same_model_judged_anew_keeps_the_version_and_replaces_the_document(
    tmp_path: Path, clock: Clock, either: Path
) -> None:
    _push(tmp_path, either, blessed=False)
    inodes = {path.name: path.stat().st_ino for path in (either / "1000" / SERVICE).iterdir()}
    again = _push(tmp_path, either)
    assert (again.version, again.is_new, again.reason) == (1000, False, "already live, and judged anew")
    assert service_data(either / "1000") == ("A", ["ann", "bob"], True)
    files = {path.name: path.stat().st_ino for path in (either / "1000" / SERVICE).iterdir()}
    same = ("items.parquet", "histories.parquet")
    assert {name: files[name] for name in same} == {name: inodes[name] for name in same}
    assert [name for name in hidden(either) if name != ".claims"] == []


def test_push_same_model_with_other_titles_becomes_a_new_version_and_the_old_number_goes(
    tmp_path: Path, clock: Clock, either: Path
) -> None:
    _push(tmp_path, either)
    again = _push(tmp_path, either, titles="B")
    assert (again.version, again.is_new, again.deleted) == (1001, True, (1000,))
    assert again.reason == "pushed again, with other data for the service"
    assert served(either) == {1001: "a"}
    assert service_data(either / "1001") == ("B", ["ann", "bob"], True)
    [live] = versions(str(either))
    assert (live.origin, live.digest, live.record.source) == (1000, again.digest, live.record.source)


def test_push_model_that_lacks_service_data_gets_it(tmp_path: Path, clock: Clock, either: Path) -> None:
    push(make_model(tmp_path / "old", "a"), str(either), 9)
    assert _push(tmp_path, either).version == 1001
    assert service_data(either / "1001") == ("A", ["ann", "bob"], True)


def test_push_damaged_service_data_of_the_live_version_is_mended(tmp_path: Path, clock: Clock, either: Path) -> None:
    _push(tmp_path, either)
    (either / "1000" / SERVICE / "items.parquet").write_bytes(b"cut")
    assert _push(tmp_path, either).version == 1001
    assert service_data(either / "1001") == ("A", ["ann", "bob"], True)


def test_push_from_a_served_version_leaves_its_service_data_behind(tmp_path: Path, clock: Clock, either: Path) -> None:
    # Whoever copies a version, as a person who moves a pipeline may do, does not bring its users along.
    _push(tmp_path, tmp_path / "elsewhere")
    [version] = (tmp_path / "elsewhere").glob("[0-9]*")
    assert push(str(version), str(either), 9).digest == model_digest(str(version))
    assert not (either / "1000" / SERVICE).exists()


def test_rollback_takes_the_service_data_along(tmp_path: Path, clock: Clock, either: Path) -> None:
    for name, titles in (("a", "A"), ("b", "B")):
        _push(tmp_path, either, name, titles)
    result = roll_back(str(either), 9, None, 1000)
    assert served(either) == {1001: "b", result.live: "a"}
    assert service_data(either / str(result.live)) == ("A", ["ann", "bob"], True)
    rows = listing(str(either))
    assert [(row["version"], row["live"], row["rolled_back_to"]) for row in rows] == [
        (1001, False, None),
        (1002, True, 1000),
    ]
    # The model that is live again is pushed with other data: the record of the rollback stays.
    assert _push(tmp_path, either, "a", "C").version == 1003
    live = versions(str(either))[-1]
    assert (live.origin, live.record.rolled_back_to) == (1000, 1000)
    assert _push(tmp_path, either, "b", "C").version is None


def test_push_to_object_store_service_data_comes_before_saved_model(
    tmp_path: Path, clock: Clock, object_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    copy = tf.io.gfile.copy

    def recorded(source: str, goal: str, overwrite: bool) -> None:
        copy(source, goal, overwrite)
        if "/1000/" in goal:
            copied.append(goal.split("/1000/")[1])

    monkeypatch.setattr(tf.io.gfile, "copy", recorded)
    _push(tmp_path, object_store)
    assert copied[-2:] == ["assets.extra/push.json", "saved_model.pb"]
    names = ("histories.parquet", "items.parquet", "service.json")
    assert set(copied[:-2]) > {f"{SERVICE}/{name}" for name in names}


@pytest.mark.fault
def test_push_service_data_whose_copy_differs_is_refused_and_nothing_left(
    tmp_path: Path, clock: Clock, either: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _push(tmp_path, either)

    def damaged(source: str, files: list[str], goal: str, **options: bool) -> None:
        copy_files(source, files, goal, **options)
        if (data := Path(goal, SERVICE, "histories.parquet")).exists():
            data.write_bytes(b"other")

    monkeypatch.setattr(publish_module, "copy_files", damaged)
    with pytest.raises(OutputError, match=r"1 file\(s\) .* assets\.extra/service/histories\.parquet"):
        _push(tmp_path, either, "b")
    assert sorted(path.name for path in either.iterdir() if path.name != ".claims") == ["1000"]


PUSHING = """
import os, sys
import common
from pipeline.store.versions import in_place, publish
from pipeline.store.versions.push import push

moment, source, serving, beside = sys.argv[1:]
module, name = (in_place if moment.startswith("in_place.") else publish), moment.split(".")[-1]

def dying(function):
    def called(*args, **kwargs):
        result = function(*args, **kwargs)
        if name != "copy_files" or args[0] == beside:
            os.kill(os.getpid(), 9)
        return result
    return called

setattr(module, name, dying(getattr(module, name)))
push(source, serving, 2, beside)
"""


def _killed(moment: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PUSHING, moment, *arguments], cwd=Path(__file__).parents[4], check=False
    )
    assert done.returncode == -9


@pytest.mark.fault
@pytest.mark.parametrize(
    ("moment", "number"), [("copy_files", 1), ("_next_number", 1), ("_publish_here", 2), ("remove_folder", 2)]
)
def test_push_of_other_titles_killed_the_live_version_has_the_old_or_the_new_ones(
    tmp_path: Path, moment: str, number: int
) -> None:
    serving = tmp_path / "serving"
    _push(tmp_path, serving)
    source, beside = make_model(tmp_path / "model", "a"), make_service_data(tmp_path / "data", "B")
    _killed(moment, source, str(serving), beside)
    live = serving / str(max(served(serving)))
    assert service_data(live) == (("A", "B")[number - 1], ["ann", "bob"], True)
    again = push(source, str(serving), 2, beside)
    assert service_data(serving / str(again.version)) == ("B", ["ann", "bob"], True)
    assert (list(served(serving).values()), hidden(serving)) == (["a"], [])


@pytest.mark.fault
@pytest.mark.parametrize(("moment", "blessed"), [("in_place.working_name", True), ("in_place.write_document", False)])
def test_push_of_a_new_judgement_killed_leaves_the_old_or_the_new_one(
    tmp_path: Path, moment: str, blessed: bool
) -> None:
    serving = tmp_path / "serving"
    first = _push(tmp_path, serving)
    source = make_model(tmp_path / "model", "a")
    beside = make_service_data(tmp_path / "data", blessed=False)
    _killed(moment, source, str(serving), beside)
    assert service_data(serving / str(first.version)) == ("A", ["ann", "bob"], blessed)
    push(source, str(serving), 2, beside)
    assert service_data(serving / str(first.version)) == ("A", ["ann", "bob"], False)
    assert {path.name for path in (serving / str(first.version) / SERVICE).iterdir()} == {
        "service.json",
        "items.parquet",
        "histories.parquet",
    }
    assert hidden(serving) == []


@pytest.mark.fault
def test_push_judged_anew_a_reader_sees_a_whole_document_at_all_times(tmp_path: Path) -> None:
    serving = tmp_path / "serving"
    live = serving / str(_push(tmp_path, serving).version)
    done, seen = threading.Event(), []

    def read() -> None:
        while not done.is_set():
            seen.append((live / SERVICE / "service.json").read_text())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for n in range(30):
            [version] = versions(str(serving))
            in_place.note_judgement(version, make_service_data(tmp_path / f"data {n}", blessed=n % 2 == 0))
    finally:
        done.set()
        reader.join()
    assert {json.loads(text)["decision"]["blessed"] for text in seen} <= {True, False}
    assert len(seen) > 30


@pytest.mark.fault
def test_push_judged_anew_on_a_full_disk_says_so_and_keeps_the_old_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = tmp_path / "serving"
    first = _push(tmp_path, serving, blessed=False)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="No space left on device"):
        _push(tmp_path, serving)
    monkeypatch.undo()
    assert service_data(serving / str(first.version)) == ("A", ["ann", "bob"], False)
    assert hidden(serving) == []
