"""Users are taken out of the histories of all versions, here and on an object store, and however it is killed."""

import os
import subprocess
import sys
from pathlib import Path

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import pyarrow.parquet as pq
import pytest

from common.errors import OutputError
from pipeline.store.versions.folder import versions
from pipeline.store.versions.forget import forget
from pipeline.store.versions.push import push
from serving_signatures.provenance import model_digest
from tests.pipeline.store.versions.conftest import Clock
from tests.pipeline.store.versions.folders import SERVICE, hidden, make_model, make_service_data, service_data

USERS = ("ann", "bob", "cleo", "dan", "yvonne")


@pytest.fixture
def filled(tmp_path: Path, clock: Clock, either: Path) -> Path:
    """A serving folder of three versions: with five users, without histories, and with three users."""
    for name, users in (("a", USERS), ("b", ()), ("c", USERS[:3])):
        beside = make_service_data(tmp_path / f"data {name}", users=users) if users else None
        push(make_model(tmp_path / name, name), str(either), 9, beside)
    return either


def test_forget_takes_users_out_of_every_version_and_leaves_the_rest(filled: Path) -> None:
    digests = [model_digest(version.path) for version in versions(str(filled))]
    others = pq.read_table(filled / "1000" / SERVICE / "histories.parquet").to_pylist()
    assert forget(str(filled), ["bob", "yvonne"]) == [1000, 1002]
    assert service_data(filled / "1000") == ("A", ["ann", "cleo", "dan"], True)
    assert service_data(filled / "1002") == ("A", ["ann", "cleo"], True)
    assert pq.read_table(filled / "1000" / SERVICE / "histories.parquet").to_pylist() == [others[n] for n in (0, 2, 3)]
    assert [model_digest(version.path) for version in versions(str(filled))] == digests
    for file in filled.rglob("*"):
        assert not file.is_file() or b"yvonne" not in file.read_bytes(), file


def test_forget_somebody_unknown_changes_no_file(filled: Path) -> None:
    before = {path: path.stat().st_ino for path in filled.rglob("*") if path.is_file()}
    assert forget(str(filled), ["Ann", "ann ", "nobody"]) == []
    assert {path: path.stat().st_ino for path in filled.rglob("*") if path.is_file()} == before


def test_forget_all_users_leaves_an_empty_file(filled: Path) -> None:
    assert forget(str(filled), USERS) == [1000, 1002]
    assert service_data(filled / "1000") == ("A", [], True)
    assert forget(str(filled), USERS) == []


def test_forget_in_an_unfinished_version_and_in_a_missing_folder(filled: Path, tmp_path: Path) -> None:
    (filled / "1000" / "saved_model.pb").unlink()
    assert forget(str(filled), ["dan"]) == [1000]
    assert "dan" not in service_data(filled / "1000")[1]
    assert forget(str(tmp_path / "nowhere"), ["dan"]) == []


def test_forget_damaged_histories_name_the_file(filled: Path) -> None:
    (filled / "1000" / SERVICE / "histories.parquet").write_bytes(b"no Parquet")
    with pytest.raises(OutputError, match=r"1000/assets\.extra/service/histories\.parquet is damaged"):
        forget(str(filled), ["ann"])


FORGETTING = """
import os, sys
import common
from pipeline.store.versions import forget as module, in_place

moment, serving = sys.argv[1:]

def dying(function):
    def called(*args, **kwargs):
        function(*args, **kwargs)
        os.kill(os.getpid(), 9)
    return called

if moment == "document":
    module.write_document = dying(module.write_document)
elif moment == "written":
    os.replace = lambda *_: os.kill(os.getpid(), 9)
else:
    os.replace = dying(os.replace)
module.forget(serving, ["bob"])
"""


@pytest.mark.fault
@pytest.mark.parametrize(("moment", "users"), [("written", 5), ("replaced", 4), ("document", 4)])
def test_forget_killed_and_run_again_ends_as_if_undisturbed(tmp_path: Path, moment: str, users: int) -> None:
    serving = tmp_path / "serving"
    for name in "ab":
        push(
            make_model(tmp_path / name, name),
            str(serving),
            9,
            make_service_data(tmp_path / f"data {name}", users=USERS),
        )
    done = subprocess.run([sys.executable, "-c", FORGETTING, moment, str(serving)], cwd=Path(__file__).parents[4])
    assert done.returncode == -9
    first = min(serving.glob("[0-9]*"))
    assert pq.read_metadata(first / SERVICE / "histories.parquet").num_rows == users
    forget(str(serving), ["bob"])
    for version in serving.glob("[0-9]*"):
        assert service_data(version) == ("A", ["ann", "cleo", "dan", "yvonne"], True)
        assert len(os.listdir(version / SERVICE)) == 3
    assert hidden(serving) == []
