"""A push with data for the service: whole with the model, no part of the model, renewed as a whole, rolled back."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import pytest
import tensorflow as tf

from common.atomicity import copy_files
from common.errors import OutputError
from documents.service_data import Histories, ServiceData
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


def test_push_same_model_judged_anew_changes_nothing(tmp_path: Path, clock: Clock, either: Path) -> None:
    _push(tmp_path, either, blessed=False)
    again = _push(tmp_path, either)
    assert (again.version, again.is_new, again.reason) == (1000, False, "already live")
    assert service_data(either / "1000") == ("A", ["ann", "bob"], False)


@pytest.mark.parametrize("change", [{"items": 4}, {"events_export": 5}, {"histories": Histories(users=2, max_items=6)}])
def test_push_same_files_of_another_meaning_become_a_new_version(
    tmp_path: Path, clock: Clock, either: Path, change: dict[str, Any]
) -> None:
    _push(tmp_path, either)
    beside = make_service_data(tmp_path / "data")
    ServiceData.read(beside).model_copy(update=change).write(beside)
    assert push(make_model(tmp_path / "model", "a"), str(either), 9, beside).version == 1001


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


@pytest.mark.parametrize(
    ("name", "content"), [("items.parquet", b"cut"), ("service.json", b"{"), ("service.json", None)]
)
def test_push_damaged_service_data_of_the_live_version_is_mended(
    tmp_path: Path, clock: Clock, either: Path, name: str, content: bytes | None
) -> None:
    _push(tmp_path, either)
    file = either / "1000" / SERVICE / name
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
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
from pipeline.store.versions import publish
from pipeline.store.versions.push import push

moment, source, serving, beside = sys.argv[1:]

def dying(function):
    def called(*args, **kwargs):
        result = function(*args, **kwargs)
        if moment != "copy_files" or args[0] == beside:
            os.kill(os.getpid(), 9)
        return result
    return called

setattr(publish, moment, dying(getattr(publish, moment)))
push(source, serving, 2, beside)
"""


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
    done = subprocess.run(
        [sys.executable, "-c", PUSHING, moment, source, str(serving), beside],
        cwd=Path(__file__).parents[4],
        check=False,
    )
    assert done.returncode == -9
    live = serving / str(max(served(serving)))
    assert service_data(live) == (("A", "B")[number - 1], ["ann", "bob"], True)
    again = push(source, str(serving), 2, beside)
    assert service_data(serving / str(again.version)) == ("B", ["ann", "bob"], True)
    assert (list(served(serving).values()), hidden(serving)) == (["a"], [])
